// Operations on a bucket's CORS configuration, and the lookup of its rules for requests of other origins.

import { type CompiledCors, type CorsRule, compileCors } from '../access/cors.ts'
import { ownLimits } from '../base/limits.ts'
import { unpack } from '../store/row/record.ts'
import { findBucket } from '../store/tree/bucket.ts'
import type { BucketAddress } from './bucket.ts'
import {
  type PutSettingInput,
  settingChange,
  settingQuery,
  settingRemoval,
} from './bucket-setting.ts'
import type { Change, Query } from './operation.ts'
import { SettingCache } from './setting-cache.ts'

/** A bucket's CORS configuration. */
export interface CorsSetting {
  readonly rules: readonly CorsRule[]
}

export const getBucketCors: Query<BucketAddress, CorsSetting | undefined> = settingQuery(
  'GetBucketCors',
  'cors',
  's3:GetBucketCORS',
)

export const putBucketCors: Change<PutSettingInput<CorsSetting>, void> = settingChange(
  'PutBucketCors',
  'cors',
  's3:PutBucketCORS',
)

export const deleteBucketCors: Change<BucketAddress, void> = settingRemoval(
  'DeleteBucketCors',
  'cors',
  's3:PutBucketCORS',
)

/** Creates the cache of the rules of all buckets of a process. */
export function createCorsCache(): SettingCache<CompiledCors> {
  return new SettingCache({
    name: 'cors',
    decode: (value) => compileCors(unpack<CorsSetting>(value).rules),
    maximumBytes: ownLimits.settingCacheBytes,
  })
}

/** The rules of a bucket; a bucket without a configuration has none. */
export type FoundCors = { readonly cors: CompiledCors | undefined } | 'no bucket'

/** Finds the rules for a request from another origin. Browsers ask without a key, so no right is needed. */
export const findCors: Query<BucketAddress, FoundCors> = {
  kind: 'query',
  name: 'FindCors',
  needs: () => [],
  async check(step, { bucket }) {
    const record = await findBucket(step.tx, bucket)
    if (record === undefined) return 'no bucket'
    return { cors: await step.services.cors.of(step.tx, bucket, record) }
  },
}
