// Creates the step of an operation after checking that the caller has the needed rights, in the same
// transaction that the step uses.

import type { RequestContext } from '../access/context.ts'
import {
  accessDenied,
  type Decision,
  decide,
  type ObjectFacts,
  type Question,
} from '../access/decide.ts'
import { anonymousOwner, type Owner } from '../access/principal.ts'
import { utf8 } from '../base/bytes.ts'
import { isStoreError, StoreError } from '../base/errors.ts'
import type { ReadTransaction } from '../engine/engine.ts'
import type { ObjectRecord, Tag } from '../store/row/record.ts'
import { findBucket } from '../store/tree/bucket.ts'
import { findObject } from '../store/tree/directory.ts'
import { factsOf, type KnownBucket } from './bucket-facts.ts'
import { type Need, onBucket } from './need.ts'
import type { Caller, Services, Step } from './operation.ts'

/** The services, and the request for which they are used. */
export interface Run {
  readonly services: Services
  readonly caller: Caller
}

/** The buckets that one attempt of an operation has looked up, by name. */
export type Buckets = Map<string, KnownBucket>

/**
 * Runs `work` with the step of an operation, after its needs were checked. To a caller who may not list a
 * bucket, no answer tells whether a key exists in it. @throws StoreError
 */
export async function onStep<T>(
  tx: ReadTransaction,
  of: Run,
  needs: readonly Need[],
  work: (step: Step) => Promise<T>,
): Promise<T> {
  const buckets: Buckets = new Map()
  const refusal = await refusalOf(tx, of, buckets, needs)
  if (refusal !== undefined) throw refusal
  try {
    return await work(makeStep(of, buckets, tx))
  } catch (error) {
    throw await concealed(tx, of, { buckets, needs }, error)
  }
}

/**
 * The refusal of the first need that the caller lacks. The buckets are looked up in `tx`, so that a commit
 * authorizes on the state that it changes, and are added to `buckets`.
 * @throws StoreError `NoSuchBucket`
 */
export async function refusalOf(
  tx: ReadTransaction,
  of: Run,
  buckets: Buckets,
  needs: readonly Need[],
): Promise<StoreError | undefined> {
  for (const need of needs) {
    const question = await questionOf(tx, of, buckets, need)
    if (isOfAnotherOwner(of.caller, need, question) || isUnpaid(of.caller, need, buckets)) {
      return accessDenied(question)
    }
    if (need.isDeferred === true) continue
    const decision = await decisionOn(tx, buckets, question, need)
    if (decision.effect === 'allow') continue
    const isUnforbidden = decision.effect === 'deny' && decision.by.kind === 'nothing'
    if (!isUnforbidden || need.isInitiator !== true) return accessDenied(question)
  }
  return undefined
}

/** True if the request expects another owner of the bucket. */
function isOfAnotherOwner({ expected }: Caller, { role }: Need, { bucket }: Question): boolean {
  if (expected === undefined || bucket === undefined) return false
  const ownerId = role === 'source' ? expected.sourceOwnerId : expected.ownerId
  return ownerId !== undefined && ownerId !== bucket.ownerId
}

/** True for a bucket whose requesters pay, and another requester who doesn't offer to. */
function isUnpaid({ principal, headers }: Caller, { resource }: Need, buckets: Buckets): boolean {
  if (resource.kind === 'account') return false
  const record = buckets.get(resource.bucket)?.record
  if (record?.access?.requesterPays !== true) return false
  if (principal === undefined) return true
  return principal.owner.id !== record.ownerId && headers?.['x-amz-request-payer'] !== 'requester'
}

/** @throws StoreError `NoSuchBucket` */
async function questionOf(
  tx: ReadTransaction,
  { services, caller }: Run,
  buckets: Buckets,
  need: Need,
): Promise<Question> {
  const { action, resource } = need
  const context = contextOf(caller, need)
  const question = { context, action, resource, nowMs: services.clock.now() }
  if (resource.kind === 'account') return question
  const known = buckets.get(resource.bucket)
  if (known !== undefined) return { ...question, bucket: known.facts }
  const record = await findBucket(tx, resource.bucket)
  if (record === undefined) throw new StoreError({ code: 'NoSuchBucket', bucket: resource.bucket })
  const facts = await factsOf(tx, services, resource.bucket, record)
  buckets.set(resource.bucket, { record, facts })
  return { ...question, bucket: facts }
}

