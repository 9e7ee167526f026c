// Lists and counts leases, for listings and metrics.

import type { BucketId, LeaseTicket } from '../../base/terms.ts'
import type { ReadTransaction } from '../../engine/engine.ts'
import { decodeCounter } from '../../engine/tuple.ts'
import { unpack } from '../row/record.ts'
import { EarlierRows } from './earlier.ts'
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
  const shared = new Set<number | undefined>([undefined])
  for (const [index, { node, mode, parent }] of nodesOf(lease.paths).entries()) {
    // Every lease has a row at each ancestor of its nodes.
    if (!shared.has(parent)) continue
    const ranks = conflictingRanks(mode)
    const rows = await EarlierRows.open(tx, { ...lease, node }, ranks)
    if (!rows.mayExist) continue
    shared.add(index)
    for (const rank of ranks) {
      for await (const { of } of rows.of(rank)) {
        if (!isLive(await findLease(tx, of), now)) continue
        tickets.add(of.ticket)
        break
      }
    }
  }
  return [...tickets].sort((a, b) => a - b)
}
