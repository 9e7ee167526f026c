// Collection of directories that nothing leads to any more, in batches that each are a transaction:
// interrupted anywhere, the queue tells where to go on.

import type { Bytes } from '../base/bytes.ts'
import type { Engine, Range, WriteTransaction } from '../engine/engine.ts'
import {
  type DirectoryRow,
  decodeEntry,
  deleteDirectory,
  type EntryRow,
  readDirectory,
  recordOf,
} from './entry.ts'
import { abandonMerge, dropDirectory, releaseEntry } from './overlay.ts'
import * as schema from './schema.ts'

/** What a batch did. */
export interface CollectionProgress {
  /** Entries deleted; a manifest counts as many as it has parts. */
  readonly rows: number
  /** Directories that are gone altogether. */
  readonly directories: number
  /** True if there is more to collect. */
  readonly hasMore: boolean
}

/**
 * Collects one batch of about `maxRows` entries of queued directories, in one transaction.
 * @throws StoreError `SlowDown` if it lost too many races with writes; it may be called again.
 */
export async function collect(
  engine: Engine,
  { maxRows }: { readonly maxRows: number },
): Promise<CollectionProgress> {
  return engine.write((tx) => collectBatch(tx, maxRows))
}

/** As {@link collect}, in a transaction of the caller's. */
export async function collectBatch(
  tx: WriteTransaction,
  maxRows: number,
): Promise<CollectionProgress> {
  let rows = 0
  let directories = 0
  for (;;) {
    const id = await firstQueued(tx)
    if (id === undefined) return { rows, directories, hasMore: false }
    // A directory counts as a row: a million empty ones are a lot of work too.
    if (rows + directories >= maxRows) return { rows, directories, hasMore: true }
    const row = await readDirectory(tx, id)
    if (row.refs !== 0) throw new Error(`directory ${id} is queued but has ${row.refs} references`)
    const { count, isEmpty } = await deleteEntries(tx, id, maxRows - rows - directories)
    rows += count
    if (!isEmpty) return { rows, directories, hasMore: true }
    await deleteQueued(tx, id, row)
    directories++
  }
}

async function firstQueued(tx: WriteTransaction): Promise<number | undefined> {
  for await (const { key } of tx.range(schema.queue())) return schema.directoryId(key)
  return undefined
}

/** Deletes up to about `limit` entries of a directory and gives back what they refer to. */
async function deleteEntries(
  tx: WriteTransaction,
  id: number,
  limit: number,
): Promise<{ count: number; isEmpty: boolean }> {
  let count = 0
  for (const { key, value } of await firstRows(tx, schema.entries(id), limit)) {
    if (count >= limit) return { count, isEmpty: false }
    const entry = decodeEntry(value)
    count += weightOf(entry)
    await releaseEntry(tx, entry)
    tx.delete(key)
  }
  return { count, isEmpty: (await firstRows(tx, schema.entries(id), 1)).length === 0 }
}

function weightOf(entry: EntryRow): number {
  if (entry.kind !== 'object') return 1
  const { body } = recordOf(entry)
  return body.kind === 'manifest' ? 1 + body.parts : 1
}

/** Up to `limit` rows of a range, read before any is changed. */
async function firstRows(
  tx: WriteTransaction,
  range: Range,
  limit: number,
): Promise<{ key: Bytes; value: Bytes }[]> {
  const rows: { key: Bytes; value: Bytes }[] = []
  for await (const row of tx.range(range)) {
    rows.push(row)
    if (rows.length >= limit) break
  }
  return rows
}

async function deleteQueued(tx: WriteTransaction, id: number, row: DirectoryRow): Promise<void> {
  if (row.base !== undefined) {
    await abandonMerge(tx, id)
    tx.delete(schema.compaction(id))
    tx.delete(schema.overlayLink(row.base, id))
    await dropDirectory(tx, row.base)
  }
  deleteDirectory(tx, id)
  tx.delete(schema.queued(id))
}
