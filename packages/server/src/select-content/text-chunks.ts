// The chunks of an object that is text: checked to be UTF-8, and without a byte order mark.

import type { ChunkSource } from './row-source.ts'
import { Utf8Check } from './utf8-check.ts'

export class TextChunks implements ChunkSource {
  readonly #chunks: ChunkSource
  readonly #check = new Utf8Check()
  #isFirst = true

  constructor(chunks: ChunkSource) {
    this.#chunks = chunks
  }

  /** @throws QueryError `InvalidTextEncoding` */
  async read(): Promise<Buffer | undefined> {
    const chunk = await this.#chunks.read()
    if (chunk === undefined) {
      this.#check.end()
      return undefined
    }
    this.#check.add(chunk)
    if (!this.#isFirst) return chunk
    this.#isFirst = false
    return withoutMark(chunk)
  }
}

function withoutMark(chunk: Buffer): Buffer {
  const hasMark = chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf
  return hasMark ? chunk.subarray(3) : chunk
}
