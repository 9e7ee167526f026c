// Converts values of Parquet columns to values of expressions.

import type { FileMetaData, ParquetParsers, SchemaElement } from 'hyparquet'
import { Decimal } from './decimal.ts'
import { Timestamp } from './timestamp.ts'
import { type Value, valueOfJson } from './value.ts'

/** The representations of dates and texts that hyparquet returns. */
export const parquetParsers: ParquetParsers = {
  timestampFromMilliseconds: (value) => timestampOf(value, 1000n, 3),
  timestampFromMicroseconds: (value) => timestampOf(value, 1_000_000n, 6),
  timestampFromNanoseconds: (value) => timestampOf(value, 1_000_000_000n, 9),
  dateFromDays: (days) =>
    absent(days)
      ? null
      : new Timestamp({ epochMs: days * 86_400_000, offset: undefined, precision: 'day' }),
  stringFromBytes: textOfBytes,
  jsonFromBytes: textOfBytes,
  geometryFromBytes: textOfBytes,
  geographyFromBytes: textOfBytes,
  uuidFromBytes: (bytes) =>
    absent(bytes)
      ? null
      : Buffer.from(bytes)
          .toString('hex')
          .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
}

function absent(value: unknown): boolean {
  return value === null || value === undefined
}

function textOfBytes(bytes: Uint8Array | undefined): string | null {
  if (bytes === undefined || bytes === null) return null
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
}

function timestampOf(value: bigint, perSecond: bigint, fractionDigits: number): Timestamp | null {
  if (value === undefined || value === null) return null
  const units = BigInt(value)
  let seconds = units / perSecond
  let rest = units % perSecond
  if (rest < 0n) {
    seconds -= 1n
    rest += perSecond
  }
  const nano = Number(rest * (1_000_000_000n / perSecond))
  return new Timestamp({
    epochMs: Number(seconds) * 1000,
    nano,
    offset: 0,
    precision: 'second',
    fractionDigits: nano === 0 ? 0 : fractionDigits,
  })
}

/** A top-level decimal column, whose values hyparquet would convert to doubles. */
export interface DecimalColumn {
  readonly scale: number
}

/**
 * Removes the decimal type of the top-level columns, so that hyparquet returns the stored integers.
 * Returns those columns by name.
 */
export function unmarkDecimals(metadata: FileMetaData): ReadonlyMap<string, DecimalColumn> {
  const decimals = new Map<string, DecimalColumn>()
  const [root, ...elements] = metadata.schema
  let skipped = 0
  for (const element of elements) {
    const isTop = skipped === 0
    if (!isTop) skipped--
    skipped += element.num_children ?? 0
    if (!isTop || !isDecimal(element)) continue
    decimals.set(element.name, { scale: element.scale ?? 0 })
    delete element.converted_type
    delete element.logical_type
  }
  return root === undefined ? new Map() : decimals
}

function isDecimal(element: SchemaElement): boolean {
  return (
    element.type !== undefined &&
    (element.converted_type === 'DECIMAL' || element.logical_type?.type === 'DECIMAL')
  )
}

/** A function that converts the values that hyparquet returns for a column. */
export function columnValues(
  element: SchemaElement | undefined,
  decimal: DecimalColumn | undefined,
): (stored: unknown) => Value {
  if (decimal !== undefined) return (stored) => decimalOf(stored, decimal.scale)
  if (element?.type === 'FLOAT' || element?.type === 'DOUBLE') {
    return (stored) => (typeof stored === 'number' ? stored : null)
  }
  return (stored) => valueOfStored(stored) ?? null
}

function valueOfStored(stored: unknown): Value {
  return stored instanceof Uint8Array ? textOfBytes(stored) : valueOfJson(stored)
}

function decimalOf(stored: unknown, scale: number): Value {
  if (typeof stored === 'number' || typeof stored === 'bigint') {
    return new Decimal(BigInt(stored), scale)
  }
  if (!(stored instanceof Uint8Array) || stored.byteLength === 0) return null
  const hex = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength).toString('hex')
  return new Decimal(BigInt.asIntN(stored.byteLength * 8, BigInt(`0x${hex}`)), scale)
}
