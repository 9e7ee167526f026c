// What a key may hold, given what was tried and what was answered: the judge of every crash test.
// Positions are any growing numbers: a counter of events, or the length of a disk's log.

import type { Content } from './content.ts'

/** One try to change a key. `undefined` as content means: to remove it. */
export class Attempt {
  readonly content: Content | undefined
  readonly startedAt: number
  /** From here on it can't take effect any more: answered, seen, or its server dead. */
  endedAt: number = Number.POSITIVE_INFINITY
  /** From here on it is known to have taken effect: acknowledged, or seen by a reader. */
  effectiveAt: number = Number.POSITIVE_INFINITY

  constructor(content: Content | undefined, startedAt: number) {
    this.content = content
    this.startedAt = startedAt
  }

  /** The server said it was done, or a reader saw it. */
  acknowledge(at: number): void {
    this.endedAt = Math.min(this.endedAt, at)
    this.effectiveAt = Math.min(this.effectiveAt, at)
  }

  /** No answer came, and the process that could still carry it out is dead. */
  giveUp(at: number): void {
    this.endedAt = Math.min(this.endedAt, at)
  }
}

/** All that was tried on one key, by any number of clients. */
export class KeyHistory {
  readonly bucket: string
  readonly key: string
  #attempts: Attempt[]

  constructor(bucket: string, key: string) {
    this.bucket = bucket
    this.key = key
    const never = new Attempt(undefined, Number.NEGATIVE_INFINITY)
    never.acknowledge(Number.NEGATIVE_INFINITY)
    this.#attempts = [never]
  }

  /** Notes a change before its request is sent. */
  begin(content: Content | undefined, at: number): Attempt {
    const attempt = new Attempt(content, at)
    this.#attempts.push(attempt)
    return attempt
  }

  /** Takes back a change that the server refused for sure. */
  refuse(attempt: Attempt): void {
    this.#attempts = this.#attempts.filter((one) => one !== attempt)
  }

  /**
   * Whose content a read may show that began at `from` and ended at `to`: everything begun until
   * `to` but what something later, in effect before `from`, has replaced. The state after a crash
   * at `p` is that of a read from `p` to `p`.
   */
  possible(from: number, to: number): Attempt[] {
    const inEffect = this.#attempts.filter((one) => one.effectiveAt <= from)
    const lastStart = Math.max(...inEffect.map((one) => one.startedAt))
    return this.#attempts.filter((one) => one.startedAt <= to && one.endedAt >= lastStart)
  }

  /** Keeps only what was found, which is all that later reads may build on. */
  settle(found: Attempt, at: number): void {
    found.acknowledge(at)
    this.#attempts = [found]
  }
}
