// Operations on single objects: put, get of the whole, a range or a part, head, attributes. Deletion is in delete.ts.

import { utf8 } from '../base/bytes.ts'
import { StoreError } from '../base/errors.ts'
import { s3Limits } from '../base/limits.ts'
import type { DirectoryId } from '../base/terms.ts'
import type { ByteRange } from '../blob/blob.ts'
import type { ReadTransaction } from '../engine/engine.ts'
import { readManifest } from '../store/body/body.ts'
import type { Checksum, ObjectRecord } from '../store/row/record.ts'
import { findObject } from '../store/tree/directory.ts'
import { putObject as putEntry } from '../store/tree/object.ts'
import { type BodyInput, placeBody, type ReceivedBody, receiveBody } from './body.ts'
import { checkRead, checkWrite, type ReadConditions, type WriteConditions } from './condition.ts'
import {
  type Content,
  type ContentPlan,
  nameOf,
  noContent,
  openContent,
  planContent,
} from './content.ts'
import { type Need, onKey, onObject } from './need.ts'
import { accessOfNewObject, takeAccess } from './object-owner.ts'
import type { BucketPath, CheckStep, Download, Query, Step, Upload } from './operation.ts'
import { checkTags, type Tag, tagsOrNone } from './tag.ts'
import { aclNeeds, type WantedAcl } from './wanted-acl.ts'

/** One key of one bucket. */
export interface ObjectAddress {
  readonly bucket: string
  readonly key: string
}

/** The properties of an object that a response shows. */
export type ObjectHead = Omit<ObjectRecord, 'body' | 'ownerId' | 'acl'>

/** The properties of an object that its client chooses, other than the bytes. */
export interface ObjectDescription {
  /** System headers by lower-case name: content-type, content-encoding, … */
  readonly headers: Readonly<Record<string, string>>
  /** User metadata by lower-case name, without the `x-amz-meta-`. */
  readonly metadata: Readonly<Record<string, string>>
  readonly storageClass: string
  /** Undefined for none. */
  readonly tags?: readonly Tag[] | undefined
  /** Undefined for a private object. */
  readonly acl?: WantedAcl | undefined
}

/** The system header with the place to which a website redirects visitors of the object; a copy doesn't get it. */
export const websiteRedirectHeader = 'x-amz-website-redirect-location'

/** The range of a GET: from `start`, up to `end` inclusive; or the last `suffix` bytes. */
export type RangeRequest =
  | { readonly start: number; readonly end?: number | undefined }
  | { readonly suffix: number }

/** Input of GetObject and HeadObject. */
export interface GetObjectInput extends ObjectAddress {
  readonly versionId?: string | undefined
  readonly conditions: ReadConditions
  readonly range?: RangeRequest | undefined
  /** Applies the range only if this is the object's ETag or time; else the response is the whole (`If-Range`). */
  readonly ifRange?: { readonly etag: string } | { readonly modifiedAt: number } | undefined
  readonly partNumber?: number | undefined
}

/** Output of GetObject and HeadObject; `content` is that of the requested range or part. */
export interface GetObjectOutput {
  readonly object: ObjectHead
  /** The bytes sent if a range or part was requested (206); undefined for an empty part. */
  readonly range?: ByteRange | undefined
  /** The number of parts of a multipart object; only if a part was requested. */
  readonly partsCount?: number | undefined
  /** Size of the response's body. */
  readonly sizeBytes: number
  /** The stored checksum, if any, of the response's body: of the whole, or of the requested part. */
  readonly checksum?: Checksum | undefined
  readonly content: Content
}

export interface PutObjectInput extends ObjectAddress, ObjectDescription {
  readonly body: BodyInput
  readonly conditions: WriteConditions
}

export interface PutObjectOutput {
  readonly etag: string
  readonly sizeBytes: number
  readonly checksum?: Checksum | undefined
}

/** The current object. @throws StoreError `NoSuchKey` */
export async function requireObject(
  tx: ReadTransaction,
  root: DirectoryId,
  address: ObjectAddress,
): Promise<ObjectRecord> {
  const record = await findObject(tx, root, utf8(address.key))
  if (record === undefined) throw new StoreError({ code: 'NoSuchKey', key: address.key })
  return record
}

