// Joins small chunks of bodies in chunked transfer coding. Node's parser emits chunks one by one, even of one
// byte, at a cost of some hundred bytes and a microsecond each. Bodies that are mostly framing are refused.
import type { IncomingMessage } from 'node:http'

/** Chunks of at least this many bytes are passed on unchanged. */
const smallBytes = 1024
/** The bytes of a body on the wire before its framing is checked. */
const freeBytes = 16_384

/** The event of a request whose body is refused. No more of the body follows. */
export const wastefulBody = 'wastefulBody'

const wasteful = new WeakSet<IncomingMessage>()

/** True for a request whose body is mostly framing. */
export function isWasteful(request: IncomingMessage): boolean {
  return wasteful.has(request)
}

/** Joins the small chunks of one request, between the parser and the request. */
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

  /** Passes on the joined chunks after `bytes` more were parsed. Returns the number of chunks in them. */
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
