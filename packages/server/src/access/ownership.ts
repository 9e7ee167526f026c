// Object ownership: a bucket's setting for the owner of its objects, and for its access control lists.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html

/**
 * `BucketOwnerEnforced`: the bucket's owner owns all objects, and lists have no effect.
 * `BucketOwnerPreferred`: objects uploaded with the list `bucket-owner-full-control` become the bucket owner's.
 * `ObjectWriter`: an object belongs to its writer.
 */
export type ObjectOwnership = 'BucketOwnerEnforced' | 'BucketOwnerPreferred' | 'ObjectWriter'
