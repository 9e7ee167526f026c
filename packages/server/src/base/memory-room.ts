// The memory that a store in memory may take: one budget for its rows and its blobs.

import { StoreError } from './errors.ts'

/** Bytes in use, and the most that may be. */
export class MemoryRoom {
  readonly #limitBytes: number
  /** The part of the budget that is kept for small writes and removals when large bodies are refused. */
  readonly #reserveBytes: number
  #usedBytes = 0

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
    this.#reserveBytes = Math.floor(limitBytes / 8)
  }

  get usedBytes(): number {
    return this.#usedBytes
  }

  /** @throws StoreError `InsufficientStorage` if `bytes` more would leave less than the reserve */
  check(bytes: number): void {
    if (this.#usedBytes + bytes <= this.#limitBytes - this.#reserveBytes) return
    throw new StoreError({ code: 'InsufficientStorage', space: 'memory' })
  }

  /**
   * Counts `bytes` as used; a negative number gives them back.
   * @throws StoreError `InsufficientStorage` if there are not so many left
   */
  take(bytes: number): void {
    if (bytes > 0 && this.#usedBytes + bytes > this.#limitBytes) {
      throw new StoreError({ code: 'InsufficientStorage', space: 'memory' })
    }
    this.#usedBytes += bytes
  }
}