/** Buckets that never had versioning have one version of each key, `null`. @throws StoreError `NoSuchVersion` */
export function requireNullVersion(input: { readonly versionId?: string | undefined }): void {
  if (input.versionId === undefined || input.versionId === 'null') return
  throw new StoreError({ code: 'NoSuchVersion', versionId: input.versionId })
}

/** The selected bytes of an object: `range` of it, none for an empty part, else the whole. */
interface Selection {
  readonly range?: ByteRange
  readonly isEmpty?: true
  readonly partsCount?: number
  readonly checksum?: Checksum | undefined
}

/** Selects the bytes of a GET by its range or part. @throws StoreError `InvalidRange`, `NoSuchPart` */
async function selectRange(
  tx: ReadTransaction,
  record: ObjectRecord,
  input: GetObjectInput,
): Promise<Selection> {
  if (input.partNumber !== undefined) return selectPart(tx, record, input.partNumber)
  if (input.range === undefined || !isRangeCurrent(input.ifRange, record)) {
    return { checksum: record.checksum }
  }
  return { range: resolveRange(input.range, record.sizeBytes) }
}

/** Compares times in whole seconds, as in HTTP. */
function isRangeCurrent(ifRange: GetObjectInput['ifRange'], record: ObjectRecord): boolean {
  if (ifRange === undefined) return true
  if ('etag' in ifRange) return ifRange.etag === record.etag
  return Math.floor(ifRange.modifiedAt / 1000) === Math.floor(record.modifiedAt / 1000)
}

/** Resolves a range for an object of `sizeBytes`. @throws StoreError `InvalidRange` */
export function resolveRange(range: RangeRequest, sizeBytes: number): ByteRange {
  const last = sizeBytes - 1
  if ('suffix' in range) {
    if (range.suffix > 0 && sizeBytes > 0) {
      return { start: Math.max(sizeBytes - range.suffix, 0), end: last }
    }
  } else if (range.start <= last) {
    return { start: range.start, end: Math.min(range.end ?? last, last) }
  }
  throw new StoreError({ code: 'InvalidRange', requested: range, sizeBytes })
}

/** True for the ETag of an object that was uploaded in parts; a copy of such an object may be a whole. */
export function isOfParts(etag: string): boolean {
  return /-\d+$/.test(etag)
}

async function selectPart(
  tx: ReadTransaction,
  record: ObjectRecord,
  partNumber: number,
): Promise<Selection> {
  const { body, checksum } = record
  if (body.kind !== 'manifest' || !isOfParts(record.etag)) {
    if (partNumber === 1) {
      if (record.sizeBytes === 0) return { checksum }
      return { range: { start: 0, end: record.sizeBytes - 1 }, checksum }
    }
  } else {
    for await (const part of readManifest(tx, body.id, 0)) {
      if (part.number < partNumber) continue
      if (part.number > partNumber) break
      const { offset, sizeBytes } = part
      const selected = { partsCount: body.parts, checksum: checksumOfPart(record, part.checksum) }
      if (sizeBytes === 0) return { ...selected, isEmpty: true }
      return { ...selected, range: { start: offset, end: offset + sizeBytes - 1 } }
    }
  }
  throw new StoreError({ code: 'NoSuchPart', partNumber })
}

/**
 * A part's checksum, by the object's algorithm and type. Only an object that wasn't copied has one: the parts
 * of a copy keep their checksums even if the copy has been given another algorithm.
 */
function checksumOfPart(
  { checksum, completion }: ObjectRecord,
  value: string | undefined,
): Checksum | undefined {
  if (checksum === undefined || completion === undefined || value === undefined) return undefined
  return { ...checksum, value }
}

interface FoundObject extends Omit<GetObjectOutput, 'content'> {
  readonly plan: ContentPlan
}

async function findForRead(
  step: CheckStep,
  input: GetObjectInput,
  withContent: boolean,
): Promise<FoundObject> {
  requireNullVersion(input)
  const record = await requireObject(step.tx, step.bucket(input.bucket).root, input)
  checkRead(input.conditions, record)
  const object = record.tags === undefined ? record : await withoutSecretTags(step, input, record)
  const { range, isEmpty, ...told } = await selectRange(step.tx, record, input)
  if (isEmpty === true) return { object, ...told, sizeBytes: 0, plan: noContent }
  const plan = withContent
    ? await planContent(step, record, { object: nameOf(input), range })
    : noContent
  const sizeBytes = range === undefined ? record.sizeBytes : range.end - range.start + 1
  return { object, range, ...told, sizeBytes, plan }
}

