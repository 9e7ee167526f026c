// Ids that are never reused, for directories, bodies, manifests and uploads. A process reserves
// them in blocks, so that taking one reads no row.

import { StoreError } from '../../base/errors.ts'
import type { Engine, ReadTransaction } from '../../engine/engine.ts'
import { lastOfSequence, takeSequence } from './sequence.ts'

/** Ids per block. 2^53 / 2^20 blocks last for centuries of restarts. */
const blockSize = 2 ** 20

/** A source of ids below 2^53 that are unique in the store and never reused. */
export class IdSource {
  readonly #engine: Engine
  #next = 0
  #end = 0
  #spare: number | undefined
  #refilling: Promise<void> | undefined

  private constructor(engine: Engine) {
    this.#engine = engine
  }

  /** Opens a source with one block reserved. */
  static async open(engine: Engine): Promise<IdSource> {
    const source = new IdSource(engine)
    await source.#refill()
    return source
  }

  /** The next id. @throws StoreError `SlowDown` if no new block could be reserved in time. */
  next(): number {
    if (this.#next === this.#end) {
      if (this.#spare === undefined) {
        this.#refillSoon()
        throw new StoreError({ code: 'SlowDown', resource: 'ids' })
      }
      this.#next = this.#spare
      this.#end = this.#spare + blockSize
      this.#spare = undefined
    }
    if (this.#spare === undefined && this.#end - this.#next < blockSize / 2) this.#refillSoon()
    return this.#next++
  }

  #refillSoon(): void {
    if (this.#refilling !== undefined) return
    this.#refilling = this.#refill()
      // Reserving fails on a full disk, for example. The next call tries again and reports the
      // error if necessary.
      .catch(() => undefined)
      .finally(() => {
        this.#refilling = undefined
      })
  }

  async #refill(): Promise<void> {
    const block = await this.#engine.write((tx) => takeSequence(tx, 'id-block'))
    this.#spare = block * blockSize
  }
}

/** The least id that was never reserved by any process. */
export async function firstUnusedId(tx: ReadTransaction): Promise<number> {
  return ((await lastOfSequence(tx, 'id-block')) + 1) * blockSize
}
