// Verifies a body by reading it whole: against its checksums or, if a version without checksums wrote it,
// against its ETag, which is an MD5.

import { createHash } from 'node:crypto'
import type { Bytes } from '../base/bytes.ts'
import { DamagedBody } from '../base/damaged-body.ts'
import type { BlobId } from '../base/terms.ts'
import type { BlobStore } from '../blob/blob.ts'
import type { Engine } from '../engine/engine.ts'
import { faultOfRow, type RowBody, readBlobSums } from '../store/body/body.ts'
import { isReferenced } from '../store/body/garbage.ts'

/** A blob to be read. */
export interface CheckedBlob {
  readonly id: BlobId
  /** The required size; undefined if unknown, and then the file's size is taken. */
  readonly sizeBytes?: number | undefined
  /** The ETag of the body's object or part: for a blob without checksums. */
  readonly etag?: string | undefined
}

/** Called with the number of bytes read; the next read waits until it resolves. */
export type Pace = (bytes: number) => Promise<void> | void

/**
 * Describes the damage of a blob in plain words; undefined if it is intact or has no references any more.
 * The caller needn't protect the blob from collection. @throws errors of `pace`
 */
export async function faultOfBlob(
  { engine, blobs }: { readonly engine: Engine; readonly blobs: BlobStore },
  blob: CheckedBlob,
  pace: Pace,
): Promise<string | undefined> {
  const sums = await engine.read((tx) => readBlobSums(tx, blob.id))
  const fault = await readThrough(blobs, { ...blob, sums }, pace)
  if (fault === undefined) return undefined
  // Its last reference, and then its file, may have been removed meanwhile.
  return (await engine.read((tx) => isReferenced(tx, blob.id))) ? fault : undefined
}

async function readThrough(
  blobs: BlobStore,
  { id, sizeBytes, etag, sums }: CheckedBlob & { readonly sums: Bytes | undefined },
  pace: Pace,
): Promise<string | undefined> {
  const md5 = sums === undefined && isMd5(etag) ? createHash('md5') : undefined
  try {
    const expectedBytes = sizeBytes ?? (await blobs.size(id)) ?? 0
    const source = await blobs.read(id, undefined, { sizeBytes: expectedBytes, sums })
    for await (const chunk of source) {
      md5?.update(chunk)
      await pace(chunk.byteLength)
    }
  } catch (error) {
    if (error instanceof DamagedBody) return error.fault
    throw error
  }
  return md5 === undefined || md5.digest('hex') === etag ? undefined : differsFromEtag
}

/** Describes the damage of the row body of an object with `etag`; undefined if it is intact. */
export function faultOfSmallBody(
  body: RowBody,
  bytes: Bytes | undefined,
  etag: string,
): string | undefined {
  const fault = faultOfRow(body, bytes)
  if (fault !== undefined || bytes === undefined) return fault
  if (body.crc32 !== undefined || !isMd5(etag)) return undefined
  return createHash('md5').update(bytes).digest('hex') === etag ? undefined : differsFromEtag
}

const differsFromEtag = 'its bytes differ from its ETag'

/** True for the ETag of a body that was not uploaded in parts. */
function isMd5(etag: string | undefined): boolean {
  return etag !== undefined && /^[0-9a-f]{32}$/.test(etag)
}
