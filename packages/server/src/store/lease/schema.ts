// The keys of the rows of leases.

import type { Bytes } from '../../base/bytes.ts'
import { asBucketId, asLeaseTicket, type BucketId, type LeaseTicket } from '../../base/terms.ts'
import type { Range } from '../../engine/engine.ts'
import { type KeyWriter, key, prefixRange, readKey } from '../../engine/tuple.ts'
import { space } from '../row/key-space.ts'

/**
 * A node of a bucket's path tree, as a hash of its depth and path, so that every path fits a key.
 */
export interface NodeId {
  readonly high: bigint
  readonly low: bigint
}
const leaseNode = (of: number, bucketId: BucketId, { high, low }: NodeId): KeyWriter =>
  key(of).u64(bucketId).u64(high).u64(low)
/**
 * The row of one lease at one node; `rank` is the position of its mode in the order of these rows.
 */
export interface LeaseNodeRow {
  readonly bucketId: BucketId
  readonly node: NodeId
  readonly rank: number
  readonly ticket: LeaseTicket
}

export const lease = (bucketId: BucketId, ticket: LeaseTicket): Bytes =>
  key(space.lease).u64(bucketId).u64(ticket).end()
/** The leases of a bucket with a ticket greater than `after`. */
export const leases = (bucketId: BucketId, after = 0): Range => ({
  ...prefixRange(key(space.lease).u64(bucketId).end()),
  start: lease(bucketId, asLeaseTicket(after + 1)),
})
export const allLeases = (): Range => prefixRange(key(space.lease).end())
export const leasePaths = (bucketId: BucketId, ticket: LeaseTicket): Bytes =>
  key(space.leasePaths).u64(bucketId).u64(ticket).end()
export const allLeasePaths = (): Range => prefixRange(key(space.leasePaths).end())
/** The bucket id and the ticket in the key of a lease's row or its paths' row. */
export function parseLease(row: Bytes): { bucketId: BucketId; ticket: LeaseTicket } {
  const fields = readKey(row)
  return { bucketId: asBucketId(fields.u64()), ticket: asLeaseTicket(fields.u64()) }
}
export const leaseQueue = ({ bucketId, node, rank, ticket }: LeaseNodeRow): Bytes =>
  leaseNode(space.leaseQueue, bucketId, node).u64(rank).u64(ticket).end()
/** The rows of one rank at a node with lower tickets, in descending order. */
export const leaseQueueBefore = (row: LeaseNodeRow): Range => ({
  start: leaseNode(space.leaseQueue, row.bucketId, row.node).u64(row.rank).end(),
  end: leaseQueue(row),
  reverse: true,
})
export const leaseQueues = (bucketId: BucketId): Range =>
  prefixRange(key(space.leaseQueue).u64(bucketId).end())
export const allLeaseQueues = (): Range => prefixRange(key(space.leaseQueue).end())
export const leaseHeld = ({ bucketId, node, rank, ticket }: LeaseNodeRow): Bytes =>
  leaseNode(space.leaseHeld, bucketId, node).u64(rank).u64(ticket).end()
/** The rows of held leases at a node with a rank of at least `from`. */
export const leaseHeldFrom = (bucketId: BucketId, node: NodeId, from: number): Range => ({
  ...prefixRange(leaseNode(space.leaseHeld, bucketId, node).end()),
  start: leaseNode(space.leaseHeld, bucketId, node).u64(from).end(),
})
export const allLeaseHeld = (): Range => prefixRange(key(space.leaseHeld).end())
export function parseLeaseNode(row: Bytes): LeaseNodeRow {
  const fields = readKey(row)
  return {
    bucketId: asBucketId(fields.u64()),
    node: { high: fields.bigU64(), low: fields.bigU64() },
    rank: fields.u64(),
    ticket: asLeaseTicket(fields.u64()),
  }
}
/** The time at which a lease's row must be checked. */
export const leaseExpiry = (at: number, bucketId: BucketId, ticket: LeaseTicket): Bytes =>
  key(space.leaseExpiry).u64(at).u64(bucketId).u64(ticket).end()
export const leasesExpiredBefore = (time: number): Range => ({
  start: key(space.leaseExpiry).end(),
  end: key(space.leaseExpiry).u64(time).end(),
})
export const allLeaseExpiries = (): Range => prefixRange(key(space.leaseExpiry).end())
export function parseLeaseExpiry(row: Bytes): {
  at: number
  bucketId: BucketId
  ticket: LeaseTicket
} {
  const fields = readKey(row)
  return {
    at: fields.u64(),
    bucketId: asBucketId(fields.u64()),
    ticket: asLeaseTicket(fields.u64()),
  }
}
export const leaseToken = (bucketId: BucketId, hash: Bytes): Bytes =>
  key(space.leaseToken).u64(bucketId).tail(hash)
export const allLeaseTokens = (): Range => prefixRange(key(space.leaseToken).end())
/**
 * Present while a bucket has a held or waiting lease: the only lease row that every write reads.
 */
export const leaseMark = (bucketId: BucketId): Bytes => key(space.leaseMark).u64(bucketId).end()
export const allLeaseMarks = (): Range => prefixRange(key(space.leaseMark).end())
/** The ticket of the lease that ended last, while the bucket has others. Waiters watch this row. */
export const leaseEnd = (bucketId: BucketId): Bytes => key(space.leaseEnd).u64(bucketId).end()
export const allLeaseEnds = (): Range => prefixRange(key(space.leaseEnd).end())
/** The counter of a bucket's waiting (0) or held (1) leases. */
export const leaseCount = (bucketId: BucketId, isHeld: 0 | 1): Bytes =>
  key(space.leaseCount).u64(bucketId).u64(isHeld).end()
export const allLeaseCounts = (): Range => prefixRange(key(space.leaseCount).end())
export function parseLeaseCount(row: Bytes): { bucketId: BucketId; isHeld: boolean } {
  const fields = readKey(row)
  return { bucketId: asBucketId(fields.u64()), isHeld: fields.u64() === 1 }
}
/** The bucket id in the key of a mark. */
export const markedBucket = (row: Bytes): BucketId => asBucketId(readKey(row).u64())