/** The record without its tags, if the caller has no right to read them. */
async function withoutSecretTags(
  step: Step,
  input: GetObjectInput,
  record: ObjectRecord,
): Promise<ObjectRecord> {
  const may = await step.may([objectNeed('s3:GetObjectTagging', input)])
  return may ? record : { ...record, tags: undefined }
}

/** A right on an object that must exist; S3 has other actions for versions that are named. */
export function objectNeed(
  action: keyof typeof versionActions,
  input: ObjectAddress & { readonly versionId?: string | undefined },
): Need {
  if (input.versionId === undefined) return onObject(action, input)
  return onObject(versionActions[action], input)
}

const versionActions = {
  's3:GetObject': 's3:GetObjectVersion',
  's3:GetObjectAttributes': 's3:GetObjectVersionAttributes',
  's3:GetObjectAcl': 's3:GetObjectVersionAcl',
  's3:GetObjectTagging': 's3:GetObjectVersionTagging',
  's3:PutObjectAcl': 's3:PutObjectVersionAcl',
  's3:PutObjectTagging': 's3:PutObjectVersionTagging',
  's3:DeleteObjectTagging': 's3:DeleteObjectVersionTagging',
} as const

const getNeeds = (input: GetObjectInput): Need[] => [objectNeed('s3:GetObject', input)]

/** Reads an object, or a range or part of it. */
export const getObject: Download<GetObjectInput, FoundObject, GetObjectOutput> = {
  kind: 'download',
  name: 'GetObject',
  needs: getNeeds,
  check: (step, input) => findForRead(step, input, true),
  async open(step, _input, { plan, ...found }) {
    return { ...found, content: await openContent(step, plan) }
  },
}

/** Returns the same as GetObject, without the bytes. */
export const headObject: Query<GetObjectInput, Omit<GetObjectOutput, 'content'>> = {
  kind: 'query',
  name: 'HeadObject',
  needs: getNeeds,
  check: (step, input) => findForRead(step, input, false),
}

/**
 * Checks a description's limits.
 * @throws StoreError `MetadataTooLarge`, `InvalidStorageClass`, `TooManyTags`, `InvalidTag`
 */
export function checkDescription(description: ObjectDescription): void {
  checkSize(description.metadata, 'utf8', s3Limits.userMetadataBytes)
  checkSize(description.headers, 'latin1', s3Limits.systemMetadataBytes)
  if (!storageClasses.has(description.storageClass)) {
    throw new StoreError({ code: 'InvalidStorageClass' })
  }
  if (description.tags !== undefined) checkTags(description.tags, 'object')
}

function checkSize(
  said: Readonly<Record<string, string>>,
  encoding: 'utf8' | 'latin1',
  maximum: number,
): void {
  let size = 0
  for (const [name, value] of Object.entries(said)) {
    size += name.length + Buffer.byteLength(value, encoding)
  }
  if (size <= maximum) return
  throw new StoreError({ code: 'MetadataTooLarge', sizeBytes: size, maximumBytes: maximum })
}

const storageClasses: ReadonlySet<string> = new Set([
  'STANDARD',
  'REDUCED_REDUNDANCY',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER',
  'DEEP_ARCHIVE',
  'GLACIER_IR',
])

/** @throws StoreError `EmptyKey`, `KeyTooLong` */
export function checkKey(key: string): void {
  if (key === '') {
    throw new StoreError({ code: 'EmptyKey' })
  }
  const size = Buffer.byteLength(key)
  if (size > s3Limits.keyBytes) {
    throw new StoreError({ code: 'KeyTooLong', sizeBytes: size, maximumBytes: s3Limits.keyBytes })
  }
}

/** The path written by an operation on one object. */
export function writesObject(_step: Step, { bucket, key }: ObjectAddress): BucketPath[] {
  return [{ bucket, key }]
}

/** The rights to write an object, and to give it tags if it gets any. */
export function writeNeeds(address: ObjectAddress, tags: readonly Tag[] = []): Need[] {
  if (tags.length === 0) return [onKey('s3:PutObject', address)]
  const written = { ...onKey('s3:PutObject', address), tags }
  return [written, { ...written, action: 's3:PutObjectTagging' }]
}

/** The further right that a condition on the present object's ETag needs. */
export function conditionNeeds(
  input: ObjectAddress & { readonly conditions: WriteConditions },
): Need[] {
  return input.conditions.ifMatch === undefined ? [] : [onKey('s3:GetObject', input)]
}

