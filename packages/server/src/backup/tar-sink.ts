// A backup as a stream: a tar archive of the folder that it would otherwise be.

import type { Bytes } from '../base/bytes.ts'
import { header, padding } from '../protocol/archive/tar.ts'
import { BackupError } from './error.ts'
import type { BackupSink } from './sink.ts'

/** Zeros that stand for the bytes of a damaged body. */
const filling = new Uint8Array(65_536)
/** Two blocks of zeros end an archive. */
const endBytes = 1024
/** The largest number of eleven octal digits. */
const maximumBytes = 0o77777777777

/** Writes bytes; resolves when more may follow. */
export type Write = (bytes: Bytes) => Promise<void>

export class TarSink implements BackupSink {
  readonly #write: Write
  readonly #modifiedAt: number

  /** @param modifiedAt the time of all files, in milliseconds since the Unix epoch */
  constructor(write: Write, modifiedAt: number) {
    this.#write = write
    this.#modifiedAt = modifiedAt
  }

  async put(
    name: string,
    sizeBytes: number,
    content: AsyncIterable<Bytes> | Iterable<Bytes>,
  ): Promise<void> {
    if (sizeBytes > maximumBytes) {
      throw new BackupError(`${name} is too large for a stream: back up into a folder`)
    }
    await this.#write(
      header({
        name: Buffer.from(name),
        type: '0',
        mode: 0o600,
        sizeBytes,
        modifiedAt: this.#modifiedAt,
      }),
    )
    let written = 0
    try {
      for await (const piece of content) {
        if (written + piece.byteLength > sizeBytes) throw new Error(`${name} has grown`)
        await this.#write(piece)
        written += piece.byteLength
      }
    } finally {
      // The header has promised so many bytes.
      while (written < sizeBytes) {
        const piece = filling.subarray(0, sizeBytes - written)
        await this.#write(piece)
        written += piece.byteLength
      }
      await this.#write(padding(sizeBytes))
    }
  }

  async findEarlier(): Promise<undefined> {
    return undefined
  }

  async keepEarlier(name: string): Promise<void> {
    throw new Error(`a stream has no earlier ${name}`)
  }

  async finish(name: string, content: Bytes): Promise<void> {
    await this.put(name, content.byteLength, [content])
    await this.#write(new Uint8Array(endBytes))
  }
}
