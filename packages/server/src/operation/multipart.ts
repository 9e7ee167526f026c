// Multipart uploads: create, upload parts, list, complete, abort. Completion links the parts' blobs into a
// manifest; no bytes move.

import { randomBytes } from 'node:crypto'
import { utf8 } from '../base/bytes.ts'
import { StoreError } from '../base/errors.ts'
import { s3Limits } from '../base/limits.ts'
import type { ChecksumAlgorithm, ChecksumType } from '../base/terms.ts'
import type { ByteRange } from '../blob/blob.ts'
import { isCrcAlgorithm } from '../blob/crc.ts'
import type { ReadTransaction } from '../engine/engine.ts'
import { putBlobBody } from '../store/body/body.ts'
import {
  findUpload,
  nextUploadNumber,
  putPart,
  putUpload,
  removeUpload,
  type UploadAddress,
  type UploadRecord,
  walkParts,
} from '../store/body/upload.ts'
import type { ObjectRecord } from '../store/row/record.ts'
import { findObject } from '../store/tree/directory.ts'
import { type BodyInput, type ReceivedBody, receiveBody } from './body.ts'
import { preconditionFailed } from './condition.ts'
import { type ContentPlan, contentSource, nameOf, openContent, planContent } from './content.ts'
import { type CopySource, checkSourceSize, requireSource } from './copy.ts'
import { type Need, onFoundKeys, onKey, onSource } from './need.ts'
import {
  checkDescription,
  checkKey,
  type ObjectAddress,
  type ObjectDescription,
  objectNeed,
  type RangeRequest,
  resolveRange,
  writeNeeds,
  writesObject,
} from './object.ts'
import { takeAccess } from './object-owner.ts'
import type { Change, CommitStep, Query, Step, Upload } from './operation.ts'
import { tagsOrNone } from './tag.ts'
import { isNonceOf, makeNonce, nonceHalfBytes, parseUploadId, uploadIdOf } from './upload-id.ts'
import { aclNeeds } from './wanted-acl.ts'

export interface CreateUploadInput extends ObjectAddress, ObjectDescription {
  readonly checksumAlgorithm?: ChecksumAlgorithm | undefined
  readonly checksumType?: ChecksumType | undefined
}

export interface CreateUploadOutput {
  readonly uploadId: string
  readonly checksumAlgorithm?: ChecksumAlgorithm | undefined
  readonly checksumType?: ChecksumType | undefined
}

/** An upload as a request names it. */
export interface UploadInput extends ObjectAddress {
  readonly uploadId: string
}

function noSuchUpload(uploadId: string): StoreError {
  return new StoreError({ code: 'NoSuchUpload', uploadId })
}

interface FoundUpload {
  readonly address: UploadAddress
  readonly record: UploadRecord
}

/** The upload in progress that `input` names. @throws StoreError `NoSuchUpload` */
export async function requireUpload(
  tx: ReadTransaction,
  step: Step,
  input: UploadInput,
): Promise<FoundUpload> {
  const found = await findUploadOf(tx, step, input)
  if (found === undefined) throw noSuchUpload(input.uploadId)
  return found
}

/** The upload in progress that `input` names; undefined if there is none. */
export async function findUploadOf(
  tx: ReadTransaction,
  step: Step,
  input: UploadInput,
): Promise<FoundUpload | undefined> {
  const named = addressOf(step, input)
  if (named === undefined) return undefined
  const { address, nonce } = named
  const record = await findUpload(tx, address)
  return record === undefined || record.nonce !== nonce ? undefined : { address, record }
}

/**
 * Requires a right on an upload. As on S3, the initiator needs no Allow for it.
 * @throws StoreError `AccessDenied`
 */
async function requireUploadRight(
  step: Step,
  action: 's3:AbortMultipartUpload' | 's3:ListMultipartUploadParts',
  input: UploadInput,
  found: FoundUpload | undefined,
): Promise<void> {
  const initiatorId = found?.record.initiatorId ?? found?.record.ownerId
  const { principal } = step.caller
  const isInitiator = principal !== undefined && principal.owner.id === initiatorId
  await step.require([{ ...onKey(action, input), isInitiator }])
}

/** The address and nonce in an upload id; undefined for a text that isn't one. */
function addressOf(
  step: Step,
  input: UploadInput,
): { readonly address: UploadAddress; readonly nonce: string } | undefined {
  checkKey(input.key)
  const id = parseUploadId(input.uploadId)
  if (id === undefined) return undefined
  const bucketId = step.bucket(input.bucket).id
  return { address: { bucketId, key: utf8(input.key), number: id.number }, nonce: id.nonce }
}

const putNeeds = (input: ObjectAddress): Need[] => writeNeeds(input)

/** The type of an algorithm's multipart checksums if the client gives none. */
function defaultType(algorithm: ChecksumAlgorithm): ChecksumType {
  return algorithm === 'CRC64NVME' ? 'FULL_OBJECT' : 'COMPOSITE'
}

