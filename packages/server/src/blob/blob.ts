// The contract of the blob store: immutable bytes by id, for bodies too large to be rows. A blob never
// changes, so readers never see a torn body.

import type { Bytes } from '../base/bytes.ts'
import { asStartId, type BlobId, type StartId } from '../base/terms.ts'
import type { BlobSums } from './sums.ts'

/** The number of the process start that wrote a blob. */
export function startOf(id: BlobId): StartId {
  return asStartId(Number.parseInt(id, 10))
}

/** A range of a blob: bytes `start` to `end` inclusive, as in HTTP. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** The result of a write. */
export interface WrittenBlob {
  readonly id: BlobId
  readonly sizeBytes: number
  /** The checksums. The caller stores them with its reference, and passes them to reads. */
  readonly sums: BlobSums
}

/** The expected properties of a blob. A read that finds others fails. */
export interface ExpectedBlob {
  readonly sizeBytes: number
  /** Undefined for a blob of a version without checksums: its bytes aren't checked. */
  readonly sums?: BlobSums | undefined
}

/**
 * Body bytes with back-pressure. A chunk is valid until the next one is requested. The consumer must
 * have used it (written, hashed or copied it) before it continues, or ends early, which closes the
 * source. Afterwards the chunk's content is undefined.
 */
export type ByteSource = AsyncIterable<Bytes>

/**
 * Closes a source that won't be iterated, so that its file is closed. This has no effect on an async
 * generator that was not begun, so sources that hold resources must be explicit iterators.
 */
export async function closeSource(source: ByteSource): Promise<void> {
  await source[Symbol.asyncIterator]().return?.()
}

/** A blob whose removal failed, or may not be durable. */
export interface UnremovedBlob {
  readonly id: BlobId
  readonly error: unknown
}

export interface BlobStore {
  /**
   * Stores all of `source` under a new id. Durable when it resolves (bytes, name and folder synced).
   * If `source` throws, or the disk is full, nothing remains and the error is rethrown. The source is
   * always iterated, and so always closed.
   * @throws StoreError `InsufficientStorage` on a full disk.
   */
  write(source: ByteSource): Promise<WrittenBlob>
  /**
   * The bytes of a blob, or of `range` of it, to be iterated once, or closed with {@link closeSource}.
   * The blob is opened before this resolves, so a later deletion doesn't affect the reader. Bytes that
   * differ from their checksum in `expected` are never returned.
   * @throws Error if the blob has no such range (a bug of the caller). DamagedBody if the blob is
   *   missing, or its size differs from the expected one. The source, too, throws DamagedBody if bytes
   *   can't be read or have changed.
   */
  read(id: BlobId, range?: ByteRange, expected?: ExpectedBlob): Promise<ByteSource>
  /**
   * Removes a blob, finished or not; a missing one is no error. Not durable: after a power loss the
   * blob may reappear, and the sweep of its start finds it.
   */
  delete(id: BlobId): Promise<void>
  /**
   * Removes blobs. Durable when it resolves. Missing blobs count as removed. Resolves to the blobs that
   * could not be removed, with the errors.
   */
  deleteAll(ids: readonly BlobId[]): Promise<readonly UnremovedBlob[]>
  /** The size of a finished blob in bytes; undefined if there is none. */
  size(id: BlobId): Promise<number | undefined>
  /** The time of a finished blob's write, in milliseconds since the Unix epoch; undefined if there is none. */
  writtenAt(id: BlobId): Promise<number | undefined>
  /** The blobs of start `start`, finished or not; for the sweep after a crash. */
  list(start: StartId): AsyncIterable<BlobId>
  /**
   * Removes the unfinished blobs of a dead start, and the start itself once it has no blobs. Finished
   * blobs stay.
   */
  removeStart(start: StartId): Promise<void>
  /** Puts a mark of this start beside the blobs, in place of the one before; durable when it resolves. */
  mark(mark: number): Promise<void>
  /** Removes the mark of a start that was swept; no error if it has none. */
  removeMark(start: StartId): Promise<void>
  /** The starts that have blobs here, finished or not, in no order. */
  starts(): Promise<readonly StartId[]>
  /** Refuses new writes; resolves when those in progress have ended. Open sources stay readable. */
  close(): Promise<void>
}
