// Bucket policies: put, get, delete, status. A policy is stored as its text, and compiled once per process and
// stored revision.

import { isPublicAcl } from '../access/acl.ts'
import { compilePolicy } from '../access/policy/compile.ts'
import type { CompiledPolicy } from '../access/policy/policy.ts'
import { text, utf8 } from '../base/bytes.ts'
import { StoreError } from '../base/errors.ts'
import { ownLimits } from '../base/limits.ts'
import { deleteSetting, getSetting, putSetting } from '../store/tree/bucket-setting.ts'
import type { BucketAddress } from './bucket.ts'
import { onBucket } from './need.ts'
import type { Change, Query, Step } from './operation.ts'
import { SettingCache } from './setting-cache.ts'

/** The compiled policies of one process. */
export function policyCache(): SettingCache<CompiledPolicy> {
  return new SettingCache({
    name: 'policy',
    decode: (value, bucket) => compilePolicy(text(value), bucket),
    maximumBytes: ownLimits.compiledPolicyBytes,
  })
}

/** An account or a canonical user of Amazon's, of which nothing tells whether it exists. */
const foreignId = /^(?:\d{12}|[0-9a-f]{64})$/

export interface PutPolicyInput extends BucketAddress {
  /** JSON. */
  readonly document: string
  /** True for the id of an owner of access keys. */
  isOwner(id: string): boolean
}

/**
 * Replaces a bucket's policy. The owner can always replace it again, so that no policy locks the owner out.
 * @throws StoreError `MalformedPolicy`; `AccessDenied` for a public policy while those are blocked
 */
export const putBucketPolicy: Change<PutPolicyInput, void> = {
  kind: 'change',
  name: 'PutBucketPolicy',
  needs: ({ bucket }) => [onBucket('s3:PutBucketPolicy', bucket)],
  async commit(step, { bucket, document, isOwner }) {
    requireOwner(step, bucket)
    const { isPublic, namedOwners } = compilePolicy(document, bucket)
    for (const id of namedOwners) {
      if (isOwner(id) || foreignId.test(id)) continue
      const fault = { kind: 'invalid principal', principal: `"AWS" : "${id}"` } as const
      throw new StoreError({ code: 'MalformedPolicy', fault })
    }
    if (isPublic && step.facts(bucket).block.blockPublicPolicy) {
      throw new StoreError({ code: 'AccessDenied', setting: 'BlockPublicPolicy' })
    }
    await putSetting(step.tx, bucket, 'policy', utf8(document))
  },
}

/** Returns a bucket's policy as it was put. @throws StoreError `NoSuchBucketPolicy` */
export const getBucketPolicy: Query<BucketAddress, { readonly document: string }> = {
  kind: 'query',
  name: 'GetBucketPolicy',
  needs: ({ bucket }) => [onBucket('s3:GetBucketPolicy', bucket)],
  async check(step, { bucket }) {
    requireOwner(step, bucket)
    const stored = await getSetting(step.tx, step.bucket(bucket), 'policy')
    if (stored === undefined) throw new StoreError({ code: 'NoSuchBucketPolicy', bucket })
    return { document: text(stored.value) }
  },
}

/** Removes a bucket's policy; a bucket without one stays as it is. */
export const deleteBucketPolicy: Change<BucketAddress, void> = {
  kind: 'change',
  name: 'DeleteBucketPolicy',
  usesReserve: true,
  needs: ({ bucket }) => [onBucket('s3:DeleteBucketPolicy', bucket)],
  async commit(step, { bucket }) {
    requireOwner(step, bucket)
    await deleteSetting(step.tx, bucket, 'policy')
  },
}

/**
 * Tells whether a bucket is public: by its policy, or without one by its list, where lists are in force.
 * @throws StoreError `NoSuchBucketPolicy`
 */
export const getBucketPolicyStatus: Query<BucketAddress, { readonly isPublic: boolean }> = {
  kind: 'query',
  name: 'GetBucketPolicyStatus',
  needs: ({ bucket }) => [onBucket('s3:GetBucketPolicyStatus', bucket)],
  async check(step, { bucket }) {
    const { policy, ownership, acl } = step.facts(bucket)
    if (policy !== undefined) return { isPublic: policy.isPublic }
    if (ownership !== 'BucketOwnerEnforced') return { isPublic: isPublicAcl(acl) }
    throw new StoreError({ code: 'NoSuchBucketPolicy', bucket })
  },
}

/** The policy itself is for keys of the bucket's owner only. @throws StoreError `OnlyForBucketOwner` */
function requireOwner(step: Step, bucket: string): void {
  if (step.caller.principal?.owner.id === step.facts(bucket).ownerId) return
  throw new StoreError({ code: 'OnlyForBucketOwner' })
}
