// Functions of values: texts, timestamps, conditions and numbers. The result is NULL or MISSING if an
// argument is.

import { numberOf } from './cast.ts'
import { Decimal } from './decimal.ts'
import { QueryError } from './error.ts'
import { Timestamp } from './timestamp.ts'
import { timestampReader, timestampWriter } from './timestamp-format.ts'
import { checkedInt, isAbsent, type Numeric, type Value } from './value.ts'

/** The number of arguments of a function. */
export interface Arity {
  readonly minimum: number
  readonly maximum: number
}

const one: Arity = { minimum: 1, maximum: 1 }
const two: Arity = { minimum: 2, maximum: 2 }

/** The functions whose arguments are all values, by name in upper case. */
export const functionArities: ReadonlyMap<string, Arity> = new Map<string, Arity>([
  ['ABS', one],
  ['CEIL', one],
  ['CEILING', one],
  ['CHARACTER_LENGTH', one],
  ['CHAR_LENGTH', one],
  ['COALESCE', { minimum: 1, maximum: Number.POSITIVE_INFINITY }],
  ['FLOOR', one],
  ['LOWER', one],
  ['NULLIF', two],
  ['SUBSTRING', { minimum: 2, maximum: 3 }],
  ['TO_STRING', two],
  ['TO_TIMESTAMP', { minimum: 1, maximum: 2 }],
  ['UPPER', one],
  ['UTCNOW', { minimum: 0, maximum: 0 }],
])

/** A function that is never called with NULL or MISSING. */
type PlainFunction = (first: Value, second: Value, third: Value) => Value

const plainFunctions: ReadonlyMap<string, PlainFunction> = new Map<string, PlainFunction>([
  ['ABS', (value) => absolute(value)],
  ['CEIL', (value) => ceiling(value)],
  ['CEILING', (value) => ceiling(value)],
  ['CHARACTER_LENGTH', (value) => characterLength(value)],
  ['CHAR_LENGTH', (value) => characterLength(value)],
  ['FLOOR', (value) => floor(value)],
  ['LOWER', (value) => textArgument(value, 'LOWER').toLowerCase()],
  ['SUBSTRING', substring],
  ['UPPER', (value) => textArgument(value, 'UPPER').toUpperCase()],
])

/**
 * A function that computes its arguments for each row.
 * @param name one of {@link functionArities}, except COALESCE, NULLIF and UTCNOW
 */
export function plainFunction(name: string, values: readonly (() => Value)[]): () => Value {
  const [first = missing, second = missing, third = missing] = values
  const count = values.length
  const compute = name === 'TO_STRING' ? toStringOf() : plainFunctions.get(name)
  const apply = name === 'TO_TIMESTAMP' ? toTimestampOf(count) : compute
  if (apply === undefined) throw new QueryError('UnsupportedFunction')
  return () => {
    const a = first()
    const b = second()
    const c = third()
    const used = count === 1 ? [a] : count === 2 ? [a, b] : [a, b, c]
    if (used.includes(undefined)) return undefined
    if (used.includes(null)) return null
    return apply(a, b, c)
  }
}

const missing = (): Value => undefined

/** An argument that must be a text. @throws QueryError `IncorrectSqlFunctionArgumentType` */
export function textArgument(value: Value, name: string): string {
  if (typeof value === 'string') return value
  throw new QueryError('IncorrectSqlFunctionArgumentType', `${name} takes a text.`)
}

/** An argument that must be a timestamp, or the text of one. @throws QueryError */
export function timestampArgument(value: Value, name: string): Timestamp {
  if (value instanceof Timestamp) return value
  const read = typeof value === 'string' ? Timestamp.parse(value) : undefined
  if (read !== undefined) return read
  throw new QueryError('IncorrectSqlFunctionArgumentType', `${name} takes a timestamp.`)
}

/** An argument that must be a whole number. @throws QueryError `IncorrectSqlFunctionArgumentType` */
export function integerArgument(value: Value, name: string): number {
  const number = typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? BigInt(value) : value
  if (typeof number === 'bigint') return Number(number)
  if (number instanceof Decimal && number.normalized().scale === 0) return number.toNumber()
  throw new QueryError('IncorrectSqlFunctionArgumentType', `${name} takes a whole number.`)
}

const surrogate = /[\ud800-\udfff]/

function characterLength(value: Value): bigint {
  const text = textArgument(value, 'CHAR_LENGTH')
  return BigInt(surrogate.test(text) ? [...text].length : text.length)
}

