// Checks that a stream of bytes is UTF-8. Characters may be split between chunks.

import { isUtf8 } from 'node:buffer'
import { QueryError } from './error.ts'

export class Utf8Check {
  #rest: Buffer = Buffer.alloc(0)

  /** @throws QueryError `InvalidTextEncoding` */
  add(chunk: Buffer): void {
    let from = 0
    if (this.#rest.length > 0) {
      // The rest has at most three bytes, so the character ends within the first three of the chunk.
      const head = Buffer.concat([this.#rest, chunk.subarray(0, 4 - this.#rest.length)])
      const length = lengthOf(head[0] ?? 0)
      if (head.length < length) {
        this.#rest = head
        return
      }
      if (!isUtf8(head.subarray(0, length))) throw new QueryError('InvalidTextEncoding')
      from = length - this.#rest.length
    }
    const end = chunk.length - openBytes(chunk, from)
    if (!isUtf8(chunk.subarray(from, end))) throw new QueryError('InvalidTextEncoding')
    this.#rest = Buffer.from(chunk.subarray(end))
  }

  /** @throws QueryError `InvalidTextEncoding` if the last character is incomplete */
  end(): void {
    if (this.#rest.length > 0) throw new QueryError('InvalidTextEncoding')
  }
}

/** The length of a character, by its first byte. */
function lengthOf(byte: number): number {
  if (byte < 0x80) return 1
  if (byte < 0xe0) return 2
  return byte < 0xf0 ? 3 : 4
}

/** The number of bytes of an incomplete character at the end of a chunk. */
function openBytes(chunk: Buffer, from: number): number {
  for (let back = 1; back <= 3 && chunk.length - back >= from; back++) {
    const byte = chunk[chunk.length - back] ?? 0
    if (byte < 0x80) return 0
    if (byte >= 0xc0) return lengthOf(byte) > back ? back : 0
  }
  return 0
}
