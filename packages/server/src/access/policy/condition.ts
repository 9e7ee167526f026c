// The Condition element: tests of a request's context that must all hold.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html

import { type ContextKey, contextKey, unknownValue } from './context-key.ts'
import { isRecord, malformed } from './fault.ts'
import {
  type Comparison,
  ConditionValueError,
  type Language,
  type Operator,
  operators,
} from './operator.ts'
import type { PolicyRequest } from './request.ts'
import { every, not, some, type Truth } from './truth.ts'

/** How an operator treats several values of a request. */
type Quantifier = 'ForAllValues' | 'ForAnyValue' | undefined

/** One operator with one key. */
export interface Condition {
  /** Without quantifier and `IfExists`. */
  readonly operator: string
  readonly key: ContextKey
  readonly values: readonly string[]
  /** True if it fails for a request without the key, and for every other value. */
  readonly isStrict: boolean
  holds(request: PolicyRequest): Truth
}

/** The statement of a condition. */
interface Scope {
  readonly effect: 'Allow' | 'Deny'
  readonly hasVariables: boolean
}

/** Compiles a Condition element. @throws StoreError `MalformedPolicy` */
export function conditionsOf(element: unknown, scope: Scope): readonly Condition[] {
  if (!isRecord(element)) throw malformed({ kind: 'invalid syntax' })
  return Object.entries(element).flatMap(([name, keys]) => {
    if (!isRecord(keys)) throw malformed({ kind: 'invalid syntax' })
    const operator = operatorOf(name)
    return Object.entries(keys).map(([keyName, value]) => {
      const key = contextKey(keyName)
      if (key === undefined) throw malformed({ kind: 'invalid condition key', key: keyName })
      return conditionOf(operator, key, valuesOf(value), scope)
    })
  })
}

interface NamedOperator {
  readonly base: string
  readonly quantifier: Quantifier
  readonly ifExists: boolean
}

function operatorOf(name: string): NamedOperator {
  const [, set, base = '', suffix] =
    /^(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?$/.exec(name) ?? []
  const quantifier = set === 'ForAllValues' || set === 'ForAnyValue' ? set : undefined
  const ifExists = suffix !== undefined
  const isPlainNull = base === 'Null' && quantifier === undefined && !ifExists
  if (!isPlainNull && !operators.has(base)) {
    throw malformed({ kind: 'invalid operator', operator: name })
  }
  return { base, quantifier, ifExists }
}

/** A list of texts; numbers and booleans of JSON count as texts. */
function valuesOf(value: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  return list.map((item) => {
    if (typeof item === 'string') return item
    if (typeof item === 'number' || typeof item === 'boolean') return String(item)
    throw malformed({ kind: 'invalid syntax' })
  })
}

function conditionOf(
  { base, quantifier, ifExists }: NamedOperator,
  key: ContextKey,
  values: readonly string[],
  { effect, hasVariables }: Scope,
): Condition {
  const operator = operators.get(base)
  if (operator === undefined) {
    return { operator: base, key, values, isStrict: false, holds: absence(key, values) }
  }
  const { isNegated } = operator
  // A variable without a value must not let a negated condition of an Allow hold.
  const language = { hasVariables, unresolvedMatches: isNegated && effect === 'Allow' }
  const test = {
    key,
    quantifier,
    ifExists,
    isNegated,
    compare: compiled(operator, values, language),
  }
  return {
    operator: base,
    key,
    values,
    isStrict: !isNegated && !ifExists && quantifier !== 'ForAllValues',
    holds: (request) => holds(test, request),
  }
}

function compiled(operator: Operator, values: readonly string[], language: Language): Comparison {
  try {
    return operator.compile(values, language)
  } catch (error) {
    if (!(error instanceof ConditionValueError)) throw error
    throw malformed({ kind: 'invalid condition value', value: error.value }, { cause: error })
  }
}

/** `Null`: true if the request has no value of the key. */
function absence(key: ContextKey, values: readonly string[]): Condition['holds'] {
  const wanted = new Set(
    values.map((value) => {
      const lower = value.toLowerCase()
      if (lower !== 'true' && lower !== 'false') {
        throw malformed({ kind: 'invalid condition value', value })
      }
      return lower === 'true'
    }),
  )
  return (request) => {
    const found = key.valueOf(request)
    if (found === unknownValue) return unknownValue
    return wanted.has(found === undefined || (found.length === 0 && typeof found !== 'string'))
  }
}

interface Test {
  readonly key: ContextKey
  readonly quantifier: Quantifier
  readonly ifExists: boolean
  readonly isNegated: boolean
  readonly compare: Comparison
}

function holds(test: Test, request: PolicyRequest): Truth {
  const { key, quantifier, ifExists, isNegated, compare } = test
  const found = key.valueOf(request)
  if (found === unknownValue) return unknownValue
  if (typeof found === 'string' && quantifier === undefined) {
    const truth = compare(found, request)
    return isNegated ? not(truth) : truth
  }
  const values = found === undefined ? [] : typeof found === 'string' ? [found] : found
  if (values.length === 0) {
    if (ifExists) return true
    return quantifier === undefined ? isNegated : quantifier === 'ForAllValues'
  }
  const passes = (value: string): Truth => {
    const truth = compare(value, request)
    return isNegated ? not(truth) : truth
  }
  const needsAll = quantifier === undefined ? isNegated : quantifier === 'ForAllValues'
  return needsAll ? every(values, passes) : some(values, passes)
}
