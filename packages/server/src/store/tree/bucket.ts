// Buckets: a row by name, which points at the root directory of the bucket's tree and says which settings
// the bucket has.

import { createHash } from 'node:crypto'
import type { Acl } from '../../access/acl.ts'
import type { ObjectOwnership } from '../../access/ownership.ts'
import type { PublicAccessBlock } from '../../access/public-access-block.ts'
import { type Bytes, compareBytes, text, utf8 } from '../../base/bytes.ts'
import { StoreError } from '../../base/errors.ts'
import { asBucketId, type BucketId, type DirectoryId } from '../../base/terms.ts'
import type { ReadTransaction, WriteTransaction } from '../../engine/engine.ts'
import { decodeCounter } from '../../engine/tuple.ts'
import * as bodySchema from '../body/schema.ts'
import type { IdSource } from '../row/id.ts'
import { pack, unpack } from '../row/record.ts'
import { createRoot, isEmpty, removeRoot } from './directory.ts'
import * as schema from './schema.ts'

/** A bucket. */
export interface BucketRecord {
  /** Never used again when the bucket is deleted; uploads hang off it. */
  readonly id: BucketId
  readonly ownerId: string
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  readonly region: string
  /** The directory that the bucket's keys begin in. */
  readonly root: DirectoryId
  /** Absent in buckets of versions without access settings: private, with bucket owner enforced. */
  readonly access?: BucketAccess | undefined
  /** True once an object was given to another owner, or its owner less than full control. */
  readonly hasOtherOwners?: true | undefined
  /** The greatest revision of the bucket; absent before the first change of a setting. */
  readonly revision?: number | undefined
  /** The settings with rows of their own, each with the revision in which it was last stored. */
  readonly settings?: Partial<Readonly<Record<SettingName, number>>> | undefined
}

/** The access settings that nearly every request needs, so that they stand in the bucket's row. */
export interface BucketAccess {
  /** Absent if the bucket has no ownership controls: objects belong to their writers. */
  readonly ownership?: ObjectOwnership | undefined
  /** Absent if nothing is blocked. */
  readonly block?: PublicAccessBlock | undefined
  /** Absent for a private bucket. */
  readonly acl?: Acl | undefined
  /** True if others than the owner must offer to pay for their requests. */
  readonly requesterPays?: true | undefined
}

/** Settings that are rows of their own. */
export type SettingName = 'policy' | 'cors' | 'website' | 'tags'

/** A bucket with its name. */
export interface NamedBucket extends BucketRecord {
  readonly name: string
}

/** The bucket of that name. */
export async function findBucket(
  tx: ReadTransaction,
  name: string,
): Promise<BucketRecord | undefined> {
  const bytes = await tx.get(schema.bucket(utf8(name)))
  return bytes === undefined ? undefined : unpack<BucketRecord>(bytes)
}

/** How many buckets an owner has. */
export async function countBuckets(tx: ReadTransaction, ownerId: string): Promise<number> {
  return Number(decodeCounter(await tx.get(bucketCountKey(ownerId))))
}

/** Where an owner's buckets are counted; the owner's id may be longer than a key. */
export function bucketCountKey(ownerId: string): Bytes {
  return schema.bucketCount(createHash('sha256').update(ownerId).digest())
}

/** Replaces a bucket's row after a change of its settings. Gives the bucket a new revision. */
export function putBucket(tx: WriteTransaction, name: string, changed: BucketRecord): BucketRecord {
  const bucket = { ...changed, revision: (changed.revision ?? 0) + 1 }
  tx.put(schema.bucket(utf8(name)), pack(bucket))
  return bucket
}

/** Creates a bucket; the caller has made sure that there is none of that name. */
export function createBucket(
  ctx: { readonly tx: WriteTransaction; readonly ids: IdSource },
  name: string,
  record: Omit<BucketRecord, 'id' | 'root'>,
): BucketRecord {
  const bucket: BucketRecord = { ...record, id: asBucketId(ctx.ids.next()), root: createRoot(ctx) }
  ctx.tx.put(schema.bucket(utf8(name)), pack(bucket))
  ctx.tx.add(bucketCountKey(record.ownerId), 1n)
  return bucket
}

/** Deletes an empty bucket; its uploads are left to the sweep. @throws StoreError `BucketNotEmpty` */
export async function deleteBucket(tx: WriteTransaction, name: string): Promise<void> {
  const bucket = await findBucket(tx, name)
  if (bucket === undefined) return
  if (!(await isEmpty(tx, bucket.root))) {
    throw new StoreError({ code: 'BucketNotEmpty', bucket: name })
  }
  tx.delete(schema.bucket(utf8(name)))
  tx.add(bucketCountKey(bucket.ownerId), -1n)
  await removeRoot(tx, bucket.root)
  for (const setting of Object.keys(bucket.settings ?? {})) {
    tx.delete(schema.bucketSetting(bucket.id, utf8(setting)))
  }
  tx.put(bodySchema.abandonedUploads(bucket.id), new Uint8Array())
}

/** The buckets whose names begin with `prefix` in their order, those after `after` if it is given. */
export async function* walkBuckets(
  tx: ReadTransaction,
  {
    prefix = '',
    after,
  }: { readonly prefix?: string | undefined; readonly after?: string | undefined } = {},
): AsyncGenerator<NamedBucket> {
  const { start, end } = schema.buckets(utf8(prefix))
  const next =
    after === undefined ? start : Buffer.concat([schema.bucket(utf8(after)), new Uint8Array(1)])
  const range = { start: compareBytes(next, start) > 0 ? next : start, end }
  for await (const row of tx.range(range)) {
    yield { ...unpack<BucketRecord>(row.value), name: text(schema.bucketName(row.key)) }
  }
}
