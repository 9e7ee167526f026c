// Operations on buckets: list, create, head, delete, and the few settings of every bucket.

import { isDeepStrictEqual } from 'node:util'
import { defaultAccess } from '../access/bucket-defaults.ts'
import type { ObjectOwnership } from '../access/ownership.ts'
import type { Owner } from '../access/principal.ts'
import { bothBlocks, nothingBlocked } from '../access/public-access-block.ts'
import { StoreError } from '../base/errors.ts'
import { s3Limits } from '../base/limits.ts'
import {
  type BucketAccess,
  type BucketRecord,
  countBuckets,
  createBucket as createEntry,
  deleteBucket as deleteEntry,
  findBucket,
  putBucket,
  walkBuckets,
} from '../store/tree/bucket.ts'
import { factsOf } from './bucket-facts.ts'
import { isBucketName } from './bucket-name.ts'
import { tagNewBucket } from './bucket-tagging.ts'
import { onAccount, onBucket } from './need.ts'
import type { Change, CommitStep, Query, Step } from './operation.ts'
import { checkLocation, locationOf, regionOf } from './region.ts'
import type { Tag } from './tag.ts'
import { aclOfNewBucket, type WantedAcl } from './wanted-acl.ts'

export interface BucketAddress {
  readonly bucket: string
}

export interface ListBucketsInput {
  readonly prefix?: string | undefined
  readonly region?: string | undefined
  readonly continuationToken?: string | undefined
  /** 1 to 10,000; undefined for all. */
  readonly limit?: number | undefined
}

export interface ListBucketsOutput {
  readonly owner: Owner
  readonly buckets: readonly {
    readonly name: string
    readonly createdAt: number
    readonly region: string
  }[]
  readonly continuationToken?: string | undefined
}

/** Lists the caller's buckets by name. */
export const listBuckets: Query<ListBucketsInput, ListBucketsOutput> = {
  kind: 'query',
  name: 'ListBuckets',
  needs: () => [onAccount('s3:ListAllMyBuckets')],
  async check(step, input) {
    const { tokens } = step.services
    const { owner } = step
    const limit = input.limit ?? s3Limits.bucketsPerOwner
    const scope = `buckets\0${owner.id}`
    const after =
      input.continuationToken === undefined
        ? undefined
        : tokens.open(scope, input.continuationToken).toString()
    const range = { prefix: input.prefix, after }
    const buckets: ListBucketsOutput['buckets'][number][] = []
    for await (const bucket of walkBuckets(step.tx, range)) {
      const { name, ownerId, createdAt } = bucket
      if (ownerId !== owner.id) continue
      const region = regionOf(step.services, bucket)
      if (input.region !== undefined && input.region !== region) continue
      const last = buckets.at(-1)
      if (buckets.length === limit && last !== undefined) {
        const continuationToken = tokens.seal(scope, Buffer.from(last.name))
        return { owner, buckets, continuationToken }
      }
      buckets.push({ name, createdAt, region })
    }
    return { owner, buckets }
  },
}

export interface CreateBucketInput extends BucketAddress {
  readonly locationConstraint?: string | undefined
  /** In place of the server's default. */
  readonly ownership?: ObjectOwnership | undefined
  /** Undefined for a private bucket. */
  readonly acl?: WantedAcl | undefined
  readonly tags?: readonly Tag[] | undefined
}

