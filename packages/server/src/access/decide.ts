// The authorization decision: a pure function, and the only place that makes it.

import { StoreError } from '../base/errors.ts'
import { type Acl, grants, isPublicAcl, type Requester } from './acl.ts'
import type { RequestContext } from './context.ts'
import type { ObjectOwnership } from './ownership.ts'
import { authorityOf, needsObject, permissionFor } from './permission.ts'
import { ask, type CompiledPolicy, type StatementName, type Verdict } from './policy/policy.ts'
import { anonymousOwner } from './principal.ts'
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
  /** False if the bucket's owner owns all objects, with full control; undefined if that isn't known. */
  readonly hasOtherOwners?: boolean | undefined
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

/**
 * Decides in the order of S3: the public access block, an explicit Deny of the policy, the owner, an Allow of
 * the policy, lists. The principal's own policies have their place beside the owner's rights, which every key
 * of an owner has in full. For a key without an object, the right to list the bucket decides whether the
 * absence may be told.
 */
export function decide(question: Question): Decision {
  const { bucket, context } = question
  if (bucket === undefined)
    return context.principal === undefined ? denied(nothing) : allowed(owner)
  const isOwner = context.principal?.owner.id === bucket.ownerId
  if (isOwner && policyActions.has(question.action)) return allowed(owner)
  const { policy } = bucket
  if (policy === undefined) {
    if (isOwner && areListsOff(bucket)) return allowed(owner)
    return aboutAbsence(question, bucket, granted(question, bucket, undefined))
  }
  if (!isOwner && policy.isPublic && bucket.block.restrictPublicBuckets) {
    return denied({ kind: 'public access block' })
  }
  const verdict = ask(policy, question)
  if (verdict?.effect === 'deny') return denied({ kind: 'statement', statement: verdict.statement })
  if (verdict?.effect === 'may deny') return pending(question, verdict)
  return aboutAbsence(question, bucket, granted(question, bucket, verdict))
}

/** The owner can always do these, so that no policy locks the owner out. */
const policyActions: ReadonlySet<string> = new Set([
  's3:GetBucketPolicy',
  's3:PutBucketPolicy',
  's3:DeleteBucketPolicy',
])

const owner: Reason = { kind: 'owner' }
const nothing: Reason = { kind: 'nothing' }

function allowed(by: Reason): Decision {
  return { effect: 'allow', by }
}

function denied(by: Reason): Decision {
  return { effect: 'deny', by }
}

/** A decision that the object would bring; for many keys at once it is a refusal. */
function pending({ resource, object }: Question, { effect, statement }: Verdict): Decision {
  if (resource.kind === 'key' && object === undefined) return { effect: 'undecided' }
  return denied(effect === 'may deny' ? { kind: 'statement', statement } : nothing)
}

function areListsOff({ ownership }: BucketFacts): boolean {
  return ownership === 'BucketOwnerEnforced'
}

/** The facts about the bucket or object whose owner has the say in a question. */
interface Subject {
  readonly of: 'bucket' | 'object'
  readonly ownerId: string
  readonly acl: Acl | undefined
}

/** A decision by ownership, an Allow and lists, after nothing has forbidden the request. */
function granted(question: Question, bucket: BucketFacts, verdict: Verdict | undefined): Decision {
  const subject = subjectOf(question, bucket)
  if (subject === 'undecided') return { effect: 'undecided' }
  if (subject === undefined) return denied(nothing)
  const { of, ownerId } = subject
  const requester = requesterOf(question.context)
  const acl = bucket.block.ignorePublicAcls && isPublicAcl(subject.acl) ? undefined : subject.acl
  const permission = areListsOff(bucket) ? undefined : permissionFor(question.action, of)
  const isOwned = requester.id === ownerId
  // Owners can withdraw rights from themselves, but for those on the list itself.
  const hasOwnersRight =
    permission === undefined ||
    permission.endsWith('_ACP') ||
    grants({ acl, ownerId }, requester, permission)
  if (isOwned && hasOwnersRight) return allowed(owner)
  const isBucketOwner = requester.isAuthenticated && requester.id === bucket.ownerId
  if (isBucketOwner && authorityOf(question.action) === 'both') return allowed(owner)
  // A bucket's policy has no say in objects of others.
  const counts = verdict !== undefined && ownerId === bucket.ownerId ? verdict : undefined
  if (counts?.effect === 'allow') return allowed({ kind: 'statement', statement: counts.statement })
  if (permission !== undefined && grants({ acl, ownerId }, requester, permission)) {
    return allowed({ kind: 'acl', of })
  }
  return counts?.effect === 'may allow' ? pending(question, counts) : denied(nothing)
}

/** Undefined if the question is about objects of several owners. */
function subjectOf(question: Question, bucket: BucketFacts): Subject | 'undecided' | undefined {
  const { resource, object } = question
  const { ownerId } = bucket
  const ofBucket: Subject = { of: 'bucket', ownerId, acl: bucket.acl }
  if (areListsOff(bucket) || authorityOf(question.action) === 'bucket') return ofBucket
  const isBucketOwner = question.context.principal?.owner.id === ownerId
  const areAllOwned = bucket.hasOtherOwners === false
  const asksObject = object !== undefined || !(isBucketOwner && areAllOwned)
  if (resource.kind === 'key' && asksObject) {
    if (object === undefined) return 'undecided'
    return object === 'absent'
      ? { of: 'object', ownerId, acl: undefined }
      : { of: 'object', ownerId: object.ownerId, acl: object.acl }
  }
  // The bucket's owner could take over all objects by BucketOwnerEnforced.
  return isBucketOwner || areAllOwned ? { of: 'object', ownerId, acl: undefined } : undefined
}

function requesterOf({ principal }: RequestContext): Requester {
  const isAuthenticated = principal !== undefined
  return { id: principal?.owner.id ?? anonymousOwner.id, isAuthenticated }
}

/** The same decision, except for an object that isn't there, or may not be, and has to be. */
function aboutAbsence(question: Question, bucket: BucketFacts, decision: Decision): Decision {
  const { action, resource, object, context, nowMs } = question
  if (resource.kind !== 'key' || !needsObject(action) || decision.effect === 'undecided') {
    return decision
  }
  if (object !== undefined && object !== 'absent') return decision
  const listing = decide({
    ...{ context, bucket, nowMs, action: 's3:ListBucket' },
    resource: { kind: 'bucket', bucket: resource.bucket },
  })
  if (object === 'absent') return listing
  const mayTell = listing.effect === 'allow'
  return mayTell === (decision.effect === 'allow') ? decision : { effect: 'undecided' }
}

/** The refusal of a question that was denied. */
export function accessDenied({ context, action, bucket }: Question): StoreError {
  const known = {
    ...(context.principal === undefined || bucket === undefined ? {} : { action }),
    ...(bucket === undefined ? {} : { region: bucket.region }),
  }
  return new StoreError({ code: 'AccessDenied', ...known })
}
