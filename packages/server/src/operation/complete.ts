// CompleteMultipartUpload: checks the parts that the client lists and makes them one object, in one
// transaction. Told again of an upload that it completed, it answers the same. A part whose file is gone
// counts as missing, so that the client uploads it again.

import { createHash } from 'node:crypto'
import { utf8 } from '../base/bytes.ts'
import { StoreError } from '../base/errors.ts'
import { s3Limits } from '../base/limits.ts'
import type { BlobId, BucketId, ChecksumAlgorithm, ChecksumType } from '../base/terms.ts'
import { combineCrc, isCrcAlgorithm } from '../blob/crc.ts'
import { startDigest } from '../blob/digest.ts'
import { type ManifestPart, putManifest } from '../store/body/body.ts'
import {
  type PartRecord,
  removeUpload,
  type UploadRecord,
  walkParts,
} from '../store/body/upload.ts'
import type { Checksum, ObjectRecord } from '../store/row/record.ts'
import { findObject } from '../store/tree/directory.ts'
import { putObject } from '../store/tree/object.ts'
import { findLostFiles, type RecordedBlob } from './blob-file.ts'
import { checkWrite, type WriteConditions } from './condition.ts'
import { nameOf } from './content.ts'
import { findUploadOf, requireUpload, type UploadInput } from './multipart.ts'
import { conditionNeeds, writeNeeds, writesObject } from './object.ts'
import type { CheckStep, CommitStep, TransferStep, Upload } from './operation.ts'

/** A part as the client lists it. */
export interface ListedPart {
  readonly number: number
  /** Without quotes. */
  readonly etag: string
  /** The checksum that the client repeats, base64. */
  readonly checksum?: { readonly algorithm: ChecksumAlgorithm; readonly value: string } | undefined
}

export interface CompleteUploadInput extends UploadInput {
  readonly parts: readonly ListedPart[]
  readonly conditions: WriteConditions
  /** The checksum of the whole object that the client expects. */
  readonly checksum?: { readonly algorithm: ChecksumAlgorithm; readonly value: string } | undefined
  readonly checksumType?: ChecksumType | undefined
  /** The size of the whole object that the client expects (`x-amz-mp-object-size`). */
  readonly sizeBytes?: number | undefined
}

export interface CompleteUploadOutput {
  readonly etag: string
  readonly checksum?: Checksum | undefined
}

/** Blobs of parts whose files are gone. */
type LostBlobs = ReadonlySet<BlobId>

/** Makes the listed parts one object. */
export const completeMultipartUpload: Upload<
  CompleteUploadInput,
  readonly RecordedBlob[],
  LostBlobs,
  CompleteUploadOutput
> = {
  kind: 'upload',
  name: 'CompleteMultipartUpload',
  // Otherwise the file of a part that is replaced meanwhile could be collected, and count as lost.
  readsBlobs: true,
  needs: (input) => [...writeNeeds(input), ...conditionNeeds(input)],
  writes: writesObject,
  check: listedBlobs,
  transfer: lostBlobs,
  async commit(step, input, lost) {
    checkOrder(input.parts)
    const { root } = step.bucket(input.bucket)
    const key = utf8(input.key)
    const current = await findObject(step.tx, root, key)
    const completion = completionOf(step.bucket(input.bucket).id, input)
    const repeated = completedBefore(current, completion, input)
    if (repeated !== undefined) return repeated
    const { address, record: upload } = await requireUpload(step.tx, step, input)
    checkConditions(input, upload, current)
    checkListed(input, upload)
    const stored = new Map<number, PartRecord>()
    for await (const { number, part } of walkParts(step.tx, address.number))
      stored.set(number, part)
    const parts = chooseParts(input, stored, {
      algorithm: upload.checksumAlgorithm ?? defaultAlgorithm,
      lost,
    })
    const { sizeBytes } = checkSizes(input, parts)
    const checksum = await objectChecksum(input, upload, parts, stored)
    const kept = new Set(parts.map((part) => part.number))
    await removeUpload(step.tx, address, kept)
    const record = objectOf(step, upload, {
      etag: multipartEtag(parts),
      sizeBytes,
      body: putManifest(step.tx, step.services.ids.next(), parts),
      checksum,
      completion,
    })
    await putObject({ tx: step.tx, ids: step.services.ids }, root, key, record)
    return { etag: record.etag, checksum }
  },
}

/** The blobs of the listed parts; none if the upload isn't there, which the commit refuses. */
async function listedBlobs(
  step: CheckStep,
  input: CompleteUploadInput,
): Promise<readonly RecordedBlob[]> {
  const found = await findUploadOf(step.tx, step, input)
  if (found === undefined) return []
  const listed = new Set(input.parts.map(({ number }) => number))
  const blobs: RecordedBlob[] = []
  for await (const { number, part } of walkParts(step.tx, found.address.number)) {
    if (listed.has(number)) blobs.push(part)
  }
  return blobs
}

