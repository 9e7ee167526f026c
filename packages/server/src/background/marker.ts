// The marks of this process start, which follow what becomes of the blobs: a number that is raised in the
// rows first, then beside the blobs, at once after a blob was written or removed, and then once a second
// at most. So rows that were copied before, and are restored later, are found to lack a mark.

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

/** Milliseconds between two marks. */
const intervalMs = 1000

/** Marks for one process until it is closed. */
export class Marker {
  readonly #options: MarkerOptions
  readonly #stop = new AbortController()
  #running: Promise<void> | undefined
  /** True when blobs have changed since the last mark was begun. */
  #isDue = false
  #isFailing = false
  /** The last mark that lies beside the blobs. */
  #marked = 0

  constructor(options: MarkerOptions) {
    this.#options = options
  }

  /** To be called when blobs have changed. */
  note(): void {
    this.#isDue = true
    if (!this.#stop.signal.aborted) this.#running ??= this.#run()
  }

  /** Makes the last mark. To be called when no more blobs change. */
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

  /** False if it failed, which is logged once: on a full disk it fails for a long time. */
  async #attempt(work: () => Promise<void>): Promise<boolean> {
    const { presence, log } = this.#options
    try {
      await work()
      this.#isFailing = false
      return true
    } catch (error) {
      if (!this.#isFailing && !presence.isDeposed) {
        log.warn('the mark beside the blobs could not be renewed, and is tried again', { error })
      }
      this.#isFailing = true
      return false
    }
  }
}
