// Turns of connections whose bytes are expensive to parse: one piece of each at a time, with a break for all
// other work of the process every few milliseconds.

/** Milliseconds of turns between two breaks. */
const stretchMs = 4

/** A queue of callbacks that wait for their turn. */
export class Turns {
  readonly #waiting = new Set<() => void>()
  #isDue = false

  /** True while callbacks wait. */
  get areTaken(): boolean {
    return this.#waiting.size > 0
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
    if (this.#isDue || this.#waiting.size === 0) return
    this.#isDue = true
    setImmediate(this.#run)
  }

  readonly #run = (): void => {
    this.#isDue = false
    const endMs = performance.now() + stretchMs
    for (const turn of this.#waiting) {
      this.#waiting.delete(turn)
      turn()
      if (performance.now() >= endMs) break
    }
    this.#plan()
  }
}