/** The decision, on the object's facts where it depends on them. */
async function decisionOn(
  tx: ReadTransaction,
  buckets: Buckets,
  question: Question,
  { resource, role, isOfNewObject }: Need,
): Promise<Decision> {
  if (isOfNewObject === true) return decisionOnNew(question)
  const first = decide(question)
  if (first.effect !== 'undecided') return first
  const bucket = resource.kind === 'key' ? buckets.get(resource.bucket) : undefined
  if (resource.kind !== 'key' || bucket === undefined) {
    throw new Error(`a decision on a resource of kind ${resource.kind} asks for an object`)
  }
  const found = await findObject(tx, bucket.record.root, utf8(resource.key))
  // Only the absence of a source is news; elsewhere the question is about the object that there would be.
  const absent = role === undefined ? { ...unwritten, ownerId: bucket.record.ownerId } : 'absent'
  return decide({ ...question, object: found === undefined ? absent : factsOfObject(found) })
}

const unwritten: Omit<ObjectFacts, 'ownerId'> = { acl: undefined, tags: {} }

/** The makers of new objects may do what they like with them, unless something forbids it. */
function decisionOnNew(question: Question): Decision {
  const ownerId = question.context.principal?.owner.id ?? anonymousOwner.id
  const decision = decide({ ...question, object: { ...unwritten, ownerId } })
  const isForbidden = decision.effect === 'deny' && decision.by.kind !== 'nothing'
  return isForbidden ? decision : { effect: 'allow', by: { kind: 'owner' } }
}

/** The error that the caller gets: a missing key of a bucket that the caller may not list is no news. */
export async function concealed<T>(
  tx: ReadTransaction,
  of: Run,
  { buckets, needs }: { readonly buckets: Buckets; readonly needs: readonly Need[] },
  error: T,
): Promise<T | StoreError> {
  if (!isStoreError(error, 'NoSuchKey') && !isStoreError(error, 'NoSuchVersion')) return error
  const sources = needs.filter(({ role }) => role !== undefined)
  const asked = sources.length === 0 ? needs : sources
  for (const { resource } of asked) {
    if (resource.kind === 'account') continue
    const question = await questionOf(tx, of, buckets, onBucket('s3:ListBucket', resource.bucket))
    if (decide(question).effect !== 'allow') return accessDenied(question)
  }
  return error
}

function factsOfObject({ ownerId, acl, tags }: ObjectRecord): ObjectFacts {
  return { ownerId, acl, tags: byKey(tags) }
}

/** The request as a policy's conditions see it, with the facts that only the operation knows. */
function contextOf(caller: Caller, { prefix, tags }: Need): RequestContext {
  if (prefix === undefined && tags === undefined) return caller
  return {
    ...caller,
    ...(prefix === undefined
      ? {}
      : { query: { get: (name: string) => (name === 'prefix' ? prefix : undefined) } }),
    ...(tags === undefined ? {} : { requestTags: () => byKey(tags) }),
  }
}

function byKey(tags: readonly Tag[] = []): Readonly<Record<string, string>> {
  return Object.fromEntries(tags.map(({ key, value }) => [key, value]))
}

/** The owner of anything a request creates. */
export function ownerOf({ principal }: Caller): Owner {
  return principal?.owner ?? anonymousOwner
}

/** @param tx of the step, if it has one: only then can it ask for more rights */
export function makeStep(of: Run, buckets: Buckets, tx?: ReadTransaction): Step {
  const { services, caller } = of
  const known = (name: string): KnownBucket => {
    const bucket = buckets.get(name)
    if (bucket === undefined) throw new Error(`the operation did not declare bucket ${name}`)
    return bucket
  }
  const refusalIn = async (needs: readonly Need[]): Promise<StoreError | undefined> => {
    if (tx === undefined) throw new Error('rights can only be checked in a transaction')
    return refusalOf(tx, of, buckets, needs)
  }
  return {
    services,
    caller,
    owner: ownerOf(caller),
    requestId: caller.requestId,
    signal: caller.signal,
    bucket: (name) => known(name).record,
    facts: (name) => known(name).facts,
    async require(needs) {
      const refusal = await refusalIn(needs)
      if (refusal !== undefined) throw refusal
    },
    may: async (needs) => (await refusalIn(needs)) === undefined,
  }
}
