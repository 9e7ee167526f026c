// CopyObject: a new record for bytes shared with the source; no bytes move. They are read only if the record
// needs another checksum, or the ETag of a whole. Otherwise the files only have to be there.

import { utf8 } from '../base/bytes.ts'
import { StoreError } from '../base/errors.ts'
import { ownLimits, s3Limits } from '../base/limits.ts'
import type { ChecksumAlgorithm } from '../base/terms.ts'
import { closeSource } from '../blob/blob.ts'
import { combineCrc, isCrcAlgorithm } from '../blob/crc.ts'
import { digesting } from '../blob/digest.ts'
import type { ReadTransaction } from '../engine/engine.ts'
import { readManifest, retainBody } from '../store/body/body.ts'
import type { Body, Checksum, ObjectRecord } from '../store/row/record.ts'
import { findObject } from '../store/tree/directory.ts'
import { putObject } from '../store/tree/object.ts'
import {
  checkForWrite,
  checkWrite,
  type ReadConditions,
  type WriteConditions,
} from './condition.ts'
import {
  type ContentPlan,
  checkFiles,
  contentSource,
  nameOf,
  openContent,
  planContent,
} from './content.ts'
import { onSource } from './need.ts'
import {
  checkDescription,
  checkKey,
  isOfParts,
  type ObjectAddress,
  type ObjectDescription,
  objectNeed,
  requireObject,
  websiteRedirectHeader,
  writeNeeds,
  writesObject,
} from './object.ts'
import { accessOfNewObject, takeAccess } from './object-owner.ts'
import type { CheckStep, Step, TransferStep, Upload } from './operation.ts'
import { type Tag, tagsOrNone } from './tag.ts'
import { aclNeeds, type WantedAcl } from './wanted-acl.ts'

/** The source of a copy, and the conditions on it. */
export interface CopySource extends ObjectAddress {
  readonly versionId?: string | undefined
  readonly conditions: ReadConditions
}

export interface CopyObjectInput extends ObjectAddress {
  readonly source: CopySource
  readonly conditions: WriteConditions
  /** The new description (`REPLACE`); undefined to keep the source's (`COPY`). */
  readonly description?: Pick<ObjectDescription, 'headers' | 'metadata'> | undefined
  /** The website redirect of a copy that keeps its source's description; the source's own isn't copied, as on S3. */
  readonly websiteRedirect?: string | undefined
  /** The new tags (`REPLACE`); undefined to keep the source's (`COPY`). */
  readonly tags?: readonly Tag[] | undefined
  /** Undefined for a private copy: the source's list isn't copied. */
  readonly acl?: WantedAcl | undefined
  /** Undefined for STANDARD: as on S3, the source's class isn't copied. */
  readonly storageClass?: string | undefined
  /** A checksum to compute; undefined keeps the source's. */
  readonly checksumAlgorithm?: ChecksumAlgorithm | undefined
}

export interface CopyObjectOutput {
  readonly object: ObjectRecord
}

interface CheckedSource extends HashedSource {
  /** The hashes to compute from all the bytes; absent if there are none. */
  readonly hashing?: Hashing
  /** Absent if the bytes are neither read nor in files. */
  readonly plan?: ContentPlan
}

/** Facts that a copy needs beside its source's record: already known, or to be computed. */
interface Hashing {
  readonly withEtag: boolean
  readonly algorithm: ChecksumAlgorithm | undefined
}

/** The known facts of a copy of an object with this body. */
interface HashedSource {
  readonly body: Body
  readonly etag?: string | undefined
  readonly checksum?: Checksum | undefined
}

