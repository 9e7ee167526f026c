// Archive entries, independent of the format, and the output stream of both formats.

import type { Bytes } from '../../base/bytes.ts'

/** A file or folder of an archive. */
export interface ArchiveEntry {
  /** UTF-8. Segments are separated by '/'; a folder's name ends in '/'. */
  readonly name: Bytes
  readonly isFolder: boolean
  /** 0 for a folder. */
  readonly sizeBytes: number
  /** Milliseconds since the Unix epoch. */
  readonly modifiedAt: number
  /** The checksum of the content, if known. */
  readonly crc32?: number | undefined
  /** The bytes, or a source of them that is iterated at most once. */
  readonly content: Bytes | (() => AsyncIterable<Bytes>)
}

/**
 * Returns the entries of an archive, the same on every call. Contents in memory are included only
 * `withBytes`.
 */
export type ArchiveEntries = (options: {
  readonly withBytes: boolean
}) => AsyncIterable<ArchiveEntry>

/** Size in bytes of the buffer that collects small pieces. */
const gatherBytes = 65_536
/** Pieces of at least this many bytes are written directly. */
const largeBytes = 16_384

/** Joins small pieces in a buffer. The buffer is reused as soon as the next piece is requested. */
export async function* gathered(pieces: AsyncIterable<Bytes>): AsyncGenerator<Bytes> {
  const buffer = Buffer.allocUnsafe(gatherBytes)
  let used = 0
  for await (const piece of pieces) {
    if (used + piece.byteLength > gatherBytes || piece.byteLength >= largeBytes) {
      if (used > 0) yield buffer.subarray(0, used)
      used = 0
    }
    if (piece.byteLength >= largeBytes) yield piece
    else {
      buffer.set(piece, used)
      used += piece.byteLength
    }
  }
  if (used > 0) yield buffer.subarray(0, used)
}

/** The bytes of an entry. @throws Error if their number differs from the entry's size */
export async function* contentOf({ content, sizeBytes }: ArchiveEntry): AsyncGenerator<Bytes> {
  let size = 0
  for await (const chunk of content instanceof Uint8Array ? [content] : content()) {
    size += chunk.byteLength
    if (size > sizeBytes) break
    yield chunk
  }
  if (size !== sizeBytes) throw new Error(`the content has ${size} bytes instead of ${sizeBytes}`)
}
