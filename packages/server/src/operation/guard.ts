// Leases before a commit: the one place where the paths that an operation writes are held against
// them, whatever the operation.

import { StoreError } from '../base/errors.ts'
import type { ReadTransaction, WriteTransaction } from '../engine/engine.ts'
import { hasLeases, requireHeld } from '../store/lease.ts'
import { findHolder, requireCovered } from '../store/lease-guard.ts'
import type { WrittenPath } from '../store/lease-node.ts'
import type { Hindrance, Obstacle } from '../store/obstacle.ts'
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
  const { tx, step, now, lease, isFinal } = guarded
  let refusals: Map<string, StoreError> | undefined
  const answers = new Map<string, 'free' | 'leased' | 'held'>()
  for (const path of paths) {
    const { id: bucketId } = step.bucket(path.bucket)
    const known = answers.get(path.bucket)
    const answer = known ?? (await answerOf(guarded, rules, bucketId))
    if (known === undefined) answers.set(path.bucket, answer)
    if (answer === 'free') continue
    let refusal: StoreError | undefined
    if (answer === 'held' && lease !== undefined) {
      refusal = await refusalUnder(tx, { bucketId, ticket: lease }, path)
    } else {
      const obstacle = await findHolder(tx, bucketId, path, now)
      if (obstacle !== undefined && !isFinal) return obstacle
      refusal = obstacle === undefined ? undefined : slowDown(obstacle.lease)
    }
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
    if (rules.writesEach !== true) await requireCovered(tx, address, path)
  }
}

/** Whether a bucket's leases have nothing to say, may be in the way, or one of them is the caller's. */
async function answerOf(
  { tx, now, lease }: Guarded,
  { isPreparation }: Rules,
  bucketId: number,
): Promise<'free' | 'leased' | 'held'> {
  if (lease !== undefined) {
    await requireHeld(tx, { bucketId, ticket: lease }, now)
    return 'held'
  }
  return isPreparation !== true && (await hasLeases(tx, bucketId)) ? 'leased' : 'free'
}

async function refusalUnder(
  ...args: Parameters<typeof requireCovered>
): Promise<StoreError | undefined> {
  try {
    await requireCovered(...args)
    return undefined
  } catch (error) {
    if (error instanceof StoreError) return error
    throw error
  }
}

function slowDown({ ticket, label }: Hindrance): StoreError {
  return new StoreError(
    'SlowDown',
    'Someone holds a lease that covers what the request writes. Please try again.',
    { fields: { BlockedBy: String(ticket), BlockedByLabel: label } },
  )
}
