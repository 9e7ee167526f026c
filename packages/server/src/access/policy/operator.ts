// The comparisons of condition operators: compiled from the values of a policy, applied to a request's.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html

import { BlockList, isIP } from 'node:net'
import { unknownValue } from './context-key.ts'
import { type Pattern, patternOf, type Syntax } from './pattern.ts'
import type { PolicyRequest } from './request.ts'
import { every, some, type Truth } from './truth.ts'

/** True if a value of a request matches one of a policy's values. */
export type Comparison = (value: string, request: PolicyRequest) => Truth

/** A value of a policy doesn't have the operator's type. */
export class ConditionValueError extends Error {
  override readonly name = 'ConditionValueError'
  readonly value: string

  constructor(value: string) {
    super(`invalid condition value ${value}`)
    this.value = value
  }
}

/** An operator, before `ForAnyValue:`, `ForAllValues:` and `IfExists`. */
export interface Operator {
  /** True for one that asks that no value matches. */
  readonly isNegated: boolean
  /** @throws ConditionValueError */
  compile(values: readonly string[], language: Language): Comparison
}

export interface Language {
  readonly hasVariables: boolean
  /** True if a value with a variable that has no value matches everything, not nothing. */
  readonly unresolvedMatches: boolean
}

type Compile = Operator['compile']

const is = (compile: Compile): Operator => ({ isNegated: false, compile })
const isNot = (compile: Compile): Operator => ({ isNegated: true, compile })

/** The operators by name, but for `Null`, which compares no value. */
export const operators: ReadonlyMap<string, Operator> = new Map([
  ['StringEquals', is(texts({}))],
  ['StringNotEquals', isNot(texts({}))],
  ['StringEqualsIgnoreCase', is(texts({ ignoresCase: true }))],
  ['StringNotEqualsIgnoreCase', isNot(texts({ ignoresCase: true }))],
  ['StringLike', is(texts({ hasWildcards: true }))],
  ['StringNotLike', isNot(texts({ hasWildcards: true }))],
  ['NumericEquals', is(ordered(parseNumber, (a, b) => a === b))],
  ['NumericNotEquals', isNot(ordered(parseNumber, (a, b) => a === b))],
  ['NumericLessThan', is(ordered(parseNumber, (a, b) => a < b))],
  ['NumericLessThanEquals', is(ordered(parseNumber, (a, b) => a <= b))],
  ['NumericGreaterThan', is(ordered(parseNumber, (a, b) => a > b))],
  ['NumericGreaterThanEquals', is(ordered(parseNumber, (a, b) => a >= b))],
  ['DateEquals', is(ordered(parseDate, (a, b) => a === b))],
  ['DateNotEquals', isNot(ordered(parseDate, (a, b) => a === b))],
  ['DateLessThan', is(ordered(parseDate, (a, b) => a < b))],
  ['DateLessThanEquals', is(ordered(parseDate, (a, b) => a <= b))],
  ['DateGreaterThan', is(ordered(parseDate, (a, b) => a > b))],
  ['DateGreaterThanEquals', is(ordered(parseDate, (a, b) => a >= b))],
  ['Bool', is(booleans)],
  ['BinaryEquals', is(binaries)],
  ['IpAddress', is(addresses)],
  ['NotIpAddress', isNot(addresses)],
  ['ArnEquals', is(arns)],
  ['ArnLike', is(arns)],
  ['ArnNotEquals', isNot(arns)],
  ['ArnNotLike', isNot(arns)],
])

function texts({ hasWildcards = false, ignoresCase = false }: Partial<Syntax>): Compile {
  return (values, { hasVariables, unresolvedMatches }) => {
    const syntax = { hasWildcards, hasVariables, ignoresCase }
    const patterns = values.map((value) => patternOf(value, syntax))
    const { fixed, open } = divided(patterns)
    return (value, request) => {
      const text = ignoresCase ? value.toLowerCase() : value
      return (
        fixed.has(text) ||
        some(open, (pattern) => matches(pattern, text, request) ?? unresolvedMatches)
      )
    }
  }
}

/** Patterns without wildcards and variables are compared all at once. */
function divided(patterns: readonly Pattern[]): {
  readonly fixed: ReadonlySet<string>
  readonly open: readonly Pattern[]
} {
  return {
    fixed: new Set(patterns.flatMap(({ fixed }) => (fixed === undefined ? [] : [fixed]))),
    open: patterns.filter(({ fixed }) => fixed === undefined),
  }
}

