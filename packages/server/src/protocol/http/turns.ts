// Fair shares of the event loop among connections. The bytes parsed between two breaks are limited, since libuv
// reads up to 2 MiB of each connection before it looks at the next one. Expensive bytes take turns besides: one
// piece of each connection at a time. All other work of the process is done in the breaks.

/** Milliseconds of callbacks between two breaks. */
const stretchMs = 4
/** Bytes between two breaks: some milliseconds of hashing. */
const stretchBytes = 524_288
/** The same for some stretches after a new connection: the primary hands over the next one in a break only. */
const shortBytes = 65_536
const shortStretches = 16

/** A queue of callbacks that wait for their turn, and a count of the bytes parsed since the last break. */
export class Turns {
  readonly #waiting = new Set<() => void>()
  #isDue = false
  #takenBytes = 0
  #shortStretches = 0

  /** True if large reads have to wait for a break. */
  get areSpent(): boolean {
    return this.#takenBytes >= (this.#shortStretches > 0 ? shortBytes : stretchBytes)
  }

  /** Counts bytes that are parsed. */
  take(bytes: number): void {
    this.#takenBytes += bytes
    if (this.areSpent) this.#plan()
  }

  /** Makes the next stretches short, since more connections may be about to come. */
  shorten(): void {
    this.#shortStretches = shortStretches
  }

  /** Calls `turn` once, after the callbacks that already wait. */
  wait(turn: () => void): void {
    this.#waiting.add(turn)
    this.#plan()
  }

  leave(turn: () => void): void {
    this.#waiting.delete(turn)
  }

  #plan(): void {
    if (this.#isDue) return
    this.#isDue = true
    setImmediate(this.#run)
  }

  readonly #run = (): void => {
    this.#isDue = false
    this.#takenBytes = 0
    if (this.#shortStretches > 0) this.#shortStretches--
    const endMs = performance.now() + stretchMs
    for (const turn of this.#waiting) {
      this.#waiting.delete(turn)
      turn()
      if (this.areSpent || performance.now() >= endMs) break
    }
    if (this.#waiting.size > 0) this.#plan()
  }
}
