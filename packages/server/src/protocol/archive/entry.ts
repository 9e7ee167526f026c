// What an archive is made of, whatever its form, and the stream that both forms are written to.

import type { Bytes } from '../../base/bytes.ts'

/** A file or folder of an archive. */
export interface ArchiveEntry {
  /** UTF-8, with '/' between its segments, and at the end of a folder's. */
  readonly name: Bytes
  readonly isFolder: boolean
  /** 0 for a folder. */
  readonly sizeBytes: number
  /** Milliseconds since the epoch. */
  readonly modifiedAt: number
  /** Of its bytes, if it is known. */
  readonly crc32?: number | undefined
  /** Its bytes: at hand, or a source that is iterated at most once. */
  readonly content: Bytes | (() => AsyncIterable<Bytes>)
}

/** The entries of an archive: each time the same; contents at hand only `withBytes`. */
export type ArchiveEntries = (options: {
  readonly withBytes: boolean
}) => AsyncIterable<ArchiveEntry>

/** Bytes of the buffer in which small pieces are gathered. */
const gatherBytes = 65_536
/** From here on a piece is worth a write of its own. */
const largeBytes = 16_384

/**
 * The same bytes in fewer pieces: small ones are gathered in a buffer, which is used again as soon as
 * the next piece is asked for.
 */
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

/** The bytes of an entry. @throws Error if they are not as many as it said */
export async function* contentOf({ content, sizeBytes }: ArchiveEntry): AsyncGenerator<Bytes> {
  let size = 0
  for await (const chunk of content instanceof Uint8Array ? [content] : content()) {
    size += chunk.byteLength
    if (size > sizeBytes) break
    yield chunk
  }
  if (size !== sizeBytes) throw new Error(`an object of ${sizeBytes} bytes has ${size}`)
}
