// A bucket policy, compiled once and asked many times.

import type { PolicyRequest } from './request.ts'
import type { Statement } from './statement.ts'

/** A compiled policy. It is immutable, and depends on nothing but its text and its bucket's name. */
export interface CompiledPolicy {
  /** True if it grants the public access, by the rules of S3's policy status. */
  readonly isPublic: boolean
  /** The owners that it names as principals by their bare ids, for a comparison with those that exist. */
  readonly namedOwners: ReadonlySet<string>
  readonly statements: readonly Statement[]
}

/** The statement that decided. */
export interface StatementName {
  /** From 0, in the order of the document. */
  readonly index: number
  readonly sid?: string | undefined
}

/**
 * What a policy says of a request. `may`: a Deny, or an Allow where nothing else allows it, depends on an
 * object that wasn't looked up.
 */
export interface Verdict {
  readonly effect: 'deny' | 'may deny' | 'allow' | 'may allow'
  readonly statement: StatementName
}

/** Asks a policy. A Deny that applies comes first, whatever the order of the statements. */
export function ask(policy: CompiledPolicy, request: PolicyRequest): Verdict | undefined {
  let possibleDeny: Verdict | undefined
  let allow: Verdict | undefined
  for (const [index, statement] of policy.statements.entries()) {
    const { effect, sid } = statement
    if (effect === 'Allow' && allow?.effect === 'allow') continue
    const applies = statement.applies(request)
    if (applies === false) continue
    const found = { index, ...(sid === undefined ? {} : { sid }) }
    if (effect === 'Allow') {
      allow = { effect: applies === true ? 'allow' : 'may allow', statement: found }
    } else if (applies === true) {
      return { effect: 'deny', statement: found }
    } else {
      possibleDeny ??= { effect: 'may deny', statement: found }
    }
  }
  return possibleDeny ?? allow
}
