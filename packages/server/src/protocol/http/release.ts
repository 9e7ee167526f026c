// Releases the memory of received bytes at once. The garbage collector counts such memory without knowing that it
// is short-lived, and would collect the whole heap for every 16 MiB received: a fifth of the time of an upload.
import type { IncomingMessage } from 'node:http'

/** The least size of memory that is released early. */
const releasedBytes = 16_384

/** Releases the memory of `bytes` unless it has other bytes too. There must be no other references to it. */
export function release({ buffer, byteLength }: Uint8Array): void {
  const isWhole = buffer.byteLength === byteLength && byteLength >= releasedBytes
  if (isWhole && buffer instanceof ArrayBuffer) buffer.transfer(0)
}

/** Releases the input of a body's parser once it was parsed. Node's parser copies it, but doesn't promise to. */
export class BodyInput {
  readonly #push: (chunk: Buffer | null) => boolean
  #memory: ArrayBufferLike | undefined
  #isCopied = true

  constructor(request: IncomingMessage) {
    this.#push = request.push.bind(request)
    request.push = this.#take
  }

  /** Parses `piece`, which is all of one body. It may not be used afterwards. */
  parse(piece: Buffer, parse: (piece: Buffer) => void): void {
    this.#memory = piece.buffer
    parse(piece)
    this.#memory = undefined
    if (this.#isCopied) release(piece)
  }

  readonly #take = (chunk: Buffer | null): boolean => {
    if (chunk !== null && chunk.buffer === this.#memory) this.#isCopied = false
    return this.#push(chunk)
  }
}
