// The access settings in a bucket's row: ownership controls, public access block, and the payer of requests.

import type { ObjectOwnership } from '../access/ownership.ts'
import { allBlocked, type PublicAccessBlock } from '../access/public-access-block.ts'
import { StoreError } from '../base/errors.ts'
import { type BucketAccess, type BucketRecord, putBucket } from '../store/tree/bucket.ts'
import type { BucketAddress } from './bucket.ts'
import { type Need, onBucket, onlyWithKey } from './need.ts'
import type { Change, CommitStep, Query } from './operation.ts'

/** The settings of a bucket of a version that had none: private, without lists. */
const olderAccess: BucketAccess = { ownership: 'BucketOwnerEnforced', block: allBlocked }

/** A bucket's access settings. */
export function accessOf({ access }: BucketRecord): BucketAccess {
  return access ?? olderAccess
}

/** Stores changed access settings of a bucket. */
export function putAccess(
  { tx, bucket }: Pick<CommitStep, 'tx' | 'bucket'>,
  name: string,
  changes: BucketAccess,
): void {
  const record = bucket(name)
  putBucket(tx, name, { ...record, access: { ...accessOf(record), ...changes } })
}

/** A right on ownership controls, which nobody has without a key. */
function controlsNeed(
  action: 's3:GetBucketOwnershipControls' | 's3:PutBucketOwnershipControls',
  bucket: string,
): Need {
  return onlyWithKey(action, onBucket(action, bucket))
}

/** @throws StoreError `NoOwnershipControls` */
export const getOwnershipControls: Query<BucketAddress, { readonly ownership: ObjectOwnership }> = {
  kind: 'query',
  name: 'GetBucketOwnershipControls',
  needs: ({ bucket }) => [controlsNeed('s3:GetBucketOwnershipControls', bucket)],
  async check(step, { bucket }) {
    const { ownership } = accessOf(step.bucket(bucket))
    if (ownership === undefined) throw new StoreError({ code: 'NoOwnershipControls', bucket })
    return { ownership }
  },
}

export interface PutOwnershipInput extends BucketAddress {
  readonly ownership: ObjectOwnership
}

/** @throws StoreError `BucketAclWithOwnerEnforced` */
export const putOwnershipControls: Change<PutOwnershipInput, void> = {
  kind: 'change',
  name: 'PutBucketOwnershipControls',
  needs: ({ bucket }) => [controlsNeed('s3:PutBucketOwnershipControls', bucket)],
  async commit(step, { bucket, ownership }) {
    if (ownership === 'BucketOwnerEnforced' && grantsOthers(step.bucket(bucket))) {
      throw new StoreError({ code: 'BucketAclWithOwnerEnforced' })
    }
    putAccess(step, bucket, { ownership })
  },
}

/** True if the list of a bucket grants a right to anyone but its owner. */
function grantsOthers({ ownerId, access }: BucketRecord): boolean {
  const grants = access?.acl?.grants ?? []
  return grants.some(({ grantee }) => grantee.kind !== 'owner' || grantee.id !== ownerId)
}

/** Removes a bucket's ownership controls: from now on, objects belong to their writers. */
export const deleteOwnershipControls: Change<BucketAddress, void> = {
  kind: 'change',
  name: 'DeleteBucketOwnershipControls',
  usesReserve: true,
  needs: ({ bucket }) => [controlsNeed('s3:PutBucketOwnershipControls', bucket)],
  commit: async (step, { bucket }) => putAccess(step, bucket, { ownership: undefined }),
}

/** @throws StoreError `NoPublicAccessBlock` */
export const getPublicAccessBlock: Query<BucketAddress, { readonly block: PublicAccessBlock }> = {
  kind: 'query',
  name: 'GetPublicAccessBlock',
  needs: ({ bucket }) => [onBucket('s3:GetBucketPublicAccessBlock', bucket)],
  async check(step, { bucket }) {
    const { block } = accessOf(step.bucket(bucket))
    if (block === undefined) throw new StoreError({ code: 'NoPublicAccessBlock', bucket })
    return { block }
  },
}

export interface PutBlockInput extends BucketAddress {
  readonly block: PublicAccessBlock
}

export const putPublicAccessBlock: Change<PutBlockInput, void> = {
  kind: 'change',
  name: 'PutPublicAccessBlock',
  needs: ({ bucket }) => [onBucket('s3:PutBucketPublicAccessBlock', bucket)],
  commit: async (step, { bucket, block }) => putAccess(step, bucket, { block }),
}

/** Removes a bucket's block: its lists and its policy may make it public. */
export const deletePublicAccessBlock: Change<BucketAddress, void> = {
  kind: 'change',
  name: 'DeletePublicAccessBlock',
  usesReserve: true,
  needs: ({ bucket }) => [onBucket('s3:PutBucketPublicAccessBlock', bucket)],
  commit: async (step, { bucket }) => putAccess(step, bucket, { block: undefined }),
}

/** The payer of a bucket's requests. Nothing is charged; others than the owner only have to offer to pay. */
export type Payer = 'BucketOwner' | 'Requester'

export const getRequestPayment: Query<BucketAddress, { readonly payer: Payer }> = {
  kind: 'query',
  name: 'GetBucketRequestPayment',
  needs: ({ bucket }) => [onBucket('s3:GetBucketRequestPayment', bucket)],
  async check(step, { bucket }) {
    const { requesterPays } = accessOf(step.bucket(bucket))
    return { payer: requesterPays === true ? 'Requester' : 'BucketOwner' }
  },
}

export interface PutRequestPaymentInput extends BucketAddress {
  readonly payer: Payer
}

export const putRequestPayment: Change<PutRequestPaymentInput, void> = {
  kind: 'change',
  name: 'PutBucketRequestPayment',
  needs: ({ bucket }) => [onBucket('s3:PutBucketRequestPayment', bucket)],
  async commit(step, { bucket, payer }) {
    putAccess(step, bucket, { requesterPays: payer === 'Requester' ? true : undefined })
  },
}
