// Advances the mark of this process start after changes of blobs: a number that is raised first in the rows, then beside
// the blobs. The first change is marked at once, later ones at most once per second. Restored older rows are thus
// detected, since they lack a mark that is beside the blobs.

import { setTimeout as wait } from 'node:timers/promises'
import type { BlobStore } from '../blob/blob.ts'
import type { Engine } from '../engine/engine.ts'
import type { Log } from '../observe/log.ts'
import type { Presence } from '../store/body/presence.ts'
import { advanceMark, confirmMark } from '../store/body/process.ts'

/** The services and the start that a marker needs. */
export interface MarkerOptions {
  readonly engine: Engine
  readonly blobs: BlobStore
  readonly presence: Presence
  readonly log: Log
}

/** The least number of milliseconds between two marks. */
const intervalMs = 1000

/** Advances the marks of one process until closed. */
export class Marker {
  readonly #options: MarkerOptions
  readonly #stop = new AbortController()
  #running: Promise<void> | undefined
  /** True if blobs have changed since the beginning of the last mark. */
  #isDue = false
  #isFailing = false
  /** The last mark written beside the blobs. */
  #marked = 0

  constructor(options: MarkerOptions) {
    this.#options = options
  }

  /** Notes that blobs have changed. */
  note(): void {
    this.#isDue = true
    if (!this.#stop.signal.aborted) this.#running ??= this.#run()
  }

  /** Writes the last mark. Call this after the last change of blobs. */
  async close(): Promise<void> {
    this.#stop.abort()
    await this.#running
    if (this.#isDue) await this.#advance()
    if (this.#marked > 0) await this.#attempt(() => this.#confirm())
  }

  async #confirm(): Promise<void> {
    const { engine, presence } = this.#options
    await engine.write(async (tx) => {
      await presence.confirm(tx)
      await confirmMark(tx, presence.start, this.#marked)
    })
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    while (this.#isDue && !signal.aborted && !this.#options.presence.isDeposed) {
      await this.#advance()
      await wait(intervalMs, undefined, { signal, ref: false }).catch(() => undefined)
    }
    this.#running = undefined
  }

  async #advance(): Promise<void> {
    const { engine, blobs, presence } = this.#options
    this.#isDue = false
    const isDone = await this.#attempt(async () => {
      const mark = await engine.write(async (tx) => {
        await presence.confirm(tx)
        return advanceMark(tx, presence.start, this.#marked)
      })
      await blobs.mark(mark)
      this.#marked = mark
    })
    if (!isDone) this.#isDue = true
  }

  /** Runs `work`; false if it failed. Repeated failures are logged once, since a full disk causes many. */
  async #attempt(work: () => Promise<void>): Promise<boolean> {
    const { presence, log } = this.#options
    try {
      await work()
      this.#isFailing = false
      return true
    } catch (error) {
      if (!this.#isFailing && !presence.isDeposed) {
        log.warn('could not renew the mark beside the blobs; will retry', { error })
      }
      this.#isFailing = true
      return false
    }
  }
}
