// The leases' part of fsck: every lease has exactly the rows that its record and paths require. No
// lease is held while an earlier one, held or waiting, conflicts with it.

import { type Bytes, hexOf } from '../../base/bytes.ts'
import type { BucketId, LeaseTicket } from '../../base/terms.ts'
import type { ReadTransaction } from '../../engine/engine.ts'
import { decodeCounter } from '../../engine/tuple.ts'
import { findLease, isEnded, type LeaseAddress, type LeaseRecord, rowsOf } from '../lease/lease.ts'
import { conflictsOfRank, type LeasePaths, nodesOf } from '../lease/node.ts'
import * as leaseSchema from '../lease/schema.ts'
import { unpack } from '../row/record.ts'
import { lastOfSequence } from '../row/sequence.ts'
import type { Finding } from './tree.ts'

/** The rows found of one lease at nodes, and the expected ones. */
interface LeaseTally {
  readonly record: LeaseRecord
  readonly nodes: number
  queued: number
  held: number
}

/** The numbers of a bucket's waiting and held leases. */
interface Counts {
  waiting: number
  held: number
}

const nothingElse = 'a lease has the rows that it needs, and no others'

/** Yields the findings about the leases of all buckets. */
export async function* checkLeases(tx: ReadTransaction): AsyncGenerator<Finding> {
  const tallies = new Map<LeaseTicket, LeaseTally>()
  const counts = new Map<BucketId, Counts>()
  const last = await lastOfSequence(tx, 'lease-ticket')
  for await (const { key, value } of tx.range(leaseSchema.allLeases())) {
    const address = leaseSchema.parseLease(key)
    const record = unpack<LeaseRecord>(value)
    if (address.ticket > last) {
      const invariant = 'no ticket that was given can be given again'
      yield { invariant, where: whereOf(address), detail: `${last} was the last one` }
    }
    yield* checkOwnRows(tx, address, record)
    if (isEnded(record)) continue
    const paths = await tx.get(leaseSchema.leasePaths(address.bucketId, address.ticket))
    if (paths === undefined) continue
    const nodes = nodesOf(unpack<LeasePaths>(paths))
    yield* checkNodeRows(tx, address, record, nodes)
    tallies.set(address.ticket, { record, nodes: nodes.length, queued: 0, held: 0 })
    const count = counts.get(address.bucketId) ?? { waiting: 0, held: 0 }
    count[record.state === 'held' ? 'held' : 'waiting']++
    counts.set(address.bucketId, count)
  }
  yield* checkQueues(tx, tallies)
  for await (const { key } of tx.range(leaseSchema.allLeaseHeld())) {
    const tally = tallies.get(leaseSchema.parseLeaseNode(key).ticket)
    if (tally?.record.state === 'held') tally.held++
    else yield stray(key, 'held at a node')
  }
  for (const [ticket, { record, nodes, queued, held }] of tallies) {
    const wanted = record.state === 'held' ? nodes : 0
    if (queued === nodes && held === wanted) continue
    const detail = `${queued} and ${held} rows at nodes, where ${nodes} and ${wanted} belong`
    yield { invariant: nothingElse, where: `lease ${ticket}`, detail }
  }
  yield* checkStrays(tx)
  yield* checkCounts(tx, counts)
}

async function* checkOwnRows(
  tx: ReadTransaction,
  address: LeaseAddress,
  record: LeaseRecord,
): AsyncGenerator<Finding> {
  const { bucketId, ticket } = address
  const needed: [name: string, row: Bytes][] = [
    ['expiry', leaseSchema.leaseExpiry(record.expiresAt, bucketId, ticket)],
    ['token', leaseSchema.leaseToken(bucketId, record.token)],
  ]
  if (!isEnded(record)) {
    needed.push(['paths', leaseSchema.leasePaths(bucketId, ticket)])
    needed.push(['mark of its bucket', leaseSchema.leaseMark(bucketId)])
  }
  for (const [name, row] of needed) {
    if ((await tx.get(row)) === undefined) yield lacking(address, name)
  }
}

async function* checkNodeRows(
  tx: ReadTransaction,
  address: LeaseAddress,
  record: LeaseRecord,
  nodes: ReturnType<typeof nodesOf>,
): AsyncGenerator<Finding> {
  for (const row of rowsOf(address, nodes)) {
    const isQueued = (await tx.get(leaseSchema.leaseQueue(row))) !== undefined
    const isHeld = (await tx.get(leaseSchema.leaseHeld(row))) !== undefined
    if (isQueued && isHeld === (record.state === 'held')) continue
    yield lacking(address, 'place at a node')
  }
}

