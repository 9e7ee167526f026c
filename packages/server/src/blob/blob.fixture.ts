// Byte sources for tests of blobs, and helpers to read the results.

import type { Bytes } from '../base/bytes.ts'
import type { BlobId, StartId } from '../base/terms.ts'
import type { BlobStore, ByteSource } from './blob.ts'

/** Chunks of the given bytes, all in one buffer that is overwritten as soon as the contract allows. */
export async function* chunked(bytes: Bytes, chunkBytes: number): ByteSource {
  const buffer = Buffer.alloc(chunkBytes)
  for (let at = 0; at < bytes.byteLength; at += chunkBytes) {
    const piece = bytes.subarray(at, at + chunkBytes)
    buffer.set(piece)
    yield buffer.subarray(0, piece.byteLength)
    buffer.fill(0xee)
  }
}

/** All bytes of a source, copied before the next chunk is asked for. */
export async function collect(source: ByteSource): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of source) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}

/** The ids of a start's blobs, sorted. */
export async function idsOf(blobs: BlobStore, start: StartId): Promise<BlobId[]> {
  const ids: BlobId[] = []
  for await (const id of blobs.list(start)) ids.push(id)
  return ids.sort()
}
