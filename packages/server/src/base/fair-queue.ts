// Work that takes long, such as parsing a large document, one piece at a time: with breaks in between, so
// that it holds up small requests only as long as a break is apart, and each party in its turn, so that
// many pieces of one don't come before a single one of another.

import { setImmediate } from 'node:timers/promises'
import { type Clock, systemClock } from './clock.ts'

/** Milliseconds of work between two breaks. */
const stretchMs = 5

/** Lets other requests have their turn while a long piece of work goes on. */
export class Breaks {
  readonly #clock: Clock
  #lastMs: number

  constructor(clock: Clock = systemClock) {
    this.#clock = clock
    this.#lastMs = clock.monotonicMs()
  }

  /** True when the work has gone on for long enough. */
  get isDue(): boolean {
    return this.#clock.monotonicMs() - this.#lastMs >= stretchMs
  }

  /** A break. */
  async take(): Promise<void> {
    await setImmediate()
    this.#lastMs = this.#clock.monotonicMs()
  }
}

/** Runs one piece of work at a time. */
export class FairQueue {
  /** Starts of what waits, by party, in the order of their turns. */
  readonly #waiting = new Map<string, (() => void)[]>()
  #isBusy = false

  /** Runs `work` when it's the turn of its party, and resolves or rejects as it does. */
  async run<T>(party: string, work: () => Promise<T>): Promise<T> {
    const hasToWait = this.#isBusy
    this.#isBusy = true
    if (hasToWait) await this.#turnOf(party)
    try {
      // Between two pieces, too, small requests have their turn.
      if (hasToWait) await setImmediate()
      return await work()
    } finally {
      this.#isBusy = this.#startNext()
    }
  }

  #turnOf(party: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const starts = this.#waiting.get(party)
    if (starts === undefined) this.#waiting.set(party, [resolve])
    else starts.push(resolve)
    return promise
  }

  /** False if nothing waits. */
  #startNext(): boolean {
    for (const [party, starts] of this.#waiting) {
      const start = starts.shift()
      // To the end of the order, or out of it.
      this.#waiting.delete(party)
      if (starts.length > 0) this.#waiting.set(party, starts)
      start?.()
      return true
    }
    return false
  }
}