/** Copies an object, within a bucket or across buckets. */
export const copyObject: Upload<CopyObjectInput, CheckedSource, HashedSource, CopyObjectOutput> = {
  kind: 'upload',
  name: 'CopyObject',
  readsBlobs: true,
  needs: ({ source, bucket, key, tags, acl }) => [
    onSource(objectNeed('s3:GetObject', source)),
    ...writeNeeds({ bucket, key }, tags),
    ...aclNeeds({ bucket, key }, acl),
  ],
  writes: writesObject,
  async check(step, input) {
    checkKey(input.key)
    refuseSelfCopy(input)
    accessOfNewObject(step, input.bucket, input.acl)
    const record = await requireSource(step, input.source)
    await requireTagRights(step, input, record)
    checkSourceSize(record)
    checkDescription({
      headers: {},
      metadata: input.description?.metadata ?? {},
      storageClass: input.storageClass ?? 'STANDARD',
      tags: input.tags,
    })
    const { body } = record
    const known = { body, checksum: await joinedChecksum(step.tx, input, record) }
    const hashing = hashingOf(input, record, known.checksum)
    const isHashed = isNeeded(hashing)
    if (!isHashed && body.kind !== 'blob' && body.kind !== 'manifest') return known
    const plan = await planContent(step, record, { object: nameOf(input.source) })
    return { ...known, plan, ...(isHashed ? { hashing } : {}) }
  },
  async transfer(step, _input, { hashing, plan, ...known }) {
    if (plan === undefined) return known
    if (hashing !== undefined) return { ...known, ...(await hash(step, hashing, plan)) }
    await checkFiles(step.services, plan)
    return known
  },
  async commit(step, input, hashed) {
    const source = await requireSource(step, input.source)
    await requireTagRights(step, input, source)
    checkSourceSize(source)
    const isSame = sameBody(source.body, hashed.body)
    if (!isSame && isNeeded(hashingOf(input, source))) {
      throw new StoreError({ code: 'CopySourceChanged' })
    }
    const { root } = step.bucket(input.bucket)
    const key = utf8(input.key)
    checkWrite(input.conditions, await findObject(step.tx, root, key))
    const record: ObjectRecord = {
      etag: (isSame ? hashed.etag : undefined) ?? source.etag,
      sizeBytes: source.sizeBytes,
      modifiedAt: step.now,
      ...takeAccess(step, input.bucket, input.acl),
      body: source.body,
      storageClass: input.storageClass ?? 'STANDARD',
      headers: input.description?.headers ?? keptHeaders(source, input),
      metadata: input.description?.metadata ?? source.metadata,
      checksum: (isSame ? hashed.checksum : undefined) ?? source.checksum,
      tags: tagsOrNone(input.tags ?? source.tags),
    }
    await retainBody(step.tx, record.body)
    await putObject({ tx: step.tx, ids: step.services.ids }, root, key, record)
    return { object: record }
  },
}

/** The rights to read the source's tags and to write them, if the copy gets them. @throws StoreError `AccessDenied` */
async function requireTagRights(
  step: Step,
  { source, bucket, key, tags }: CopyObjectInput,
  record: ObjectRecord,
): Promise<void> {
  if (tags !== undefined || record.tags === undefined) return
  const read = onSource(objectNeed('s3:GetObjectTagging', source))
  await step.require([read, ...writeNeeds({ bucket, key }, record.tags)])
}

/** The headers of a copy that keeps its source's. */
function keptHeaders(
  { headers }: ObjectRecord,
  { websiteRedirect }: CopyObjectInput,
): ObjectRecord['headers'] {
  const { [websiteRedirectHeader]: _, ...kept } = headers
  if (websiteRedirect === undefined) return kept
  return { ...kept, [websiteRedirectHeader]: websiteRedirect }
}

/** The source's record, after its version and conditions were checked. @throws StoreError */
export async function requireSource(
  step: Pick<CheckStep, 'tx' | 'bucket'>,
  source: CopySource,
): Promise<ObjectRecord> {
  if (source.versionId !== undefined && source.versionId !== 'null') {
    throw new StoreError({ code: 'NoSuchVersion' })
  }
  const record = await requireObject(step.tx, step.bucket(source.bucket).root, source)
  checkForWrite(source.conditions, record, 'copy source')
  return record
}

