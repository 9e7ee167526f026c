// Background work of a process. Each round publishes the epoch up to which its readers have ended. The
// process with the duty also removes garbage: blobs, remains of dead processes, deleted folders, uploads of
// deleted buckets, and expired leases.
//
// A blob is removed only when no reader can hold it (`store/epoch.ts`). Unreferenced remains of a dead
// process become garbage like all else, so there is only one way to remove a blob.

import { setTimeout as wait } from 'node:timers/promises'
import type { Clock } from '../base/clock.ts'
import type { Verdict } from '../base/liveness.ts'
import { type BlobStore, startOf, type UnremovedBlob } from '../blob/blob.ts'
import type { Engine } from '../engine/engine.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { advanceEpoch, currentEpoch, type Readers } from '../store/body/epoch.ts'
import {
  countGarbage,
  type Garbage,
  hasGarbageSince,
  listGarbage,
  referencedAmong,
  removeGarbage,
} from '../store/body/garbage.ts'
import { KnownStarts } from '../store/body/identity.ts'
import type { Presence } from '../store/body/presence.ts'
import { listStarts, reachEpoch, takeCollectorDuty } from '../store/body/process.ts'
import { nextAbandonedBucket, removeAbandonedUploads } from '../store/body/upload.ts'
import { collectDomains } from '../store/domain/domain.ts'
import { sweepLeases } from '../store/lease/lease.ts'
import { countLeases } from '../store/lease/list.ts'
import type { IdSource } from '../store/row/id.ts'
import { forgetClientTokens } from '../store/tree/client-token.ts'
import { collect } from '../store/tree/collect.ts'
import { compact } from '../store/tree/compact.ts'
import type { Snapshots } from '../store/tree/snapshot.ts'
import { DutyLostError, onDuty } from './duty.ts'
import { StartSweeper } from './sweep-starts.ts'

export interface SweeperOptions {
  readonly engine: Engine
  readonly blobs: BlobStore
  readonly readers: Readers
  readonly snapshots: Snapshots
  readonly ids: IdSource
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  /** This start. */
  readonly presence: Presence
  /** False if this process only publishes its epoch and never collects; default true. */
  readonly isCollecting?: boolean
  /** Milliseconds between two rounds; default 1,000. */
  readonly intervalMs?: number
  /** Starts requested exports, and resolves when they have ended; without this, no exports run. */
  readonly exports?: (signal: AbortSignal) => Promise<void>
  /** Continues the scrub; without this, there is none. */
  readonly scrub?: (signal: AbortSignal) => Promise<void>
  /** Replaces asking the system for the liveness of a token's process, in tests. */
  readonly verdictOn?: (liveness: string) => Verdict
}

/** The result of a batch of work. */
interface Batch {
  readonly rows: number
  readonly hasMore: boolean
}

/** Blobs or rows per transaction. */
const batchSize = 256
/** Milliseconds per kind of work in a round: a large folder must not delay leases and tokens. */
const shareMs = 500
/** Upper bound of the garbage counted for the metrics. */
const countedBlobs = 10_000
/** Milliseconds of the longest pause after consecutive failures. */
const longestPauseMs = 60_000

/** Sweeps for one process until closed. */
export class Sweeper {
  readonly #options: SweeperOptions
  /** The engine for the collector's work. */
  readonly #engine: Engine
  readonly #starts: StartSweeper
  readonly #stop = new AbortController()
  #running: Promise<void> = Promise.resolve()
  readonly #exports = new Set<Promise<void>>()
  #scrub: Promise<void> = Promise.resolve()
  #scrubbing = false
  #publishing = false
  /** Milliseconds that each kind of work may take in this round. */
  #shareMs = Number.POSITIVE_INFINITY
  /** True when this round left work to the next one. */
  #isCutShort = false
  /** The position after which the remaining blobs follow. */
  #lastGarbage: Garbage | undefined
  #published = -1

