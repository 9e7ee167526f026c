// The rights that an operation needs, each an action on a resource.

import type { Action } from '../access/decide.ts'
import { account, pathResource, type Resource } from '../access/resource.ts'

/** One right that an operation needs. */
export interface Need {
  readonly action: Action
  readonly resource: Resource
}

/** A right on the caller's own account. */
export function onAccount(action: Action): Need {
  return { action, resource: account }
}

/** A right on a bucket itself. */
export function onBucket(action: Action, bucket: string): Need {
  return { action, resource: { kind: 'bucket', bucket } }
}

/** A right on one key. */
export function onKey(
  action: Action,
  { bucket, key }: { readonly bucket: string; readonly key: string },
): Need {
  return { action, resource: { kind: 'key', bucket, key } }
}

/** A right on everything below a path that is empty or ends in '/', or else on the key `path`. */
export function onPath(action: Action, bucket: string, path: string): Need {
  return { action, resource: pathResource(bucket, path) }
}