/** Stores an object under a key; replaces the current one. */
export const putObject: Upload<PutObjectInput, void, ReceivedBody, PutObjectOutput> = {
  kind: 'upload',
  name: 'PutObject',
  needs: (input) => [
    ...writeNeeds(input, input.tags),
    ...conditionNeeds(input),
    ...aclNeeds(input, input.acl),
  ],
  writes: writesObject,
  async check(step, input) {
    checkKey(input.key)
    checkDescription(input)
    accessOfNewObject(step, input.bucket, input.acl)
    if (input.conditions.ifMatch === undefined && input.conditions.ifNoneMatch === undefined) return
    const current = await findObject(step.tx, step.bucket(input.bucket).root, utf8(input.key))
    checkWrite(input.conditions, current)
  },
  transfer: (step, input) => receiveBody(step, input.body, { defaultChecksum: 'CRC64NVME' }),
  async commit(step, input, received) {
    const { root } = step.bucket(input.bucket)
    const key = utf8(input.key)
    if (input.conditions.ifMatch !== undefined || input.conditions.ifNoneMatch !== undefined) {
      checkWrite(input.conditions, await findObject(step.tx, root, key))
    }
    const record: ObjectRecord = {
      etag: received.md5.toString('hex'),
      sizeBytes: received.sizeBytes,
      modifiedAt: step.now,
      ...takeAccess(step, input.bucket, input.acl),
      body: placeBody(step, received.stored),
      storageClass: input.storageClass,
      headers: input.headers,
      metadata: input.metadata,
      checksum: received.checksum,
      tags: tagsOrNone(input.tags),
    }
    await putEntry({ tx: step.tx, ids: step.services.ids }, root, key, record)
    return { etag: record.etag, sizeBytes: record.sizeBytes, checksum: record.checksum }
  },
}

export interface ObjectAttributesInput extends ObjectAddress {
  readonly versionId?: string | undefined
  readonly conditions: ReadConditions
  /** The requested page of parts; undefined for no parts. */
  readonly parts?: { readonly after: number; readonly limit: number } | undefined
}

export interface ObjectAttributesOutput {
  readonly object: ObjectHead
  readonly parts?: ObjectParts | undefined
}

/** A page of the parts of a multipart object. */
export interface ObjectParts {
  readonly totalCount: number
  readonly isTruncated: boolean
  readonly nextMarker: number
  /** Only for objects whose parts have checksums, as on S3. */
  readonly parts: readonly {
    readonly number: number
    readonly sizeBytes: number
    readonly checksum?: string | undefined
  }[]
}

/** Returns an object's ETag, checksum, parts, storage class and size. */
export const getObjectAttributes: Query<ObjectAttributesInput, ObjectAttributesOutput> = {
  kind: 'query',
  name: 'GetObjectAttributes',
  needs: (input) => [
    objectNeed('s3:GetObject', input),
    objectNeed('s3:GetObjectAttributes', input),
  ],
  async check(step, input) {
    requireNullVersion(input)
    const record = await requireObject(step.tx, step.bucket(input.bucket).root, input)
    checkRead(input.conditions, record)
    const { body, etag } = record
    if (input.parts === undefined || body.kind !== 'manifest' || !isOfParts(etag)) {
      return { object: record }
    }
    return {
      object: record,
      parts: await listObjectParts(step.tx, record, body, input.parts),
    }
  },
}

async function listObjectParts(
  tx: ReadTransaction,
  record: ObjectRecord,
  body: Extract<ObjectRecord['body'], { kind: 'manifest' }>,
  page: { readonly after: number; readonly limit: number },
): Promise<ObjectParts> {
  const parts: ObjectParts['parts'][number][] = []
  let isTruncated = false
  for await (const part of readManifest(tx, body.id)) {
    if (part.number <= page.after) continue
    if (parts.length === page.limit) {
      // With max-parts=0, IsTruncated must be false, or the client loops.
      isTruncated = page.limit > 0
      break
    }
    const checksum = checksumOfPart(record, part.checksum)?.value
    parts.push({ number: part.number, sizeBytes: part.sizeBytes, checksum })
  }
  const nextMarker = parts.at(-1)?.number ?? 0
  return { totalCount: body.parts, isTruncated, nextMarker, parts }
}
