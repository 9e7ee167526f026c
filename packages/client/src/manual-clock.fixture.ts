// A clock that goes only when a test says so.

import type { Clock } from './clock.ts'

interface Timer {
  readonly at: number
  readonly run: () => void
}

/** Starts at 0. */
export class ManualClock implements Clock {
  #now = 0
  readonly #timers = new Set<Timer>()

  now(): number {
    return this.#now
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { at: this.#now + delayMs, run }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** Timers that are set. */
  get pending(): number {
    return this.#timers.size
  }

  /** Lets time pass, and runs what is due on the way, in order. */
  advance(ms: number): void {
    const until = this.#now + ms
    for (;;) {
      const [due] = [...this.#timers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)
      if (due === undefined) break
      this.#timers.delete(due)
      this.#now = Math.max(this.#now, due.at)
      due.run()
    }
    this.#now = until
  }

  /** Lets time pass as for a process that was stopped: what is due has not run yet. */
  sleep(ms: number): void {
    this.#now += ms
  }
}
