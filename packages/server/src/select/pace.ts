// The time budget of a page, and regular yields to the event loop.

import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../base/clock.ts'

/** Milliseconds of work between two yields. */
const turnMs = 10

/** The time budget of one page. */
export class Pace {
  readonly #clock: Clock
  readonly #endMs: number
  #lastBreakMs: number

  constructor(clock: Clock, budgetMs: number) {
    this.#clock = clock
    this.#lastBreakMs = clock.monotonicMs()
    this.#endMs = this.#lastBreakMs + budgetMs
  }

  /** True when the time is over and the page should end early. */
  get isOver(): boolean {
    return this.#clock.monotonicMs() >= this.#endMs
  }

  /**
   * Yields to the event loop if a yield is due. Reads answered from memory never yield by
   * themselves.
   */
  async yieldTurn(): Promise<void> {
    if (this.#clock.monotonicMs() - this.#lastBreakMs < turnMs) return
    await setImmediate()
    this.#lastBreakMs = this.#clock.monotonicMs()
  }
}
