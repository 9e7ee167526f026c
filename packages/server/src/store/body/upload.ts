// Multipart uploads in progress: a row per upload, keyed by bucket and key text, and a row per part.
// Uploads stay with the key they were created for, even if its folder is renamed.

import type { Acl } from '../../access/acl.ts'
import { type Bytes, compareBytes, startsWith } from '../../base/bytes.ts'
import type { BlobId, BucketId, ChecksumAlgorithm, ChecksumType } from '../../base/terms.ts'
import type { ReadTransaction, WriteTransaction } from '../../engine/engine.ts'
import { maximumId } from '../row/key-space.ts'
import { pack, type Tag, unpack } from '../row/record.ts'
import { takeSequence } from '../row/sequence.ts'
import { releaseBody } from './body.ts'
import * as schema from './schema.ts'

/** The parameters of an upload's creation. */
export interface UploadRecord {
  /** Unguessable, in hex. It is part of the upload id that clients hold. */
  readonly nonce: string
  /** The owner that the object gets. */
  readonly ownerId: string
  /** Absent in uploads of versions in which it was always the owner. */
  readonly initiatorId?: string | undefined
  /** Milliseconds since the epoch. */
  readonly initiatedAt: number
  readonly headers: Readonly<Record<string, string>>
  readonly metadata: Readonly<Record<string, string>>
  readonly storageClass: string
  readonly checksumAlgorithm?: ChecksumAlgorithm | undefined
  readonly checksumType?: ChecksumType | undefined
  /** The tags of the object; absent for none. */
  readonly tags?: readonly Tag[] | undefined
  /** The list of the object; absent for a private one. */
  readonly acl?: Acl | undefined
  /** Whether the key had an object at that time. A conditional completion compares this. */
  readonly keyExisted: boolean
}

/** The address of an upload. Its number in the store is part of the upload id. */
export interface UploadAddress {
  readonly bucketId: BucketId
  readonly key: Bytes
  readonly number: number
}

/** An uploaded part. */
export interface PartRecord {
  /** MD5 in hex. */
  readonly etag: string
  readonly sizeBytes: number
  readonly blobId: BlobId
  readonly modifiedAt: number
  /** Base64, by the upload's algorithm or the part's own. */
  readonly checksum?: { readonly algorithm: ChecksumAlgorithm; readonly value: string } | undefined
  /**
   * CRC64NVME, base64, if the upload has no algorithm but the part has another checksum. The object's
   * checksum is computed from it.
   */
  readonly crc64?: string | undefined
}

/** The number of a new upload, greater than all earlier ones of any process. */
export function nextUploadNumber(tx: WriteTransaction): Promise<number> {
  return takeSequence(tx, 'upload')
}

/** Stores an upload's record. */
export function putUpload(
  tx: WriteTransaction,
  address: UploadAddress,
  record: UploadRecord,
): void {
  tx.put(schema.upload(address.bucketId, address.key, address.number), pack(record))
}

/** The record of an upload in progress. */
export async function findUpload(
  tx: ReadTransaction,
  address: UploadAddress,
): Promise<UploadRecord | undefined> {
  const bytes = await tx.get(schema.upload(address.bucketId, address.key, address.number))
  return bytes === undefined ? undefined : unpack<UploadRecord>(bytes)
}

/** Stores a part. A previous part of the same number is replaced, and its blob released. */
export async function putPart(
  tx: WriteTransaction,
  upload: number,
  part: number,
  record: PartRecord,
): Promise<void> {
  const key = schema.part(upload, part)
  const previous = await tx.get(key)
  tx.put(key, pack(record))
  if (previous !== undefined) {
    await releaseBody(tx, { kind: 'blob', id: unpack<PartRecord>(previous).blobId })
  }
}

/** The parts of an upload in order, from after part `after`. At most 10,000. */
export async function* walkParts(
  tx: ReadTransaction,
  upload: number,
  after = 0,
): AsyncGenerator<{ readonly number: number; readonly part: PartRecord }> {
  const { end } = schema.parts(upload)
  for await (const row of tx.range({ start: schema.part(upload, after + 1), end })) {
    yield { number: schema.parsePart(row.key).number, part: unpack<PartRecord>(row.value) }
  }
}

/**
 * Removes an upload and the rows of its parts. The references to the blobs of the parts in `kept` pass
 * to the caller; the other blobs are released.
 */
export async function removeUpload(
  tx: WriteTransaction,
  address: UploadAddress,
  kept: ReadonlySet<number> = new Set(),
): Promise<void> {
  tx.delete(schema.upload(address.bucketId, address.key, address.number))
  const parts: { number: number; part: PartRecord }[] = []
  for await (const part of walkParts(tx, address.number)) parts.push(part)
  for (const { number, part } of parts) {
    tx.delete(schema.part(address.number, number))
    if (!kept.has(number)) await releaseBody(tx, { kind: 'blob', id: part.blobId })
  }
}

/** One upload of a listing. */
export interface ListedUpload {
  readonly key: Bytes
  readonly number: number
  readonly record: UploadRecord
}

/** Where a listing continues: after a key, after one upload of a key, or from a key on. */
export type UploadMarker =
  | { readonly key: Bytes; readonly number?: number | undefined }
  | { readonly from: Bytes }

/** The uploads of a bucket with `prefix`, after `marker`, by key and then by age. */
export async function* walkUploads(
  tx: ReadTransaction,
  bucketId: BucketId,
  options: { readonly prefix?: Bytes; readonly marker?: UploadMarker | undefined } = {},
): AsyncGenerator<ListedUpload> {
  const prefix = options.prefix ?? new Uint8Array()
  const { end } = schema.uploadsOfBucket(bucketId)
  for await (const row of tx.range({ start: startOf(bucketId, prefix, options.marker), end })) {
    const { key, number } = schema.parseUpload(row.key)
    if (!startsWith(key, prefix)) return
    yield { key, number, record: unpack<UploadRecord>(row.value) }
  }
}

function startOf(bucketId: BucketId, prefix: Bytes, marker: UploadMarker | undefined): Bytes {
  const first = schema.uploadsFrom(bucketId, prefix)
  if (marker === undefined) return first
  const after =
    'from' in marker
      ? schema.uploadsFrom(bucketId, marker.from)
      : schema.upload(bucketId, marker.key, (marker.number ?? maximumId) + 1)
  return compareBytes(after, first) > 0 ? after : first
}

/** Removes up to `limit` uploads of a deleted bucket; true when none is left. */
export async function removeAbandonedUploads(
  tx: WriteTransaction,
  bucketId: BucketId,
  limit: number,
): Promise<boolean> {
  const found: ListedUpload[] = []
  for await (const upload of walkUploads(tx, bucketId)) {
    if (found.push(upload) === limit) break
  }
  for (const { key, number } of found) await removeUpload(tx, { bucketId, key, number })
  if (found.length === limit) return false
  tx.delete(schema.abandonedUploads(bucketId))
  return true
}

/** A deleted bucket that still has uploads; undefined if there is none. */
export async function nextAbandonedBucket(tx: ReadTransaction): Promise<BucketId | undefined> {
  for await (const { key } of tx.range(schema.allAbandonedUploads())) {
    return schema.abandonedBucket(key)
  }
  return undefined
}
