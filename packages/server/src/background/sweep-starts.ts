// Sweeps other process starts: declares dead ones dead and collects their remains. A blob without a row is
// removed only if the rows know its maker and were still being written when the blob was made. Lost or
// restored rows prove nothing.

import { ownLimits } from '../base/limits.ts'
import { type Verdict, verdictOn } from '../base/liveness.ts'
import type { BlobId, StartId } from '../base/terms.ts'
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

export interface StartSweeperOptions {
  readonly engine: Engine
  /** The engine for the collector's work. */
  readonly dutyEngine: Engine
  readonly blobs: BlobStore
  readonly presence: Presence
  readonly log: Log
  readonly verdictOn?: ((liveness: string) => Verdict) | undefined
  /** Runs batch after batch, with pauses between. */
  repeat(batch: () => Promise<{ readonly rows: number; readonly hasMore: boolean }>): Promise<void>
  /** Yields to requests. @throws the abort reason when the sweeper is closed */
  rest(): Promise<void>
}

/** Blobs or rows per transaction. */
const batchSize = 256

/** Sweeps the other starts, for one process. */
export class StartSweeper {
  readonly #options: StartSweeperOptions
  readonly #engine: Engine
  readonly #start: StartId
  readonly #hearts = new HeartMonitor()
  /** True once the folders of earlier starts were checked since this process got the duty. */
  #isTidy = false

  constructor(options: StartSweeperOptions) {
    this.#options = options
    this.#engine = options.dutyEngine
    this.#start = options.presence.start
  }

  /** Called while another process holds the duty. */
  onDutyLost(): void {
    this.#isTidy = false
  }

  /**
   * Declares dead starts dead. This is a commit: remains are touched only once their start can commit
   * nothing more. A start of unknown liveness counts as alive.
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
      if (isDead) log.info('declared another process dead', { start: number })
    }
  }

  /** Makes the unreferenced blobs of dead starts garbage, and removes the starts' rows. */
  async sweep(): Promise<void> {
    const starts = await this.#engine.read(listStarts)
    // One failure doesn't stop the others.
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
    const engine = this.#engine
    await this.#options.repeat(async () => {
      const rows = await engine.write((tx) => releaseSnapshots(tx, number, batchSize))
      return { rows, hasMore: rows === batchSize }
    })
    const known = await engine.read((tx) => KnownStarts.read(tx))
    if (known.has(number)) await this.#sweepBlobs({ number, record })
    await engine.write(async (tx) => removeStart(tx, number))
    // In this order: a mark that is missing tells of older blobs while there is the row.
    await this.#options.blobs.removeMark(number)
  }

  async #sweepBlobs({ number, record }: NumberedStart): Promise<void> {
    const { blobs } = this.#options
    await blobs.removeStart(number)
    let batch: BlobId[] = []
    for await (const id of blobs.list(number)) {
      batch.push(id)
      if (batch.length < batchSize) continue
      await this.#markUnreferenced(batch, record)
      batch = []
    }
    await this.#markUnreferenced(batch, record)
  }

  /** Makes the unreferenced ones of `ids` garbage, unless the rows may be older than the blobs. */
  async #markUnreferenced(ids: readonly BlobId[], maker: ProcessStart): Promise<void> {
    if (ids.length === 0) return
    const unreferenced = await this.#engine.read((tx) => unreferencedAmong(tx, ids))
    const garbage: BlobId[] = []
    for (const id of unreferenced) if (!(await this.#isLater(id, maker))) garbage.push(id)
    if (garbage.length > 0) await this.#engine.write((tx) => markGarbage(tx, garbage))
    await this.#options.rest()
  }

  /**
   * True if a blob was written long after the last heartbeat of its maker in these rows. Then the rows are an
   * older copy, restored beside newer blobs that the copy doesn't know.
   */
  async #isLater(id: BlobId, { beatAt }: ProcessStart): Promise<boolean> {
    if (beatAt === undefined) return false
    const { blobs, log } = this.#options
    const writtenAt = await blobs.writtenAt(id)
    if (writtenAt === undefined || writtenAt <= beatAt + ownLimits.heartbeatSlackMs) return false
    log.warn('kept a blob newer than the rows; the rows may have been restored', { id })
    return true
  }

  /** Removes, once, the empty folders of starts that were swept before. Folders of other stores stay. */
  async tidy(): Promise<void> {
    if (this.#isTidy) return
    const { blobs } = this.#options
    // The order matters: a start has its row before it has a folder.
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
      log.warn('kept blobs of process starts unknown to this store', {
        starts: strange,
      })
    }
    this.#isTidy = true
  }
}