function checkChecksumType(
  algorithm: ChecksumAlgorithm | undefined,
  type: ChecksumType | undefined,
): ChecksumType | undefined {
  if (algorithm === undefined) {
    if (type === undefined) return undefined
    throw new StoreError({ code: 'ChecksumTypeWithoutAlgorithm' })
  }
  const isComposed = !isCrcAlgorithm(algorithm)
  if (
    (type === 'FULL_OBJECT' && isComposed) ||
    (type === 'COMPOSITE' && algorithm === 'CRC64NVME')
  ) {
    throw new StoreError({ code: 'ChecksumTypeUnsupported', type: String(type), algorithm })
  }
  return type ?? defaultType(algorithm)
}

/** Starts a multipart upload. */
export const createMultipartUpload: Change<CreateUploadInput, CreateUploadOutput> = {
  kind: 'change',
  name: 'CreateMultipartUpload',
  needs: (input) => [...writeNeeds(input, input.tags), ...aclNeeds(input, input.acl)],
  writes: writesObject,
  isPreparation: true,
  async commit(step, input) {
    checkKey(input.key)
    checkDescription(input)
    const bucket = step.bucket(input.bucket)
    const key = utf8(input.key)
    const checksumType = checkChecksumType(input.checksumAlgorithm, input.checksumType)
    const number = await nextUploadNumber(step.tx)
    const address = { bucketId: bucket.id, key, number }
    const random = randomBytes(nonceHalfBytes).toString('hex')
    const nonce = makeNonce(step.services.tokens, address, random)
    putUpload(step.tx, address, {
      nonce,
      ...takeAccess(step, input.bucket, input.acl),
      initiatorId: step.owner.id,
      initiatedAt: step.now,
      headers: input.headers,
      metadata: input.metadata,
      storageClass: input.storageClass,
      checksumAlgorithm: input.checksumAlgorithm,
      checksumType,
      tags: tagsOrNone(input.tags),
      keyExisted: (await findObject(step.tx, bucket.root, key)) !== undefined,
    })
    const { checksumAlgorithm } = input
    return { uploadId: uploadIdOf(number, nonce), checksumAlgorithm, checksumType }
  },
}

export interface UploadPartInput extends UploadInput {
  readonly partNumber: number
  readonly body: BodyInput
}

export interface UploadPartOutput {
  readonly etag: string
  readonly modifiedAt: number
  readonly checksum?: { readonly algorithm: ChecksumAlgorithm; readonly value: string } | undefined
}

/** Stores one part; replaces an earlier part with the same number. */
export const uploadPart: Upload<UploadPartInput, UploadRecord, ReceivedBody, UploadPartOutput> = {
  kind: 'upload',
  name: 'UploadPart',
  needs: putNeeds,
  writes: writesObject,
  isPreparation: true,
  async check(step, input) {
    const { record } = await requireUpload(step.tx, step, input)
    const { checksum } = input.body
    const wanted = record.checksumAlgorithm
    if (wanted !== undefined && checksum !== undefined && checksum.algorithm !== wanted) {
      throw new StoreError({
        code: 'ChecksumAlgorithmMismatch',
        expected: wanted,
        actual: checksum.algorithm,
      })
    }
    return record
  },
  transfer: (step, input, upload) => receivePart(step, input.body, upload),
  commit: commitPart,
}

const receivePart = (
  step: Parameters<typeof receiveBody>[0],
  body: BodyInput,
  upload: UploadRecord,
): Promise<ReceivedBody> =>
  receiveBody(step, body, {
    alwaysBlob: true,
    defaultChecksum: upload.checksumAlgorithm ?? 'CRC64NVME',
    alsoCrc64: upload.checksumAlgorithm === undefined,
  })

async function commitPart(
  step: CommitStep,
  input: UploadInput & { readonly partNumber: number },
  received: ReceivedBody,
): Promise<UploadPartOutput> {
  const { address } = await requireUpload(step.tx, step, input)
  if (received.stored.kind !== 'blob') throw new Error('a part is always a blob')
  putBlobBody(step.tx, received.stored.id, received.stored.sums)
  const etag = received.md5.toString('hex')
  const { checksum } = received
  await putPart(step.tx, address.number, input.partNumber, {
    etag,
    sizeBytes: received.sizeBytes,
    blobId: received.stored.id,
    modifiedAt: step.now,
    checksum,
    crc64: received.crc64,
  })
  return { etag, modifiedAt: step.now, checksum }
}

export interface UploadPartCopyInput extends UploadInput {
  readonly partNumber: number
  readonly source: CopySource
  /** First and last byte; both must be inside the source. */
  readonly range?: RangeRequest | undefined
}

interface PartCopyPlan {
  readonly upload: UploadRecord
  readonly plan: ContentPlan
  readonly sizeBytes: number
}

/** Stores another object, or a range of it, as a part. */
export const uploadPartCopy: Upload<
  UploadPartCopyInput,
  PartCopyPlan,
  ReceivedBody,
  UploadPartOutput
