// CAST between the types of S3 Select.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-select-sql-reference-conversion.html

import type { CastType } from './ast.ts'
import { Decimal } from './decimal.ts'
import { QueryError } from './error.ts'
import { Timestamp } from './timestamp.ts'
import {
  booleanOfText,
  checkedInt,
  isAbsent,
  isNumeric,
  numberOfText,
  textOf,
  toFloat,
  type Value,
} from './value.ts'

/** @throws QueryError `CastFailed`, `IntegerOverflow` */
export function cast(value: Value, type: CastType): Value {
  if (isAbsent(value)) return value
  switch (type.name) {
    case 'bool':
      return castToBoolean(value)
    case 'int':
      return castToInt(value)
    case 'string':
      return textOf(value)
    case 'float':
      return castToFloat(value)
    case 'decimal':
      return castToDecimal(value, type)
    case 'timestamp':
      return castToTimestamp(value)
  }
}

function castFailed(value: Value, type: string): QueryError {
  const text = textOf(value)
  const shown = text.length > 64 ? `${text.slice(0, 64)}…` : text
  return new QueryError('CastFailed', `The value '${shown}' cannot be converted to ${type}.`)
}

function castToBoolean(value: Value): boolean {
  if (typeof value === 'boolean') return value
  if (isNumeric(value)) return toFloat(value) !== 0
  const read = typeof value === 'string' ? booleanOfText(value) : undefined
  if (read === undefined) throw castFailed(value, 'BOOL')
  return read
}

function castToInt(value: Value): bigint {
  switch (typeof value) {
    case 'bigint':
      return value
    case 'boolean':
      return value ? 1n : 0n
    case 'number':
      if (!Number.isFinite(value)) throw castFailed(value, 'INT')
      return checkedInt(BigInt(Math.trunc(value)))
    case 'string': {
      const text = value.trim()
      if (!/^[+-]?\d{1,1000}$/.test(text)) throw castFailed(value, 'INT')
      return checkedInt(BigInt(text.startsWith('+') ? text.slice(1) : text))
    }
    default:
      if (value instanceof Decimal) return checkedInt(value.truncated())
      throw castFailed(value, 'INT')
  }
}

function castToFloat(value: Value): number {
  if (isNumeric(value)) return toFloat(value)
  if (typeof value === 'boolean') return Number(value)
  if (typeof value === 'string') {
    const text = value.trim()
    if (/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) return Number(text)
  }
  throw castFailed(value, 'FLOAT')
}

function castToDecimal(value: Value, { precision, scale }: CastType): Decimal {
  const decimal = decimalOf(value)
  if (decimal === undefined) throw castFailed(value, 'DECIMAL')
  if (precision === undefined || scale === undefined) return decimal
  const scaled = decimal.rescaled(Math.min(scale, decimal.scale))
  if (scaled.precision - scaled.scale > precision - scale) throw castFailed(value, 'DECIMAL')
  return scaled
}

function decimalOf(value: Value): Decimal | undefined {
  if (value instanceof Decimal) return value
  if (typeof value === 'bigint') return Decimal.fromInteger(value)
  if (typeof value === 'number') return Decimal.fromDouble(value)
  if (typeof value === 'boolean') return Decimal.fromInteger(value ? 1n : 0n)
  return typeof value === 'string' ? Decimal.parse(value.trim()) : undefined
}

function castToTimestamp(value: Value): Timestamp {
  if (value instanceof Timestamp) return value
  const read = typeof value === 'string' ? Timestamp.parse(value.trim()) : undefined
  if (read === undefined) throw castFailed(value, 'TIMESTAMP')
  return read
}

/** Converts a value to a number. @throws QueryError `CastFailed` */
export function numberOf(value: Value, type: string): bigint | number | Decimal {
  if (isNumeric(value)) return value
  const read = typeof value === 'string' ? numberOfText(value) : undefined
  if (read === undefined) throw castFailed(value, type)
  return read
}
