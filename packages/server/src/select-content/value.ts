// The values of expressions. MISSING is `undefined`, NULL is `null`, an INT is a `bigint`, a FLOAT is a
// `number`; objects and arrays are as parsed from JSON.

import { Decimal } from './decimal.ts'
import { QueryError } from './error.ts'
import { Timestamp } from './timestamp.ts'

export interface JsonObject {
  readonly [name: string]: unknown
}

export type Value =
  | undefined
  | null
  | boolean
  | bigint
  | number
  | Decimal
  | string
  | Timestamp
  | readonly unknown[]
  | JsonObject

export type Numeric = bigint | number | Decimal

/** True for NULL and MISSING. */
export function isAbsent(value: Value): value is null | undefined {
  return value === null || value === undefined
}

export function isNumeric(value: Value): value is Numeric {
  return typeof value === 'bigint' || typeof value === 'number' || value instanceof Decimal
}

/** Converts a value of parsed JSON, or of a Parquet column. */
export function valueOfJson(value: unknown): Value {
  switch (typeof value) {
    case 'number':
      return Number.isSafeInteger(value) ? BigInt(value) : (Decimal.fromDouble(value) ?? value)
    case 'string':
    case 'boolean':
    case 'bigint':
      return value
    case 'object':
      if (value === null || value instanceof Decimal || value instanceof Timestamp) return value
      if (Array.isArray(value)) return value
      return isJsonObject(value) ? value : undefined
    default:
      return undefined
  }
}

/** Parses a JSON number that a double would not represent exactly. */
export function exactNumber(text: string): Value {
  const decimal = Decimal.parse(text)
  if (decimal === undefined) return Number(text)
  if (decimal.scale === 0) {
    const integer = decimal.unscaled
    if (BigInt.asIntN(64, integer) === integer) return integer
  }
  return decimal
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Parses a number; undefined for other texts, and for the empty text. */
export function numberOfText(text: string): Numeric | undefined {
  const trimmed = text.trim()
  if (/^[+-]?\d{1,18}$/.test(trimmed))
    return BigInt(trimmed.startsWith('+') ? trimmed.slice(1) : trimmed)
  const decimal = Decimal.parse(trimmed)
  if (decimal === undefined) return undefined
  if (decimal.scale === 0 && BigInt.asIntN(64, decimal.unscaled) === decimal.unscaled) {
    return decimal.unscaled
  }
  return decimal
}

function toDecimal(value: bigint | Decimal): Decimal {
  return typeof value === 'bigint' ? Decimal.fromInteger(value) : value
}

/** Converts any number to a float. */
export function toFloat(value: Numeric): number {
  return value instanceof Decimal ? value.toNumber() : Number(value)
}

/** Equality of an integer and a float, which are never identical. */
function isSame(left: bigint | number, right: bigint | number): boolean {
  return !(left < right || left > right) && !Number.isNaN(Number(left) + Number(right))
}

export function compareNumbers(left: Numeric, right: Numeric): number {
  if (left instanceof Decimal || right instanceof Decimal) {
    if (typeof left === 'number' || typeof right === 'number') {
      const a = toFloat(left)
      const b = toFloat(right)
      return a < b ? -1 : a > b ? 1 : a === b ? 0 : Number.NaN
    }
    return toDecimal(left).compare(toDecimal(right))
  }
  return left < right ? -1 : left > right ? 1 : isSame(left, right) ? 0 : Number.NaN
}

/**
 * Negative, 0 or positive, as `left` is less than, equal to or greater than `right`; undefined for values
 * without an order. A text compared with a number, boolean or timestamp is parsed as one, since CSV fields are texts.
 */
export function compareValues(left: Value, right: Value): number | undefined {
  if (typeof left === 'string') {
    if (typeof right === 'string') return compareTexts(left, right)
    const converted = convertLike(left, right)
    return converted === undefined ? undefined : compareValues(converted, right)
  }
  if (typeof right === 'string') {
    const converted = convertLike(right, left)
    return converted === undefined ? undefined : compareValues(left, converted)
  }
  if (isNumeric(left)) {
    if (!isNumeric(right)) return undefined
    const order = compareNumbers(left, right)
    return Number.isNaN(order) ? undefined : order
  }
  if (typeof left === 'boolean') {
    return typeof right === 'boolean' ? Number(left) - Number(right) : undefined
  }
  if (left instanceof Timestamp) {
    return right instanceof Timestamp ? left.compare(right) : undefined
  }
  return undefined
}

/** Compares by code points, which is the order of the UTF-8 bytes. */
function compareTexts(left: string, right: string): number {
  if (left === right) return 0
  const length = Math.min(left.length, right.length)
  for (let at = 0; at < length; at++) {
    const a = left.charCodeAt(at)
    const b = right.charCodeAt(at)
    if (a === b) continue
    // Surrogates denote code points above all others.
    const isHighA = a >= 0xd800 && a <= 0xdfff
    const isHighB = b >= 0xd800 && b <= 0xdfff
    if (isHighA !== isHighB) return isHighA ? 1 : -1
    return a - b
  }
  return left.length - right.length
}

function convertLike(text: string, other: Value): Value {
  if (isNumeric(other)) return numberOfText(text)
  if (typeof other === 'boolean') return booleanOfText(text)
  if (other instanceof Timestamp) return Timestamp.parse(text.trim())
  return undefined
}

export function booleanOfText(text: string): boolean | undefined {
  const lower = text.trim().toLowerCase()
  return lower === 'true' ? true : lower === 'false' ? false : undefined
}

/** True if two values are equal; objects and arrays are compared by content. */
export function areEqual(left: Value, right: Value): boolean {
  const order = compareValues(left, right)
  if (order !== undefined) return order === 0
  return isContainer(left) && isContainer(right) && textOfJson(left) === textOfJson(right)
}

function isContainer(value: Value): value is readonly unknown[] | JsonObject {
  return (
    typeof value === 'object' &&
    value !== null &&
    !(value instanceof Decimal) &&
    !(value instanceof Timestamp)
  )
}

/** The JSON text of any value. MISSING members are left out, like `undefined` in JSON. */
export function textOfJson(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value)
    case 'number':
      return Number.isFinite(value) ? String(value) : 'null'
    case 'bigint':
    case 'boolean':
      return String(value)
    case 'object':
      return value === null ? 'null' : textOfObject(value)
    default:
      return 'null'
  }
}

