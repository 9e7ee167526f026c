// Lease operations for clients: acquire, wait, renew, release, list.
//
// A request for a lease is repeatable: its token, the client's or a generated one, identifies one place in
// the queue. Each attempt of its commit polls that place, and gets the lease or its blocker. Between two
// attempts, the runner waits (`wait-for-lease.ts`) and keeps the place (`waiting.ts`).

import { createHash } from 'node:crypto'
import type { Bytes } from '../base/bytes.ts'
import { type RefusalOf, StoreError } from '../base/errors.ts'
import { leaseLimits } from '../base/limits.ts'
import type { LeaseTicket } from '../base/terms.ts'
import type { ReadTransaction } from '../engine/engine.ts'
import { Blocker, type BlockingLease } from '../store/lease/blocker.ts'
import {
  endLease,
  enterLease,
  findLease,
  findTicket,
  isEnded,
  type Lease,
  pathsOf,
  pollLease,
  releaseLease as release,
  renewLease as renew,
} from '../store/lease/lease.ts'
import { listBlockers, walkLeases } from '../store/lease/list.ts'
import { boundOfNodes, type LeaseNode, type LeasePaths, nodesOf } from '../store/lease/node.ts'
import { findBucket } from '../store/tree/bucket.ts'
import { type Need, onBucket, onFoundKeys, onlyWithKey, onPath } from './need.ts'
import { checkKey } from './object.ts'
import type { Change, CommitStep, Query, Services } from './operation.ts'

export interface AcquireLeaseInput extends LeasePaths {
  readonly bucket: string
  readonly ttlMs: number
  /** Milliseconds to wait; with 0, the lease is granted at once or not at all. */
  readonly waitMs: number
  readonly label: string
  /** All requests with the same token share one lease and one place in the queue. */
  readonly clientToken?: string | undefined
}

/** A lease as shown to its holder. */
export type LeaseOutput = Omit<Lease, 'bucketId' | 'token'>

/** A lease, or the blocker before it in the queue, where the place is kept for a while. */
export type AcquireLeaseOutput =
  | { readonly lease: LeaseOutput }
  | { readonly ticket: LeaseTicket; readonly blockedBy: BlockingLease }

/** Acquires a lease on paths of a bucket; waits behind earlier requests. */
export const acquireLease: Change<AcquireLeaseInput, AcquireLeaseOutput> = {
  kind: 'change',
  name: 'AcquireLease',
  needs: leaseNeeds,
  waitMs: ({ waitMs }) => waitMs,
  leaseNodes: (_, input) => boundOfNodes(input),
  async commit(step, input) {
    const nodes = checkRequest(input)
    const { bucket, read, write, ttlMs, label } = input
    const token = tokenOf(input, step.requestId)
    const parameters = hash(JSON.stringify([read, write, ttlMs, label]))
    const { id: bucketId } = step.bucket(bucket)
    const request = { bucketId, paths: { read, write }, nodes, ttlMs, label, token, parameters }
    const address = await enterLease(step.tx, request, step.now)
    const lease = await pollLease(step.tx, address, step.now, !step.isFinal, nodes)
    if (!(lease instanceof Blocker)) return { lease }
    if (!step.isFinal) return lease
    if (input.clientToken === undefined) throw leaseNotGranted(lease.lease)
    return { ticket: address.ticket, blockedBy: lease.lease }
  },
  async abandon({ services, owner, requestId }, input) {
    // A client with a token can ask for its place again.
    if (input.clientToken !== undefined) return
    const token = tokenOf(input, requestId)
    const leave = (): Promise<void> => leaveQueue(services, input.bucket, token)
    await services.waiting.inTurn(owner.id, leave, boundOfNodes(input))
  },
}

/** The token of the place in the queue that all attempts of a request share. */
function tokenOf({ clientToken }: AcquireLeaseInput, requestId: string): Bytes {
  return hash(clientToken === undefined ? `request ${requestId}` : `client ${clientToken}`)
}

/** The refusal of a lease that has others before it. */
export function leaseNotGranted(blockedBy: BlockingLease, ticket?: LeaseTicket): StoreError {
  return new StoreError({
    code: 'LeaseNotGranted',
    blockedBy: { ticket: blockedBy.ticket, label: blockedBy.label, expiresAt: blockedBy.expiresAt },
    ticket,
  })
}

/**
 * The rights for the operations that a lease is for: to read below its paths, or to write and delete there.
 */
function leaseNeeds({
  bucket,
  read,
  write,
}: Pick<AcquireLeaseInput, 'bucket' | 'read' | 'write'>): Need[] {
  const needs = [
    ...read.map((path) => onPath('s3:GetObject', bucket, path)),
    // A lease keeps others from writing its paths, also those that it only reads.
    ...[...read, ...write].map((path) => onPath('s3:PutObject', bucket, path)),
  ]
  return needs.map((need) => onlyWithKey('lease', need))
}

/**
 * The nodes of a valid request.
 * @throws StoreError `LeaseOutOfBounds`, `TooManyLeaseNodes`, `EmptyKey`, `KeyTooLong`
 */
