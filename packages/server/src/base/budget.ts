// A memory budget that many requests share. A request reserves bytes as its body arrives. When none are
// left, the request is refused instead of queued, since the holders may be slow. A party's share is bounded.

import { StoreError } from './errors.ts'

/** The part of a budget that one holder has reserved. */
export interface HeldBytes {
  /** Reserves more. @throws StoreError `SlowDown` when too little is left */
  take(bytes: number): void
  /** Releases everything; idempotent. */
  release(): void
}

/** Limits the bytes held at once, in total and per party. */
export class ByteBudget {
  readonly #shareBytes: number
  readonly #heldByParty = new Map<string, number>()
  #leftBytes: number

  /** @param shareBytes the limit of one party; default: the whole budget */
  constructor(limitBytes: number, shareBytes: number = limitBytes) {
    this.#leftBytes = limitBytes
    this.#shareBytes = shareBytes
  }

  /** Registers a holder of zero bytes. @param party such as an owner's id or an address */
  hold(party = ''): HeldBytes {
    return this.#holder(party, 0)
  }

  /** Registers a holder of `bytes`; undefined when too little is left. */
  tryHold(bytes: number, party = ''): HeldBytes | undefined {
    return this.#take(party, bytes) ? this.#holder(party, bytes) : undefined
  }

  #holder(party: string, bytes: number): HeldBytes {
    let heldBytes = bytes
    return {
      take: (bytes) => {
        if (!this.#take(party, bytes)) {
          throw new StoreError({ code: 'SlowDown', resource: 'memory' })
        }
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

  #take(party: string, bytes: number): boolean {
    const partyBytes = (this.#heldByParty.get(party) ?? 0) + bytes
    if (bytes > this.#leftBytes || partyBytes > this.#shareBytes) return false
    this.#heldByParty.set(party, partyBytes)
    this.#leftBytes -= bytes
    return true
  }
}
