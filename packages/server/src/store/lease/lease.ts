// Leases: path locks that clients hold across requests. A lease is granted exactly when no earlier one
// of its bucket, held or waiting, conflicts with it. A lease ends only by a commit that rewrites its
// rows: of its holder, or of any request that meets it after its expiry. Grants wake no waiter: each
// waiter polls, and watches its latest blocker. The waiter's process keeps its place in the queue.

import { type Bytes, compareBytes } from '../../base/bytes.ts'
import { StoreError } from '../../base/errors.ts'
import { leaseLimits } from '../../base/limits.ts'
import { asLeaseTicket, type BucketId, type LeaseTicket } from '../../base/terms.ts'
import type { ReadTransaction, WriteTransaction } from '../../engine/engine.ts'
import { decodeCounter } from '../../engine/tuple.ts'
import { pack, unpack } from '../row/record.ts'
import { takeSequence } from '../row/sequence.ts'
import { Blocker } from './blocker.ts'
import { conflictingRanks, type LeaseNode, type LeasePaths, nodesOf, rankOf } from './node.ts'
import * as schema from './schema.ts'

/** Identifies a lease. Tickets are unique in a store and only grow. */
export interface LeaseAddress {
  readonly bucketId: BucketId
  readonly ticket: LeaseTicket
}

/** A lease without its paths. Times are milliseconds since the epoch. */
export interface LeaseRecord {
  /** An ended lease keeps its record for a while, so that its holder learns of the end. */
  readonly state: 'waiting' | 'held' | 'released' | 'expired'
  /** The time at which a held lease ends, a waiting one loses its place, and an ended one is removed. */
  readonly expiresAt: number
  readonly ttlMs: number
  readonly createdAt: number
  readonly label: string
  /** The hash of the request's client token. */
  readonly token: Bytes
}

/** A lease with its ticket and paths. */
export interface Lease extends LeaseAddress, LeaseRecord {
  readonly paths: LeasePaths
}

export interface LeaseRequest {
  readonly bucketId: BucketId
  readonly paths: LeasePaths
  readonly ttlMs: number
  readonly label: string
  /** The hash of the client token. Requests with the same token get the same lease. */
  readonly token: Bytes
  /** The hash of all parameters of the request. */
  readonly parameters: Bytes
}

type PackedToken = [ticket: LeaseTicket, parameters: Bytes]

/** The value of rows that carry no data. */
const present: Bytes = new Uint8Array()

/** The maximum number of expired leases that one transaction ends. Each has up to 1,000 nodes. */
const endedAtOnce = 16

/** True while a bucket has held or waiting leases. Without leases, this is a write's only read for them. */
export async function hasLeases(tx: ReadTransaction, bucketId: BucketId): Promise<boolean> {
  return (await tx.get(schema.leaseMark(bucketId))) !== undefined
}

/** The lease's record, which remains for a while after the lease has ended. */
export async function findLease(
  tx: ReadTransaction,
  { bucketId, ticket }: LeaseAddress,
): Promise<LeaseRecord | undefined> {
  const value = await tx.get(schema.lease(bucketId, ticket))
  return value === undefined ? undefined : unpack<LeaseRecord>(value)
}

/** The record of a held lease. @throws StoreError `LeaseLost`, `LeaseWaiting` */
export async function requireHeld(
  tx: ReadTransaction,
  address: LeaseAddress,
  now: number,
): Promise<LeaseRecord> {
  const record = await findLease(tx, address)
  if (record?.state === 'waiting') {
    throw new StoreError({ code: 'LeaseWaiting', ticket: address.ticket })
  }
  if (!isLive(record, now)) throw leaseLost(address.ticket)
  return record
}

/** The refusal of a ticket without a live lease in the bucket. */
export function leaseLost(ticket: LeaseTicket): StoreError {
  return new StoreError({ code: 'LeaseLost', ticket })
}

/**
 * The ticket already given for this token, or a new one behind all others of the bucket.
 * @throws StoreError `IdempotencyParameterMismatch`, `TooManyLeaseNodes`, `TooManyLeases`
 */
