// Bodies in chunked transfer coding. Its chunks may be of one byte each, and the parser hands them over one by
// one, at a cost of some hundred bytes and a microsecond: so small ones are put together, and a body that is
// mostly framing is refused.
import type { IncomingMessage } from 'node:http'

/** Bytes from which on a chunk is handed on as it is. */
const smallBytes = 1024
/** Bytes that a body may take on the wire before its framing is looked at. */
const freeBytes = 16_384

/** The event of a request whose body is refused: nothing more of it comes. */
export const wastefulBody = 'wastefulBody'

const wasteful = new WeakSet<IncomingMessage>()

/** True for a request whose body is mostly framing. */
export function isWasteful(request: IncomingMessage): boolean {
  return wasteful.has(request)
}

/** Puts the small chunks of one request together, between the parser and the request. */
export class TinyChunks {
  readonly #request: IncomingMessage
  readonly #push: (chunk: Buffer | null) => boolean
  #gathered: Buffer[] = []
  #wireBytes = 0
  #dataBytes = 0
  #chunks = 0

  constructor(request: IncomingMessage) {
    this.#request = request
    this.#push = request.push.bind(request)
    request.push = this.#take
  }

  /** Hands on what was gathered, when `bytes` more were parsed. Returns how many chunks they brought. */
  flush(bytes: number): number {
    const chunks = this.#chunks
    this.#chunks = 0
    this.#wireBytes += bytes
    this.#handOn()
    const framingBytes = this.#wireBytes - this.#dataBytes
    const isMostlyFraming = this.#wireBytes > freeBytes && framingBytes > this.#dataBytes
    if (isMostlyFraming && !this.#request.complete) {
      wasteful.add(this.#request)
      this.#request.emit(wastefulBody)
    }
    return chunks
  }

  readonly #take = (chunk: Buffer | null): boolean => {
    if (chunk !== null) {
      this.#chunks++
      this.#dataBytes += chunk.byteLength
      if (chunk.byteLength < smallBytes) {
        this.#gathered.push(chunk)
        return this.#request.readableLength < this.#request.readableHighWaterMark
      }
    }
    this.#handOn()
    return this.#push(chunk)
  }

  #handOn(): void {
    const gathered = this.#gathered
    if (gathered.length === 0) return
    this.#gathered = []
    this.#push(Buffer.concat(gathered))
  }
}
