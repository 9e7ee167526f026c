// Metrics for all who ask. To collect them from every process takes the whole server some milliseconds, and
// anybody may ask without a key: so those who ask at once share one collection, and those who ask again
// and again get the last one until its successor is due.

import type { Clock } from '../base/clock.ts'

/** How often a text is collected. */
export interface ScrapeOptions {
  /** Collects the text. */
  readonly collect: () => Promise<string>
  readonly clock: Clock
}

/** Milliseconds after which another collection is due. */
const intervalMs = 1000
/** Collections that may be made at once after a silence, so that who asks now and then always gets news. */
const burst = 5

/** A text that is collected when somebody asks for it, but not for everybody. */
export class Scrape {
  readonly #options: ScrapeOptions
  #running: Promise<string> | undefined
  #last: string | undefined
  /** When all collections would have been paid for. */
  #paidAtMs = Number.NEGATIVE_INFINITY

  constructor(options: ScrapeOptions) {
    this.#options = options
  }

  /** The text as it is now, or was a second ago. Rejects where collecting does. */
  async text(): Promise<string> {
    if (this.#running !== undefined) return this.#running
    const nowMs = this.#options.clock.monotonicMs()
    const isDue = this.#paidAtMs - nowMs <= (burst - 1) * intervalMs
    if (!isDue && this.#last !== undefined) return this.#last
    this.#paidAtMs = Math.max(this.#paidAtMs, nowMs) + intervalMs
    this.#running = this.#collect()
    return this.#running
  }

  async #collect(): Promise<string> {
    try {
      this.#last = await this.#options.collect()
      return this.#last
    } finally {
      this.#running = undefined
    }
  }
}