/** Those of `blobs` whose files are gone, each of which is logged and counted as a damaged body. */
async function lostBlobs(
  { services }: TransferStep,
  input: CompleteUploadInput,
  blobs: readonly RecordedBlob[],
): Promise<LostBlobs> {
  const lost = await findLostFiles(services.blobs, blobs, nameOf(input))
  for (const error of lost.values()) {
    services.metrics.damagedBody('read')
    const { body, object } = error
    services.log.error('a part of an upload is damaged', { body, object, error })
  }
  return new Set(lost.keys())
}

const completionBytes = 16

/** Of an upload that was created without one. */
const defaultAlgorithm: ChecksumAlgorithm = 'CRC64NVME'

/** Tells one completion from all others: of this upload, at the key that it was created for. */
function completionOf(bucketId: BucketId, { key, uploadId }: CompleteUploadInput): string {
  const hash = createHash('sha256').update(JSON.stringify([bucketId, key, uploadId]))
  return hash.digest().toString('base64', 0, completionBytes)
}

/** The answer given before, if the object there is the one that this upload became. */
function completedBefore(
  current: ObjectRecord | undefined,
  completion: string,
  input: CompleteUploadInput,
): CompleteUploadOutput | undefined {
  if (current?.completion !== completion) return undefined
  if (current.etag !== multipartEtag(input.parts)) return undefined
  return { etag: current.etag, checksum: current.checksum }
}

/** S3's table for conditions on a completion; see the guide on conditional writes. */
function checkConditions(
  { conditions, key }: CompleteUploadInput,
  upload: UploadRecord,
  current: ObjectRecord | undefined,
): void {
  checkWrite(conditions, current)
  if (conditions.ifNoneMatch !== undefined && upload.keyExisted) {
    throw new StoreError({ code: 'ConditionalRequestConflict', key })
  }
}

function checkOrder(parts: readonly ListedPart[]): void {
  if (parts.length === 0) {
    throw new StoreError({ code: 'NoParts' })
  }
  for (const [index, part] of parts.entries()) {
    const previous = parts[index - 1]
    if (previous !== undefined && previous.number >= part.number) {
      throw new StoreError({ code: 'InvalidPartOrder' })
    }
  }
}

/** A checksum of checksums is the client's word for every part. @throws StoreError `PartChecksumMissing` */
function checkListed(
  { parts }: CompleteUploadInput,
  { checksumAlgorithm, checksumType }: UploadRecord,
): void {
  if (checksumAlgorithm === undefined || checksumType !== 'COMPOSITE') return
  for (const { number, checksum } of parts) {
    if (checksum !== undefined) continue
    throw new StoreError({
      code: 'PartChecksumMissing',
      algorithm: checksumAlgorithm,
      partNumber: number,
    })
  }
}

function chooseParts(
  input: CompleteUploadInput,
  stored: ReadonlyMap<number, PartRecord>,
  { algorithm, lost }: { readonly algorithm: ChecksumAlgorithm; readonly lost: LostBlobs },
): ManifestPart[] {
  let offset = 0
  return input.parts.map(({ number, etag, checksum }) => {
    const part = stored.get(number)
    const isSame = part?.etag === etag && isChecksumOf(part, checksum)
    if (part === undefined || !isSame || lost.has(part.blobId)) {
      throw new StoreError({
        code: 'InvalidPart',
        uploadId: input.uploadId,
        partNumber: number,
        etag,
      })
    }
    const { sizeBytes, blobId } = part
    const value = partChecksum(part, algorithm)
    const chosen = { number, offset, sizeBytes, etag, blobId, checksum: value }
    offset += sizeBytes
    return chosen
  })
}

function isChecksumOf(part: PartRecord, listed: ListedPart['checksum']): boolean {
  if (listed === undefined) return true
  return listed.algorithm === part.checksum?.algorithm && listed.value === part.checksum.value
}

function checkSizes(
  input: CompleteUploadInput,
  parts: readonly ManifestPart[],
): { readonly sizeBytes: number } {
  for (const part of parts.slice(0, -1)) {
    if (part.sizeBytes >= s3Limits.minimumPartBytes) continue
    throw new StoreError({
      code: 'PartTooSmall',
      sizeBytes: part.sizeBytes,
      minimumBytes: s3Limits.minimumPartBytes,
      partNumber: part.number,
      etag: part.etag,
    })
  }
  const last = parts.at(-1)
  const sizeBytes = last === undefined ? 0 : last.offset + last.sizeBytes
  if (sizeBytes > s3Limits.objectBytes) {
    throw new StoreError({ code: 'EntityTooLarge' })
  }
  if (input.sizeBytes !== undefined && input.sizeBytes !== sizeBytes) {
    throw new StoreError({
      code: 'ObjectSizeMismatch',
      announcedBytes: input.sizeBytes,
      actualBytes: sizeBytes,
    })
  }
  return { sizeBytes }
}

