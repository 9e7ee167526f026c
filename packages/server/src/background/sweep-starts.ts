// What happens to other process starts on the store: those that are dead are declared so, and what they
// left is swept. A blob is removed for being without a row only if these rows know its maker, and were
// still being written when it was made: rows that were lost, or restored, prove nothing.

import { ownLimits } from '../base/limits.ts'
import { type Verdict, verdictOn } from '../base/liveness.ts'
import type { BlobId } from '../base/terms.ts'
import type { BlobStore } from '../blob/blob.ts'
import type { Engine } from '../engine/engine.ts'
import type { Log } from '../observe/log.ts'
import { markGarbage, unreferencedAmong } from '../store/body/garbage.ts'
import { KnownStarts } from '../store/body/identity.ts'
import type { Presence } from '../store/body/presence.ts'
import {
  declareDead,
  listStarts,
  type NumberedStart,
  type ProcessStart,
  removeStart,
} from '../store/body/process.ts'
import { releaseSnapshots } from '../store/tree/snapshot.ts'
import { HeartMonitor } from './pulse.ts'

/** What a sweeper of starts works with. */
export interface StartSweeperOptions {
  readonly engine: Engine
  /** The engine for the work of the collector. */
  readonly dutyEngine: Engine
  readonly blobs: BlobStore
  readonly presence: Presence
  readonly log: Log
  readonly verdictOn?: ((liveness: string) => Verdict) | undefined
  /** Does batch after batch of rows, with rests between. */
  repeat(batch: () => Promise<{ readonly rows: number; readonly hasMore: boolean }>): Promise<void>
  /** Lets requests come first. @throws the abort reason when the sweeper is closed */
  rest(): Promise<void>
}

/** Blobs, or rows, of one transaction. */
const batchSize = 256

/** Sweeps the other starts for one process. */
export class StartSweeper {
  readonly #options: StartSweeperOptions
  readonly #engine: Engine
  readonly #start: number
  readonly #hearts = new HeartMonitor()
  /** True once the folders of earlier starts were looked through, in this turn of having the duty. */
  #isTidy = false

  constructor(options: StartSweeperOptions) {
    this.#options = options
    this.#engine = options.dutyEngine
    this.#start = options.presence.start
  }

  /** To be called while another process has the duty of the collector. */
  onDutyLost(): void {
    this.#isTidy = false
  }

  /**
   * Declares those dead that are, which is a commit: what they left is touched only once they can commit
   * nothing any more. Of whom nothing is known lives.
   */
  async declareDead(): Promise<void> {
    const { engine, log } = this.#options
    const starts = await engine.read(listStarts)
    const own = starts.find(({ number }) => number === this.#start)
    if (own === undefined) return
    const others = starts.filter((start) => start !== own && start.record.liveness !== '')
    const facts = {
      ownBeat: own.record.beat,
      verdictOn: this.#options.verdictOn ?? verdictOn,
    }
    for (const { number, record } of this.#hearts.dead(others, facts)) {
      const isDead = await engine.write((tx) => declareDead(tx, { number, beat: record.beat }))
      if (isDead) log.info('a process that worked on the store has ended', { start: number })
    }
  }

  /** Makes garbage of what dead processes left without a reference, and forgets them. */
  async sweep(): Promise<void> {
    const starts = await this.#engine.read(listStarts)
    // One that fails doesn't keep the others.
    let failure: unknown
    for (const start of starts) {
      if (start.number === this.#start || start.record.liveness !== '') continue
      try {
        await this.#sweepOne(start)
      } catch (error) {
        failure ??= error
      }
    }
    if (failure !== undefined) throw failure
  }

  async #sweepOne({ number, record }: NumberedStart): Promise<void> {
    const { blobs } = this.#options
    const engine = this.#engine
    await this.#options.repeat(async () => {
      const rows = await engine.write((tx) => releaseSnapshots(tx, number, batchSize))
      return { rows, hasMore: rows === batchSize }
    })
    await blobs.removeStart(number)
    let batch: BlobId[] = []
    for await (const id of blobs.list(number)) {
      batch.push(id)
      if (batch.length < batchSize) continue
      await this.#markUnreferenced(batch, record)
      batch = []
    }
    await this.#markUnreferenced(batch, record)
    await engine.write(async (tx) => removeStart(tx, number))
  }

  /** Makes garbage of those of `ids` that nothing refers to, unless the rows may be older than they are. */
  async #markUnreferenced(ids: readonly BlobId[], maker: ProcessStart): Promise<void> {
    if (ids.length === 0) return
    const unreferenced = await this.#engine.read((tx) => unreferencedAmong(tx, ids))
    const garbage: BlobId[] = []
    for (const id of unreferenced) if (!(await this.#isLater(id, maker))) garbage.push(id)
    if (garbage.length > 0) await this.#engine.write((tx) => markGarbage(tx, garbage))
    await this.#options.rest()
  }

  /**
   * True if a blob was written when its maker's heart, as these rows have it, had long stopped: then they
   * are an older copy, restored beside blobs that go on, and know nothing of it.
   */
  async #isLater(id: BlobId, { beatAt }: ProcessStart): Promise<boolean> {
    if (beatAt === undefined) return false
    const { blobs, log } = this.#options
    const writtenAt = await blobs.writtenAt(id)
    if (writtenAt === undefined || writtenAt <= beatAt + ownLimits.heartbeatSlackMs) return false
    log.warn('a blob is later than the rows, which may have been restored; it is kept', { id })
    return true
  }

  /** Removes the empty folders of starts that were swept before; once. Others' folders are left alone. */
  async tidy(): Promise<void> {
    if (this.#isTidy) return
    const { blobs } = this.#options
    // In this order: a start has its row before it has a folder.
    const numbers = await blobs.starts()
    const { known, unswept } = await this.#engine.read(async (tx) => ({
      known: await KnownStarts.read(tx),
      unswept: new Set((await listStarts(tx)).map(({ number }) => number)),
    }))
    for (const number of numbers) {
      if (known.has(number) && !unswept.has(number)) await blobs.removeStart(number)
    }
    const strange = numbers.filter((number) => !known.has(number))
    if (strange.length > 0) {
      const { log } = this.#options
      log.warn('blobs of process starts that this store does not know are kept', {
        starts: strange,
      })
    }
    this.#isTidy = true
  }
}
