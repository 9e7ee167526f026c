// Streams a body into a file: the next bytes are received while the last ones are written, and the
// disk begins to sync long before the end, so that the last sync is short.

import type { FileHandle } from 'node:fs/promises'
import type { Bytes } from '../base/bytes.ts'
import type { ByteSource } from './blob.ts'
import type { Buffers } from './buffer.ts'
import { type BlobSums, Summer } from './sums.ts'

/** Bytes of one write; measured: less costs more calls, more gains nothing. */
const writeBytes = 1_048_576
/** Bytes written between the starts of two syncs. */
const syncBytes = 8_388_608

/** An empty file to write, and how to remove it again. */
export interface NewFile {
  readonly handle: FileHandle
  remove(): Promise<void>
}

/**
 * Writes all of `source` to the file that `create` makes when the first bytes are there, syncs and
 * closes it; resolves to its size in bytes, its checksums, and what `create` gave. If that fails, the file is removed,
 * and an error of the source is passed on. `checkRoom` throws where so many bytes are not to be
 * written. Nothing is under way any more when it ends, well or badly.
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
      // A chunk may be any size, and is only ours until we ask for the next one.
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
  /** The buffer that is being filled, and how far it is. */
  #filling: Buffer | undefined
  #filledBytes = 0
  /** The buffer that is being written, or was. */
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

  /** Takes what fits of `chunk` from `start` on; returns how many bytes. */
  fill(chunk: Bytes, start: number): number {
    this.#filling ??= this.#buffers.take(writeBytes)
    const piece = chunk.subarray(start, start + this.#filling.byteLength - this.#filledBytes)
    this.#filling.set(piece, this.#filledBytes)
    this.#filledBytes += piece.byteLength
    return piece.byteLength
  }

  /** Starts to write what was filled, after the write before it. */
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

  /** Resolves when all that was taken is on the disk. */
  async finish(): Promise<void> {
    await this.flush()
    await this.#writing.end()
    await this.#syncing.end()
    await this.#handle.datasync()
  }

  /** Resolves when nothing is under way any more, whatever came of it. */
  async settled(): Promise<void> {
    await this.#writing.settled()
    await this.#syncing.settled()
  }

  /** Lets others use the buffers; only when nothing is under way. */
  giveBack(): void {
    if (this.#filling !== undefined) this.#buffers.give(this.#filling)
    if (this.#other !== undefined) this.#buffers.give(this.#other)
  }

  async #write(bytes: Bytes, position: number): Promise<void> {
    this.#checkRoom(bytes.byteLength)
    // A write may take less than it was given, as the last one before the disk is full does.
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

/** Something under way that nobody waits for yet; its error is kept until somebody does. */
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

  /** Waits for the end; throws what it failed with. */
  async end(): Promise<void> {
    await this.#settled
    if (this.#failure !== undefined) throw this.#failure.error
  }
}
