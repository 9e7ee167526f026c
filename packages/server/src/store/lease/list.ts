// Lists and counts leases, for listings and metrics.

import type { BucketId, LeaseTicket } from '../../base/terms.ts'
import type { ReadTransaction } from '../../engine/engine.ts'
import { decodeCounter } from '../../engine/tuple.ts'
import { unpack } from '../row/record.ts'
import { findLease, isEnded, isLive, type Lease, type LeaseRecord, pathsOf } from './lease.ts'
import { conflictingRanks, nodesOf } from './node.ts'
import * as schema from './schema.ts'

/** The numbers of waiting and held leases in all buckets. */
export async function countLeases(
  tx: ReadTransaction,
): Promise<{ readonly waiting: number; readonly held: number }> {
  const counts = { waiting: 0, held: 0 }
  for await (const { key, value } of tx.range(schema.allLeaseCounts())) {
    counts[schema.parseLeaseCount(key).isHeld ? 'held' : 'waiting'] += Number(decodeCounter(value))
  }
  return counts
}

/** The held and waiting leases of a bucket, by ticket, from after ticket `after`. */
export async function* walkLeases(
  tx: ReadTransaction,
  bucketId: BucketId,
  after: number,
): AsyncGenerator<Lease> {
  for await (const { key, value } of tx.range(schema.leases(bucketId, after))) {
    const record = unpack<LeaseRecord>(value)
    if (isEnded(record)) continue
    const address = schema.parseLease(key)
    yield { ...address, ...record, paths: await pathsOf(tx, address) }
  }
}

/** The tickets of some live leases that block a waiting one: the latest of each kind. */
export async function listBlockers(
  tx: ReadTransaction,
  lease: Lease,
  now: number,
): Promise<LeaseTicket[]> {
  const tickets = new Set<LeaseTicket>()
  for (const { node, mode } of nodesOf(lease.paths)) {
    for (const rank of conflictingRanks(mode)) {
      const before = schema.leaseQueueBefore({ ...lease, node, rank })
      for await (const { key } of tx.range(before)) {
        const address = schema.parseLeaseNode(key)
        if (!isLive(await findLease(tx, address), now)) continue
        tickets.add(address.ticket)
        break
      }
    }
  }
  return [...tickets].sort((a, b) => a - b)
}