/** The MD5 of the parts' MD5s, and their number. */
function multipartEtag(parts: readonly { readonly etag: string }[]): string {
  const hash = createHash('md5')
  for (const { etag } of parts) hash.update(Buffer.from(etag, 'hex'))
  return `${hash.digest('hex')}-${parts.length}`
}

/**
 * The checksum that the object gets: by the upload's algorithm, or else the CRC64NVME of the whole.
 * @throws StoreError `ChecksumMismatch` if what the client announced is another; `ChecksumTypeMismatch`,
 *   `ChecksumAlgorithmMismatch` or `ChecksumNotComputable` if it can't be compared
 */
async function objectChecksum(
  input: CompleteUploadInput,
  upload: UploadRecord,
  parts: readonly ManifestPart[],
  stored: ReadonlyMap<number, PartRecord>,
): Promise<Checksum | undefined> {
  const type = upload.checksumType ?? 'FULL_OBJECT'
  if (input.checksumType !== undefined && input.checksumType !== type) {
    throw new StoreError({ code: 'ChecksumTypeMismatch', type })
  }
  const of = (algorithm: ChecksumAlgorithm): Promise<Checksum | undefined> => {
    const sums = parts.map(({ number, sizeBytes }) => ({
      sizeBytes,
      value: partChecksum(stored.get(number), algorithm),
    }))
    return combine(algorithm, type, sums)
  }
  const checksum = await of(upload.checksumAlgorithm ?? defaultAlgorithm)
  if (input.checksum !== undefined) {
    const { algorithm } = input.checksum
    const wanted = upload.checksumAlgorithm ?? algorithm
    const found = algorithm === wanted ? await of(algorithm) : undefined
    if (found === undefined) throw incomparable(wanted, algorithm)
    checkAnnounced(input.checksum, found)
  }
  return checksum
}

/** A part's checksum by `algorithm`, base64, if it was computed. */
function partChecksum(
  part: PartRecord | undefined,
  algorithm: ChecksumAlgorithm,
): string | undefined {
  if (part?.checksum?.algorithm === algorithm) return part.checksum.value
  return algorithm === 'CRC64NVME' ? part?.crc64 : undefined
}

function incomparable(expected: ChecksumAlgorithm, actual: ChecksumAlgorithm): StoreError {
  return new StoreError(
    expected === actual
      ? { code: 'ChecksumNotComputable', algorithm: actual }
      : { code: 'ChecksumAlgorithmMismatch', expected, actual },
  )
}

/** Composite values may be told with or without the number of parts. */
function checkAnnounced(
  announced: { readonly algorithm: ChecksumAlgorithm; readonly value: string },
  found: Checksum,
): void {
  const wanted = found.type === 'COMPOSITE' ? found.value.replace(/-\d+$/, '') : found.value
  if (announced.value === found.value || announced.value === wanted) return
  throw new StoreError({ code: 'ChecksumMismatch', algorithm: announced.algorithm })
}

/** Undefined where a part's value is missing, or where the type can't be had of the algorithm. */
async function combine(
  algorithm: ChecksumAlgorithm,
  type: ChecksumType,
  parts: readonly { readonly sizeBytes: number; readonly value: string | undefined }[],
): Promise<Checksum | undefined> {
  const values: Buffer[] = []
  for (const { value } of parts) {
    if (value === undefined) return undefined
    values.push(Buffer.from(value, 'base64'))
  }
  if (type === 'COMPOSITE') {
    const digest = await startDigest(algorithm)
    for (const value of values) digest.update(value)
    return { algorithm, type, value: `${digest.digest().toString('base64')}-${parts.length}` }
  }
  if (!isCrcAlgorithm(algorithm)) return undefined
  const whole = values.reduce((sum, value, index) =>
    combineCrc(algorithm, sum, value, parts[index]?.sizeBytes ?? 0),
  )
  return { algorithm, type, value: whole.toString('base64') }
}

function objectOf(
  step: CommitStep,
  upload: UploadRecord,
  rest: Pick<ObjectRecord, 'etag' | 'sizeBytes' | 'body' | 'checksum' | 'completion'>,
): ObjectRecord {
  return {
    ...rest,
    modifiedAt: step.now,
    ownerId: upload.ownerId,
    storageClass: upload.storageClass,
    headers: upload.headers,
    metadata: upload.metadata,
    tags: upload.tags,
    acl: upload.acl,
  }
}
