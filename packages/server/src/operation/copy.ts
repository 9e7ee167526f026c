// CopyObject: a new record for bytes that are shared with the source, never moved.

import { utf8 } from '../base/bytes.ts'
import { StoreError } from '../base/errors.ts'
import { s3Limits } from '../base/limits.ts'
import { closeSource } from '../blob/blob.ts'
import { digesting } from '../blob/digest.ts'
import { retainBody } from '../store/body.ts'
import { findObject } from '../store/directory.ts'
import { putObject } from '../store/object.ts'
import type { Body, Checksum, ChecksumAlgorithm, ObjectRecord } from '../store/record.ts'
import {
  checkForWrite,
  checkWrite,
  type ReadConditions,
  type WriteConditions,
} from './condition.ts'
import { type ContentPlan, contentSource, openContent, planContent } from './content.ts'
import { onKey } from './need.ts'
import {
  checkDescription,
  checkKey,
  type ObjectAddress,
  type ObjectDescription,
  requireObject,
  writesObject,
} from './object.ts'
import type { CheckStep, TransferStep, Upload } from './operation.ts'

/** The source of a copy and what must hold of it. */
export interface CopySource extends ObjectAddress {
  readonly versionId?: string | undefined
  readonly conditions: ReadConditions
}

export interface CopyObjectInput extends ObjectAddress {
  readonly source: CopySource
  readonly conditions: WriteConditions
  /** The new description (`REPLACE`); undefined to take the source's (`COPY`). */
  readonly description?: Omit<ObjectDescription, 'storageClass'> | undefined
  /** Undefined for STANDARD, as on S3: the source's class is not taken over. */
  readonly storageClass?: string | undefined
  /** A checksum to compute; undefined keeps the source's. */
  readonly checksumAlgorithm?: ChecksumAlgorithm | undefined
}

export interface CopyObjectOutput {
  readonly object: ObjectRecord
}

interface CheckedSource {
  readonly record: ObjectRecord
  /** Present when the bytes must be read for another checksum. */
  readonly plan?: ContentPlan | undefined
}

interface HashedSource {
  readonly body: Body
  /** The checksum computed from that body. */
  readonly checksum?: Checksum | undefined
}

/** Copies an object, within a bucket or across buckets. */
export const copyObject: Upload<CopyObjectInput, CheckedSource, HashedSource, CopyObjectOutput> = {
  kind: 'upload',
  name: 'CopyObject',
  readsBlobs: true,
  needs: ({ source, bucket, key }) => [
    onKey('s3:GetObject', source),
    onKey('s3:PutObject', { bucket, key }),
  ],
  writes: writesObject,
  async check(step, input) {
    checkKey(input.key)
    refuseSelfCopy(input)
    const record = await requireSource(step, input.source)
    checkSourceSize(record)
    checkDescription({
      headers: {},
      metadata: input.description?.metadata ?? {},
      storageClass: input.storageClass ?? 'STANDARD',
    })
    const algorithm = input.checksumAlgorithm
    if (algorithm === undefined || algorithm === record.checksum?.algorithm) return { record }
    return { record, plan: await planContent(step.tx, record.body, record.sizeBytes) }
  },
  async transfer(step, input, { record, plan }) {
    if (plan === undefined || input.checksumAlgorithm === undefined) return { body: record.body }
    const checksum = await computeChecksum(step, plan, input.checksumAlgorithm)
    return { body: record.body, checksum }
  },
  async commit(step, input, hashed) {
    const source = await requireSource(step, input.source)
    checkSourceSize(source)
    if (hashed.checksum !== undefined && !sameBody(source.body, hashed.body)) {
      throw new StoreError({ code: 'CopySourceChanged' })
    }
    const { root } = step.bucket(input.bucket)
    const key = utf8(input.key)
    checkWrite(input.conditions, await findObject(step.tx, root, key))
    const record: ObjectRecord = {
      etag: source.etag,
      sizeBytes: source.sizeBytes,
      modifiedAt: step.now,
      ownerId: step.owner.id,
      body: source.body,
      storageClass: input.storageClass ?? 'STANDARD',
      headers: input.description?.headers ?? source.headers,
      metadata: input.description?.metadata ?? source.metadata,
      checksum: hashed.checksum ?? source.checksum,
    }
    await retainBody(step.tx, record.body)
    await putObject({ tx: step.tx, ids: step.services.ids }, root, key, record)
    return { object: record }
  },
}

/** The source's record, its version and conditions checked. @throws StoreError */
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

/** What is copied whole may have 5 GiB. @throws StoreError `CopySourceTooLarge` */
export function checkSourceSize(record: ObjectRecord): void {
  if (record.sizeBytes > s3Limits.singlePutBytes) {
    throw new StoreError({ code: 'CopySourceTooLarge', maximumBytes: s3Limits.singlePutBytes })
  }
}

/** @throws StoreError `CopyToItself` for a copy onto itself that would change nothing. */
function refuseSelfCopy(input: CopyObjectInput): void {
  const { source } = input
  if (source.bucket !== input.bucket || source.key !== input.key) return
  if (input.description !== undefined || input.storageClass !== undefined) return
  throw new StoreError({ code: 'CopyToItself' })
}

async function computeChecksum(
  step: TransferStep,
  plan: ContentPlan,
  algorithm: ChecksumAlgorithm,
): Promise<Checksum> {
  const content = await openContent(step, plan)
  const hashed = digesting(contentSource(content, step.signal), [algorithm])
  try {
    for await (const _ of hashed.source);
    const value = (await hashed.results())[algorithm]
    if (value === undefined) throw new Error(`no ${algorithm} was computed`)
    return { algorithm, type: 'FULL_OBJECT', value: value.toString('base64') }
  } finally {
    await closeSource(hashed.source)
    if (content.kind === 'stream') await content.close()
  }
}

function sameBody(a: Body, b: Body): boolean {
  return a.kind === b.kind && (a.kind === 'empty' || (b.kind !== 'empty' && a.id === b.id))
}
