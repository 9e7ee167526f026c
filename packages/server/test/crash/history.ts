// The possible contents of a key, given the attempts to change it and their responses. Every crash
// test relies on it. Positions are any increasing numbers: a counter of events, or the length of a
// disk's log.

import type { Content } from './content.ts'

/** One attempt to change a key. Undefined content means a deletion. */
export class Attempt {
  readonly content: Content | undefined
  readonly startedAt: number
  /** From here on it can't take effect any more: it was answered or seen, or its server is dead. */
  endedAt: number = Number.POSITIVE_INFINITY
  /** From here on it is known to have taken effect: it was acknowledged, or seen by a reader. */
  effectiveAt: number = Number.POSITIVE_INFINITY

  constructor(content: Content | undefined, startedAt: number) {
    this.content = content
    this.startedAt = startedAt
  }

  /** The server acknowledged it, or a reader saw it. */
  acknowledge(at: number): void {
    this.endedAt = Math.min(this.endedAt, at)
    this.effectiveAt = Math.min(this.effectiveAt, at)
  }

  /** No response came, and the process that could still execute it is dead. */
  giveUp(at: number): void {
    this.endedAt = Math.min(this.endedAt, at)
  }
}

/** All attempts on one key, by any number of clients. */
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

  /** Records a change before its request is sent. */
  begin(content: Content | undefined, at: number): Attempt {
    const attempt = new Attempt(content, at)
    this.#attempts.push(attempt)
    return attempt
  }

  /** Removes a change that the server refused with certainty. */
  refuse(attempt: Attempt): void {
    this.#attempts = this.#attempts.filter((one) => one !== attempt)
  }

  /**
   * The attempts whose content a read from `from` to `to` may show: all that began by `to`, except
   * those replaced by a later one in effect before `from`. The state after a crash at `p` is that
   * of a read from `p` to `p`.
   */
  possible(from: number, to: number): Attempt[] {
    const inEffect = this.#attempts.filter((one) => one.effectiveAt <= from)
    const lastStart = Math.max(...inEffect.map((one) => one.startedAt))
    return this.#attempts.filter((one) => one.startedAt <= to && one.endedAt >= lastStart)
  }

  /** Keeps only the attempt found; later reads may rely on nothing else. */
  settle(found: Attempt, at: number): void {
    found.acknowledge(at)
    this.#attempts = [found]
  }
}
