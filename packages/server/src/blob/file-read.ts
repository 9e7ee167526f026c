// Part of a file as a source of bytes: two buffers, one read while the consumer has the other. The
// file is closed as soon as its last byte is read, and when the consumer ends early or forgets it.

import type { FileHandle } from 'node:fs/promises'
import type { Bytes } from '../base/bytes.ts'
import { DamagedBody } from '../base/damaged-body.ts'
import type { ByteSource } from './blob.ts'
import type { Buffers } from './buffer.ts'
import { type BlobSums, findChange, summedBytes } from './sums.ts'

/** Bytes of one read of a large body; measured: from here on more gains nothing. */
const readBytes = 524_288
/** Bytes of the buffer of a body that fits in it. */
const smallReadBytes = 65_536

interface Chunk {
  readonly buffer: Buffer
  readonly bytes: Bytes
}

/** Part of an open file. */
export interface FilePart {
  readonly handle: FileHandle
  readonly position: number
  readonly sizeBytes: number
  /** What it is called where it turns out to be damaged. */
  readonly name: string
  /** What its bytes are checked against, and the bytes of all of the file. */
  readonly check?: { readonly sums: BlobSums; readonly fileBytes: number } | undefined
}

/** Makes sources of files, all with the same buffers. */
export class FileSources {
  readonly #buffers: Buffers
  /** A source that nobody iterates nor ends is our mistake, but it must not keep its file for ever. */
  readonly #forgotten = new FinalizationRegistry<FileReader>((reader) => void reader.end())

  constructor(buffers: Buffers) {
    this.#buffers = buffers
  }

  /**
   * The bytes of `part`, to be iterated once; owns its handle from now on. The first read is under way
   * at once, and a body that it holds whole doesn't keep the file open.
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
  /** The buffer of the chunk that the consumer has. */
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

  /** The next chunk; undefined at the end. The chunk before it is no longer the caller's. */
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
        // Ended while we waited: nobody saw this buffer, nor can the one before be in use.
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

  /** Ends early: closes the file when the read under way is done. */
  async end(): Promise<void> {
    const ahead = this.#ahead
    const lent = this.#lent
    this.#ahead = undefined
    this.#lent = undefined
    this.#hasEnded = true
    this.#remainingBytes = 0
    // A consumer that gave up may have handed the chunk to a socket that still sends it, so nobody
    // else may write into its buffer.
    if (lent !== undefined) this.#buffers.drop(lent)
    await ahead?.then(
      ({ buffer }) => this.#buffers.give(buffer),
      () => undefined,
    )
    await this.#close()
  }

  /** Starts the next read, into `spare` if there is one, or closes the file if there is none to do. */
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
    // Its error is the next caller's, who may come late or never.
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

  /** @throws DamagedBody unless the bytes, those read only to be checked too, are as they were written */
  #check(bytes: Bytes, position: number): void {
    const { name, check } = this.#part
    if (check === undefined) return
    const changed = findChange(check.sums, bytes, position)
    if (changed === undefined) return
    throw new DamagedBody(name, `the ${summedBytes} bytes at ${changed} differ from their checksum`)
  }

  /** Those of `bytes` that the consumer asked for: at least one. */
  #wanted(bytes: Bytes, position: number): Bytes {
    const start = this.#part.position
    const end = start + this.#part.sizeBytes
    if (position >= start && position + bytes.byteLength <= end) return bytes
    return bytes.subarray(Math.max(start - position, 0), Math.max(end - position, 0))
  }

  #close(): Promise<void> {
    // Nothing was written, so an error of the close says nothing about the bytes.
    this.#closed ??= this.#handle.close().catch(() => undefined)
    return this.#closed
  }
}

/** What has to be read of a file to give out `part` checked: up to the next multiples of 64 KiB. */
function checkedBytes({ position, sizeBytes, check }: FilePart): {
  readonly start: number
  readonly end: number
} {
  const end = position + sizeBytes
  if (check === undefined || sizeBytes === 0) return { start: position, end }
  return {
    start: Math.floor(position / summedBytes) * summedBytes,
    end: Math.min(Math.ceil(end / summedBytes) * summedBytes, check.fileBytes),
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
