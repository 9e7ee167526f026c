// The buckets that a server is started with.

import type { AccessKey } from '../../access/key.ts'
import { isStoreError } from '../../base/errors.ts'
import { CommandError } from '../../base/exit.ts'
import { ensureBucket } from '../../operation/ensure-bucket.ts'
import type { Services } from '../../operation/operation.ts'

/** Creates those of `buckets` that are missing, for the root. @throws CommandError if one is another owner's */
export async function ensureBuckets(
  services: Services,
  root: AccessKey | undefined,
  buckets: readonly string[],
): Promise<void> {
  if (root === undefined) return
  const { accessKeyId, owner } = root
  const { signal } = new AbortController()
  const caller = { principal: { accessKeyId, owner }, requestId: 'start', signal }
  for (const bucket of buckets) {
    try {
      await ensureBucket(services, caller, bucket)
    } catch (cause) {
      if (!isStoreError(cause, 'BucketAlreadyExists')) throw cause
      throw new CommandError(
        `the bucket ${bucket} of --buckets belongs to another owner than the root key`,
        { cause },
      )
    }
  }
}
