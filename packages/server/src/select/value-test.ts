// Compiles the test of a condition to a function of one value, and to the index ranges that hold
// all passing values.

import { compareUtf8, utf8 } from '../base/bytes.ts'
import type { Comparison, NegatableTest, ValueTest } from './ast.ts'
import { matchesPattern, splitPattern } from './like.ts'
import {
  complement,
  points,
  prefixRange,
  type Ranges,
  rangeBetween,
  rangeFrom,
  whole,
} from './value-range.ts'

/** The predicate of `test`. */
export function compileTest(test: ValueTest): (value: string) => boolean {
  if (test.kind === 'compare') return compileComparison(test.comparison, test.value)
  const passes = compileAffirmed(test)
  return test.isNegated ? (value) => !passes(value) : passes
}

/** Ranges that include all values that pass a test. */
export interface TestRanges {
  readonly ranges: Ranges
  /** True if every value in the ranges passes. */
  readonly isExact: boolean
}

/** The index ranges that include all values that pass `test`. */
export function rangesOf(test: ValueTest): TestRanges {
  if (test.kind === 'compare') {
    return { ranges: rangesOfComparison(test.comparison, test.value), isExact: true }
  }
  const affirmed = rangesOfAffirmed(test)
  if (!test.isNegated) return affirmed
  return affirmed.isExact
    ? { ranges: complement(affirmed.ranges), isExact: true }
    : { ranges: whole, isExact: false }
}

function compileAffirmed(test: NegatableTest): (value: string) => boolean {
  switch (test.kind) {
    case 'like': {
      const parts = splitPattern(test.pattern)
      return (value) => matchesPattern(value, parts)
    }
    case 'between': {
      const isLowEnough = compileComparison('<=', test.high)
      const isHighEnough = compileComparison('>=', test.low)
      return (value) => isHighEnough(value) && isLowEnough(value)
    }
    case 'in': {
      const values = new Set(test.values)
      return (value) => values.has(value)
    }
  }
}

function compileComparison(comparison: Comparison, constant: string): (value: string) => boolean {
  const isNative = isNativelyOrdered(constant)
  switch (comparison) {
    case '=':
      return (value) => value === constant
    case '!=':
      return (value) => value !== constant
    case '<':
      return isNative ? (value) => value < constant : (value) => compareUtf8(value, constant) < 0
    case '<=':
      return isNative ? (value) => value <= constant : (value) => compareUtf8(value, constant) <= 0
    case '>':
      return isNative ? (value) => value > constant : (value) => compareUtf8(value, constant) > 0
    case '>=':
      return isNative ? (value) => value >= constant : (value) => compareUtf8(value, constant) >= 0
  }
}

/** UTF-16 order equals byte order unless surrogates are compared with code units above them. */
function isNativelyOrdered(constant: string): boolean {
  return !/[\ud800-\uffff]/.test(constant)
}

function rangesOfComparison(comparison: Comparison, constant: string): Ranges {
  const value = utf8(constant)
  switch (comparison) {
    case '=':
      return points([value])
    case '!=':
      return complement(points([value]))
    case '<':
      return complement(rangeFrom(value, 'including'))
    case '<=':
      return complement(rangeFrom(value, 'beyond'))
    case '>':
      return rangeFrom(value, 'beyond')
    case '>=':
      return rangeFrom(value, 'including')
  }
}

function rangesOfAffirmed(test: NegatableTest): TestRanges {
  switch (test.kind) {
    case 'between':
      return { ranges: rangeBetween(utf8(test.low), utf8(test.high)), isExact: true }
    case 'in':
      return { ranges: points(test.values.map(utf8)), isExact: true }
    case 'like':
      return rangesOfPattern(splitPattern(test.pattern))
  }
}

function rangesOfPattern(parts: readonly string[]): TestRanges {
  const first = utf8(parts[0] ?? '')
  if (parts.length === 1) return { ranges: points([first]), isExact: true }
  const isExact = parts.slice(1).every((part) => part === '')
  return { ranges: prefixRange(first), isExact }
}
