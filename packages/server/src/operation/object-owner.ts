// The owner and the access control list of new objects, by the ownership controls of their bucket.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html

import { type Acl, grants } from '../access/acl.ts'
import { StoreError } from '../base/errors.ts'
import { putBucket } from '../store/tree/bucket.ts'
import type { CommitStep, Step } from './operation.ts'
import { aclFor, unlessBlocked, type WantedAcl } from './wanted-acl.ts'

/** The owner and the list of an object. */
export interface ObjectAccess {
  readonly ownerId: string
  readonly acl: Acl | undefined
}

/**
 * The owner and the list that an object gets which the request writes to `bucket`.
 * @throws StoreError `AclNotSupported`; `AccessDenied` for a public list while those are blocked
 */
export function accessOfNewObject(
  step: Step,
  bucket: string,
  wanted?: WantedAcl | undefined,
): ObjectAccess {
  const { ownership, ownerId: bucketOwnerId, block } = step.facts(bucket)
  if (ownership === 'BucketOwnerEnforced') {
    if (wanted === undefined || isForBucketOwner(wanted, bucketOwnerId)) {
      return { ownerId: bucketOwnerId, acl: undefined }
    }
    throw new StoreError({ code: 'AclNotSupported' })
  }
  const isGiven =
    wanted?.kind === 'canned' &&
    wanted.name === 'bucket-owner-full-control' &&
    ownership === 'BucketOwnerPreferred'
  const ownerId = isGiven ? bucketOwnerId : step.owner.id
  if (wanted === undefined) return { ownerId, acl: undefined }
  return {
    ownerId,
    acl: unlessBlocked(aclFor(wanted, { kind: 'object', ownerId, bucketOwnerId }), block),
  }
}

/** True for a list that says only what holds without lists: the bucket's owner has full control. */
function isForBucketOwner(wanted: WantedAcl, bucketOwnerId: string): boolean {
  if (wanted.kind === 'canned') {
    return wanted.name === 'private' || wanted.name === 'bucket-owner-full-control'
  }
  const { grants } = wanted
  return (
    grants.length > 0 &&
    grants.every(
      ({ grantee, permission }) =>
        permission === 'FULL_CONTROL' && grantee.kind === 'owner' && grantee.id === bucketOwnerId,
    )
  )
}

/** The same for an object that is about to be stored. */
export function takeAccess(
  step: CommitStep,
  bucket: string,
  wanted?: WantedAcl | undefined,
): ObjectAccess {
  const access = accessOfNewObject(step, bucket, wanted)
  noteAccess(step, bucket, access)
  return access
}

/** A bucket remembers that it was given an object over which its owner may not have full control. */
export function noteAccess(step: CommitStep, bucket: string, { ownerId, acl }: ObjectAccess): void {
  const record = step.bucket(bucket)
  if (record.hasOtherOwners === true) return
  if (ownerId === record.ownerId && isFullControlOf(acl, ownerId)) return
  putBucket(step.tx, bucket, { ...record, hasOtherOwners: true })
}

function isFullControlOf(acl: Acl | undefined, ownerId: string): boolean {
  return grants({ acl, ownerId }, { id: ownerId, isAuthenticated: false }, 'FULL_CONTROL')
}
