// Bytes that arrive in pieces and are kept whole. Pieces are copied together, since a buffer of its own for each
// would take hundreds of bytes even for a single one.

import type { Bytes } from './bytes.ts'

/** The size of a block of memory, unless a piece is larger. The first blocks are as small as what is in them. */
const blockBytes = 65_536
const firstBlockBytes = 1024

const noBytes = Buffer.alloc(0)

/** Pieces, joined. */
export class Gathered {
  readonly #full: Buffer[] = []
  #block = noBytes
  #blockedBytes = 0
  #sizeBytes = 0

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** Copies `piece` to the end. */
  add(piece: Bytes): void {
    this.#sizeBytes += piece.byteLength
    const room = piece.subarray(0, this.#block.byteLength - this.#blockedBytes)
    this.#block.set(room, this.#blockedBytes)
    this.#blockedBytes += room.byteLength
    const rest = piece.subarray(room.byteLength)
    if (rest.byteLength === 0) return
    if (this.#blockedBytes > 0) this.#full.push(this.#block)
    // As much again as there is, so that the number of blocks stays small.
    const spareBytes = Math.min(Math.max(this.#sizeBytes, firstBlockBytes), blockBytes)
    this.#block = Buffer.allocUnsafeSlow(Math.max(rest.byteLength, spareBytes))
    this.#block.set(rest)
    this.#blockedBytes = rest.byteLength
  }

  /** All bytes. Nothing may be added afterwards. */
  join(): Buffer {
    const last = this.#block.subarray(0, this.#blockedBytes)
    return this.#full.length === 0 ? last : Buffer.concat([...this.#full, last], this.#sizeBytes)
  }
}