export async function enterLease(
  tx: WriteTransaction,
  request: LeaseRequest,
  now: number,
): Promise<LeaseAddress> {
  const { bucketId, paths, ttlMs, label, token, parameters } = request
  const tokenKey = schema.leaseToken(bucketId, token)
  const known = await tx.get(tokenKey)
  if (known !== undefined) {
    const [ticket, before] = unpack<PackedToken>(known)
    if (compareBytes(before, parameters) === 0) return { bucketId, ticket }
    throw new StoreError({ code: 'IdempotencyParameterMismatch' })
  }
  await checkCount(tx, bucketId)
  const nodes = nodesOf(paths)
  const ticket = asLeaseTicket(await takeSequence(tx, 'lease-ticket'))
  if (!(await hasLeases(tx, bucketId))) tx.put(schema.leaseMark(bucketId), present)
  const packed: PackedToken = [ticket, parameters]
  tx.put(tokenKey, pack(packed))
  tx.put(schema.leasePaths(bucketId, ticket), pack(paths))
  for (const row of rowsOf({ bucketId, ticket }, nodes)) tx.put(schema.leaseQueue(row), present)
  tx.add(schema.leaseCount(bucketId, 0), 1n)
  const expiresAt = now + leaseLimits.placeMs
  const facts = { ttlMs, label, token, createdAt: now }
  putRecord(tx, { bucketId, ticket }, { ...facts, state: 'waiting', expiresAt })
  return { bucketId, ticket }
}

async function checkCount(tx: ReadTransaction, bucketId: BucketId): Promise<void> {
  const counts = [schema.leaseCount(bucketId, 0), schema.leaseCount(bucketId, 1)]
  const values = await Promise.all(counts.map((key) => tx.peek(key)))
  const count = values.reduce((sum, value) => sum + decodeCounter(value), 0n)
  if (count < leaseLimits.leasesPerBucket) return
  throw new StoreError({
    code: 'TooManyLeases',
    count: Number(count),
    maximum: leaseLimits.leasesPerBucket,
  })
}

/**
 * Grants a waiting lease if no earlier lease conflicts; else keeps its place and returns the blocker.
 * A lease that is already held is returned unchanged. `isStaying`: the request goes on waiting.
 * @throws StoreError `LeaseLost` if the lease has ended
 */
export async function pollLease(
  tx: WriteTransaction,
  address: LeaseAddress,
  now: number,
  isStaying = false,
): Promise<Lease | Blocker> {
  const record = await findLease(tx, address)
  if (record?.state !== 'waiting') {
    const held = await requireHeld(tx, address, now)
    return { ...address, ...held, paths: await pathsOf(tx, address) }
  }
  const paths = await pathsOf(tx, address)
  const nodes = nodesOf(paths)
  const blocker = await findBlocker(tx, address, nodes, now)
  if (blocker !== undefined) {
    const keptMs = isStaying ? leaseLimits.waitingPlaceMs : leaseLimits.placeMs
    const leftMs = record.expiresAt - now
    // Rewritten rarely, since later waiters read this row.
    if (leftMs < (keptMs * 2) / 3 || leftMs > keptMs) {
      putRecord(tx, address, { ...record, expiresAt: now + keptMs }, record)
    }
    return blocker
  }
  for (const row of rowsOf(address, nodes)) tx.put(schema.leaseHeld(row), present)
  tx.add(schema.leaseCount(address.bucketId, 0), -1n)
  tx.add(schema.leaseCount(address.bucketId, 1), 1n)
  const granted: LeaseRecord = { ...record, state: 'held', expiresAt: now + record.ttlMs }
  putRecord(tx, address, granted, record)
  return { ...address, ...granted, paths }
}