/** Checks the 5 GiB limit of a copy in one request. @throws StoreError `CopySourceTooLarge` */
export function checkSourceSize(record: ObjectRecord): void {
  if (record.sizeBytes > s3Limits.singlePutBytes) {
    throw new StoreError({ code: 'CopySourceTooLarge', maximumBytes: s3Limits.singlePutBytes })
  }
}

/** @throws StoreError `CopyToItself` for a copy onto itself that would change nothing. */
function refuseSelfCopy(input: CopyObjectInput): void {
  const { source } = input
  if (source.bucket !== input.bucket || source.key !== input.key) return
  const { description, storageClass, websiteRedirect } = input
  if (description !== undefined || storageClass !== undefined) return
  if (websiteRedirect !== undefined) return
  throw new StoreError({ code: 'CopyToItself' })
}

/**
 * The facts of a copy's bytes that neither its source's record nor `known` contains. As on S3, a copy is a
 * single whole, however its source was uploaded. For a large object that would take too long, so the copy
 * keeps the ETag and the checksum of parts.
 */
function hashingOf(
  { checksumAlgorithm }: CopyObjectInput,
  { etag, sizeBytes, checksum }: ObjectRecord,
  known?: Checksum,
): Hashing {
  const withEtag = isOfParts(etag) && sizeBytes <= ownLimits.rehashedBytes
  const algorithm = checksumAlgorithm ?? checksum?.algorithm ?? 'CRC64NVME'
  const kept = known ?? checksum
  const isThere = kept?.algorithm === algorithm && (kept.type === 'FULL_OBJECT' || !withEtag)
  const isWanted = withEtag || checksumAlgorithm !== undefined
  return { withEtag, algorithm: isWanted && !isThere ? algorithm : undefined }
}

function isNeeded({ withEtag, algorithm }: Hashing): boolean {
  return withEtag || algorithm !== undefined
}

/** The CRC of a whole, combined from those of its parts; undefined if they don't suffice. */
async function joinedChecksum(
  tx: ReadTransaction,
  { checksumAlgorithm }: CopyObjectInput,
  { body, checksum, completion }: ObjectRecord,
): Promise<Checksum | undefined> {
  if (body.kind !== 'manifest' || checksum?.type !== 'COMPOSITE') return undefined
  const { algorithm } = checksum
  const isWanted = checksumAlgorithm === undefined || checksumAlgorithm === algorithm
  // The parts of a copy keep their checksums even if the copy has been given another algorithm.
  if (!isWanted || completion === undefined || !isCrcAlgorithm(algorithm)) return undefined
  let whole: Buffer | undefined
  for await (const part of readManifest(tx, body.id)) {
    if (part.checksum === undefined) return undefined
    const value = Buffer.from(part.checksum, 'base64')
    whole = whole === undefined ? value : combineCrc(algorithm, whole, value, part.sizeBytes)
  }
  if (whole === undefined) return undefined
  return { algorithm, type: 'FULL_OBJECT', value: whole.toString('base64') }
}

async function hash(
  step: TransferStep,
  { withEtag, algorithm }: Hashing,
  plan: ContentPlan,
): Promise<Pick<HashedSource, 'etag' | 'checksum'>> {
  const algorithms = new Set<ChecksumAlgorithm>(withEtag ? ['MD5'] : [])
  if (algorithm !== undefined) algorithms.add(algorithm)
  const content = await openContent(step, plan)
  const hashed = digesting(contentSource(content, step.signal), [...algorithms])
  try {
    for await (const _ of hashed.source);
    const results = await hashed.results()
    const etag = withEtag ? results['MD5']?.toString('hex') : undefined
    if (algorithm === undefined) return { etag }
    const value = results[algorithm]?.toString('base64')
    if (value === undefined) throw new Error(`no ${algorithm} was computed`)
    return { etag, checksum: { algorithm, type: 'FULL_OBJECT', value } }
  } finally {
    await closeSource(hashed.source)
    if (content.kind === 'stream') await content.close()
  }
}

function sameBody(a: Body, b: Body): boolean {
  return a.kind === b.kind && (a.kind === 'empty' || (b.kind !== 'empty' && a.id === b.id))
}
