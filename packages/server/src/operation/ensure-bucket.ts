// Buckets that a server is started with: created unless they are there.

import { isStoreError } from '../base/errors.ts'
import { createBucket } from './bucket.ts'
import type { Caller, Services } from './operation.ts'
import { run } from './run.ts'

/**
 * Creates a bucket if the caller has none of that name.
 * @throws StoreError `BucketAlreadyExists` if it is another owner's, `InvalidBucketName`
 */
export async function ensureBucket(
  services: Services,
  caller: Caller,
  bucket: string,
): Promise<void> {
  const { region } = services
  // Without it, a server with a fixed region other than us-east-1 refuses the bucket.
  const location = region === 'us-east-1' ? {} : { locationConstraint: region }
  try {
    await run(services, caller, createBucket, { bucket, ...location })
  } catch (error) {
    if (!isStoreError(error, 'BucketAlreadyOwnedByYou')) throw error
  }
}
