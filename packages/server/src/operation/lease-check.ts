// The lease check of all commits: the only place that tests the paths an operation writes against the leases
// of their buckets.

import { StoreError } from '../base/errors.ts'
import type { LeaseTicket } from '../base/terms.ts'
import type { ReadTransaction, WriteTransaction } from '../engine/engine.ts'
import type { Blocker, BlockingLease } from '../store/lease/blocker.ts'
import { covers, findHolder } from '../store/lease/guard.ts'
import { hasLeases, requireHeld } from '../store/lease/lease.ts'
import type { WrittenPath } from '../store/lease/node.ts'
import type { BucketPath, Step } from './operation.ts'

/** The facts of one attempt to commit. */
export interface Attempt {
  readonly tx: WriteTransaction
  readonly step: Step
  readonly now: number
  /** The ticket that the caller names. */
  readonly lease: LeaseTicket | undefined
  /** True if readers see nothing of the change yet, so that only the named lease matters. */
  readonly isPreparation: boolean
  /** True if no time to wait is left. */
  readonly isFinal: boolean
}

/** Tests paths against the leases of their buckets, for one attempt to commit. */
export class LeaseCheck {
  readonly #attempt: Attempt
  #bucket: string | undefined
  #isAsked = false

  constructor(attempt: Attempt) {
    this.#attempt = attempt
  }

  /**
   * The reason why `path` can't be written now: a blocker to wait for, or a refusal.
   * @throws StoreError `LeaseLost`
   */
  async refusalOf(path: BucketPath): Promise<Blocker | StoreError | undefined> {
    const { tx, step, now, lease, isPreparation, isFinal } = this.#attempt
    if (lease === undefined && isPreparation) return undefined
    const { id: bucketId } = step.bucket(path.bucket)
    // Nearly always, all paths are in one bucket without leases.
    if (path.bucket !== this.#bucket) {
      if (lease !== undefined) await requireHeld(tx, { bucketId, ticket: lease }, now)
      this.#isAsked = lease !== undefined || (await hasLeases(tx, bucketId))
      this.#bucket = path.bucket
    }
    if (!this.#isAsked) return undefined
    if (lease !== undefined) {
      const isCovered = await covers(tx, { bucketId, ticket: lease }, path)
      return isCovered ? undefined : notCovering(lease, path)
    }
    const blocker = await findHolder(tx, bucketId, path, now)
    return blocker !== undefined && isFinal ? slowDown(blocker.lease) : blocker
  }
}

/** Refuses before the commit if the lease that the caller names doesn't permit the writes. @throws StoreError */
export async function checkNamedLease(
  {
    tx,
    step,
    now,
    lease,
  }: Pick<Attempt, 'step' | 'now'> & { tx: ReadTransaction; lease: LeaseTicket },
  paths: readonly BucketPath[],
): Promise<void> {
  for (const path of paths) {
    const address = { bucketId: step.bucket(path.bucket).id, ticket: lease }
    await requireHeld(tx, address, now)
    if (!(await covers(tx, address, path))) throw notCovering(lease, path)
  }
}

function notCovering(ticket: LeaseTicket, path: WrittenPath): StoreError {
  return new StoreError({
    code: 'LeaseNotCovering',
    ticket,
    path: 'folder' in path ? path.folder : path.key,
  })
}

function slowDown({ ticket, label }: BlockingLease): StoreError {
  return new StoreError({ code: 'BlockedByLease', ticket, label })
}
