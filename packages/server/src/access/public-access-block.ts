// The public access block: settings of a bucket, or of all, that withdraw public access.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html

export interface PublicAccessBlock {
  /** Refuses to set a list that grants the public anything. */
  readonly blockPublicAcls: boolean
  /** Lists that grant the public anything have no effect. */
  readonly ignorePublicAcls: boolean
  /** Refuses to set a public policy. */
  readonly blockPublicPolicy: boolean
  /** While the policy is public, only the bucket's owner has access. */
  readonly restrictPublicBuckets: boolean
}

export const nothingBlocked: PublicAccessBlock = {
  blockPublicAcls: false,
  ignorePublicAcls: false,
  blockPublicPolicy: false,
  restrictPublicBuckets: false,
}

export const allBlocked: PublicAccessBlock = {
  blockPublicAcls: true,
  ignorePublicAcls: true,
  blockPublicPolicy: true,
  restrictPublicBuckets: true,
}

/** The block of a bucket whose server has one for all buckets: each setting counts that is on in either. */
export function bothBlocks(one: PublicAccessBlock, other: PublicAccessBlock): PublicAccessBlock {
  return {
    blockPublicAcls: one.blockPublicAcls || other.blockPublicAcls,
    ignorePublicAcls: one.ignorePublicAcls || other.ignorePublicAcls,
    blockPublicPolicy: one.blockPublicPolicy || other.blockPublicPolicy,
    restrictPublicBuckets: one.restrictPublicBuckets || other.restrictPublicBuckets,
  }
}
