// JSON values: parsing that keeps all digits of numbers, and access by path.

import type { Name, PathStep, SourceStep } from './ast.ts'
import { QueryError } from './error.ts'
import { exactNumber, isJsonObject, type Value, valueOfJson } from './value.ts'

/** Matches numbers that a double may not represent exactly: many digits, or an exponent. */
const inexact = /\d[\d.]{15}|\d[eE]/

/** Parses a JSON text. @throws QueryError `JSONParsingError` */
export function parseJson(text: string): unknown {
  try {
    return inexact.test(text) ? JSON.parse(text, keepDigits) : JSON.parse(text)
  } catch (cause) {
    throw notJson(cause)
  }
}

function notJson(cause: unknown): QueryError {
  return new QueryError('JSONParsingError', undefined, { cause })
}

function keepDigits(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || context?.source === undefined) return value
  return String(value) === context.source ? value : exactNumber(context.source)
}

/** A member by name. An unquoted name matches in any case, but must match only one member. */
function memberOf(value: unknown, { text, isQuoted }: Name): unknown {
  if (!isJsonObject(value)) return undefined
  if (isQuoted) return Object.hasOwn(value, text) ? value[text] : undefined
  let found: string | undefined
  const lower = text.toLowerCase()
  for (const name of Object.keys(value)) {
    if (name.length !== text.length || (name !== text && name.toLowerCase() !== lower)) continue
    if (found !== undefined) throw new QueryError('AmbiguousFieldName')
    found = name
  }
  return found === undefined ? undefined : value[found]
}

function stepInto(value: unknown, step: PathStep): unknown {
  if (step.kind === 'name') return memberOf(value, step.name)
  return Array.isArray(value) ? value[step.index] : undefined
}

/** A function that reads a path in a value; MISSING if nothing matches. */
export function pathReader(steps: readonly PathStep[]): (value: unknown) => Value {
  const [first, ...rest] = steps
  if (first === undefined) return valueOfJson
  if (rest.length === 0) return (value) => valueOfJson(stepInto(value, first))
  return (value) => {
    let inner = value
    for (const step of steps) inner = stepInto(inner, step)
    return valueOfJson(inner)
  }
}

/** The values that match a path of FROM; a single MISSING if there are none. */
export function expand(value: unknown, steps: readonly SourceStep[]): unknown[] {
  let values = [value]
  for (const step of steps) {
    const inner: unknown[] = []
    for (const outer of values) {
      if (step.kind === 'name' || step.kind === 'index') inner.push(stepInto(outer, step))
      else inner.push(...contentsOf(outer, step.kind))
    }
    values = inner
  }
  return values
}

function contentsOf(value: unknown, kind: 'elements' | 'members'): readonly unknown[] {
  const isArray = Array.isArray(value)
  if (kind === 'elements') return isArray && value.length > 0 ? value : [undefined]
  const members = isJsonObject(value) ? Object.values(value) : []
  return members.length > 0 ? members : [undefined]
}