  constructor(options: SweeperOptions) {
    this.#options = options
    this.#engine = onDuty(options.engine, options.presence.start)
    this.#starts = new StartSweeper({
      ...options,
      dutyEngine: this.#engine,
      repeat: (batch) => this.#repeat('row', batch),
      rest: () => this.#rest(0),
    })
  }

  /** Starts to sweep, one round at a time. */
  start(): void {
    this.#running = this.#run()
  }

  /** Ends the current round after its current batch. */
  async close(): Promise<void> {
    this.#stop.abort()
    await this.#running
    await Promise.all(this.#exports)
    await this.#scrub
  }

  /**
   * Runs one round, in which each kind of work may take `share` milliseconds; no limit by default. A failure
   * is logged and doesn't stop other work; returns false if there was any.
   * @throws if the store can't tell which process has the duty, and when the sweeper is closed
   */
  async sweep(share: number = Number.POSITIVE_INFINITY): Promise<boolean> {
    const { engine } = this.#options
    this.#shareMs = share
    this.#isCutShort = false
    const epoch = await engine.read(currentEpoch)
    this.#publish(epoch)
    await this.#options.snapshots.retry()
    if (this.#options.isCollecting === false) return true
    await this.#starts.declareDead()
    const hasDuty = await this.#takeDuty()
    if (!hasDuty) this.#starts.onDutyLost()
    return hasDuty ? this.#collect() : true
  }

  /** The round of the process with the duty; false if any work failed. */
  async #collect(): Promise<boolean> {
    const { ids } = this.#options
    const engine = this.#engine
    const stages: readonly [what: string, stage: () => Promise<void>][] = [
      ['folders of earlier starts', () => this.#starts.tidy()],
      ['remains of dead processes', () => this.#starts.sweep()],
      ['blobs', () => this.#collectBlobs()],
      ['rows', () => this.#repeatInShare('row', () => collect(engine, { maxRows: batchSize }))],
      [
        'layers',
        () => this.#repeatInShare('row', () => compact(engine, ids, { maxRows: batchSize })),
      ],
      [
        'domains',
        () => this.#repeatInShare('row', () => collectDomains(engine, { maxRows: batchSize })),
      ],
      ['uploads of deleted buckets', () => this.#endUploads()],
      ['client tokens', () => this.#repeatInShare('row', () => this.#forgetTokens())],
      ['leases', () => this.#sweepLeases()],
    ]
    this.#export()
    this.#goOnScrubbing()
    let isDone = true
    try {
      for (const [what, stage] of stages) isDone = (await this.#attempt(what, stage)) && isDone
    } catch (error) {
      if (!(error instanceof DutyLostError)) throw error
      this.#starts.onDutyLost()
    }
    return isDone
  }

  #takeDuty(): Promise<boolean> {
    const { engine, presence } = this.#options
    return engine.write(async (tx) => {
      await presence.confirm(tx)
      return takeCollectorDuty(tx, presence.start)
    })
  }

  /**
   * Runs `stage`; logs a failure and returns false.
   * @throws the abort reason when the sweeper is closed, and DutyLostError
   */
  async #attempt(what: string, stage: () => Promise<void>): Promise<boolean> {
    this.#stop.signal.throwIfAborted()
    try {
      await stage()
      return true
    } catch (error) {
      this.#stop.signal.throwIfAborted()
      if (error instanceof DutyLostError) throw error
      this.#options.log.warn('background collection failed; will retry', {
        what,
        error,
      })
      return false
    }
  }

  async #run(): Promise<void> {
    const { intervalMs = 1000, log } = this.#options
    let pauseMs = intervalMs
    for (;;) {
      try {
        await wait(pauseMs, undefined, { signal: this.#stop.signal, ref: false })
        const isDone = await this.sweep(shareMs)
        // Work cut short has already paused for as long as it ran.
        if (isDone) pauseMs = this.#isCutShort ? 0 : intervalMs
        else pauseMs = Math.min(Math.max(pauseMs, intervalMs) * 2, longestPauseMs)
      } catch (error) {
        if (this.#stop.signal.aborted || this.#options.presence.isDeposed) return
        pauseMs = Math.min(pauseMs * 2, longestPauseMs)
        log.warn('background collection failed; will retry', { error, pauseMs })
      }
    }
  }

  /** Publishes `epoch` once all reads that began before it have ended, however long they take. */
  #publish(epoch: number): void {
    if (this.#publishing || epoch <= this.#published) return
    const { engine, readers, presence, log } = this.#options
    this.#publishing = true
    const publish = async (): Promise<void> => {
      await readers.drain()
      if (this.#stop.signal.aborted) return
      await engine.write(async (tx) => {
        await presence.confirm(tx)
        await reachEpoch(tx, presence.start, epoch)
      })
      this.#published = epoch
    }
    publish()
      .catch((error: unknown) =>
        log.warn('could not publish an epoch; the next round will retry', { error }),
      )
      .finally(() => {
        this.#publishing = false
      })
  }

  /** Starts the exports that may start; they run beside the rounds, however long they take. */
  #export(): void {
    const { exports, log } = this.#options
    if (exports === undefined) return
    const begun = exports(this.#stop.signal)
      .catch((error: unknown) => log.warn('exports failed and will be retried', { error }))
      .finally(() => this.#exports.delete(begun))
    this.#exports.add(begun)
  }

  /** Continues the scrub, however long a pass takes. */
  #goOnScrubbing(): void {
    const { scrub, log } = this.#options
    if (this.#scrubbing || scrub === undefined) return
    this.#scrubbing = true
    const { signal } = this.#stop
    this.#scrub = scrub(signal)
      .catch((error: unknown) => {
        if (!signal.aborted)
          log.warn('the scrub was interrupted and will continue later', { error })
      })
      .finally(() => {
        this.#scrubbing = false
      })
  }

  async #collectBlobs(): Promise<void> {
    const { metrics } = this.#options
    const engine = this.#engine
    const before = await this.#safeEpoch()
    const failed: UnremovedBlob[] = []
    let after = this.#lastGarbage
    await this.#repeatInShare('blob', async () => {
      const options = { before, after, limit: batchSize }
      const garbage = await engine.read((tx) => listGarbage(tx, options))
      const unremoved = await this.#deleteGarbage(garbage)
      // A blob that can't be removed must not block those after it.
      after = garbage.at(-1)
      if (failed.length === 0) failed.push(...unremoved)
      const rows = garbage.length - unremoved.length
      return { rows, hasMore: garbage.length === batchSize }
    })
    this.#lastGarbage = this.#isCutShort ? after : undefined
    metrics.blobsPending(await engine.read((tx) => countGarbage(tx, countedBlobs)))
    const [first] = failed
    if (first !== undefined) {
      throw new Error(`some blobs could not be removed, such as ${first.id}`, {
        cause: first.error,
      })
    }
  }

  /** Deletes blobs and their garbage rows; returns those that could not be deleted, which stay garbage. */
  async #deleteGarbage(garbage: readonly Garbage[]): Promise<readonly UnremovedBlob[]> {
    if (garbage.length === 0) return []
    const { blobs, log } = this.#options
    const engine = this.#engine
    // Garbage has no references. If that were ever wrong, data would be lost, so it is checked again here.
    const blobIds = garbage.map(({ blobId }) => blobId)
    const { referenced, known } = await engine.read(async (tx) => ({
      referenced: await referencedAmong(tx, blobIds),
      known: await KnownStarts.read(tx),
    }))
    if (referenced.size > 0) {
      log.error('kept referenced blobs that were marked as garbage', {
        blobs: [...referenced],
      })
    }
    const ids = garbage
      .map(({ blobId }) => blobId)
      .filter((id) => !referenced.has(id) && known.has(startOf(id)))
    // Durably, so that no blob reappears after its garbage row is gone.
    const unremoved = await blobs.deleteAll(ids)
    const left = new Set(unremoved.map(({ id }) => id))
    const gone = garbage.filter(({ blobId }) => !left.has(blobId))
    if (gone.length > 0) await engine.write((tx) => removeGarbage(tx, gone))
    return unremoved
  }

  /**
   * The epoch that every start not declared dead has reached. If all have reached the present epoch and it has
   * garbage, begins a new one. Without that, the garbage would never become older than all readers.
   */
  async #safeEpoch(): Promise<number> {
    return this.#engine.write(async (tx) => {
      const epoch = await currentEpoch(tx)
      let safe = epoch
      for (const { record } of await listStarts(tx)) {
        if (record.liveness !== '') safe = Math.min(safe, record.epoch)
      }
      if (safe === epoch && (await hasGarbageSince(tx, epoch))) await advanceEpoch(tx)
      return safe
    })
  }

  async #endUploads(): Promise<void> {
    const engine = this.#engine
    await this.#repeatInShare('row', async () => {
      const bucketId = await engine.read(nextAbandonedBucket)
      if (bucketId === undefined) return { rows: 0, hasMore: false }
      // An upload may have 10,000 parts: enough for one transaction.
      await engine.write((tx) => removeAbandonedUploads(tx, bucketId, 1))
      return { rows: 1, hasMore: true }
    })
  }

  async #forgetTokens(): Promise<Batch> {
    const { clock } = this.#options
    const rows = await this.#engine.write((tx) => forgetClientTokens(tx, clock.now(), batchSize))
    return { rows, hasMore: rows === batchSize }
  }

  /** Ends expired leases, so that writes needn't check them any more. */
  async #sweepLeases(): Promise<void> {
    const { clock, metrics } = this.#options
    const engine = this.#engine
    await this.#repeatInShare('row', async () => {
      const rows = await engine.write((tx) => sweepLeases(tx, clock.now()))
      return { rows, hasMore: rows > 0 }
    })
    metrics.leases(await engine.read(countLeases))
  }

  /** Runs batch after batch, pausing for as long as each took, so that requests come first. */
  async #repeat(kind: 'blob' | 'row', batch: () => Promise<Batch>): Promise<void> {
    const { clock, metrics } = this.#options
    for (;;) {
      const started = clock.monotonicMs()
      const { rows, hasMore } = await batch()
      if (rows > 0) metrics.collected(kind, rows)
      if (!hasMore) return
      await this.#rest(clock.monotonicMs() - started)
    }
  }

  /** Like `#repeat`, but leaves the work beyond its share of the round to the next round. */
  async #repeatInShare(kind: 'blob' | 'row', batch: () => Promise<Batch>): Promise<void> {
    const { clock } = this.#options
    const endMs = clock.monotonicMs() + this.#shareMs
    await this.#repeat(kind, async () => {
      const { rows, hasMore } = await batch()
      const isOver = hasMore && clock.monotonicMs() >= endMs
      this.#isCutShort ||= isOver
      return { rows, hasMore: hasMore && !isOver }
    })
  }

  /** @throws the abort reason when the sweeper is closed */
  async #rest(ms: number): Promise<void> {
    await wait(ms, undefined, { signal: this.#stop.signal })
  }
}
