// Creates the step of an operation after checking that the caller has the needed rights, in the same
// transaction that the step uses.

import { accessDenied, type BucketFacts, decide, type Question } from '../access/decide.ts'
import { anonymousOwner, type Owner } from '../access/principal.ts'
import { allBlocked } from '../access/public-access-block.ts'
import { StoreError } from '../base/errors.ts'
import type { ReadTransaction } from '../engine/engine.ts'
import { type BucketRecord, findBucket } from '../store/tree/bucket.ts'
import { regionOf } from './bucket.ts'
import type { Need } from './need.ts'
import type { Caller, Services, Step } from './operation.ts'

/** The services, and the request for which they are used. */
export interface Run {
  readonly services: Services
  readonly caller: Caller
}

/** The step of an operation after its needs were checked. @throws StoreError */
export async function stepOn(tx: ReadTransaction, of: Run, needs: readonly Need[]): Promise<Step> {
  const buckets = new Map<string, BucketRecord>()
  const refusal = await refusalOf(tx, of, buckets, needs)
  if (refusal !== undefined) throw refusal
  return makeStep(of, buckets)
}

/**
 * The refusal of the first need that the caller lacks. The buckets are looked up in `tx`, so that a commit
 * authorizes on the state that it changes, and are added to `buckets`.
 * @throws StoreError `NoSuchBucket`
 */
export async function refusalOf(
  tx: ReadTransaction,
  { services, caller }: Run,
  buckets: Map<string, BucketRecord>,
  needs: readonly Need[],
): Promise<StoreError | undefined> {
  for (const { action, resource } of needs) {
    const question: Question = { context: caller, action, resource, nowMs: services.clock.now() }
    if (resource.kind === 'account') {
      if (decide(question).effect !== 'allow') return accessDenied(question)
      continue
    }
    const bucket = buckets.get(resource.bucket) ?? (await findBucket(tx, resource.bucket))
    if (bucket === undefined) {
      throw new StoreError({ code: 'NoSuchBucket', bucket: resource.bucket })
    }
    buckets.set(resource.bucket, bucket)
    const facts: BucketFacts = {
      ownerId: bucket.ownerId,
      region: regionOf(services, bucket),
      ownership: 'BucketOwnerEnforced',
      block: allBlocked,
      acl: undefined,
      policy: undefined,
    }
    const asked = { ...question, bucket: facts }
    if (decide(asked).effect !== 'allow') return accessDenied(asked)
  }
  return undefined
}

/** The owner of anything a request creates. */
export function ownerOf({ principal }: Caller): Owner {
  return principal?.owner ?? anonymousOwner
}

export function makeStep(
  { services, caller }: Run,
  buckets: ReadonlyMap<string, BucketRecord>,
): Step {
  return {
    services,
    owner: ownerOf(caller),
    requestId: caller.requestId,
    signal: caller.signal,
    bucket(name) {
      const bucket = buckets.get(name)
      if (bucket === undefined) throw new Error(`the operation did not declare bucket ${name}`)
      return bucket
    },
  }
}
