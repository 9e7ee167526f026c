// Folder snapshots, for reads that outlast a transaction. A snapshot is a reference to the folder's
// directory, which is immutable while it is shared. It takes constant time and keeps all bodies
// below alive. It is stored as a row of its process start; when that process is dead, others
// release it.

import type { Bytes } from '../../base/bytes.ts'
import type { DirectoryId, StartId } from '../../base/terms.ts'
import type { Engine, ReadTransaction, WriteTransaction } from '../../engine/engine.ts'
import type { IdSource } from '../row/id.ts'
import { type ObjectRecord, pack, unpack } from '../row/record.ts'
import { findFolder, rootView } from './directory.ts'
import { recordOf, retainDirectory, splitKey } from './entry.ts'
import { findEntry, type View } from './layer.ts'
import { dropDirectory } from './overlay.ts'
import * as schema from './schema.ts'
import { walkEntries } from './walk.ts'

/** A folder as of the time of the snapshot. */
export interface FolderSnapshot {
  readonly number: number
  readonly view: View
}

export interface SnapshotObject {
  /** The key relative to the folder; empty for the key that equals the folder's prefix. */
  readonly key: Buffer
  readonly record: ObjectRecord
  /** True if there are also keys that begin with this one and a '/'. */
  readonly isFolderToo: boolean
}

/** The snapshots of one process start. */
export class Snapshots {
  readonly #engine: Engine
  readonly #ids: Pick<IdSource, 'next'>
  readonly #start: StartId
  /** Snapshots whose release failed. */
  readonly #unreleased = new Set<number>()

  constructor(options: {
    readonly engine: Engine
    readonly ids: Pick<IdSource, 'next'>
    readonly start: StartId
  }) {
    this.#engine = options.engine
    this.#ids = options.ids
    this.#start = options.start
  }

  /** Takes a snapshot of all objects under `folder`; undefined if there are none. */
  async take(
    tx: WriteTransaction,
    root: DirectoryId,
    folder: Bytes,
  ): Promise<FolderSnapshot | undefined> {
    const { folders } = splitKey(folder)
    const view = await findFolder(tx, rootView(root), folders)
    if (view === undefined) return undefined
    const number = this.#ids.next()
    await retainDirectory(tx, view.id)
    tx.put(schema.snapshot(this.#start, number), pack([view.id]))
    return { number, view }
  }

  /** Releases a snapshot; idempotent. If it fails, {@link retry} must be called later. */
  async release({ number }: Pick<FolderSnapshot, 'number'>): Promise<void> {
    this.#unreleased.add(number)
    await this.#engine.write(async (tx) => {
      const key = schema.snapshot(this.#start, number)
      const row = await tx.get(key)
      if (row !== undefined) await releaseRow(tx, key, row)
    })
    this.#unreleased.delete(number)
  }

  /** Retries failed releases. */
  async retry(): Promise<void> {
    for (const number of [...this.#unreleased]) await this.release({ number })
  }
}

/** Up to `limit` objects of a snapshot in key order, after the key `after`. */
export async function readSnapshot(
  tx: ReadTransaction,
  { view }: FolderSnapshot,
  { after, limit }: { readonly after: Bytes | undefined; readonly limit: number },
): Promise<SnapshotObject[]> {
  const objects: SnapshotObject[] = []
  for await (const { key, entry, directory, name } of walkEntries(tx, view, { after })) {
    const folder = await findEntry(tx, directory, Buffer.concat([name, slash]))
    objects.push({ key, record: recordOf(entry), isFolderToo: folder !== undefined })
    if (objects.length >= limit) break
  }
  return objects
}

/** Releases up to `limit` snapshots of a dead process start. Returns their number. */
export async function releaseSnapshots(
  tx: WriteTransaction,
  start: StartId,
  limit: number,
): Promise<number> {
  const rows: { readonly key: Bytes; readonly value: Bytes }[] = []
  for await (const row of tx.range(schema.snapshots(start))) {
    rows.push(row)
    if (rows.length >= limit) break
  }
  for (const { key, value } of rows) await releaseRow(tx, key, value)
  return rows.length
}

async function releaseRow(tx: WriteTransaction, key: Bytes, row: Bytes): Promise<void> {
  tx.delete(key)
  await dropDirectory(tx, snapshotDirectory(row))
}

/** The directory that a snapshot's row refers to. */
export function snapshotDirectory(row: Bytes): DirectoryId {
  return unpack<[DirectoryId]>(row)[0]
}

const slash: Bytes = Buffer.from('/')
