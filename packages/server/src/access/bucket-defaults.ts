// The access settings of a new bucket.

import type { ObjectOwnership } from './ownership.ts'
import { allBlocked, type PublicAccessBlock } from './public-access-block.ts'

/** `aws`: as on AWS since April 2023. `classic`: as before, which many clients and test suites assume. */
export type BucketDefaults = 'aws' | 'classic'

/** The names of both. */
export const bucketDefaults: readonly BucketDefaults[] = ['aws', 'classic']

/** The settings of a new bucket. */
export function defaultAccess(defaults: BucketDefaults): {
  readonly ownership: ObjectOwnership
  readonly block?: PublicAccessBlock
} {
  if (defaults === 'classic') return { ownership: 'ObjectWriter' }
  return { ownership: 'BucketOwnerEnforced', block: allBlocked }
}
