// The time that a page may take, and the breaks in which other requests have their turn.

import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../base/clock.ts'

/** Milliseconds of work between two breaks. */
const turnMs = 10

/** One page's time. */
export class Pace {
  readonly #clock: Clock
  readonly #endMs: number
  #lastBreakMs: number

  constructor(clock: Clock, budgetMs: number) {
    this.#clock = clock
    this.#lastBreakMs = clock.monotonicMs()
    this.#endMs = this.#lastBreakMs + budgetMs
  }

  /** True when the page should be given up as it is. */
  get isOver(): boolean {
    return this.#clock.monotonicMs() >= this.#endMs
  }

  /** Lets others run if it's their turn; reads that are answered from memory never would. */
  async yieldTurn(): Promise<void> {
    if (this.#clock.monotonicMs() - this.#lastBreakMs < turnMs) return
    await setImmediate()
    this.#lastBreakMs = this.#clock.monotonicMs()
  }
}
