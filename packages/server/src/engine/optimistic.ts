// Optimistic transactions with group commit, over any storage that has snapshots and a synchronous
// commit. A body runs on a snapshot; its reads are recorded and its writes buffered. Waiting
// transactions form a batch over the newest snapshot plus the writes of the batch so far.
// Transactions with invalid reads are rerun there. The storage's commit validates against other
// processes, applies the batch, and syncs once.

import { randomBytes } from 'node:crypto'
import { setImmediate, setTimeout } from 'node:timers/promises'
import type { Bytes } from '../base/bytes.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import { StoreError } from '../base/errors.ts'
import { ownLimits } from '../base/limits.ts'
import type { BackingStore, Snapshot } from './backing-store.ts'
import { applyBatch, type Batch, type BatchOutcome, Job, runAttempt } from './batch.ts'
import { ChangedView, Changes } from './changes.ts'
import { isClaimedByOther, machineMs } from './commit-state.ts'
import type { Engine, EngineStatistics, ReadTransaction, WriteTransaction } from './engine.ts'
import { StaleSnapshots } from './stale-snapshots.ts'
import { PlainTransaction, readTooLong, type TimeLimit } from './transaction.ts'
import type { View } from './view.ts'
import { Watchers } from './watchers.ts'

/** Recent commits of this process kept in memory, so that most validations need no reads. */
const recentLimit = 3

/** Milliseconds between checks for the end of another process's claim. */
const claimPollMs = 2

const housekeepingMs = 250
const collectDeadMs = 30_000

interface HeldSnapshot extends TimeLimit {
  readonly snapshot: Snapshot
  expired?: () => void
}

export interface OptimisticOptions {
  /** The longest time in milliseconds that a transaction may hold its snapshot. */
  readonly readMs?: number | undefined
  /**
   * Age in milliseconds up to which stale snapshots are kept. Without it, every read sees the
   * newest state.
   */
  readonly keptMs?: number | undefined
  /** Tells the age of stale snapshots; the machine's clock by default. */
  readonly clock?: Clock | undefined
}