/** Creates a bucket owned by the caller. */
export const createBucket: Change<CreateBucketInput, void> = {
  kind: 'change',
  name: 'CreateBucket',
  needs: () => [onAccount('s3:CreateBucket')],
  async commit(step, input) {
    if (!isBucketName(input.bucket)) {
      throw new StoreError({ code: 'InvalidBucketName', bucket: input.bucket })
    }
    const { locationConstraint } = input
    checkLocation(step.services, locationConstraint)
    const existing = await findBucket(step.tx, input.bucket)
    if (existing !== undefined) {
      if (existing.ownerId !== step.owner.id) {
        throw new StoreError({ code: 'BucketAlreadyExists', bucket: input.bucket })
      }
      // In us-east-1, S3 answers the owner's second creation with success; in other regions it refuses.
      if (regionOf(step.services, existing) === 'us-east-1') {
        return resetAcl(step, input, existing)
      }
      throw new StoreError({ code: 'BucketAlreadyOwnedByYou', bucket: input.bucket })
    }
    if ((await countBuckets(step.tx, step.owner.id)) >= s3Limits.bucketsPerOwner) {
      throw new StoreError({ code: 'TooManyBuckets' })
    }
    createEntry({ tx: step.tx, ids: step.services.ids }, input.bucket, {
      ownerId: step.owner.id,
      createdAt: step.now,
      region: locationConstraint ?? step.services.region,
      access: accessOfNew(step, input),
    })
    await tagNewBucket(step.tx, input.bucket, input.tags ?? [])
  },
}

/** @throws StoreError `BucketAclWithOwnerEnforced`, `PublicAclWithBlock` */
function accessOfNew(
  { services, owner }: Step,
  { ownership: wantedOwnership, acl: wanted }: CreateBucketInput,
): BucketAccess {
  const defaults = defaultAccess(services.bucketDefaults)
  const ownership = wantedOwnership ?? defaults.ownership
  const block = bothBlocks(
    defaults.block ?? nothingBlocked,
    services.accountBlock ?? nothingBlocked,
  )
  const acl = aclOfNewBucket(wanted, owner.id, { ownership: ownership ?? 'ObjectWriter', block })
  return { ...defaults, ownership, acl }
}

/** Gives a bucket that is created again the list of a new one, as S3 does. */
async function resetAcl(
  step: CommitStep,
  { bucket: name, acl: wanted }: CreateBucketInput,
  existing: BucketRecord,
): Promise<void> {
  const { access, ownerId } = existing
  const { ownership, block } = await factsOf(step.tx, step.services, name, existing)
  const acl = aclOfNewBucket(wanted, ownerId, { ownership, block })
  if (ownership === 'BucketOwnerEnforced' || isDeepStrictEqual(acl, access?.acl)) return
  await step.require([onBucket('s3:PutBucketAcl', name)])
  putBucket(step.tx, name, { ...existing, access: { ...access, acl } })
}

/** Returns the region of an existing bucket. */
export const headBucket: Query<BucketAddress, { readonly region: string }> = {
  kind: 'query',
  name: 'HeadBucket',
  needs: ({ bucket }) => [onBucket('s3:ListBucket', bucket)],
  async check(step, { bucket }) {
    return { region: regionOf(step.services, step.bucket(bucket)) }
  },
}

/** Deletes an empty bucket and aborts its uploads in progress. */
export const deleteBucket: Change<BucketAddress, void> = {
  kind: 'change',
  name: 'DeleteBucket',
  usesReserve: true,
  needs: ({ bucket }) => [onBucket('s3:DeleteBucket', bucket)],
  writes: (_step, { bucket }) => [{ bucket, folder: '' }],
  commit: (step, { bucket }) => deleteEntry(step.tx, bucket),
}

/** Returns a bucket's location constraint, in S3's older name if the bucket was created with it. */
export const getBucketLocation: Query<BucketAddress, { readonly location: string }> = {
  kind: 'query',
  name: 'GetBucketLocation',
  needs: ({ bucket }) => [onBucket('s3:GetBucketLocation', bucket)],
  async check(step, { bucket }) {
    return { location: locationOf(step.services, step.bucket(bucket)) }
  },
}

/** Reports that a bucket never had versioning, since nothing can turn it on yet. */
export const getBucketVersioning: Query<BucketAddress, void> = {
  kind: 'query',
  name: 'GetBucketVersioning',
  needs: ({ bucket }) => [onBucket('s3:GetBucketVersioning', bucket)],
  check: async () => undefined,
}
