// The facts about a bucket on which decisions about access depend, from its row and its compiled policy.

import type { BucketFacts } from '../access/decide.ts'
import { allBlocked, bothBlocks, nothingBlocked } from '../access/public-access-block.ts'
import type { ReadTransaction } from '../engine/engine.ts'
import type { BucketRecord } from '../store/tree/bucket.ts'
import type { Services } from './operation.ts'
import { regionOf } from './region.ts'

/** A bucket that an operation has looked up. */
export interface KnownBucket {
  readonly record: BucketRecord
  readonly facts: BucketFacts
}

/** The facts about a bucket that was read in `tx`. */
export async function factsOf(
  tx: ReadTransaction,
  services: Services,
  name: string,
  bucket: BucketRecord,
): Promise<BucketFacts> {
  const { access } = bucket
  const block = access === undefined ? allBlocked : (access.block ?? nothingBlocked)
  return {
    ownerId: bucket.ownerId,
    region: regionOf(services, bucket),
    ownership: access === undefined ? 'BucketOwnerEnforced' : (access.ownership ?? 'ObjectWriter'),
    block: services.accountBlock === undefined ? block : bothBlocks(block, services.accountBlock),
    acl: access?.acl,
    hasOtherOwners: bucket.hasOtherOwners === true,
    policy:
      bucket.settings?.policy === undefined
        ? undefined
        : await services.policies.of(tx, name, bucket),
  }
}
