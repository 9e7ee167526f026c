// Which buckets can admit anonymous requests at all, so that no document is read for the others.

import { StoreError } from '../base/errors.ts'
import { findBucket } from '../store/tree/bucket.ts'
import { factsOf } from './bucket-facts.ts'
import type { Services } from './operation.ts'

/**
 * Refuses a request without a principal unless its bucket's policy or lists could admit it. A coarse test:
 * the operation decides.
 * @throws StoreError `AccessDenied`, `NoSuchBucket`
 */
export async function checkAdmission(
  services: Services,
  { principal }: { readonly principal: unknown },
  bucket: string,
): Promise<void> {
  if (principal !== undefined) return
  if (bucket === '') throw new StoreError({ code: 'AccessDenied' })
  await services.engine.read(async (tx) => {
    const record = await findBucket(tx, bucket)
    if (record === undefined) throw new StoreError({ code: 'NoSuchBucket', bucket })
    const facts = await factsOf(tx, services, bucket, record)
    const { policy, ownership, block } = facts
    const byPolicy = policy !== undefined && !(policy.isPublic && block.restrictPublicBuckets)
    const byLists = ownership !== 'BucketOwnerEnforced' && !block.ignorePublicAcls
    if (byPolicy || byLists) return
    throw new StoreError({ code: 'AccessDenied', region: facts.region })
  })
}