/** Keeps the places of leases that still wait. Lapsed places and granted leases are skipped. */
export async function keepPlaces(
  tx: WriteTransaction,
  places: readonly LeaseAddress[],
  now: number,
): Promise<void> {
  for (const place of places) {
    const record = await findLease(tx, place)
    if (record?.state !== 'waiting' || record.expiresAt <= now) continue
    putRecord(tx, place, { ...record, expiresAt: now + leaseLimits.waitingPlaceMs }, record)
  }
}

/** The blocking lease's current expiry, after renewals; undefined if the lease may have ended. */
export async function renewedUntil(
  tx: ReadTransaction,
  { bucketId, lease: { ticket } }: Blocker,
  now: number,
): Promise<number | undefined> {
  const record = await findLease(tx, { bucketId, ticket })
  return isLive(record, now) ? record.expiresAt : undefined
}

/** Renews a held lease for `ttlMs` from now; default: its original time to live. */
export async function renewLease(
  tx: WriteTransaction,
  address: LeaseAddress,
  { now, ttlMs }: { readonly now: number; readonly ttlMs?: number | undefined },
): Promise<Lease> {
  const record = await requireHeld(tx, address, now)
  const renewed = { ...record, expiresAt: now + (ttlMs ?? record.ttlMs) }
  putRecord(tx, address, renewed, record)
  return { ...address, ...renewed, paths: await pathsOf(tx, address) }
}

/**
 * Releases a held lease, or the place of a waiting one; idempotent.
 * @throws StoreError `LeaseLost` if the lease expired
 */
export async function releaseLease(
  tx: WriteTransaction,
  address: LeaseAddress,
  now: number,
): Promise<void> {
  const record = await findLease(tx, address)
  if (record?.state === 'released') return
  if (record?.state !== 'waiting') await requireHeld(tx, address, now)
  await endLease(tx, address, now, 'released')
}

/** The ticket of a token's lease, in any state. */
export async function findTicket(
  tx: ReadTransaction,
  bucketId: BucketId,
  token: Bytes,
): Promise<LeaseTicket | undefined> {
  const value = await tx.get(schema.leaseToken(bucketId, token))
  return value === undefined ? undefined : unpack<PackedToken>(value)[0]
}

/**
 * Ends a lease. The record of a held lease remains for a while. Of a waiting lease nothing remains, so
 * that its client may retry with the same token.
 */
export async function endLease(
  tx: WriteTransaction,
  address: LeaseAddress,
  now: number,
  end: 'released' | 'expired',
): Promise<void> {
  const { bucketId, ticket } = address
  const record = await findLease(tx, address)
  if (record === undefined || isEnded(record)) return
  const isHeld = record.state === 'held'
  for (const row of rowsOf(address, nodesOf(await pathsOf(tx, address)))) {
    tx.delete(schema.leaseQueue(row))
    if (isHeld) tx.delete(schema.leaseHeld(row))
  }
  tx.delete(schema.leasePaths(bucketId, ticket))
  tx.add(schema.leaseCount(bucketId, isHeld ? 1 : 0), -1n)
  if (isHeld) {
    const keptMs = end === 'expired' ? leaseLimits.lostMs : leaseLimits.releasedMs
    putRecord(tx, address, { ...record, state: end, expiresAt: now + keptMs }, record)
  } else {
    removeRecord(tx, address, record)
  }
  // Each ticket ends only once, so the row never repeats a value.
  tx.put(schema.leaseEnd(bucketId), pack([ticket]))
  for await (const _ of tx.range(schema.leaseQueues(bucketId))) return
  tx.delete(schema.leaseEnd(bucketId))
  tx.delete(schema.leaseMark(bucketId))
  tx.delete(schema.leaseCount(bucketId, 0))
  tx.delete(schema.leaseCount(bucketId, 1))
}

/**
 * Ends expired leases, including those of deleted buckets, and removes old records of ended ones.
 * Returns the number of both.
 */
