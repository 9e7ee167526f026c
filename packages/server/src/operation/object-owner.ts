// The owner of new objects, by the ownership controls of their bucket.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html

import { putBucket } from '../store/tree/bucket.ts'
import type { CommitStep, Step } from './operation.ts'

/** The id of the owner of an object that the request writes to a bucket. The bucket notes its first other owner. */
export function objectOwnerId(step: CommitStep, name: string): string {
  const id = wantedOwnerId(step, name)
  const bucket = step.bucket(name)
  if (id !== bucket.ownerId && bucket.hasOtherOwners !== true) {
    putBucket(step.tx, name, { ...bucket, hasOtherOwners: true })
  }
  return id
}

function wantedOwnerId({ owner, caller, facts }: Step, bucket: string): string {
  const { ownership, ownerId } = facts(bucket)
  switch (ownership) {
    case 'BucketOwnerEnforced':
      return ownerId
    case 'BucketOwnerPreferred':
      return caller.headers?.['x-amz-acl'] === 'bucket-owner-full-control' ? ownerId : owner.id
    case 'ObjectWriter':
      return owner.id
  }
}
