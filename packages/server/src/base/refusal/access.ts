// Refusals of requests for a bucket's access settings.

export type AccessRefusal =
  | { readonly code: 'NoSuchBucketPolicy'; readonly bucket: string }
  | { readonly code: 'NoOwnershipControls'; readonly bucket: string }
  | { readonly code: 'NoPublicAccessBlock'; readonly bucket: string }
  /** The bucket's list grants rights to others, which its new ownership would withdraw. */
  | { readonly code: 'BucketAclWithOwnerEnforced' }
  /** Only keys of the bucket's owner may change this, whatever the policy allows. */
  | { readonly code: 'OnlyForBucketOwner' }
  | { readonly code: 'PolicyTooLarge'; readonly maximumBytes: number }
