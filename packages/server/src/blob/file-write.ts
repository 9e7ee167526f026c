// Streams a body into a file. Receiving overlaps with writing. Syncs start long before the end, so that
// the last sync is short.

import type { FileHandle } from 'node:fs/promises'
import type { Bytes } from '../base/bytes.ts'
import type { ByteSource } from './blob.ts'
import type { Buffers } from './buffer.ts'
import { type BlobSums, Summer } from './sums.ts'

/** Bytes of one write. Measured: smaller writes cost more calls, larger ones gain nothing. */
const writeBytes = 1_048_576
/** Bytes written between the starts of two syncs. */
const syncBytes = 8_388_608

/** An empty file to write, with a function to remove it. */
export interface NewFile {
  readonly handle: FileHandle
  remove(): Promise<void>
}

/**
 * Writes all of `source` to a file, then syncs and closes it. `create` is called when the first bytes
 * arrive. Resolves to the size in bytes, the checksums, and the result of `create`. On failure, the file
 * is removed, and an error of the source is rethrown. `checkRoom` throws if that many bytes must not be
 * written. When this settles, no operation on the file is in progress.
 */
export async function writeBody<File extends NewFile>(
  create: () => Promise<File>,
  source: ByteSource,
  buffers: Buffers,
  checkRoom: (bytes: number) => void,
): Promise<{ readonly file: File; readonly sizeBytes: number; readonly sums: BlobSums }> {
  let file: File | undefined
  let writer: BodyWriter | undefined
  try {
    for await (const chunk of source) {
      file ??= await create()
      writer ??= new BodyWriter(file.handle, buffers, checkRoom)
      // A chunk may have any size, and is valid only until the next one is requested.
      for (let taken = 0; taken < chunk.byteLength; ) {
        taken += writer.fill(chunk, taken)
        if (writer.isFull) await writer.flush()
      }
    }
    file ??= await create()
    writer ??= new BodyWriter(file.handle, buffers, checkRoom)
    await writer.finish()
    await file.handle.close()
    return { file, sizeBytes: writer.sizeBytes, sums: writer.sums.finish() }
  } catch (error) {
    await writer?.settled()
    await file?.handle.close().catch(() => undefined)
    await file?.remove()
    throw error
  } finally {
    writer?.giveBack()
  }
}

class BodyWriter {
  readonly #handle: FileHandle
  readonly #buffers: Buffers
  readonly #checkRoom: (bytes: number) => void
  /** The buffer being filled, and its fill level. */
  #filling: Buffer | undefined
  #filledBytes = 0
  /** The buffer being written, or written last. */
  #other: Buffer | undefined
  #writing = new Step()
  #syncing = new Step()
  #unsyncedBytes = 0
  sizeBytes = 0
  readonly sums = new Summer()

  constructor(handle: FileHandle, buffers: Buffers, checkRoom: (bytes: number) => void) {
    this.#handle = handle
    this.#buffers = buffers
    this.#checkRoom = checkRoom
  }

  get isFull(): boolean {
    return this.#filledBytes === this.#filling?.byteLength
  }

  /** Copies from `chunk`, from `start`, until the buffer is full. Returns the number of bytes. */
  fill(chunk: Bytes, start: number): number {
    this.#filling ??= this.#buffers.take(writeBytes)
    const piece = chunk.subarray(start, start + this.#filling.byteLength - this.#filledBytes)
    this.#filling.set(piece, this.#filledBytes)
    this.#filledBytes += piece.byteLength
    return piece.byteLength
  }

  /** Starts to write the filled buffer, after the previous write. */
  async flush(): Promise<void> {
    await this.#writing.end()
    if (this.#filling === undefined || this.#filledBytes === 0) return
    const full = this.#filling
    const bytes = full.subarray(0, this.#filledBytes)
    const position = this.sizeBytes
    this.sums.update(bytes)
    this.#filling = this.#other
    this.#other = full
    this.#filledBytes = 0
    this.sizeBytes += bytes.byteLength
    this.#writing.start(this.#write(bytes, position))
  }

  /** Resolves when all bytes are on disk. */
  async finish(): Promise<void> {
    await this.flush()
    await this.#writing.end()
    await this.#syncing.end()
    await this.#handle.datasync()
  }

  /** Resolves when no operation is in progress, regardless of the outcome. */
  async settled(): Promise<void> {
    await this.#writing.settled()
    await this.#syncing.settled()
  }

  /** Returns the buffers to the pool. No operation may be in progress. */
  giveBack(): void {
    if (this.#filling !== undefined) this.#buffers.give(this.#filling)
    if (this.#other !== undefined) this.#buffers.give(this.#other)
  }

  async #write(bytes: Bytes, position: number): Promise<void> {
    this.#checkRoom(bytes.byteLength)
    // A write may be short, as the last one before the disk is full.
    for (let done = 0; done < bytes.byteLength; ) {
      const { bytesWritten } = await this.#handle.write(
        bytes,
        done,
        bytes.byteLength - done,
        position + done,
      )
      done += bytesWritten
    }
    this.#unsyncedBytes += bytes.byteLength
    if (this.#unsyncedBytes < syncBytes || this.#syncing.isRunning) return
    await this.#syncing.end()
    this.#unsyncedBytes = 0
    this.#syncing.start(this.#handle.datasync())
  }
}

/** An operation in progress that is awaited later; its error is kept until then. */
class Step {
  #settled: Promise<void> = Promise.resolve()
  #failure: { readonly error: unknown } | undefined
  isRunning = false

  start(work: Promise<void>): void {
    this.isRunning = true
    this.#settled = work.then(
      () => {
        this.isRunning = false
      },
      (error: unknown) => {
        this.isRunning = false
        this.#failure = { error }
      },
    )
  }

  settled(): Promise<void> {
    return this.#settled
  }

  /** Waits for the end; rethrows the error. */
  async end(): Promise<void> {
    await this.#settled
    if (this.#failure !== undefined) throw this.#failure.error
  }
}