/** SUBSTRING. Positions count from 1. Positions below 1 use up the length, but have no characters. */
function substring(value: Value, startValue: Value, lengthValue: Value): string {
  const text = textArgument(value, 'SUBSTRING')
  const start = integerArgument(startValue, 'SUBSTRING') - 1
  const from = Math.max(start, 0)
  let to = Number.POSITIVE_INFINITY
  if (lengthValue !== undefined) {
    const length = integerArgument(lengthValue, 'SUBSTRING')
    if (length < 0) {
      throw new QueryError('IllegalSqlFunctionArgument', 'The length of SUBSTRING is negative.')
    }
    to = Math.max(start + length, from)
  }
  return surrogate.test(text) ? [...text].slice(from, to).join('') : text.slice(from, to)
}

/** Removes characters from one end or both ends of a text. */
export function trim(
  text: string,
  characters: string | undefined,
  side: 'both' | 'leading' | 'trailing',
): string {
  const removed = new Set(characters === undefined ? [' '] : characters)
  const all = surrogate.test(text) ? [...text] : text
  let from = 0
  let to = all.length
  if (side !== 'trailing') while (from < to && removed.has(all[from] ?? '')) from++
  if (side !== 'leading') while (to > from && removed.has(all[to - 1] ?? '')) to--
  return typeof all === 'string' ? all.slice(from, to) : all.slice(from, to).join('')
}

function absolute(value: Value): Numeric {
  const number = numberOf(value, 'a number')
  if (typeof number === 'number') return Math.abs(number)
  if (typeof number === 'bigint') return checkedInt(number < 0n ? -number : number)
  return number.unscaled < 0n ? number.negated() : number
}

function floor(value: Value): Numeric {
  const number = numberOf(value, 'a number')
  if (typeof number === 'number') return Math.floor(number)
  return typeof number === 'bigint' ? number : checkedInt(number.floor())
}

function ceiling(value: Value): Numeric {
  const number = numberOf(value, 'a number')
  if (typeof number === 'number') return Math.ceil(number)
  return typeof number === 'bigint' ? number : checkedInt(-number.negated().floor())
}

/** TO_STRING. Caches the last pattern, since patterns are nearly always literals. */
function toStringOf(): PlainFunction {
  let latest: { pattern: string; write: (timestamp: Timestamp) => string } | undefined
  return (value, patternValue) => {
    const timestamp = timestampArgument(value, 'TO_STRING')
    const pattern = textArgument(patternValue, 'TO_STRING')
    if (latest?.pattern !== pattern) latest = { pattern, write: timestampWriter(pattern) }
    return latest.write(timestamp)
  }
}

function toTimestampOf(count: number): PlainFunction {
  let latest: { pattern: string; read: (text: string) => Timestamp | undefined } | undefined
  return (value, patternValue) => {
    if (value instanceof Timestamp && count === 1) return value
    const text = textArgument(value, 'TO_TIMESTAMP')
    let found: Timestamp | undefined
    if (count === 1) {
      found = Timestamp.parse(text)
    } else {
      const pattern = textArgument(patternValue, 'TO_TIMESTAMP')
      if (latest?.pattern !== pattern) latest = { pattern, read: timestampReader(pattern) }
      found = latest.read(text)
    }
    if (found === undefined) {
      throw new QueryError('ValueParseFailure', 'TO_TIMESTAMP cannot read its text.')
    }
    return found
  }
}

/** A part of a timestamp. Hours and minutes of the offset are negative west of UTC. */
export function extract(value: Value, part: string): Value {
  if (isAbsent(value)) return value
  const timestamp = timestampArgument(value, 'EXTRACT')
  const fields = timestamp.fields()
  const offset = timestamp.offset ?? 0
  switch (part) {
    case 'year':
      return BigInt(fields.year)
    case 'month':
      return BigInt(fields.month)
    case 'day':
      return BigInt(fields.day)
    case 'hour':
      return BigInt(fields.hour)
    case 'minute':
      return BigInt(fields.minute)
    case 'timezone_hour':
      return BigInt(Math.trunc(offset / 60))
    case 'timezone_minute':
      return BigInt(offset % 60)
    default: {
      if (fields.nano === 0) return BigInt(fields.second)
      const nanos = BigInt(fields.second) * 1_000_000_000n + BigInt(fields.nano)
      return new Decimal(nanos, 9).normalized()
    }
  }
}