function checkRequest(input: AcquireLeaseInput): LeaseNode[] {
  const { read, write, ttlMs, waitMs, label } = input
  const count = read.length + write.length
  if (count === 0 || count > leaseLimits.paths) {
    throw outOfBounds('paths', { minimum: 1, maximum: leaseLimits.paths }, count)
  }
  // The empty path means the whole bucket.
  for (const path of [...read, ...write]) if (path !== '') checkKey(path)
  const nodes = nodesOf(input)
  checkTtl(ttlMs)
  if (!(waitMs >= 0 && waitMs <= leaseLimits.waitMs)) {
    throw outOfBounds('waitMs', { minimum: 0, maximum: leaseLimits.waitMs }, waitMs)
  }
  if (label.length > leaseLimits.labelLength) {
    throw outOfBounds('label', { minimum: 0, maximum: leaseLimits.labelLength }, label.length)
  }
  return nodes
}

function checkTtl(ttlMs: number): void {
  const { minimumTtlMs, maximumTtlMs } = leaseLimits
  if (ttlMs >= minimumTtlMs && ttlMs <= maximumTtlMs) return
  throw outOfBounds('ttlMs', { minimum: minimumTtlMs, maximum: maximumTtlMs }, ttlMs)
}

function outOfBounds(
  field: RefusalOf<'LeaseOutOfBounds'>['field'],
  bounds: { readonly minimum: number; readonly maximum: number },
  found: number,
): StoreError {
  return new StoreError({ code: 'LeaseOutOfBounds', field, ...bounds, found })
}

async function leaveQueue(services: Services, name: string, token: Bytes): Promise<void> {
  const { engine, clock } = services
  await engine.write(async (tx) => {
    const bucket = await findBucket(tx, name)
    if (bucket === undefined) return
    const ticket = await findTicket(tx, bucket.id, token)
    if (ticket === undefined) return
    const address = { bucketId: bucket.id, ticket }
    const record = await findLease(tx, address)
    if (record?.state === 'waiting') await endLease(tx, address, clock.now(), 'released')
  })
}

export interface LeaseInput {
  readonly bucket: string
  readonly ticket: LeaseTicket
}

const holderNeeds = ({ bucket }: LeaseInput): Need[] => [onFoundKeys('s3:PutObject', bucket)]

const wholeBucket: LeasePaths = { read: [], write: [''] }

/** Requires the rights with which the lease could be acquired. @throws StoreError `AccessDenied` */
async function requireHolder(step: CommitStep, { bucket, ticket }: LeaseInput): Promise<void> {
  const address = { bucketId: step.bucket(bucket).id, ticket }
  const state = (await findLease(step.tx, address))?.state
  // Of a lease that has ended, no row tells the paths.
  const paths =
    state === 'held' || state === 'waiting' ? await pathsOf(step.tx, address) : wholeBucket
  await step.require(leaseNeeds({ bucket, ...paths }))
}

/** Extends a lease from now on; idempotent. */
export const renewLease: Change<LeaseInput & { readonly ttlMs?: number | undefined }, LeaseOutput> =
  {
    kind: 'change',
    name: 'RenewLease',
    usesReserve: true,
    needs: holderNeeds,
    async commit(step, { bucket, ticket, ttlMs }) {
      await requireHolder(step, { bucket, ticket })
      if (ttlMs !== undefined) checkTtl(ttlMs)
      const address = { bucketId: step.bucket(bucket).id, ticket }
      return renew(step.tx, address, { now: step.now, ttlMs })
    },
  }

/** Releases a lease or a place in the queue; idempotent. */
export const releaseLease: Change<LeaseInput, void> = {
  kind: 'change',
  name: 'ReleaseLease',
  usesReserve: true,
  needs: holderNeeds,
  leaseNodes: ({ engine }, input) => engine.read((tx) => nodesOfHolder(tx, input)),
  async commit(step, { bucket, ticket }) {
    await requireHolder(step, { bucket, ticket })
    await release(step.tx, { bucketId: step.bucket(bucket).id, ticket }, step.now)
  },
}

/** A bound of the nodes of a lease; 0 if it has ended. */
async function nodesOfHolder(tx: ReadTransaction, { bucket, ticket }: LeaseInput): Promise<number> {
  const found = await findBucket(tx, bucket)
  const address = found && { bucketId: found.id, ticket }
  const record = address && (await findLease(tx, address))
  if (address === undefined || record === undefined || isEnded(record)) return 0
  return boundOfNodes(await pathsOf(tx, address))
}

export interface ListLeasesOutput {
  readonly leases: readonly (LeaseOutput & {
    /** For a waiting request: the tickets it waits for, the latest of each kind. */
    readonly blockedBy: readonly number[]
  })[]
  /** The last ticket of a page, if another page follows. */
  readonly nextAfter?: number | undefined
}

/** Lists the holders of a bucket's leases, the waiting requests, and the tickets these wait for. */
export const listLeases: Query<
  { readonly bucket: string; readonly after: number },
  ListLeasesOutput
> = {
  kind: 'query',
  name: 'ListLeases',
  needs: ({ bucket }) => [onBucket('s3:ListBucket', bucket)],
  async check(step, { bucket, after }) {
    const now = step.services.clock.now()
    const leases: ListLeasesOutput['leases'][number][] = []
    let nodes = 0
    for await (const lease of walkLeases(step.tx, step.bucket(bucket).id, after)) {
      if (lease.expiresAt <= now) continue
      nodes += nodesOf(lease.paths).length
      const last = leases.at(-1)
      const isFull = leases.length === leaseLimits.pageLeases || nodes > leaseLimits.pageNodes
      if (last !== undefined && isFull) return { leases, nextAfter: last.ticket }
      const blockedBy = lease.state === 'waiting' ? await listBlockers(step.tx, lease, now) : []
      leases.push({ ...lease, blockedBy })
    }
    return { leases }
  },
}

function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