export async function sweepLeases(tx: WriteTransaction, now: number): Promise<number> {
  const due: LeaseAddress[] = []
  for await (const { key } of tx.range(schema.leasesExpiredBefore(now))) {
    due.push(schema.parseLeaseExpiry(key))
    if (due.length === endedAtOnce) break
  }
  for (const address of due) {
    const record = await findLease(tx, address)
    if (record === undefined) continue
    if (isEnded(record)) removeRecord(tx, address, record)
    else await endLease(tx, address, now, 'expired')
  }
  return due.length
}

/** True if a sweep that handled `count` leases may have left some. */
export function hasMoreToSweep(count: number): boolean {
  return count === endedAtOnce
}

/** True for a held or waiting lease that hasn't expired. */
export function isLive(record: LeaseRecord | undefined, now: number): record is LeaseRecord {
  return record !== undefined && !isEnded(record) && record.expiresAt > now
}

/** True for a lease of which only the record is left. */
export function isEnded({ state }: LeaseRecord): boolean {
  return state === 'released' || state === 'expired'
}

/** The rows of a lease at its nodes. */
export function rowsOf(address: LeaseAddress, nodes: readonly LeaseNode[]): schema.LeaseNodeRow[] {
  return nodes.map(({ node, mode }) => ({ ...address, node, rank: rankOf(mode) }))
}

/** The paths of a held or waiting lease. */
export async function pathsOf(
  tx: ReadTransaction,
  { bucketId, ticket }: LeaseAddress,
): Promise<LeasePaths> {
  const value = await tx.get(schema.leasePaths(bucketId, ticket))
  if (value === undefined) throw new Error(`lease ${ticket} of bucket ${bucketId} has no paths`)
  return unpack<LeasePaths>(value)
}

/**
 * The latest earlier live lease that conflicts with this one. Expired leases met here are ended, up to
 * the limit of one transaction.
 */
async function findBlocker(
  tx: WriteTransaction,
  address: LeaseAddress,
  nodes: readonly LeaseNode[],
  now: number,
): Promise<Blocker | undefined> {
  const { bucketId, ticket } = address
  let latest: Blocker | undefined
  let ended = 0
  for (const { node, mode } of nodes) {
    for (const rank of conflictingRanks(mode)) {
      const before = schema.leaseQueueBefore({ bucketId, ticket, node, rank })
      for await (const { key } of tx.range(before)) {
        const other = schema.parseLeaseNode(key)
        if (latest !== undefined && other.ticket <= latest.lease.ticket) break
        const record = await findLease(tx, other)
        if (record === undefined) throw new Error(`lease ${other.ticket} has no record`)
        if (isLive(record, now)) {
          latest = new Blocker({ ...blockerOf(key, other, record), place: address })
          break
        }
        if (ended === endedAtOnce)
          return new Blocker({ ...blockerOf(key, other, record), until: now, place: address })
        ended++
        await endLease(tx, other, now, 'expired')
      }
    }
  }
  return latest
}

/** A lease as a blocker. The watched row is one of its node rows, which is deleted when the lease ends. */
export function blockerOf(
  row: Bytes,
  { bucketId, ticket }: LeaseAddress,
  { label, expiresAt }: LeaseRecord,
): Blocker {
  const lease = { ticket, label, expiresAt }
  const mark = schema.leaseEnd(bucketId)
  return new Blocker({ bucketId, row, seen: present, mark, until: expiresAt, lease })
}

function putRecord(
  tx: WriteTransaction,
  { bucketId, ticket }: LeaseAddress,
  record: LeaseRecord,
  before?: LeaseRecord,
): void {
  if (before !== undefined) tx.delete(schema.leaseExpiry(before.expiresAt, bucketId, ticket))
  tx.put(schema.leaseExpiry(record.expiresAt, bucketId, ticket), present)
  tx.put(schema.lease(bucketId, ticket), pack(record))
}

function removeRecord(
  tx: WriteTransaction,
  { bucketId, ticket }: LeaseAddress,
  record: LeaseRecord,
): void {
  tx.delete(schema.leaseExpiry(record.expiresAt, bucketId, ticket))
  tx.delete(schema.lease(bucketId, ticket))
  tx.delete(schema.leaseToken(bucketId, record.token))
}
