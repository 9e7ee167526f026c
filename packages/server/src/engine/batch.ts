// Transactions queued for commit, singly and as a batch, and the step that applies a batch inside
// the storage's write transaction.

import type { Bytes } from '../base/bytes.ts'
import { applied, Changes } from './changes.ts'
import { type CommitState, claimMs, isClaimedByOther, machineMs } from './commit-state.ts'
import type { WriteTransaction } from './engine.ts'
import { RecordedTransaction, type TimeLimit } from './transaction.ts'
import type { View } from './view.ts'

/**
 * A process claims the next commit after a transaction of its own has lost this many races to other
 * processes.
 */
const lossesBeforeClaim = 2

/** The storage inside its write transaction: no other process can change it now. */
export interface Committing {
  readonly view: View
  state(): CommitState
  put(key: Bytes, value: Bytes): void
  delete(key: Bytes): void
  putState(state: CommitState): void
}

/**
 * One run of a transaction body: its reads, its buffered writes, and the callback that reports its
 * outcome.
 */
export interface Attempt {
  readonly transaction: RecordedTransaction
  /** Empty if the body threw. */
  readonly changes: Changes
  /** Settles the caller's promise with the body's value or error. */
  settle(): void
}

/** A transaction that waits for its commit. */
export class Job {
  readonly reject: (error: unknown) => void
  attempt: Attempt
  /**
   * The sequence number of the last commit in the attempt's snapshot; undefined for a rerun inside
   * a batch.
   */
  sequence: number | undefined
  attempts = 1
  losses = 0
  readonly #run: (view: View, time: TimeLimit) => Promise<Attempt>

  constructor(first: {
    readonly attempt: Attempt
    readonly sequence: number
    readonly run: (view: View, time: TimeLimit) => Promise<Attempt>
    readonly reject: (error: unknown) => void
  }) {
    this.attempt = first.attempt
    this.sequence = first.sequence
    this.reject = first.reject
    this.#run = first.run
  }

  async rerun(view: View, time: TimeLimit): Promise<void> {
    this.attempts++
    this.attempt = await this.#run(view, time)
    this.sequence = undefined
  }
}

/** Transactions that are committed in one step. */
export interface Batch {
  readonly jobs: Job[]
  /** The merged writes of all jobs. */
  readonly changes: Changes
  /** The sequence number of the commit that the batch was validated against. */
  readonly sequence: number
}

/** The result of applying a batch inside the storage's write transaction. */
export interface BatchOutcome {
  /** Jobs that were applied, in order. */
  readonly kept: Job[]
  /** Jobs whose reads were invalidated by another process. */
  readonly lost: Job[]
  readonly changes: Changes
  /** The new commit state; undefined when nothing is to be committed. */
  readonly state: CommitState | undefined
  /** True when another process has claimed this commit. */
  readonly claimed: boolean
}

/**
 * Validates and applies a batch. Runs synchronously inside the write transaction, so no other
 * process can interfere.
 */
export function applyBatch(batch: Batch, store: Committing, owner: bigint): BatchOutcome {
  const state = store.state()
  const nowMs = machineMs()
  if (isClaimedByOther(state, owner, nowMs)) {
    const none = { kept: [], changes: new Changes(), state: undefined }
    return { ...none, lost: batch.jobs, claimed: true }
  }
  const sequence = state.sequence + 1
  if (state.sequence === batch.sequence && apply(batch.changes, store)) {
    store.putState({ sequence, claim: undefined })
    const { jobs: kept, changes } = batch
    return { kept, lost: [], changes, state: { sequence, claim: undefined }, claimed: false }
  }
  const kept: Job[] = []
  const lost: Job[] = []
  const changes = new Changes()
  for (const job of batch.jobs) {
    if (!job.attempt.transaction.isValidIn(store.view)) {
      job.losses++
      lost.push(job)
    } else if (apply(job.attempt.changes, store)) {
      changes.pushAll(job.attempt.changes)
      kept.push(job)
    } else {
      job.reject(new Error('a transaction adds to a row that is not a counter'))
    }
  }
  const claims = lost.some((job) => job.losses >= lossesBeforeClaim)
  if (changes.size === 0 && !claims) {
    return { kept, lost, changes, state: undefined, claimed: false }
  }
  const claim = claims ? { owner, untilMs: nowMs + claimMs } : undefined
  store.putState({ sequence, claim })
  return { kept, lost, changes, state: { sequence, claim }, claimed: false }
}

/**
 * Writes all of `changes`. Writes nothing and returns false if one of them adds to a row that is
 * not a counter.
 */
function apply(changes: Changes, store: Committing): boolean {
  const values: (Bytes | undefined)[] = []
  for (const change of changes.values()) {
    try {
      values.push(applied(change, change.kind === 'add' ? store.view.get(change.key) : undefined))
    } catch {
      return false
    }
  }
  let index = 0
  for (const { key } of changes.values()) {
    const value = values[index++]
    if (value === undefined) store.delete(key)
    else store.put(key, value)
  }
  return true
}

/** Runs a body once on a view; never rejects. */
export async function runAttempt<T>(
  body: (transaction: WriteTransaction) => Promise<T>,
  { view, time }: { readonly view: View; readonly time: TimeLimit },
  caller: { readonly resolve: (value: T) => void; readonly reject: (error: unknown) => void },
): Promise<Attempt> {
  const transaction = new RecordedTransaction(view, time)
  try {
    const value = await body(transaction)
    return { transaction, changes: transaction.changes, settle: () => caller.resolve(value) }
  } catch (error) {
    return { transaction, changes: new Changes(), settle: () => caller.reject(error) }
  } finally {
    transaction.end()
  }
}