/** Scans the nodes. At each node, a rank's lowest ticket precedes all others of that rank. */
async function* checkQueues(
  tx: ReadTransaction,
  tallies: ReadonlyMap<LeaseTicket, LeaseTally>,
): AsyncGenerator<Finding> {
  let node = ''
  let rows: leaseSchema.LeaseNodeRow[] = []
  for await (const { key } of tx.range(leaseSchema.allLeaseQueues())) {
    const row = leaseSchema.parseLeaseNode(key)
    const name = `${row.bucketId} ${row.node.high} ${row.node.low}`
    if (name !== node) {
      yield* checkNode(rows, tallies)
      node = name
      rows = []
    }
    const tally = tallies.get(row.ticket)
    if (tally === undefined) {
      yield stray(key, 'place at a node')
    } else {
      tally.queued++
      rows.push(row)
    }
  }
  yield* checkNode(rows, tallies)
}

function* checkNode(
  rows: readonly leaseSchema.LeaseNodeRow[],
  tallies: ReadonlyMap<LeaseTicket, LeaseTally>,
): Generator<Finding> {
  const first = new Map<number, LeaseTicket>()
  for (const { rank, ticket } of rows) {
    if (ticket < (first.get(rank) ?? Number.POSITIVE_INFINITY)) first.set(rank, ticket)
  }
  for (const { rank, ticket } of rows) {
    if (tallies.get(ticket)?.record.state !== 'held') continue
    for (const other of conflictsOfRank(rank)) {
      const before = first.get(other) ?? ticket
      if (before >= ticket) continue
      const invariant = 'no lease is held while one before it conflicts with it'
      yield { invariant, where: `lease ${ticket}`, detail: `lease ${before} is before it` }
    }
  }
}

/** Rows of leases that don't exist. */
async function* checkStrays(tx: ReadTransaction): AsyncGenerator<Finding> {
  for await (const { key } of tx.range(leaseSchema.allLeasePaths())) {
    const record = await findLease(tx, leaseSchema.parseLease(key))
    if (record === undefined || isEnded(record)) yield stray(key, 'paths')
  }
  for await (const { key } of tx.range(leaseSchema.allLeaseExpiries())) {
    const { at, ...address } = leaseSchema.parseLeaseExpiry(key)
    if ((await findLease(tx, address))?.expiresAt !== at) yield stray(key, 'expiry')
  }
  for await (const { key, value } of tx.range(leaseSchema.allLeaseTokens())) {
    const [ticket] = unpack<[LeaseTicket]>(value)
    const address = { bucketId: leaseSchema.markedBucket(key), ticket }
    if ((await findLease(tx, address)) === undefined) yield stray(key, 'token')
  }
}

async function* checkCounts(
  tx: ReadTransaction,
  counts: ReadonlyMap<BucketId, Counts>,
): AsyncGenerator<Finding> {
  for await (const { key } of tx.range(leaseSchema.allLeaseMarks())) {
    if (!counts.has(leaseSchema.markedBucket(key))) yield stray(key, 'mark of a bucket')
  }
  for await (const { key } of tx.range(leaseSchema.allLeaseEnds())) {
    if (!counts.has(leaseSchema.markedBucket(key))) yield stray(key, 'end of a lease')
  }
  const found = new Map<string, number>()
  for await (const { key, value } of tx.range(leaseSchema.allLeaseCounts())) {
    const { bucketId, isHeld } = leaseSchema.parseLeaseCount(key)
    found.set(`${bucketId} ${isHeld ? 'held' : 'waiting'}`, Number(decodeCounter(value)))
  }
  const wanted = new Map<string, number>()
  for (const [bucketId, { waiting, held }] of counts) {
    wanted.set(`${bucketId} waiting`, waiting).set(`${bucketId} held`, held)
  }
  for (const name of new Set([...found.keys(), ...wanted.keys()])) {
    const [is = 0, counted = 0] = [wanted.get(name), found.get(name)]
    if (is === counted) continue
    const where = `leases of bucket ${name}`
    yield { invariant: 'leases are counted', where, detail: `counts ${counted}, has ${is}` }
  }
}

function whereOf({ bucketId, ticket }: LeaseAddress): string {
  return `lease ${ticket} of bucket ${bucketId}`
}

function lacking(address: LeaseAddress, name: string): Finding {
  return { invariant: nothingElse, where: whereOf(address), detail: `its ${name} is missing` }
}

function stray(key: Bytes, name: string): Finding {
  const where = `row ${hexOf(key)}`
  return { invariant: nothingElse, where, detail: `${name}, of no lease that has it` }
}
