// Commits under leases. The rights, the lease check and the change share one transaction, which is retried
// when a blocking lease has ended.

import { isStoreError, type StoreError } from '../base/errors.ts'
import { Blocker } from '../store/lease/blocker.ts'
import { LeaseCheck } from './lease-check.ts'
import type { Need } from './need.ts'
import type { Batch, CommitStep, Outcome, Writing } from './operation.ts'
import { type Buckets, concealed, makeStep, onStep, ownerOf, type Run, refusalOf } from './step.ts'
import { type LeaseWait, untilUnblocked } from './wait-for-lease.ts'

/** A commit and its context. */
export interface Commit<Input, Output> {
  readonly operation: Writing<Input>
  readonly input: Input
  readonly needs: readonly Need[]
  readonly waitMs: number
  /** True if the commit refers to a blob that this process has just written. */
  readonly hasNewBlob?: boolean
  commit(step: CommitStep): Promise<Output | Blocker>
}

/**
 * Commits once the leases of others permit it; waits `waitMs` at most.
 * @throws StoreError for every refusal, `SlowDown` on timeout
 */
export function commitUnderLeases<Input, Output>(
  of: Run,
  { operation, input, needs, waitMs, hasNewBlob, commit }: Commit<Input, Output>,
): Promise<Output> {
  return untilUnblocked(leaseWaitOf(of, waitMs, operation), (isFinal) =>
    of.services.engine.write(async (tx) => {
      if (hasNewBlob === true) await of.services.presence.confirm(tx)
      return onStep(tx, of, needs, async (authorized) => {
        const now = of.services.clock.now()
        const step: CommitStep = { ...authorized, tx, now, isFinal }
        const leases = leaseCheckOf(of, operation, step)
        const refusal = await leaseRefusalOf(leases, operation, step, input)
        if (refusal instanceof Blocker) return refusal
        if (refusal !== undefined) throw refusal
        return commit(step)
      })
    }),
  )
}

/** Commits one portion of a batch; refused items don't affect the others. */
export function commitPortion<Input, Item, Output>(
  of: Run,
  operation: Batch<Input, Item, Output>,
  items: readonly Item[],
  waitMs: number,
): Promise<readonly Outcome<Item>[]> {
  return untilUnblocked(leaseWaitOf(of, waitMs, operation.change), (isFinal) =>
    attemptPortion(of, operation, items, isFinal),
  )
}

async function attemptPortion<Input, Item, Output>(
  of: Run,
  operation: Batch<Input, Item, Output>,
  items: readonly Item[],
  isFinal: boolean,
): Promise<readonly Outcome<Item>[] | Blocker> {
  const { change } = operation
  return of.services.engine.write(async (tx) => {
    const buckets: Buckets = new Map()
    const now = of.services.clock.now()
    const step: CommitStep = { ...makeStep(of, buckets, tx), tx, now, isFinal }
    const leases = leaseCheckOf(of, change, step)
    const refusals: (StoreError | undefined)[] = []
    for (const item of items) {
      const denied = await refusalOf(tx, of, buckets, change.needs(item))
      const refusal = denied ?? (await leaseRefusalOf(leases, change, step, item))
      if (refusal instanceof Blocker) return refusal
      refusals.push(refusal)
    }
    const outcomes: Outcome<Item>[] = []
    for (const [index, item] of items.entries()) {
      const refusal = refusals[index] ?? (await commitItem(operation, step, item))
      const needs = change.needs(item)
      outcomes.push({
        item,
        refusal: refusal && (await concealed(tx, of, { buckets, needs }, refusal)),
      })
    }
    return outcomes
  })
}

/** Changes one item of a batch; returns a refusal that concerns this item only. @throws StoreError */
async function commitItem<Input, Item, Output>(
  { change, isRefusal }: Batch<Input, Item, Output>,
  step: CommitStep,
  item: Item,
): Promise<StoreError | undefined> {
  try {
    const result = await change.commit(step, item)
    if (result instanceof Blocker) throw new Error('a change in a batch met a blocker')
    return undefined
  } catch (error) {
    if (!isStoreError(error) || !isRefusal(error)) throw error
    return error
  }
}

function leaseWaitOf<Input>(
  { services, caller }: Run,
  waitMs: number,
  { takesTurns }: Writing<Input>,
): LeaseWait {
  const ownerId = ownerOf(caller).id
  return { ...services, ...caller, ownerId, waitMs, takesTurns }
}

function leaseCheckOf<Input>(of: Run, operation: Writing<Input>, step: CommitStep): LeaseCheck {
  const { tx, now, isFinal } = step
  const isPreparation = operation.isPreparation === true
  return new LeaseCheck({ tx, step, now, lease: of.caller.lease, isPreparation, isFinal })
}

/** The refusal by the first lease that keeps an operation from writing one of its paths. */
async function leaseRefusalOf<Input>(
  leases: LeaseCheck,
  operation: Writing<Input>,
  step: CommitStep,
  input: Input,
): Promise<Blocker | StoreError | undefined> {
  for (const path of (await operation.writes?.(step, input)) ?? []) {
    const refusal = await leases.refusalOf(path)
    if (refusal !== undefined) return refusal
  }
  return undefined
}
