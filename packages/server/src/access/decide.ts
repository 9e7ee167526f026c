// The decision whether a principal may do something: pure, and the only place where it is taken.

import { StoreError } from '../base/errors.ts'
import type { Principal } from './principal.ts'

/** What is to be done, in IAM's names, such as `s3:GetObject`. */
export type Action = `s3:${string}` | `sdb:${string}`

/** What it is done to: a bucket and perhaps a key of it; without a bucket, the caller's own account. */
export interface Resource {
  readonly bucket?: { readonly name: string; readonly ownerId: string; readonly region: string }
  readonly key?: string
}

/**
 * Refuses unless `principal` may do `action` on `resource`: every bucket is private to its owner.
 * @throws StoreError `AccessDenied`
 */
export function authorize(
  principal: Principal | undefined,
  action: Action,
  resource: Resource,
): asserts principal is Principal {
  const { bucket } = resource
  if (principal === undefined) {
    const fields = bucket === undefined ? {} : { Region: bucket.region }
    throw new StoreError('AccessDenied', 'Access Denied', { fields })
  }
  if (bucket !== undefined && bucket.ownerId !== principal.owner.id) {
    const fields = { Action: action, Region: bucket.region }
    throw new StoreError('AccessDenied', 'Access Denied', { fields })
  }
}
