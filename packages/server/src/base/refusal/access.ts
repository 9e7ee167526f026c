// Refusals of settings that say which requests have access.

import type { PolicyFault } from './policy.ts'

export type AccessRefusal =
  | { readonly code: 'MalformedPolicy'; readonly fault: PolicyFault }
  | { readonly code: 'NoSuchBucketPolicy'; readonly bucket: string }
  | { readonly code: 'NoOwnershipControls'; readonly bucket: string }
  | { readonly code: 'NoPublicAccessBlock'; readonly bucket: string }
  /** The bucket's list grants rights to others, which its new ownership would withdraw. */
  | { readonly code: 'BucketAclWithOwnerEnforced' }