export class OptimisticEngine implements Engine {
  readonly #store: BackingStore
  readonly #readMs: number
  readonly #owner: bigint = randomBytes(8).readBigUInt64BE(0) | 1n
  readonly #watchers: Watchers
  readonly #housekeeping: NodeJS.Timeout
  readonly #held = new Set<HeldSnapshot>()
  readonly #staleSnapshots: StaleSnapshots | undefined
  #queue: Job[] = []
  #recent: { readonly sequence: number; readonly changes: Changes }[] = []
  #committing = false
  #closing = false
  #idle: (() => void) | undefined
  /** The fatal error after which the store can't be used any more. */
  #broken: unknown
  #lastCollectMs = performance.now()
  readonly #counts = {
    reads: 0,
    transactions: 0,
    conflicts: 0,
    retries: 0,
    batches: 0,
    lastBatchSize: 0,
  }

  constructor(store: BackingStore, options: OptimisticOptions = {}) {
    this.#store = store
    this.#readMs = options.readMs ?? ownLimits.engineReadMs
    const { keptMs = 0, clock = systemClock } = options
    this.#staleSnapshots =
      keptMs > 0 ? new StaleSnapshots({ open: () => store.snapshot(), keptMs, clock }) : undefined
    this.#watchers = new Watchers({
      sequence: () => this.#peek((snapshot) => snapshot.state().sequence),
      values: (keys) => this.#peek(({ view }) => keys.map((key) => view.get(key))),
    })
    const interval = Math.min(housekeepingMs, this.#readMs / 4)
    this.#housekeeping = setInterval(() => this.#housekeep(), interval).unref()
  }

  async read<T>(
    body: (transaction: ReadTransaction) => Promise<T>,
    { maxStalenessMs = 0 }: { readonly maxStalenessMs?: number } = {},
  ): Promise<T> {
    this.#checkOpen()
    this.#counts.reads++
    const held = this.#hold(maxStalenessMs)
    const transaction = new PlainTransaction(held.snapshot.view, held)
    try {
      return await body(transaction)
    } finally {
      transaction.end()
      this.#release(held)
    }
  }

  async write<T>(body: (transaction: WriteTransaction) => Promise<T>): Promise<T> {
    this.#checkOpen()
    if (this.#queue.length >= ownLimits.waitingTransactions) throw slowDown()
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const run = (view: View, time: TimeLimit) =>
      runAttempt(body, { view, time }, { resolve, reject })
    const held = this.#hold()
    try {
      const attempt = await run(held.snapshot.view, held)
      if (attempt.changes.size > 0) {
        const { sequence } = held.snapshot.state()
        this.#queue.push(new Job({ attempt, sequence, run, reject }))
        this.#startCommitting()
      } else {
        // A transaction without writes, or a body that threw, saw one snapshot, the newest when the
        // call began. It is serializable and linearizable without a commit.
        attempt.settle()
      }
    } finally {
      this.#release(held)
    }
    return promise
  }

  async watch(
    key: Bytes,
    seen: Bytes | undefined,
    signal: AbortSignal,
    mark?: Bytes,
  ): Promise<void> {
    this.#checkOpen()
    await this.#watchers.wait(key, seen, { signal, mark })
  }

  checkRoom(bytes: number): void {
    this.#checkOpen()
    this.#store.checkRoom(bytes)
  }

  statistics(): EngineStatistics {
    return { ...this.#counts, sizeBytes: this.#closing ? 0 : this.#store.sizeBytes() }
  }

  async close(): Promise<void> {
    if (this.#closing) return
    this.#closing = true
    this.#watchers.close(closed())
    this.#staleSnapshots?.close()
    while (this.#held.size > 0 || this.#committing) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve
      })
    }
    clearInterval(this.#housekeeping)
    await this.#store.close()
  }

  #checkOpen(): void {
    if (this.#closing) throw closed()
    if (this.#broken !== undefined) throw broken(this.#broken)
  }

  #hold(maxStalenessMs = 0): HeldSnapshot {
    const stale = maxStalenessMs > 0 ? this.#staleSnapshots?.take(maxStalenessMs) : undefined
    const held: HeldSnapshot = {
      snapshot: stale ?? this.#store.snapshot(),
      openedMs: performance.now(),
      limitMs: this.#readMs,
    }
    this.#held.add(held)
    return held
  }

  #release(held: HeldSnapshot): void {
    held.snapshot.release()
    this.#held.delete(held)
    if (this.#held.size === 0) this.#idle?.()
  }

  #peek<T>(look: (snapshot: Snapshot) => T): T {
    const snapshot = this.#store.snapshot()
    try {
      return look(snapshot)
    } finally {
      snapshot.release()
    }
  }

  #housekeep(): void {
    const nowMs = performance.now()
    for (const held of this.#held) {
      if (nowMs - held.openedMs < this.#readMs) break
      held.expired?.()
      this.#release(held)
    }
    if (nowMs - this.#lastCollectMs < collectDeadMs) return
    this.#lastCollectMs = nowMs
    this.#store.collectDead()
  }

  #startCommitting(): void {
    if (this.#committing) return
    this.#committing = true
    this.#commitAll().then(
      () => {
        this.#committing = false
        this.#idle?.()
      },
      (error: unknown) => {
        this.#committing = false
        for (const job of this.#queue.splice(0)) job.reject(error)
        this.#idle?.()
      },
    )
  }

  /** Commits one batch after another until the queue is empty. */
  async #commitAll(): Promise<void> {
    while (this.#queue.length > 0) {
      // Lets transactions of the same turn of the event loop join the batch.
      await setImmediate()
      const taken = this.#take()
      try {
        const batch = await this.#assemble(taken)
        if (batch.changes.size === 0) for (const job of batch.jobs) job.attempt.settle()
        else await this.#commit(batch)
      } catch (error) {
        for (const job of taken) job.reject(error)
        this.#queue = this.#queue.filter((job) => !taken.includes(job))
      }
    }
  }

  #take(): Job[] {
    let count = 0
    let changes = 0
    let bytes = 0
    for (const job of this.#queue) {
      changes += job.attempt.changes.size
      bytes += job.attempt.changes.sizeBytes
      const isFull = changes > ownLimits.batchChanges || bytes > ownLimits.batchBytes
      if (count > 0 && isFull) break
      if (++count === ownLimits.batchTransactions) break
    }
    return this.#queue.splice(0, count)
  }

  /**
   * Builds a batch from `taken` in which all reads are valid, rerunning transactions whose reads
   * are not.
   */
  async #assemble(taken: readonly Job[]): Promise<Batch> {
    const held = this.#hold()
    try {
      const changes = new Changes()
      const view = new ChangedView(held.snapshot.view, changes)
      const batch: Batch = { jobs: [], changes, sequence: held.snapshot.state().sequence }
      for (const [index, job] of taken.entries()) {
        if (!this.#holds(job, batch, view)) {
          this.#counts.conflicts++
          if (job.attempts >= ownLimits.transactionAttempts) {
            job.reject(slowDown())
            continue
          }
          this.#counts.retries++
          if (!(await this.#rerun(job, view, held))) {
            job.reject(readTooLong(this.#readMs))
            this.#queue.unshift(...taken.slice(index + 1))
            break
          }
        }
        if (changes.accepts(job.attempt.changes)) {
          changes.pushAll(job.attempt.changes)
          batch.jobs.push(job)
        } else {
          job.reject(new Error('a transaction adds to a row that is not a counter'))
        }
      }
      return batch
    } finally {
      this.#release(held)
    }
  }

  /** True when the job's reads give the same answers on `view`. */
  #holds(job: Job, batch: Batch, view: View): boolean {
    const { transaction } = job.attempt
    const since = this.#changesSince(job.sequence, batch.sequence)
    if (since !== undefined && !transaction.mayBeInvalidatedBy([...since, batch.changes]))
      return true
    return transaction.isValidIn(view)
  }

  /**
   * The changes of the commits after `from` up to `to`, or undefined if they are no longer in
   * memory.
   */
  #changesSince(from: number | undefined, to: number): Changes[] | undefined {
    if (from === undefined) return undefined
    const since = this.#recent.filter(({ sequence }) => sequence > from && sequence <= to)
    return since.length === to - from ? since.map(({ changes }) => changes) : undefined
  }

  /** Runs the job again on `view`; false when the batch's snapshot expired meanwhile. */
  async #rerun(job: Job, view: View, held: HeldSnapshot): Promise<boolean> {
    const expired = new Promise<boolean>((resolve) => {
      held.expired = () => resolve(false)
    })
    return Promise.race([job.rerun(view, held).then(() => true), expired])
  }

  async #commit(batch: Batch): Promise<void> {
    let outcome: BatchOutcome | undefined
    try {
      await this.#store.commit((store) => {
        outcome = applyBatch(batch, store, this.#owner)
        return outcome.state !== undefined
      })
    } catch (error) {
      for (const job of outcome?.kept ?? batch.jobs) job.reject(error)
      this.#queue.unshift(...(outcome?.lost ?? []))
      this.#checkUsable()
      return
    }
    if (outcome === undefined) throw new Error('the store committed without applying')
    this.#counts.batches++
    this.#counts.lastBatchSize = outcome.kept.length
    // Settle these before anything else: committed transactions must be reported as such, whatever
    // fails below.
    for (const { attempt } of outcome.kept) {
      if (attempt.changes.size > 0) this.#counts.transactions++
      attempt.settle()
    }
    this.#queue.unshift(...outcome.lost)
    if (outcome.state !== undefined) this.#remember(outcome.state.sequence, outcome.changes)
    if (outcome.claimed) await this.#awaitUnclaimed()
    else this.#counts.conflicts += outcome.lost.length
  }

  /**
   * After a failed commit, checks that the store can still be read. If its root page could not be
   * written, reads fail, and another commit would never end.
   */
  #checkUsable(): void {
    try {
      this.#peek((snapshot) => snapshot.state())
    } catch (error) {
      this.#broken = error
      for (const job of this.#queue.splice(0)) job.reject(broken(error))
    }
  }

  #remember(sequence: number, changes: Changes): void {
    if (this.#recent.at(-1)?.sequence !== sequence - 1) this.#recent = []
    this.#recent.push({ sequence, changes })
    if (this.#recent.length > recentLimit) this.#recent.shift()
    try {
      this.#watchers.committed(sequence, changes)
    } catch {
      // The watchers couldn't read now. Their next poll, moments later, finds the change or reports
      // the error.
    }
  }

  async #awaitUnclaimed(): Promise<void> {
    do {
      await setTimeout(claimPollMs)
    } while (this.#peek((snapshot) => isClaimedByOther(snapshot.state(), this.#owner, machineMs())))
  }
}

function slowDown(): StoreError {
  return new StoreError({ code: 'SlowDown', resource: 'writers' })
}

function broken(cause: unknown): StoreError {
  return new StoreError({ code: 'StoreFailed' }, { cause })
}

function closed(): StoreError {
  return new StoreError({ code: 'StoreClosed' })
}
