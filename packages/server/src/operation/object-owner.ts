// The owner of new objects, by the ownership controls of their bucket.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html

import type { Step } from './operation.ts'

/** The id of the owner that an object gets which the request writes to `bucket`. */
export function objectOwnerId({ owner, caller, facts }: Step, bucket: string): string {
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
