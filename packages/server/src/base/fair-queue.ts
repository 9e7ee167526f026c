// Runs long work, such as parsing a large document, one piece at a time. Breaks bound how long small
// requests are delayed. Parties take turns, so one party's backlog doesn't starve the others.

import { setImmediate } from 'node:timers/promises'
import { type Clock, systemClock } from './clock.ts'

/** Milliseconds of work between two breaks. */
const stretchMs = 5

/** Yields to other requests during a long piece of work. */
export class Breaks {
  readonly #clock: Clock
  #lastMs: number

  constructor(clock: Clock = systemClock) {
    this.#clock = clock
    this.#lastMs = clock.monotonicMs()
  }

  /** True when the work has run for `stretchMs` since the last break. */
  get isDue(): boolean {
    return this.#clock.monotonicMs() - this.#lastMs >= stretchMs
  }

  /** Yields to the event loop. */
  async take(): Promise<void> {
    await setImmediate()
    this.#lastMs = this.#clock.monotonicMs()
  }
}

/** Work that yields where a break may be taken, and returns its result. */
export type Steps<T> = Generator<void, T, void>

/** Does all steps without a break: for little work. */
export function runAtOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

/** Does all steps, with breaks where they are due. */
export async function runWithBreaks<T>(steps: Steps<T>): Promise<T> {
  const breaks = new Breaks()
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
    if (breaks.isDue) await breaks.take()
  }
}

/** Runs one piece of work at a time, round-robin by party. */
export class FairQueue {
  /** The callbacks that start waiting work, by party, in the order of the parties' turns. */
  readonly #waiting = new Map<string, (() => void)[]>()
  #isBusy = false

  /** Runs `work` when its party's turn comes; resolves or rejects as `work` does. */
  async run<T>(party: string, work: () => Promise<T>): Promise<T> {
    const hasToWait = this.#isBusy
    this.#isBusy = true
    if (hasToWait) await this.#turnOf(party)
    try {
      // Yield to small requests between two pieces, too.
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

  /** Starts the next piece; false if none waits. */
  #startNext(): boolean {
    for (const [party, starts] of this.#waiting) {
      const start = starts.shift()
      // Move the party to the end of the order, or drop it if it has no more work.
      this.#waiting.delete(party)
      if (starts.length > 0) this.#waiting.set(party, starts)
      start?.()
      return true
    }
    return false
  }
}
