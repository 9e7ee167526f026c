// Reads a part of a file as a byte source. One of two buffers is filled while the consumer uses the
// other. The file is closed after its last byte is read, or when the consumer ends early or drops the
// source.

import type { FileHandle } from 'node:fs/promises'
import type { Bytes } from '../base/bytes.ts'
import { DamagedBody } from '../base/damaged-body.ts'
import type { ByteSource } from './blob.ts'
import type { Buffers } from './buffer.ts'
import { type BlobPart, checkedBytes } from './part.ts'
import { findChange, summedBytes } from './sums.ts'

/** Bytes of one read of a large body. Measured: larger reads gain nothing. */
const readBytes = 524_288
/** Bytes of the buffer for bodies that fit in it. */
const smallReadBytes = 65_536

interface Chunk {
  readonly buffer: Buffer
  readonly bytes: Bytes
}

/** Part of an open file. */
export interface FilePart extends BlobPart {
  readonly handle: FileHandle
}

/** Creates sources of files that share a buffer pool. */
export class FileSources {
  readonly #buffers: Buffers
  /** Closes the files of sources that are neither iterated nor closed, which is a bug elsewhere. */
  readonly #forgotten = new FinalizationRegistry<FileReader>((reader) => void reader.end())

  constructor(buffers: Buffers) {
    this.#buffers = buffers
  }

  /**
   * The bytes of `part`, to be iterated once. The source owns the handle. The first read starts at once;
   * if it covers the whole body, the file doesn't stay open.
   */
  open(part: FilePart): ByteSource {
    const reader = new FileReader(part, this.#buffers)
    const source: AsyncIterableIterator<Bytes, undefined> = {
      [Symbol.asyncIterator]: () => source,
      async next() {
        const value = await reader.next()
        return value === undefined ? { done: true, value } : { done: false, value }
      },
      async return() {
        await reader.end()
        return { done: true, value: undefined }
      },
    }
    this.#forgotten.register(source, reader)
    return source
  }
}

class FileReader {
  readonly #part: FilePart
  readonly #handle: FileHandle
  readonly #buffers: Buffers
  #position: number
  #remainingBytes: number
  /** The chunk that the next call returns. */
  #ahead: Promise<Chunk> | undefined
  /** The buffer of the consumer's current chunk. */
  #lent: Buffer | undefined
  #hasEnded = false
  #closed: Promise<void> | undefined

  constructor(part: FilePart, buffers: Buffers) {
    this.#part = part
    this.#handle = part.handle
    this.#buffers = buffers
    const { start, end } = checkedBytes(part)
    this.#position = start
    this.#remainingBytes = end - start
    this.#readAhead(undefined)
  }

  /** The next chunk; undefined at the end. Invalidates the previous chunk. */
  async next(): Promise<Bytes | undefined> {
    const ahead = this.#ahead
    const used = this.#lent
    this.#ahead = undefined
    this.#lent = undefined
    if (ahead === undefined) {
      if (used !== undefined) this.#buffers.give(used)
      await this.#close()
      return undefined
    }
    try {
      const { buffer, bytes } = await ahead
      if (this.#hasEnded) {
        // Closed meanwhile: this buffer was never handed out, and the previous one is no longer in use.
        for (const unused of [buffer, used]) if (unused !== undefined) this.#buffers.give(unused)
        return undefined
      }
      this.#lent = buffer
      this.#readAhead(used)
      return bytes
    } catch (error) {
      if (used !== undefined) this.#buffers.give(used)
      await this.end()
      throw error
    }
  }

  /** Ends early: closes the file after the read in progress. */
  async end(): Promise<void> {
    const ahead = this.#ahead
    const lent = this.#lent
    this.#ahead = undefined
    this.#lent = undefined
    this.#hasEnded = true
    this.#remainingBytes = 0
    // A socket may still be sending the consumer's last chunk, so the buffer must not be reused.
    if (lent !== undefined) this.#buffers.drop(lent)
    await ahead?.then(
      ({ buffer }) => this.#buffers.give(buffer),
      () => undefined,
    )
    await this.#close()
  }

  /** Starts the next read, into `spare` if given. Closes the file if no bytes remain. */
  #readAhead(spare: Buffer | undefined): void {
    if (this.#remainingBytes === 0) {
      if (spare !== undefined) this.#buffers.give(spare)
      void this.#close()
      return
    }
    const wanted = this.#remainingBytes <= smallReadBytes ? smallReadBytes : readBytes
    const buffer = spare ?? this.#buffers.take(wanted)
    const bytes = buffer.subarray(0, Math.min(buffer.byteLength, this.#remainingBytes))
    const position = this.#position
    this.#position += bytes.byteLength
    this.#remainingBytes -= bytes.byteLength
    this.#ahead = this.#read({ buffer, bytes }, position)
    // The next call reports the error. It may come late or never, so mark the rejection as handled.
    this.#ahead.catch(() => undefined)
  }

  async #read(chunk: Chunk, position: number): Promise<Chunk> {
    try {
      await readFully(this.#part, chunk.bytes, position)
      this.#check(chunk.bytes, position)
    } catch (error) {
      this.#buffers.give(chunk.buffer)
      throw error
    }
    if (this.#remainingBytes === 0) void this.#close()
    return { ...chunk, bytes: this.#wanted(chunk.bytes, position) }
  }

  /** @throws DamagedBody if any byte has changed, including bytes read only for verification */
  #check(bytes: Bytes, position: number): void {
    const { name, check } = this.#part
    if (check === undefined) return
    const changed = findChange(check.sums, bytes, position)
    if (changed === undefined) return
    throw new DamagedBody(name, `the ${summedBytes} bytes at ${changed} differ from their checksum`)
  }

  /** The requested part of `bytes`: at least one byte. */
  #wanted(bytes: Bytes, position: number): Bytes {
    const start = this.#part.position
    const end = start + this.#part.sizeBytes
    if (position >= start && position + bytes.byteLength <= end) return bytes
    return bytes.subarray(Math.max(start - position, 0), Math.max(end - position, 0))
  }

  #close(): Promise<void> {
    // The file is only read, so an error of close doesn't affect the bytes.
    this.#closed ??= this.#handle.close().catch(() => undefined)
    return this.#closed
  }
}

async function readFully(part: FilePart, bytes: Bytes, position: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength; ) {
    const left = bytes.byteLength - done
    const { bytesRead } = await part.handle
      .read(bytes, done, left, position + done)
      .catch((cause: unknown) => {
        throw new DamagedBody(part.name, 'it cannot be read', { cause })
      })
    if (bytesRead === 0) throw new DamagedBody(part.name, 'it is shorter than it was')
    done += bytesRead
  }
}
