// The authorization decision: a pure function, and the only place that makes it.

import { StoreError } from '../base/errors.ts'
import type { Acl } from './acl.ts'
import type { RequestContext } from './context.ts'
import type { ObjectOwnership } from './ownership.ts'
import type { CompiledPolicy, StatementName } from './policy/policy.ts'
import type { PublicAccessBlock } from './public-access-block.ts'
import type { Resource } from './resource.ts'

/** An action by its IAM name, such as `s3:GetObject`. */
export type Action = `s3:${string}` | `sdb:${string}`

/** The stored facts about a bucket that access depends on. */
export interface BucketFacts {
  readonly ownerId: string
  readonly region: string
  readonly ownership: ObjectOwnership
  /** The bucket's block, joined with the server's. */
  readonly block: PublicAccessBlock
  readonly acl: Acl | undefined
  readonly policy: CompiledPolicy | undefined
}

/** The stored facts about an object that access depends on. */
export interface ObjectFacts {
  readonly ownerId: string
  readonly acl: Acl | undefined
  readonly tags: Readonly<Record<string, string>>
}

/** One question about access. */
export interface Question {
  readonly context: RequestContext
  readonly action: Action
  readonly resource: Resource
  /** Of the resource's bucket; undefined for an account, and before the bucket was looked up. */
  readonly bucket?: BucketFacts | undefined
  /** The object of a resource that is a key; undefined before it was looked up. */
  readonly object?: ObjectFacts | 'absent' | undefined
  /** Milliseconds since the epoch. */
  readonly nowMs: number
}

/** The reason for a decision. `nothing`: neither policy nor list allows it. */
export type Reason =
  | { readonly kind: 'owner' | 'public access block' | 'nothing' }
  | { readonly kind: 'acl'; readonly of: 'bucket' | 'object' }
  | { readonly kind: 'statement'; readonly statement: StatementName }

/** The outcome. If undecided, the answer depends on the object: ask again with `object`. */
export type Decision =
  | { readonly effect: 'allow' | 'deny'; readonly by: Reason }
  | { readonly effect: 'undecided' }

/** Every bucket is private to its owner, and an account to its keys; anonymous requests have no right. */
export function decide({ context, bucket }: Question): Decision {
  const { principal } = context
  if (principal === undefined) return { effect: 'deny', by: { kind: 'nothing' } }
  return bucket === undefined || bucket.ownerId === principal.owner.id
    ? { effect: 'allow', by: { kind: 'owner' } }
    : { effect: 'deny', by: { kind: 'nothing' } }
}

/** The refusal of a question that was denied. */
export function accessDenied({ context, action, bucket }: Question): StoreError {
  const known = {
    ...(context.principal === undefined || bucket === undefined ? {} : { action }),
    ...(bucket === undefined ? {} : { region: bucket.region }),
  }
  return new StoreError({ code: 'AccessDenied', ...known })
}
