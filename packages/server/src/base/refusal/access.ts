// Refusals of requests for a bucket's access settings.

import type { PolicyFault } from './policy.ts'

export type AccessRefusal =
  | { readonly code: 'MalformedPolicy'; readonly fault: PolicyFault }
  | { readonly code: 'NoSuchBucketPolicy'; readonly bucket: string }
  | { readonly code: 'NoOwnershipControls'; readonly bucket: string }
  | { readonly code: 'NoPublicAccessBlock'; readonly bucket: string }
  /** The bucket's list grants rights to others, which its new ownership would withdraw. */
  | { readonly code: 'BucketAclWithOwnerEnforced' }
  /** The bucket's ownership leaves lists without effect. */
  | { readonly code: 'AclNotSupported' }
  /** A public list for a new bucket that blocks those. */
  | { readonly code: 'PublicAclWithBlock' }
  /** Only keys of the bucket's owner may change this, whatever the policy allows. */
  | { readonly code: 'OnlyForBucketOwner' }
