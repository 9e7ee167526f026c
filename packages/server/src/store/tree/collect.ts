// Garbage collection of directories without references and of manifests without objects. Each batch
// is one transaction. After an interruption, the queues tell where to continue.

import type { Bytes } from '../../base/bytes.ts'
import type { DirectoryId } from '../../base/terms.ts'
import type { Engine, Range, WriteTransaction } from '../../engine/engine.ts'
import { releaseParts } from '../body/body.ts'
import * as bodySchema from '../body/schema.ts'
import { type DirectoryRow, decodeEntry, deleteDirectory, readDirectory } from './entry.ts'
import { abandonMerge, dropDirectory, releaseEntry } from './overlay.ts'
import * as schema from './schema.ts'

/** The progress of one batch. */
export interface CollectionProgress {
  /** Deleted entries of directories and parts of manifests. */
  readonly rows: number
  /** Directories deleted completely. */
  readonly directories: number
  /** True if work remains. */
  readonly hasMore: boolean
}

/**
 * Collects one batch of at most `maxRows` entries and parts, in one transaction.
 * @throws StoreError `SlowDown` if it lost too many races with writes; may be retried.
 */
export async function collect(
  engine: Engine,
  { maxRows }: { readonly maxRows: number },
): Promise<CollectionProgress> {
  return engine.write((tx) => collectBatch(tx, maxRows))
}

/** Like {@link collect}, in the caller's transaction. */
export async function collectBatch(
  tx: WriteTransaction,
  maxRows: number,
): Promise<CollectionProgress> {
  let rows = 0
  let directories = 0
  for (;;) {
    const id = await firstOf(tx, schema.queue(), schema.directoryId)
    if (id === undefined) break
    // A directory counts as a row, since a million empty ones are much work too.
    if (rows + directories >= maxRows) return { rows, directories, hasMore: true }
    const row = await readDirectory(tx, id)
    if (row.refs !== 0) throw new Error(`directory ${id} is queued but has ${row.refs} references`)
    const { count, isEmpty } = await deleteEntries(tx, id, maxRows - rows - directories)
    rows += count
    if (!isEmpty) return { rows, directories, hasMore: true }
    await deleteQueued(tx, id, row)
    directories++
  }
  // Manifests come after directories, because deleting entries queues manifests.
  for (;;) {
    const id = await firstOf(tx, bodySchema.manifestQueue(), bodySchema.bodyId)
    if (id === undefined) return { rows, directories, hasMore: false }
    if (rows + directories >= maxRows) return { rows, directories, hasMore: true }
    rows += await releaseParts(tx, id, maxRows - rows - directories)
  }
}

/** The id in the first key of a queue. */
async function firstOf<T>(
  tx: WriteTransaction,
  queue: Range,
  idOf: (row: Bytes) => T,
): Promise<T | undefined> {
  for await (const { key } of tx.range(queue)) return idOf(key)
  return undefined
}

/** Deletes up to `limit` entries of a directory and releases their references. */
async function deleteEntries(
  tx: WriteTransaction,
  id: DirectoryId,
  limit: number,
): Promise<{ count: number; isEmpty: boolean }> {
  let count = 0
  for (const { key, value } of await firstRows(tx, schema.entries(id), limit)) {
    await releaseEntry(tx, decodeEntry(value))
    tx.delete(key)
    count++
  }
  return { count, isEmpty: (await firstRows(tx, schema.entries(id), 1)).length === 0 }
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

async function deleteQueued(
  tx: WriteTransaction,
  id: DirectoryId,
  row: DirectoryRow,
): Promise<void> {
  if (row.base !== undefined) {
    await abandonMerge(tx, id)
    tx.delete(schema.compaction(id))
    tx.delete(schema.overlayLink(row.base, id))
    await dropDirectory(tx, row.base)
  }
  deleteDirectory(tx, id)
  tx.delete(schema.queued(id))
}