> = {
  kind: 'upload',
  name: 'UploadPartCopy',
  readsBlobs: true,
  needs: (input) => [onSource(objectNeed('s3:GetObject', input.source)), ...putNeeds(input)],
  writes: writesObject,
  isPreparation: true,
  async check(step, input) {
    const { record: upload } = await requireUpload(step.tx, step, input)
    const record = await requireSource(step, input.source)
    if (input.range === undefined) checkSourceSize(record)
    const range = copyRange(input.range, record)
    const sizeBytes = range === undefined ? record.sizeBytes : range.end - range.start + 1
    const plan = await planContent(step, record, { object: nameOf(input.source), range })
    return { upload, plan, sizeBytes }
  },
  async transfer(step, _input, { upload, plan, sizeBytes }) {
    const content = await openContent(step, plan)
    try {
      const source = contentSource(content, step.signal)
      return await receivePart(step, { source, sizeBytes }, upload)
    } finally {
      if (content.kind === 'stream') await content.close()
    }
  },
  commit: commitPart,
}

/** @throws StoreError `InvalidCopyRange`: a copy's range is never truncated to the source's size. */
function copyRange(range: RangeRequest | undefined, source: ObjectRecord): ByteRange | undefined {
  if (range === undefined) return undefined
  if ('suffix' in range || range.end === undefined || range.end >= source.sizeBytes) {
    throw new StoreError({ code: 'InvalidCopyRange', sourceBytes: source.sizeBytes })
  }
  return resolveRange(range, source.sizeBytes)
}

/**
 * Aborts an upload and releases its parts. Aborting a completed or aborted upload succeeds, as on S3, where
 * clients abort without knowing the upload's state.
 */
export const abortMultipartUpload: Change<
  UploadInput & { readonly ifInitiatedAt?: number | undefined },
  void
> = {
  kind: 'change',
  name: 'AbortMultipartUpload',
  usesReserve: true,
  needs: ({ bucket }) => [onFoundKeys('s3:AbortMultipartUpload', bucket)],
  writes: writesObject,
  isPreparation: true,
  async commit(step, input) {
    const found = await findUploadOf(step.tx, step, input)
    await requireUploadRight(step, 's3:AbortMultipartUpload', input, found)
    if (found === undefined) {
      const named = addressOf(step, input)
      const hasEnded =
        named !== undefined && isNonceOf(step.services.tokens, named.address, named.nonce)
      if (hasEnded) return
      throw noSuchUpload(input.uploadId)
    }
    const { address, record } = found
    const { ifInitiatedAt } = input
    if (ifInitiatedAt !== undefined && !sameSecond(ifInitiatedAt, record.initiatedAt)) {
      throw preconditionFailed('ifInitiatedAt')
    }
    await removeUpload(step.tx, address)
  },
}

function sameSecond(a: number, b: number): boolean {
  return Math.floor(a / 1000) === Math.floor(b / 1000)
}

export interface ListPartsInput extends UploadInput {
  readonly after: number
  readonly limit: number
}

export interface ListPartsOutput {
  readonly ownerId: string
  readonly initiatorId: string
  readonly storageClass: string
  readonly checksumAlgorithm?: ChecksumAlgorithm | undefined
  readonly checksumType?: ChecksumType | undefined
  readonly parts: readonly (UploadPartOutput & {
    readonly number: number
    readonly sizeBytes: number
  })[]
  readonly isTruncated: boolean
}

/** Lists the stored parts of an upload. */
export const listParts: Query<ListPartsInput, ListPartsOutput> = {
  kind: 'query',
  name: 'ListParts',
  needs: ({ bucket }) => [onFoundKeys('s3:ListMultipartUploadParts', bucket)],
  async check(step, input) {
    const found = await findUploadOf(step.tx, step, input)
    await requireUploadRight(step, 's3:ListMultipartUploadParts', input, found)
    if (found === undefined) throw noSuchUpload(input.uploadId)
    const { address, record } = found
    const parts: ListPartsOutput['parts'][number][] = []
    let isTruncated = false
    for await (const { number, part } of walkParts(step.tx, address.number, input.after)) {
      if (parts.length === input.limit) {
        // With max-parts=0, IsTruncated must be false, or the client loops.
        isTruncated = input.limit > 0
        break
      }
      const { etag, sizeBytes, modifiedAt, checksum } = part
      parts.push({ number, etag, sizeBytes, modifiedAt, checksum })
    }
    return {
      ownerId: record.ownerId,
      initiatorId: record.initiatorId ?? record.ownerId,
      storageClass: record.storageClass,
      checksumAlgorithm: record.checksumAlgorithm,
      checksumType: record.checksumType,
      parts,
      isTruncated,
    }
  },
}

/** Accepts part numbers from 1 to 10,000. @throws StoreError `PartNumberOutOfBounds` */
export function checkPartNumber(partNumber: number): void {
  if (partNumber >= 1 && partNumber <= s3Limits.parts) return
  throw new StoreError({ code: 'PartNumberOutOfBounds', partNumber })
}
