// The authorization decision: a pure function, and the only place that makes it.

import { StoreError } from '../base/errors.ts'
import type { Principal } from './principal.ts'

/** An action by its IAM name, such as `s3:GetObject`. */
export type Action = `s3:${string}` | `sdb:${string}`

/**
 * The object of an action: a bucket, or a key in it; without a bucket, the caller's own account.
 */
export interface Resource {
  readonly bucket?: { readonly name: string; readonly ownerId: string; readonly region: string }
  readonly key?: string
}

/**
 * Authorizes `principal` to do `action` on `resource`. Every bucket is private to its owner.
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
