// Operations on a bucket's website configuration, and the lookup of it for a visitor.

import { StoreError } from '../base/errors.ts'
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

export type WebsiteScheme = 'http' | 'https'

/** A bucket's website: a redirect of every request, or documents with rules. */
export type Website =
  | {
      readonly kind: 'redirect'
      readonly hostName: string
      readonly scheme?: WebsiteScheme | undefined
    }
  | {
      readonly kind: 'documents'
      /** Added to the key of a request that ends in '/'. */
      readonly indexSuffix: string
      /** The key of the document that is shown with a client's error. */
      readonly errorKey?: string | undefined
      readonly rules: readonly RoutingRule[]
    }

/** A redirect of those requests that meet all conditions. */
export interface RoutingRule {
  readonly keyPrefix?: string | undefined
  /** The HTTP status of the error that the request would end in. */
  readonly errorStatus?: number | undefined
  readonly redirect: Redirect
}

/** The target of a rule's redirect; what is left out stays as in the request. */
export interface Redirect {
  readonly hostName?: string | undefined
  readonly scheme?: WebsiteScheme | undefined
  /** HTTP status; 301 if left out. */
  readonly status?: number | undefined
  /** Replaces the rule's prefix in the key, or the whole key. */
  readonly replacement?: { readonly of: 'prefix' | 'key'; readonly text: string } | undefined
}

export const getBucketWebsite: Query<BucketAddress, Website | undefined> = settingQuery(
  'GetBucketWebsite',
  'website',
  's3:GetBucketWebsite',
)

export const putBucketWebsite: Change<PutSettingInput<Website>, void> = settingChange(
  'PutBucketWebsite',
  'website',
  's3:PutBucketWebsite',
)

export const deleteBucketWebsite: Change<BucketAddress, void> = settingRemoval(
  'DeleteBucketWebsite',
  'website',
  's3:DeleteBucketWebsite',
)

/** Creates the cache of the websites of a process. */
export function createWebsiteCache(): SettingCache<Website> {
  return new SettingCache({
    name: 'website',
    decode: (value) => unpack<Website>(value),
    maximumBytes: ownLimits.settingCacheBytes,
  })
}

/**
 * Finds the website of a bucket; undefined if the bucket has none. Visitors need no right to be led by it: the
 * documents are read with their own rights.
 */
export const findWebsite: Query<BucketAddress, Website | undefined> = {
  kind: 'query',
  name: 'FindWebsite',
  needs: () => [],
  async check(step, { bucket }) {
    const record = await findBucket(step.tx, bucket)
    if (record === undefined) throw new StoreError({ code: 'NoSuchBucket', bucket })
    return step.services.websites.of(step.tx, bucket, record)
  },
}
