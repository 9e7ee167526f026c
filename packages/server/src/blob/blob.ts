// The contract of the byte store: immutable bytes by id, for bodies too large to be rows. A blob is
// never changed, so who holds its id can never see a torn body.

import type { Bytes } from '../base/bytes.ts'
import type { BlobId } from '../base/terms.ts'
import type { BlobSums } from './sums.ts'

/** The number of the process start that wrote a blob. */
export function startOf(id: BlobId): number {
  return Number.parseInt(id, 10)
}

/** Part of a blob: bytes `start` to `end` inclusive, as in HTTP. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** A blob as it was written. */
export interface WrittenBlob {
  readonly id: BlobId
  readonly sizeBytes: number
  /** To be kept where the blob is referred to, and given to whoever reads it. */
  readonly sums: BlobSums
}

/** What is known of a blob, which its reader wants to be told if it isn't so any more. */
export interface ExpectedBlob {
  readonly sizeBytes: number
  /** Undefined for a blob that was written before there were checksums: its bytes aren't checked. */
  readonly sums?: BlobSums | undefined
}

/**
 * Body bytes with back-pressure: a chunk is valid until the next one is asked for, so the consumer
 * has used it up (written it, hashed it, copied it) before it goes on or ends early, which closes the
 * source; after that the chunk may hold anything, or nothing.
 */
export type ByteSource = AsyncIterable<Bytes>

/**
 * Ends a source that nobody will iterate, so that it lets go of its file. (It has no effect on an
 * async generator that was not begun: sources that hold something must be written out as iterators.)
 */
export async function closeSource(source: ByteSource): Promise<void> {
  await source[Symbol.asyncIterator]().return?.()
}

/** A blob that could not be removed, or of which it isn't known whether it will stay removed. */
export interface UnremovedBlob {
  readonly id: BlobId
  readonly error: unknown
}

export interface BlobStore {
  /**
   * Stores all of `source` under a new id; durable when it resolves (bytes, name and folder synced).
   * If `source` throws, or the disk is full, nothing is left behind and the error is passed on; the
   * source is always iterated, so it is also ended.
   * @throws StoreError `InsufficientStorage` on a full disk.
   */
  write(source: ByteSource): Promise<WrittenBlob>
  /**
   * The bytes of a blob, or of `range` of it, to be iterated once, or ended with {@link closeSource}.
   * The blob is opened before this resolves, so a deletion afterwards does not disturb the reader.
   * No byte is given out that differs from its checksum in `expected`.
   * @throws Error when there is no such range in it (our mistake); DamagedBody when there is no such
   *   blob, when it has another size than expected, and, as the source does too, when its bytes can't
   *   be read or aren't those that were written.
   */
  read(id: BlobId, range?: ByteRange, expected?: ExpectedBlob): Promise<ByteSource>
  /**
   * Removes a blob, finished or not; no error if it is gone already. Not durable: after a power loss it
   * may be back, for the sweep of its start to find.
   */
  delete(id: BlobId): Promise<void>
  /**
   * Removes blobs, durably when it resolves; those that are gone already count as removed. Resolves to
   * those that could not be removed, and why.
   */
  deleteAll(ids: readonly BlobId[]): Promise<readonly UnremovedBlob[]>
  /** Bytes of a finished blob; undefined if there is none. */
  size(id: BlobId): Promise<number | undefined>
  /** When a finished blob was written, in milliseconds since the Unix epoch; undefined if there is none. */
  writtenAt(id: BlobId): Promise<number | undefined>
  /** The blobs that the process start `start` left, finished or not; for the sweep after a crash. */
  list(start: number): AsyncIterable<BlobId>
  /**
   * Removes the unfinished blobs of a start, and the start itself once it has no blobs. Finished ones
   * stay. Only for starts that are dead.
   */
  removeStart(start: number): Promise<void>
  /** The process starts that left something here, in no order. */
  starts(): Promise<readonly number[]>
  /** Resolves when no write is under way; begins no more. Sources given out stay readable. */
  close(): Promise<void>
}
