// Compares the bytes of a CSV column with a literal. A selective query thus rejects most rows without
// decoding a text or a number. Undecided rows take the usual evaluation.

import type { ComparisonOperator, Expression, PathStep } from './ast.ts'
import type { Evaluate } from './compile.ts'
import type { CsvReader } from './csv-reader.ts'
import { Decimal } from './decimal.ts'
import type { Value } from './value.ts'

type IndexOf = (steps: readonly PathStep[]) => number

/** The number of decimal digits that every double preserves. */
const safeDigits = 15
const powers = Array.from({ length: safeDigits + 1 }, (_, exponent) => 10 ** exponent)

/** A fast path for `expression`, which falls back to `evaluate`. Undefined if there is none. */
export function quickComparison(
  expression: Expression,
  evaluate: Evaluate,
  reader: CsvReader,
  indexOf: IndexOf,
): Evaluate | undefined {
  if (expression.kind !== 'compare') return undefined
  const { operator, left, right } = expression
  if (right.kind === 'literal') {
    return quick({ operator, operand: left, value: right.value }, evaluate, reader, indexOf)
  }
  if (left.kind !== 'literal') return undefined
  const mirrored = { operator: mirror[operator], operand: right, value: left.value }
  return quick(mirrored, evaluate, reader, indexOf)
}

const mirror: Readonly<Record<ComparisonOperator, ComparisonOperator>> = {
  '=': '=',
  '<>': '<>',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
}

interface Comparison {
  readonly operator: ComparisonOperator
  readonly operand: Expression
  readonly value: Value
}

function quick(
  { operator, operand, value }: Comparison,
  evaluate: Evaluate,
  reader: CsvReader,
  indexOf: IndexOf,
): Evaluate | undefined {
  if (operand.kind === 'path' && typeof value === 'string') {
    if (operator !== '=' && operator !== '<>') return undefined
    const wanted = Buffer.from(value)
    return textEquality(indexOf(operand.steps), wanted, operator === '=', reader, evaluate)
  }
  const number = safeNumber(value)
  if (number === undefined) return undefined
  const isCast = operand.kind === 'cast'
  const path = isCast ? operand.operand : operand
  if (path.kind !== 'path') return undefined
  if (isCast && !isPlainCast(operand.type)) return undefined
  const allowsFraction = !isCast || operand.type.name !== 'int'
  const of = { index: indexOf(path.steps), reader, allowsFraction }
  return numberComparison(operator, number, of, evaluate)
}

function isPlainCast(type: Extract<Expression, { kind: 'cast' }>['type']): boolean {
  if (type.name === 'decimal') return type.precision === undefined
  return type.name === 'int' || type.name === 'float'
}

/** The literal as a double, if the double preserves all its digits; else undefined. */
export function safeNumber(value: Value): number | undefined {
  if (typeof value === 'bigint') {
    return value < 10n ** 15n && value > -(10n ** 15n) ? Number(value) : undefined
  }
  if (value instanceof Decimal) {
    return value.precision <= safeDigits && value.scale <= safeDigits ? value.toNumber() : undefined
  }
  return undefined
}

function textEquality(
  index: number,
  wanted: Buffer,
  isEqual: boolean,
  reader: CsvReader,
  evaluate: Evaluate,
): Evaluate {
  const length = wanted.length
  return () => {
    if (!reader.has(index) || !reader.isVerbatim(index)) return evaluate()
    const start = reader.startOf(index)
    if (reader.endOf(index) - start !== length) return !isEqual
    const { buffer } = reader
    for (let at = 0; at < length; at++) if (buffer[start + at] !== wanted[at]) return !isEqual
    return isEqual
  }
}

function numberComparison(
  operator: ComparisonOperator,
  wanted: number,
  of: { readonly index: number; readonly reader: CsvReader; readonly allowsFraction: boolean },
  evaluate: Evaluate,
): Evaluate {
  const { index, reader, allowsFraction } = of
  const holds = numberTest(operator, wanted)
  return () => {
    if (!reader.has(index)) return evaluate()
    const { buffer } = reader
    const end = reader.endOf(index)
    let at = reader.startOf(index)
    const isNegative = buffer[at] === 0x2d
    if (isNegative) at++
    const first = at
    let number = 0
    let point = -1
    for (; at < end; at++) {
      const byte = buffer[at] ?? 0
      if (byte >= 0x30 && byte <= 0x39) number = number * 10 + byte - 0x30
      else if (byte === 0x2e && point === -1 && allowsFraction) point = at
      else return evaluate()
    }
    const digits = at - first - (point === -1 ? 0 : 1)
    if (digits === 0 || digits > safeDigits) return evaluate()
    if (point !== -1) number /= powers[at - point - 1] ?? Number.NaN
    return holds(isNegative ? -number : number)
  }
}

/** A function that compares numbers with one number; none is NaN. */
export function numberTest(
  operator: ComparisonOperator,
  wanted: number,
): (value: number | bigint) => boolean {
  switch (operator) {
    case '=':
      return (value) => !(value < wanted || value > wanted)
    case '<>':
      return (value) => value < wanted || value > wanted
    case '<':
      return (value) => value < wanted
    case '<=':
      return (value) => value <= wanted
    case '>':
      return (value) => value > wanted
    case '>=':
      return (value) => value >= wanted
  }
}
