// A backup in a tar archive, read as it comes: a stream of `holdfast backup -`.

import type { Bytes } from '../base/bytes.ts'
import { BackupError } from './error.ts'
import type { BackupFile } from './source.ts'

const blockBytes = 512

/** The files of an archive. @throws BackupError if it is cut off, or no archive */
export async function* filesOfTar(input: AsyncIterable<Bytes>): AsyncGenerator<BackupFile> {
  const reader = new BlockReader(input)
  try {
    for (;;) {
      const header = await reader.take(blockBytes)
      if (header === undefined) throw cutOff()
      if (header.every((byte) => byte === 0)) return
      const { name, sizeBytes, isFile } = parseHeader(header)
      const content = reader.pieces(sizeBytes)
      if (isFile) yield { name, content }
      // The unread rest, and the padding.
      for await (const _ of content);
      for await (const _ of reader.pieces(-sizeBytes & (blockBytes - 1)));
    }
  } finally {
    await reader.close()
  }
}

function parseHeader(header: Buffer): {
  readonly name: string
  readonly sizeBytes: number
  readonly isFile: boolean
} {
  const field = (start: number, end: number): string =>
    header.toString('latin1', start, end).split('\0')[0]?.trim() ?? ''
  let sum = 0
  for (const [index, byte] of header.entries()) sum += index >= 148 && index < 156 ? 0x20 : byte
  const size = field(124, 136)
  if (field(257, 262) !== 'ustar' || Number.parseInt(field(148, 156), 8) !== sum) throw noArchive()
  if (!/^[0-7]+$/.test(size)) throw noArchive()
  const type = field(156, 157)
  return {
    name: field(0, 100).replace(/^\.\//, ''),
    sizeBytes: Number.parseInt(size, 8),
    isFile: type === '0' || type === '',
  }
}

/** Cuts a stream where its reader wants it. */
class BlockReader {
  readonly #input: AsyncIterator<Bytes>
  #rest: Bytes = new Uint8Array()

  constructor(input: AsyncIterable<Bytes>) {
    this.#input = input[Symbol.asyncIterator]()
  }

  /** So many bytes; undefined at the end of the input. @throws BackupError if it ends among them */
  async take(bytes: number): Promise<Buffer | undefined> {
    if (this.#rest.byteLength === 0 && !(await this.#fill())) return undefined
    const pieces: Bytes[] = []
    for await (const piece of this.pieces(bytes)) pieces.push(piece)
    return Buffer.concat(pieces)
  }

  /** The next `bytes` bytes; iterating once more continues. */
  pieces(bytes: number): AsyncIterable<Bytes> {
    let left = bytes
    const next = async (): Promise<IteratorResult<Bytes>> => {
      if (left === 0) return { done: true, value: undefined }
      if (this.#rest.byteLength === 0 && !(await this.#fill())) throw cutOff()
      const value = this.#rest.subarray(0, left)
      this.#rest = this.#rest.subarray(value.byteLength)
      left -= value.byteLength
      return { done: false, value }
    }
    return { [Symbol.asyncIterator]: () => ({ next }) }
  }

  async close(): Promise<void> {
    await this.#input.return?.()
  }

  async #fill(): Promise<boolean> {
    while (this.#rest.byteLength === 0) {
      const { done, value } = await this.#input.next()
      if (done === true) return false
      this.#rest = value
    }
    return true
  }
}

function noArchive(): BackupError {
  return new BackupError('this is no backup, or a damaged one: it is no tar archive')
}

function cutOff(): BackupError {
  return new BackupError('the backup is incomplete: its stream ends too early')
}
