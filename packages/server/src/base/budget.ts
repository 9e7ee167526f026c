// Memory that many requests share. Each takes of it as its bytes come in, and who finds none left is
// refused rather than made to wait: those who hold it may be slow. No party may have all of it.

import { StoreError } from './errors.ts'

/** What one holder has of a budget. */
export interface HeldBytes {
  /** Takes more. @throws StoreError `SlowDown` when too little is left */
  take(bytes: number): void
  /** Gives everything back; more than once is harmless. */
  release(): void
}

/** Bytes that may be held at once, all told, and by one party. */
export class ByteBudget {
  readonly #shareBytes: number
  readonly #heldByParty = new Map<string, number>()
  #leftBytes: number

  /** @param shareBytes what one party may hold; everything if left out */
  constructor(limitBytes: number, shareBytes: number = limitBytes) {
    this.#leftBytes = limitBytes
    this.#shareBytes = shareBytes
  }

  /** Begins to hold; nothing yet. @param party such as an owner's id or an address */
  hold(party = ''): HeldBytes {
    let heldBytes = 0
    return {
      take: (bytes) => {
        const partyBytes = (this.#heldByParty.get(party) ?? 0) + bytes
        if (bytes > this.#leftBytes || partyBytes > this.#shareBytes) {
          throw new StoreError({ code: 'SlowDown', resource: 'memory' })
        }
        this.#heldByParty.set(party, partyBytes)
        this.#leftBytes -= bytes
        heldBytes += bytes
      },
      release: () => {
        const partyBytes = (this.#heldByParty.get(party) ?? 0) - heldBytes
        if (partyBytes > 0) this.#heldByParty.set(party, partyBytes)
        else this.#heldByParty.delete(party)
        this.#leftBytes += heldBytes
        heldBytes = 0
      },
    }
  }
}
