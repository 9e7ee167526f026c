// This process's start, as the store knows it. Other processes may declare it dead, rightly or not, and
// then sweep its remains. From that moment it must not write, and has to exit.

import { StoreError } from '../../base/errors.ts'
import type { StartId } from '../../base/terms.ts'
import type { ReadTransaction } from '../../engine/engine.ts'
import { isStartLive } from './process.ts'

export class Presence {
  /** The start's number. */
  readonly start: StartId
  readonly #onDeposed: () => void
  #isDeposed = false

  /** @param onDeposed called once, when this process finds that its start was declared dead */
  constructor(start: StartId, onDeposed: () => void) {
    this.start = start
    this.#onDeposed = onDeposed
  }

  /**
   * The fence. Every commit that refers to a new blob, and every read that relies on a snapshot, reads
   * the start's own row. So neither can succeed after this start was declared dead.
   * @throws StoreError `DeclaredDead` if this start was declared dead
   */
  async confirm(tx: ReadTransaction): Promise<void> {
    this.check()
    if (await isStartLive(tx, this.start)) return
    if (this.#isDeposed) return this.check()
    // The row is never recreated, so even an old snapshot without it is proof.
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
