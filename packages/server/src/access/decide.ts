// The authorization decision: a pure function, and the only place that makes it.

import { StoreError } from '../base/errors.ts'
import type { RequestContext } from './context.ts'
import type { Resource } from './resource.ts'

/** An action by its IAM name, such as `s3:GetObject`. */
export type Action = `s3:${string}` | `sdb:${string}`

/** The stored facts about a bucket that access depends on. */
export interface BucketFacts {
  readonly ownerId: string
  readonly region: string
}

/** One question about access. */
export interface Question {
  readonly context: RequestContext
  readonly action: Action
  readonly resource: Resource
  /** Of the resource's bucket; undefined for an account, and before the bucket was looked up. */
  readonly bucket?: BucketFacts | undefined
  /** Milliseconds since the epoch. */
  readonly nowMs: number
}

/** The outcome. */
export type Decision = 'allow' | 'deny'

/** Every bucket is private to its owner, and an account to its keys; anonymous requests have no right. */
export function decide({ context, bucket }: Question): Decision {
  const { principal } = context
  if (principal === undefined) return 'deny'
  return bucket === undefined || bucket.ownerId === principal.owner.id ? 'allow' : 'deny'
}

/** The refusal of a question that was denied. */
export function accessDenied({ context, action, bucket }: Question): StoreError {
  const known = {
    ...(context.principal === undefined || bucket === undefined ? {} : { action }),
    ...(bucket === undefined ? {} : { region: bucket.region }),
  }
  return new StoreError({ code: 'AccessDenied', ...known })
}
