// The beginning of a head that arrives in several pieces. Node's parser drops the pieces that it has read, and
// the protocol of a head that is too large can be told only from its beginning.
import type { IncomingMessage } from 'node:http'

/** Kept bytes of a head: the request line of most, and the first parameters of long ones. */
const keptBytes = 1024

/** The beginning of one connection's current head. */
export class HeadBeginning {
  #kept: Buffer = nothing

  /** Notes a piece in which no request began, outside of a body. */
  add(piece: Buffer): void {
    const free = keptBytes - this.#kept.byteLength
    if (free > 0) this.#kept = Buffer.concat([this.#kept, piece.subarray(0, free)])
  }

  /** Notes a piece that completed the head of `request`, and perhaps began another head. */
  complete(request: IncomingMessage, piece: Buffer): void {
    this.#kept = request.complete ? copyOf(restAfter(request, piece)) : nothing
  }

  /** Notes the end of a body. */
  clear(): void {
    this.#kept = nothing
  }

  /** The head's first bytes as Latin-1, given the piece that was parsed last. */
  text(piece: Uint8Array): string {
    const free = keptBytes - this.#kept.byteLength
    return Buffer.concat([this.#kept, piece.subarray(0, free)]).toString('latin1')
  }
}

const nothing = Buffer.alloc(0)
const headEnd = Buffer.from('\r\n\r\n')

/** The bytes after the body of `request`, whose head ends in `piece`, as does its body. */
function restAfter({ headers }: IncomingMessage, piece: Buffer): Buffer {
  // The end of a chunked body isn't known here.
  if (headers['transfer-encoding'] !== undefined || piece.subarray(-4).equals(headEnd))
    return nothing
  const end = piece.lastIndexOf(headEnd)
  return end < 0 ? nothing : piece.subarray(end + 4 + Number(headers['content-length'] ?? 0))
}

/** A copy of the first bytes, which doesn't hold the memory of the whole read. */
function copyOf(bytes: Buffer): Buffer {
  return bytes.byteLength === 0 ? nothing : Buffer.from(bytes.subarray(0, keptBytes))
}
