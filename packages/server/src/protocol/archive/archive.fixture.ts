// Entries of archives for tests, and the bytes of the archives.

import { type Bytes, utf8 } from '../../base/bytes.ts'
import type { ArchiveEntries, ArchiveEntry } from './entry.ts'

/** The time of every entry, in milliseconds since the Unix epoch. */
export const modifiedAt: number = Date.UTC(2026, 1, 3, 4, 5, 6)

export function file(
  name: string,
  content: ArchiveEntry['content'],
  sizeBytes: number,
): ArchiveEntry {
  return { name: utf8(name), isFolder: false, sizeBytes, modifiedAt, content }
}

export function entries(list: readonly ArchiveEntry[]): ArchiveEntries {
  return async function* () {
    yield* list
  }
}

export async function bytesOf(pieces: AsyncIterable<Bytes>): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const piece of pieces) parts.push(Buffer.from(piece))
  return Buffer.concat(parts)
}
