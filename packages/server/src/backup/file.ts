// Files of backups, read in pieces.

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { Bytes } from '../base/bytes.ts'
import { BackupError } from './error.ts'

const pieceBytes = 1_048_576

/** The bytes of a file; it is opened when the first piece is asked for. */
export async function* readPieces(path: string): AsyncGenerator<Bytes> {
  for await (const piece of createReadStream(path, { highWaterMark: pieceBytes })) yield piece
}

/** All bytes of `content`. @throws BackupError if there are more than `most` */
export async function readAll(
  content: AsyncIterable<Bytes>,
  name: string,
  most: number,
): Promise<Buffer> {
  const pieces: Buffer[] = []
  let sizeBytes = 0
  for await (const piece of content) {
    sizeBytes += piece.byteLength
    if (sizeBytes > most) throw new BackupError(`the backup is damaged: ${name} is too large`)
    pieces.push(Buffer.from(piece))
  }
  return Buffer.concat(pieces)
}

/** Passes bytes on and takes their SHA-256. */
export class HashedBytes implements AsyncIterable<Bytes> {
  readonly #source: AsyncIterable<Bytes>
  readonly #hash = createHash('sha256')

  constructor(source: AsyncIterable<Bytes>) {
    this.#source = source
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Bytes> {
    for await (const piece of this.#source) {
      this.#hash.update(piece)
      yield piece
    }
  }

  /** In hex. Call this once, after the last byte. */
  sha256(): string {
    return this.#hash.digest('hex')
  }
}
