// Memory that many requests share. Each takes of it as its bytes come in, and who finds none left is
// refused rather than made to wait: those who hold it may be slow.

import { StoreError } from './errors.ts'

/** What one holder has of a budget. */
export interface HeldBytes {
  /** Takes more. @throws StoreError `SlowDown` when too little is left */
  take(bytes: number): void
  /** Gives everything back; more than once is harmless. */
  release(): void
}

/** Bytes that may be held at once, all told. */
export class ByteBudget {
  #leftBytes: number

  constructor(limitBytes: number) {
    this.#leftBytes = limitBytes
  }

  /** Begins to hold; nothing yet. */
  hold(): HeldBytes {
    let heldBytes = 0
    return {
      take: (bytes) => {
        if (bytes > this.#leftBytes) {
          throw new StoreError({ code: 'SlowDown', resource: 'memory' })
        }
        this.#leftBytes -= bytes
        heldBytes += bytes
      },
      release: () => {
        this.#leftBytes += heldBytes
        heldBytes = 0
      },
    }
  }
}
