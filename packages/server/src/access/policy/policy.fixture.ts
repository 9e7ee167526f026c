// Policies and requests for tests.

import { StoreError } from '../../base/errors.ts'
import type { PolicyFault } from '../../base/refusal/policy.ts'
import type { RequestContext } from '../context.ts'
import type { Principal } from '../principal.ts'
import { compilePolicy } from './compile.ts'
import { ask, type CompiledPolicy } from './policy.ts'
import type { PolicyRequest } from './request.ts'

export const testBucket = 'photos'

/** A statement that allows everybody to read every object, but for the given elements. */
export function statement(
  elements: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  const all: Record<string, unknown> = {
    Effect: 'Allow',
    Principal: '*',
    Action: 's3:GetObject',
    Resource: `arn:aws:s3:::${testBucket}/*`,
    ...elements,
  }
  for (const name of ['Principal', 'Action', 'Resource']) {
    if (`Not${name}` in elements && !(name in elements)) delete all[name]
  }
  return all
}

export function policyText(...statements: readonly unknown[]): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: statements })
}

export function compiled(...statements: readonly unknown[]): CompiledPolicy {
  return compilePolicy(policyText(...statements), testBucket)
}

/** The fault for which a policy is refused; undefined if it is valid. */
export function faultOf(text: string): PolicyFault | undefined {
  try {
    compilePolicy(text, testBucket)
    return undefined
  } catch (error) {
    if (error instanceof StoreError && error.refusal.code === 'MalformedPolicy') {
      return error.refusal.fault
    }
    throw error
  }
}

export function principal(id: string, displayName: string = id): Principal {
  return { accessKeyId: `key of ${id}`, owner: { id, displayName } }
}

/** Facts of a request that differ from those of {@link request}. */
export interface Facts extends Partial<PolicyRequest> {
  readonly from?: Partial<RequestContext>
}

/** A GET of `a/b.jpg` by the owner `ann`, but for the given facts. */
export function request(facts: Facts = {}): PolicyRequest {
  const { from, ...others } = facts
  return {
    context: { principal: principal('ann', 'Ann'), ...from },
    action: 's3:GetObject',
    resource: { kind: 'key', bucket: testBucket, key: 'a/b.jpg' },
    bucket: { ownerId: 'owner', region: 'eu-west-1' },
    nowMs: Date.UTC(2026, 0, 2, 3, 4, 5),
    ...others,
  }
}

/** The answer of a policy of one statement to a request. */
export function outcome(elements: Readonly<Record<string, unknown>>, facts: Facts = {}): string {
  return ask(compiled(statement(elements)), request(facts))?.effect ?? 'none'
}
