// Metrics for all who ask. To collect them from every process takes the whole server some milliseconds, and
// anybody may ask without a key: so those who ask at once share one collection, and those who ask again
// and again wait until the next one is due.

import { setTimeout } from 'node:timers/promises'
import type { Clock } from '../base/clock.ts'

/** How often a text is collected. */
export interface ScrapeOptions {
  /** Collects the text. */
  readonly collect: () => Promise<string>
  readonly clock: Clock
  /** Milliseconds after which another collection is due; 500 if left out. */
  readonly intervalMs?: number
  /** Waits; for tests. */
  readonly delay?: (ms: number) => Promise<unknown>
}

/** Collections that may be made at once after a silence, so that who asks now and then never waits. */
const burst = 5

/** A text that is collected when somebody asks for it, but not for everybody. */
export class Scrape {
  readonly #options: Required<ScrapeOptions>
  #running: Promise<string> | undefined
  /** When all collections will have been paid for. */
  #paidAtMs = Number.NEGATIVE_INFINITY

  constructor(options: ScrapeOptions) {
    this.#options = { intervalMs: 500, delay: setTimeout, ...options }
  }

  /** The text of a collection that isn't over. Rejects where collecting does. */
  text(): Promise<string> {
    this.#running ??= this.#collect()
    return this.#running
  }

  async #collect(): Promise<string> {
    const { collect, clock, intervalMs, delay } = this.#options
    try {
      const nowMs = clock.monotonicMs()
      const waitMs = this.#paidAtMs - nowMs - (burst - 1) * intervalMs
      this.#paidAtMs = Math.max(this.#paidAtMs, nowMs) + intervalMs
      if (waitMs > 0) await delay(waitMs)
      return await collect()
    } finally {
      this.#running = undefined
    }
  }
}
