// Orphaned blobs, by the epoch in which they lost their last reference.

import type { BlobId } from '../../base/terms.ts'
import type { ReadTransaction, WriteTransaction } from '../../engine/engine.ts'
import { currentEpoch } from './epoch.ts'
import * as schema from './schema.ts'

/** One orphaned blob. */
export interface Garbage {
  readonly epoch: number
  readonly blobId: BlobId
}

/** Blobs orphaned before epoch `before`, oldest first, from after `after`. */
export async function listGarbage(
  tx: ReadTransaction,
  options: {
    readonly before?: number
    readonly after?: Garbage | undefined
    readonly limit: number
  },
): Promise<Garbage[]> {
  const garbage: Garbage[] = []
  const { after } = options
  const range = schema.garbageBefore(options.before)
  const start = after === undefined ? range.start : schema.garbageAfter(after.epoch, after.blobId)
  for await (const row of tx.range({ ...range, start })) {
    garbage.push(schema.parseGarbage(row.key))
    if (garbage.length === options.limit) break
  }
  return garbage
}

/** True if a blob was orphaned in `epoch` or later. */
export async function hasGarbageSince(tx: ReadTransaction, epoch: number): Promise<boolean> {
  for await (const { key } of tx.range({ ...schema.garbageBefore(), reverse: true })) {
    return schema.parseGarbage(key).epoch >= epoch
  }
  return false
}

/** Removes the rows of deleted blobs, with their checksums. Readers needed the checksums until now. */
export async function removeGarbage(
  tx: WriteTransaction,
  garbage: readonly Garbage[],
): Promise<void> {
  for (const { epoch, blobId } of garbage) {
    tx.delete(schema.garbage(epoch, blobId))
    if (await isReferenced(tx, blobId)) continue
    tx.delete(schema.blobSums(blobId))
    tx.delete(schema.acceptedLoss(blobId))
  }
}

/** True when a row refers to the blob. */
export async function isReferenced(tx: ReadTransaction, blobId: BlobId): Promise<boolean> {
  return (await tx.get(schema.blobCount(blobId))) !== undefined
}

/** Those of `blobIds` that a row refers to. */
export async function referencedAmong(
  tx: ReadTransaction,
  blobIds: readonly BlobId[],
): Promise<ReadonlySet<BlobId>> {
  const counts = await tx.getMany(blobIds.map((id) => schema.blobCount(id)))
  return new Set(blobIds.filter((_, index) => counts[index] !== undefined))
}

/** Those of `blobIds` that no row refers to. */
export async function unreferencedAmong(
  tx: ReadTransaction,
  blobIds: readonly BlobId[],
): Promise<BlobId[]> {
  const referenced = await referencedAmong(tx, blobIds)
  return blobIds.filter((id) => !referenced.has(id))
}

/** Queues the unreferenced ones of `blobIds` as garbage. Queueing one twice is harmless. */
export async function markGarbage(tx: WriteTransaction, blobIds: readonly BlobId[]): Promise<void> {
  const epoch = await currentEpoch(tx)
  for (const blobId of await unreferencedAmong(tx, blobIds)) {
    tx.put(schema.garbage(epoch, blobId), new Uint8Array())
  }
}

/** The number of garbage blobs; counts no further than `limit`. */
export async function countGarbage(tx: ReadTransaction, limit: number): Promise<number> {
  let count = 0
  for await (const _ of tx.range(schema.garbageBefore())) {
    if (++count >= limit) break
  }
  return count
}
