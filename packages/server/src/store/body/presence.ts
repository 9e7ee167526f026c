// This start of a process, as the store knows it. Others may declare it dead, rightly or not, and then
// sweep what it left: from that moment it must change nothing any more, and has to end itself.

import { StoreError } from '../../base/errors.ts'
import type { ReadTransaction } from '../../engine/engine.ts'
import { isStartLive } from './process.ts'

/** The start of this process. */
export class Presence {
  /** Its number. */
  readonly start: number
  readonly #onDeposed: () => void
  #isDeposed = false

  /** @param onDeposed called once, when this start is found to have been declared dead */
  constructor(start: number, onDeposed: () => void) {
    this.start = start
    this.#onDeposed = onDeposed
  }

  /**
   * The fence: every commit that refers to a new blob, and every read that relies on a snapshot, reads
   * the start's own row, so that it can't happen after this start was declared dead.
   * @throws StoreError `DeclaredDead` if it was
   */
  async confirm(tx: ReadTransaction): Promise<void> {
    this.check()
    if (await isStartLive(tx, this.start)) return
    if (this.#isDeposed) return this.check()
    // The row never comes back, so even an old snapshot that doesn't have it is proof.
    this.#isDeposed = true
    this.#onDeposed()
    this.check()
  }

  /** True once this start is known to have been declared dead. */
  get isDeposed(): boolean {
    return this.#isDeposed
  }

  /** @throws StoreError `DeclaredDead` if this start is known to have been declared dead */
  check(): void {
    if (!this.#isDeposed) return
    throw new StoreError({ code: 'DeclaredDead' })
  }
}
