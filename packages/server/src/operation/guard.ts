// Leases before a commit: the one place where the paths that an operation writes are held against
// them, whatever the operation.

import { StoreError } from '../base/errors.ts'
import type { ReadTransaction, WriteTransaction } from '../engine/engine.ts'
import { hasLeases, requireHeld } from '../store/lease.ts'
import { covers, findHolder } from '../store/lease-guard.ts'
import type { WrittenPath } from '../store/lease-node.ts'
import { type Hindrance, Obstacle } from '../store/obstacle.ts'
import type { BucketPath, Operation, Step } from './operation.ts'

/** What is known of one request's commit. */
export interface Guarded {
  readonly tx: WriteTransaction
  readonly step: Step
  readonly now: number
  /** The ticket that the caller names. */
  readonly lease: number | undefined
  /** True when there is no time left to wait. */
  readonly isFinal: boolean
}

/** The part of an operation that says what leases are asked about. */
export type Rules = Pick<Operation<never, never, never, unknown>, 'writesEach' | 'isPreparation'>

/** Why paths can't be written, by path; empty if all can. */
export type Refusals = ReadonlyMap<string, StoreError>

const noRefusals: Refusals = new Map()

/** What tells paths apart: an object's key may be a folder's name. */
export function pathName(path: WrittenPath): string {
  return 'folder' in path ? `folder ${path.folder}` : `key ${path.key}`
}

/**
 * Holds `paths` against the leases of their buckets.
 * @returns an obstacle that is worth waiting for, or the refusals, of which an operation that doesn't
 *   treat each path by itself has none
 * @throws StoreError `LeaseLost`, `LeaseNotGranted`, `LeaseNotCovering`, `SlowDown`
 */
export async function guardWrites(
  guarded: Guarded,
  rules: Rules,
  paths: readonly BucketPath[],
): Promise<Obstacle | Refusals> {
  const { lease } = guarded
  const isNamed = lease !== undefined
  if (!isNamed && rules.isPreparation === true) return noRefusals
  let refusals: Map<string, StoreError> | undefined
  let last: BucketPath | undefined
  let isAsked = false
  for (const path of paths) {
    const { id: bucketId } = guarded.step.bucket(path.bucket)
    // Nearly always all of them are in one bucket, which has no leases.
    if (path.bucket !== last?.bucket) {
      if (isNamed) await requireHeld(guarded.tx, { bucketId, ticket: lease }, guarded.now)
      isAsked = isNamed || (await hasLeases(guarded.tx, bucketId))
    }
    last = path
    if (!isAsked) continue
    const refusal = await refusalOf(guarded, bucketId, path)
    if (refusal instanceof Obstacle) return refusal
    if (refusal === undefined) continue
    if (rules.writesEach !== true) throw refusal
    refusals ??= new Map()
    refusals.set(pathName(path), refusal)
  }
  return refusals ?? noRefusals
}

/** Refuses early what the commit would, for a lease that the caller names. */
export async function checkNamedLease(
  { tx, step, now, lease }: Pick<Guarded, 'step' | 'now'> & { tx: ReadTransaction; lease: number },
  rules: Rules,
  paths: readonly BucketPath[],
): Promise<void> {
  for (const path of paths) {
    const address = { bucketId: step.bucket(path.bucket).id, ticket: lease }
    await requireHeld(tx, address, now)
    if (rules.writesEach === true || (await covers(tx, address, path))) continue
    throw notCovering(lease, path)
  }
}

/** What is against writing one path of a bucket that has leases. */
async function refusalOf(
  { tx, now, lease, isFinal }: Guarded,
  bucketId: number,
  path: BucketPath,
): Promise<Obstacle | StoreError | undefined> {
  if (lease !== undefined) {
    const isCovered = await covers(tx, { bucketId, ticket: lease }, path)
    return isCovered ? undefined : notCovering(lease, path)
  }
  const obstacle = await findHolder(tx, bucketId, path, now)
  return obstacle !== undefined && isFinal ? slowDown(obstacle.lease) : obstacle
}

function notCovering(ticket: number, path: WrittenPath): StoreError {
  return new StoreError(
    'LeaseNotCovering',
    'The lease that the request names does not cover the path for writing.',
    { fields: { Ticket: String(ticket), Path: 'folder' in path ? path.folder : path.key } },
  )
}

function slowDown({ ticket, label }: Hindrance): StoreError {
  return new StoreError(
    'SlowDown',
    'Someone holds a lease that covers what the request writes. Please try again.',
    { fields: { BlockedBy: String(ticket), BlockedByLabel: label } },
  )
}
