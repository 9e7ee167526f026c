// Sets of values as byte ranges: sorted, disjoint, non-empty, and not adjacent.

import { afterPrefix, type Bytes, compareBytes } from '../base/bytes.ts'
import { selectLimits } from '../base/limits.ts'
import type { ValueRange } from './source.ts'

/** A set of values. */
export type Ranges = readonly ValueRange[]

/** Every value. */
export const whole: Ranges = [{ start: Buffer.alloc(0) }]

/** Exactly these values. */
export function points(values: readonly Bytes[]): Ranges {
  return normalized(values.map((value) => ({ start: value, end: successor(value) })))
}

/** The values from `value` on, inclusive or exclusive. */
export function rangeFrom(value: Bytes, edge: 'including' | 'beyond'): Ranges {
  return normalized([{ start: edge === 'including' ? value : successor(value) }])
}

/** The values that begin with `prefix`. */
export function prefixRange(prefix: Bytes): Ranges {
  return normalized([{ start: prefix, end: afterPrefix(prefix) }])
}

/** The values from `low` to `high`, inclusive; empty if `low` is greater. */
export function rangeBetween(low: Bytes, high: Bytes): Ranges {
  return normalized([{ start: low, end: successor(high) }])
}

/** Set union. */
export function unite(sets: readonly Ranges[]): Ranges {
  return normalized(sets.flat())
}

/** Set intersection. */
export function intersect(a: Ranges, b: Ranges): Ranges {
  return complement(unite([complement(a), complement(b)]))
}

/** Set complement. */
export function complement(ranges: Ranges): Ranges {
  const gaps: ValueRange[] = []
  let start: Bytes | undefined = Buffer.alloc(0)
  for (const range of ranges) {
    if (start !== undefined) gaps.push({ start, end: range.start })
    start = range.end
  }
  if (start !== undefined) gaps.push({ start })
  return normalized(gaps)
}

/** True if `value` is in `ranges`. */
export function contains(ranges: Ranges, value: Bytes): boolean {
  return ranges.some((range) => isIn(range, value))
}

/** True if `value` is in `range`. */
export function isIn({ start, end }: ValueRange, value: Bytes): boolean {
  if (compareBytes(value, start) < 0) return false
  return end === undefined || compareBytes(value, end) < 0
}

/** True if `range` holds exactly one value. */
export function isPoint({ start, end }: ValueRange): boolean {
  return end !== undefined && compareBytes(successor(start), end) === 0
}

/** True if both sets hold the same values. */
export function sameRanges(a: Ranges, b: Ranges): boolean {
  return (
    a.length === b.length &&
    a.every((range, index) => {
      const other = b[index]
      if (other === undefined || compareBytes(range.start, other.start) !== 0) return false
      return compareEnds(range.end, other.end) === 0
    })
  )
}

/** The least byte string greater than `value`. */
function successor(value: Bytes): Buffer {
  return Buffer.concat([value, zero])
}

const zero = Buffer.alloc(1)

function normalized(ranges: readonly ValueRange[]): Ranges {
  const sorted = ranges
    .map(({ start, end }) => ({ start: bounded(start), end: end && bounded(end) }))
    .filter(({ start, end }) => end === undefined || compareBytes(start, end) < 0)
    .sort((a, b) => compareBytes(a.start, b.start))
  const merged: { start: Bytes; end: Bytes | undefined }[] = []
  for (const range of sorted) {
    const last = merged.at(-1)
    if (last === undefined || compareEnds(last.end, range.start) < 0) merged.push(range)
    else if (compareEnds(range.end, last.end) > 0) last.end = range.end
  }
  return merged
}

/** Values have at most 1,024 bytes, so a longer bound can be truncated without changing the set. */
function bounded(bound: Bytes): Bytes {
  const { valueBytes } = selectLimits
  if (bound.byteLength <= valueBytes + 1) return bound
  return successor(bound.subarray(0, valueBytes))
}

function compareEnds(a: Bytes | undefined, b: Bytes | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined)
  return compareBytes(a, b)
}