/** Undefined if a variable has no value. */
function matches(pattern: Pattern, text: string, request: PolicyRequest): Truth | undefined {
  const glob = pattern.resolve(request)
  return glob === unknownValue ? unknownValue : glob?.matches(text)
}

function ordered(
  parse: (text: string) => number | undefined,
  holds: (value: number, limit: number) => boolean,
): Compile {
  return (values) => {
    const limits = values.map((value) => {
      const limit = parse(value)
      if (limit === undefined) throw new ConditionValueError(value)
      return limit
    })
    return (value) => {
      const found = parse(value)
      return found !== undefined && limits.some((limit) => holds(found, limit))
    }
  }
}

function parseNumber(text: string): number | undefined {
  return /^[+-]?\d+(?:\.\d+)?$/.test(text) ? Number(text) : undefined
}

const isoDate =
  /^\d{4}(?:-\d\d(?:-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?<zone>Z|[+-]\d\d:\d\d)?)?)?)?$/

/** Milliseconds of a date in ISO 8601, in UTC unless it has a zone, or of seconds since the epoch. */
function parseDate(text: string): number | undefined {
  const iso = isoDate.exec(text)
  if (iso === null) return /^\d{5,15}(?:\.\d+)?$/.test(text) ? Number(text) * 1000 : undefined
  const needsZone = text.includes('T') && iso.groups?.['zone'] === undefined
  const time = Date.parse(needsZone ? `${text}Z` : text)
  return Number.isNaN(time) ? undefined : time
}

function booleans(values: readonly string[], language: Language): Comparison {
  const compare = texts({ ignoresCase: true })(values, language)
  for (const value of values) {
    const isVariable = language.hasVariables && value.includes('${')
    if (!isVariable && !/^(?:true|false)$/i.test(value)) throw new ConditionValueError(value)
  }
  return compare
}

function binaries(values: readonly string[]): Comparison {
  const known = new Set(
    values.map((value) => {
      const bytes = Buffer.from(value, 'base64')
      if (bytes.toString('base64') !== value) throw new ConditionValueError(value)
      return value
    }),
  )
  return (value) => known.has(value)
}

function addresses(values: readonly string[]): Comparison {
  const list = new BlockList()
  for (const value of values) {
    const range = parseRange(value)
    if (range === undefined) throw new ConditionValueError(value)
    list.addSubnet(range.address, range.bits, range.family)
  }
  return (value) => {
    const family = familyOf(value)
    return family !== undefined && list.check(value, family)
  }
}

/** A range of IP addresses. */
export interface AddressRange {
  readonly address: string
  readonly bits: number
  readonly family: 'ipv4' | 'ipv6'
}

/** Parses an address, or a range such as `192.0.2.0/24`. */
export function parseRange(text: string): AddressRange | undefined {
  const [address = '', prefix, ...more] = text.split('/')
  const family = familyOf(address)
  if (family === undefined || more.length > 0) return undefined
  const width = family === 'ipv4' ? 32 : 128
  if (prefix === undefined) return { address, bits: width, family }
  const bits = /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN
  return bits <= width ? { address, bits, family } : undefined
}

function familyOf(address: string): AddressRange['family'] | undefined {
  const version = isIP(address)
  if (version === 0) return undefined
  return version === 4 ? 'ipv4' : 'ipv6'
}

/** Each of the six parts of an ARN is compared by itself, so that no wildcard reaches over a colon but the last. */
function arns(
  values: readonly string[],
  { hasVariables, unresolvedMatches }: Language,
): Comparison {
  const wanted = values.map((value) => {
    const parts = arnParts(value)
    if (parts === undefined) throw new ConditionValueError(value)
    return parts.map((part) => patternOf(part, { hasWildcards: true, hasVariables }))
  })
  return (value, request) => {
    const parts = arnParts(value)
    if (parts === undefined) return false
    return some(wanted, (patterns) =>
      every(
        patterns.entries(),
        ([index, pattern]) => matches(pattern, parts[index] ?? '', request) ?? unresolvedMatches,
      ),
    )
  }
}

/** The six parts of an ARN; colons inside variables don't count. `*` alone is any ARN. */
function arnParts(text: string): readonly string[] | undefined {
  if (text === '*') return ['*', '*', '*', '*', '*', '*']
  const parts: string[] = []
  let start = 0
  for (const { 0: found, index } of text.matchAll(/\$\{[^}]*\}|:/g)) {
    if (found !== ':' || parts.length === 5) continue
    parts.push(text.slice(start, index))
    start = index + 1
  }
  return parts.length === 5 ? [...parts, text.slice(start)] : undefined
}