function textOfObject(value: object): string {
  if (value instanceof Decimal) return value.toString()
  if (value instanceof Timestamp) return JSON.stringify(value.toString())
  if (Array.isArray(value)) return `[${value.map(textOfJson).join(',')}]`
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString('utf8'))
  let text = ''
  for (const [name, member] of Object.entries(value)) {
    if (member === undefined) continue
    text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${textOfJson(member)}`
  }
  return `{${text}}`
}

/** The text of a value; empty for MISSING and NULL. */
export function textOf(value: Value): string {
  switch (typeof value) {
    case 'string':
      return value
    case 'undefined':
      return ''
    case 'number':
      return textOfFloat(value)
    case 'bigint':
    case 'boolean':
      return String(value)
    default:
      if (value === null) return ''
      if (value instanceof Decimal || value instanceof Timestamp) return value.toString()
      return textOfJson(value)
  }
}

function textOfFloat(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value)
}

/** An operand of arithmetic as a number. @throws QueryError if it is none */
export function operandOf(value: Value): Numeric {
  if (isNumeric(value)) return value
  if (typeof value === 'string') {
    const number = numberOfText(value)
    if (number !== undefined) return number
  }
  throw new QueryError('InvalidDataType', 'An operand of arithmetic is not a number.')
}

/** @throws QueryError `IntegerOverflow` */
export function checkedInt(value: bigint): bigint {
  if (BigInt.asIntN(64, value) === value) return value
  throw new QueryError('IntegerOverflow')
}

export { toDecimal }
