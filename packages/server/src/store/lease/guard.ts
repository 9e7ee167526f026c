// The lease check, in the transaction of the write: whether another lease conflicts with the write, and
// whether the lease that the request names covers it. A bucket without leases costs one row read.

import type { BucketId } from '../../base/terms.ts'
import type { ReadTransaction, WriteTransaction } from '../../engine/engine.ts'
import { Blocker } from './blocker.ts'
import { blockerOf, endLease, findLease, isLive, type LeaseAddress } from './lease.ts'
import { ancestorRank, chainOf, pathRank, type WrittenPath, writeRank } from './node.ts'
import * as schema from './schema.ts'

/** The maximum number of expired leases that one write ends. */
const endedAtOnce = 16

/** Whether the held lease covers writes at `path`. */
export async function covers(
  tx: ReadTransaction,
  address: LeaseAddress,
  path: WrittenPath,
): Promise<boolean> {
  for (const node of chainOf(path)) {
    const row = schema.leaseHeld({ ...address, node, rank: writeRank })
    if ((await tx.get(row)) !== undefined) return true
  }
  return false
}

/**
 * The live lease, read or write, that blocks other writes at `path`. Expired leases met here are
 * ended.
 */
export async function findHolder(
  tx: WriteTransaction,
  bucketId: BucketId,
  path: WrittenPath,
  now: number,
): Promise<Blocker | undefined> {
  let ended = 0
  const chain = chainOf(path)
  for (const [depth, node] of chain.entries()) {
    const from = depth === chain.length - 1 ? pathRank : ancestorRank
    for await (const { key } of tx.range(schema.leaseHeldFrom(bucketId, node, from))) {
      const address = schema.parseLeaseNode(key)
      const record = await findLease(tx, address)
      if (record === undefined) throw new Error(`lease ${address.ticket} has no record`)
      const blocker = blockerOf(key, address, record)
      if (isLive(record, now)) return blocker
      if (ended === endedAtOnce) return new Blocker({ ...blocker, until: now })
      ended++
      await endLease(tx, address, now, 'expired')
    }
  }
  return undefined
}
