// The rights that an operation needs, each an action on a resource.

import type { Action } from '../access/decide.ts'
import { account, pathResource, type Resource } from '../access/resource.ts'
import type { Tag } from '../store/row/record.ts'

/** One right that an operation needs. */
export interface Need {
  readonly action: Action
  readonly resource: Resource
  /** The bucket must exist; its rows tell on which keys the right is needed (`Step.require`). */
  readonly isDeferred?: true
  /** The key or folder must exist, or the operation fails with `NoSuchKey`; as the source of a copy or move. */
  readonly role?: 'read' | 'source'
  /** True if the caller began the upload that the right is about, so that only a Deny refuses it. */
  readonly isInitiator?: boolean
  /** For a right to list: the prefix that is listed, if the request has it in another place. */
  readonly prefix?: string
  /** The right is on the object that the request makes, not on the one that it replaces. */
  readonly isOfNewObject?: true
  /** The tags that the request sets. */
  readonly tags?: readonly Tag[]
}

/** A right on the caller's own account. */
export function onAccount(action: Action): Need {
  return { action, resource: account }
}

/** A right on a bucket itself. */
export function onBucket(action: Action, bucket: string): Need {
  return { action, resource: { kind: 'bucket', bucket } }
}

/** A right on keys of a bucket that are found in its rows. */
export function onFoundKeys(action: Action, bucket: string): Need {
  return { ...onBucket(action, bucket), isDeferred: true }
}

/** The right to list the keys of a folder. */
export function onListing(bucket: string, folder: string): Need {
  return { ...onBucket('s3:ListBucket', bucket), prefix: folder }
}

/** The right to read one object that must exist. */
export function onObject(
  action: Action,
  { bucket, key }: { readonly bucket: string; readonly key: string },
): Need {
  return { action, resource: { kind: 'key', bucket, key }, role: 'read' }
}

/** The same right on the source of a copy or move. */
export function onSource(need: Need): Need {
  return { ...need, role: 'source' }
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
