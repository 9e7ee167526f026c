// Blobs in memory, for a store whose engine is there, too. Nothing is written to a disk.

import type { Bytes } from '../base/bytes.ts'
import { DamagedBody } from '../base/damaged-body.ts'
import type { MemoryRoom } from '../base/memory-room.ts'
import type { BlobId, StartId } from '../base/terms.ts'
import {
  type BlobStore,
  type ByteRange,
  type ByteSource,
  type ExpectedBlob,
  startOf,
  type UnremovedBlob,
  type WrittenBlob,
} from './blob.ts'
import { blobId, isCounter, numbersOf } from './id.ts'
import { type BlobPart, checkedBytes, partOf } from './part.ts'
import { findChange, Summer } from './sums.ts'

/** Bytes of all pieces of a blob but the last: a multiple of the bytes under one checksum. */
const pieceBytes = 524_288

interface MemoryBlob {
  readonly pieces: readonly Bytes[]
  readonly sizeBytes: number
  /** Milliseconds since the Unix epoch. */
  readonly writtenAt: number
}

/** The blobs of all starts of one store. */
export class MemoryBlobPlace {
  readonly #room: MemoryRoom
  readonly #blobs = new Map<BlobId, MemoryBlob>()

  constructor(room: MemoryRoom) {
    this.#room = room
  }

  /** Opens the blobs for process start `start`, whose number was never used before. */
  open(start: StartId): BlobStore {
    if (!isCounter(start)) throw new Error(`not the number of a start: ${start}`)
    return new MemoryBlobs({ start, room: this.#room, blobs: this.#blobs })
  }
}

class MemoryBlobs implements BlobStore {
  readonly #start: StartId
  readonly #room: MemoryRoom
  readonly #blobs: Map<BlobId, MemoryBlob>
  readonly #writing = new Set<Promise<unknown>>()
  #sequence = 0
  #isClosed = false

  constructor(parts: {
    readonly start: StartId
    readonly room: MemoryRoom
    readonly blobs: Map<BlobId, MemoryBlob>
  }) {
    this.#start = parts.start
    this.#room = parts.room
    this.#blobs = parts.blobs
  }

  async write(source: ByteSource): Promise<WrittenBlob> {
    if (this.#isClosed) throw new Error('the blobs are closed')
    const writing = this.#write(source)
    const settled = writing.then(
      () => undefined,
      () => undefined,
    )
    this.#writing.add(settled)
    try {
      return await writing
    } finally {
      this.#writing.delete(settled)
    }
  }

  async read(id: BlobId, range?: ByteRange, expected?: ExpectedBlob): Promise<ByteSource> {
    numbersOf(id)
    const name = `blob ${id}`
    const blob = this.#blobs.get(id)
    if (blob === undefined) throw new DamagedBody(name, 'it is missing')
    return once(bytesOf(blob, partOf({ name, size: blob.sizeBytes, range, expected })))
  }

  async delete(id: BlobId): Promise<void> {
    numbersOf(id)
    const blob = this.#blobs.get(id)
    if (blob === undefined) return
    this.#blobs.delete(id)
    this.#room.take(-blob.sizeBytes)
  }

  async deleteAll(ids: readonly BlobId[]): Promise<readonly UnremovedBlob[]> {
    for (const id of ids) await this.delete(id)
    return []
  }

  async size(id: BlobId): Promise<number | undefined> {
    return this.#blobs.get(id)?.sizeBytes
  }

  async writtenAt(id: BlobId): Promise<number | undefined> {
    return this.#blobs.get(id)?.writtenAt
  }

  async *list(start: StartId): AsyncIterable<BlobId> {
    for (const id of this.#blobs.keys()) if (startOf(id) === start) yield id
  }

  /** A blob that isn't finished is in the memory of its writer alone, so there is none to remove. */
  async removeStart(): Promise<void> {}

  /** Rows and blobs in memory can't be of different moments, so no mark tells them apart. */
  async mark(): Promise<void> {}

  async removeMark(): Promise<void> {}

  async starts(): Promise<readonly StartId[]> {
    return [...new Set([...this.#blobs.keys()].map(startOf))]
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all(this.#writing)
  }

  async #write(source: ByteSource): Promise<WrittenBlob> {
    const body = new Collected(this.#room)
    try {
      for await (const chunk of source) body.add(chunk)
    } catch (error) {
      body.giveBack()
      throw error
    }
    const id = blobId(this.#start, this.#sequence++)
    const { sizeBytes } = body
    this.#blobs.set(id, { pieces: body.pieces(), sizeBytes, writtenAt: Date.now() })
    return { id, sizeBytes, sums: body.sums.finish() }
  }
}

/** A body that is being received. */
class Collected {
  readonly sums = new Summer()
  sizeBytes = 0
  readonly #room: MemoryRoom
  readonly #pieces: Buffer[] = []
  #filledBytes = pieceBytes

  constructor(room: MemoryRoom) {
    this.#room = room
  }

  /** Copies a chunk. @throws StoreError `InsufficientStorage` */
  add(chunk: Bytes): void {
    this.#take(chunk.byteLength)
    this.sums.update(chunk)
    for (let taken = 0; taken < chunk.byteLength; ) {
      if (this.#filledBytes === pieceBytes) {
        this.#pieces.push(Buffer.allocUnsafeSlow(pieceBytes))
        this.#filledBytes = 0
      }
      const part = chunk.subarray(taken, taken + pieceBytes - this.#filledBytes)
      this.#pieces.at(-1)?.set(part, this.#filledBytes)
      this.#filledBytes += part.byteLength
      taken += part.byteLength
    }
  }

  /** The body, in pieces of which only the last may be shorter. */
  pieces(): readonly Bytes[] {
    const last = this.#pieces.pop()
    // The rest of the last piece would stay allocated as long as the blob.
    if (last !== undefined) this.#pieces.push(Buffer.from(last.subarray(0, this.#filledBytes)))
    return this.#pieces
  }

  giveBack(): void {
    this.#room.take(-this.sizeBytes)
  }

  #take(bytes: number): void {
    this.#room.check(bytes)
    this.#room.take(bytes)
    this.sizeBytes += bytes
  }
}

/** The bytes of `part`, in pieces that are verified before they are handed out. */
function* bytesOf({ pieces }: MemoryBlob, part: BlobPart): Generator<Bytes, undefined> {
  const { position, sizeBytes, name, check } = part
  const checked = checkedBytes(part)
  const end = position + sizeBytes
  for (let at = Math.floor(position / pieceBytes) * pieceBytes; at < end; at += pieceBytes) {
    const piece = pieces[at / pieceBytes]
    if (piece === undefined) throw new DamagedBody(name, 'it is shorter than it was')
    const from = Math.max(checked.start, at)
    const verified = piece.subarray(from - at, checked.end - at)
    const changed = check === undefined ? undefined : findChange(check.sums, verified, from)
    if (changed !== undefined) {
      throw new DamagedBody(name, `the bytes at ${changed} differ from their checksum`)
    }
    yield piece.subarray(Math.max(position - at, 0), end - at)
  }
}

/** A source of `bytes`, whose end also ends the generator. */
function once(bytes: Generator<Bytes, undefined>): ByteSource {
  const source: AsyncIterableIterator<Bytes, undefined> = {
    [Symbol.asyncIterator]: () => source,
    next: async () => bytes.next(),
    return: async () => bytes.return(undefined),
  }
  return source
}
