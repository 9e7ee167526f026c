// Compiles expressions to functions without arguments. The columns over which an expression is compiled know
// the current row.

import { contentSelectLimits } from '../base/limits.ts'
import type { Aggregate } from './aggregate.ts'
import { calculate, negate } from './arithmetic.ts'
import type { AggregateExpression, ComparisonOperator, Expression, PathStep } from './ast.ts'
import { cast } from './cast.ts'
import { QueryError } from './error.ts'
import {
  extract,
  integerArgument,
  plainFunction,
  textArgument,
  timestampArgument,
  trim,
} from './function.ts'
import { likeTest } from './like.ts'
import { Timestamp } from './timestamp.ts'
import { areEqual, compareValues, isAbsent, textOf, type Value } from './value.ts'

export type Evaluate = () => Value

/** The environment in which expressions are compiled. */
export interface Scope {
  /** A function that reads a path in the current row. @throws QueryError `MissingHeaders` */
  column(steps: readonly PathStep[]): Evaluate
  /** The state of an aggregate function. */
  aggregate(expression: AggregateExpression): Aggregate
  /** A faster function than `evaluate` for the expression, if the format has one. */
  quick?(expression: Expression, evaluate: Evaluate): Evaluate | undefined
  /** The start of the query, in milliseconds since the Unix epoch. */
  readonly now: number
}

/** @throws QueryError for an expression that fails on every row */
export function compile(expression: Expression, scope: Scope): Evaluate {
  const of = (inner: Expression): Evaluate => compile(inner, scope)
  switch (expression.kind) {
    case 'literal': {
      const { value } = expression
      return () => value
    }
    case 'path':
      return scope.column(expression.steps)
    case 'negate': {
      const operand = of(expression.operand)
      return () => negate(operand())
    }
    case 'arithmetic': {
      const { operator } = expression
      const left = of(expression.left)
      const right = of(expression.right)
      return () => calculate(operator, left(), right())
    }
    case 'concatenate':
      return concatenation(of(expression.left), of(expression.right))
    case 'compare': {
      const evaluate = comparison(expression.operator, of(expression.left), of(expression.right))
      return scope.quick?.(expression, evaluate) ?? evaluate
    }
    case 'and':
      return connective(expression.operands.map(of), false)
    case 'or':
      return connective(expression.operands.map(of), true)
    case 'not': {
      const operand = of(expression.operand)
      return () => notOf(operand())
    }
    case 'is': {
      const operand = of(expression.operand)
      // `IS NULL` is true for MISSING, but `IS MISSING` is false for NULL.
      return expression.what === 'null' ? () => isAbsent(operand()) : () => operand() === undefined
    }
    case 'between':
      return between(of(expression.operand), of(expression.low), of(expression.high))
    case 'in':
      return membership(of(expression.operand), expression.choices, of)
    case 'like':
      return like(expression, of)
    case 'case':
      return caseOf(expression, of)
    case 'cast': {
      const { type } = expression
      const operand = of(expression.operand)
      return () => cast(operand(), type)
    }
    case 'call':
      return call(expression, scope, of)
    case 'extract': {
      const { part } = expression
      const operand = of(expression.operand)
      return () => extract(operand(), part)
    }
    case 'dateAdd':
    case 'dateDiff':
      return dateFunction(expression, of)
    case 'trim':
      return trimOf(expression, of)
    case 'aggregate': {
      const state = scope.aggregate(expression)
      return () => state.result()
    }
  }
}

type Of = (expression: Expression) => Evaluate
type OfKind<Kind extends Expression['kind']> = Extract<Expression, { kind: Kind }>

function comparison(operator: ComparisonOperator, left: Evaluate, right: Evaluate): Evaluate {
  if (operator === '=' || operator === '<>') {
    const wanted = operator === '='
    return () => {
      const a = left()
      const b = right()
      if (isAbsent(a) || isAbsent(b)) return absentOf(a, b)
      return areEqual(a, b) === wanted
    }
  }
  const holds = orderTest(operator)
  return () => {
    const a = left()
    const b = right()
    if (isAbsent(a) || isAbsent(b)) return absentOf(a, b)
    const order = compareValues(a, b)
    return order === undefined ? undefined : holds(order)
  }
}

function absentOf(left: Value, right: Value): null | undefined {
  return left === undefined || right === undefined ? undefined : null
}

function orderTest(operator: ComparisonOperator): (order: number) => boolean {
  switch (operator) {
    case '<':
      return (order) => order < 0
    case '<=':
      return (order) => order <= 0
    case '>':
      return (order) => order > 0
    case '>=':
      return (order) => order >= 0
    case '=':
      return (order) => order === 0
    case '<>':
      return (order) => order !== 0
  }
}

/** AND and OR. An operand equal to `decisive` decides the result. Otherwise, an unknown operand makes it unknown. */
function connective(operands: readonly Evaluate[], decisive: boolean): Evaluate {
  return () => {
    let isKnown = true
    for (const operand of operands) {
      const value = truthOf(operand())
      if (value === decisive) return decisive
      if (value === null) isKnown = false
    }
    return isKnown ? !decisive : null
  }
}

/** @throws QueryError `InvalidDataType` for a value that isn't a condition */
function truthOf(value: Value): boolean | null {
  if (typeof value === 'boolean') return value
  if (isAbsent(value)) return null
  if (value === 'true' || value === 'false') return value === 'true'
  throw new QueryError('InvalidDataType', 'A condition is neither true nor false.')
}

/** True if a condition is true, false if it is false or unknown. @throws QueryError `InvalidDataType` */
export function isTrue(value: Value): boolean {
  return truthOf(value) === true
}

function notOf(value: Value): Value {
  const truth = truthOf(value)
  return truth === null ? value : !truth
}

function between(operand: Evaluate, low: Evaluate, high: Evaluate): Evaluate {
  const from = comparison('>=', operand, low)
  const to = comparison('<=', operand, high)
  return connective([from, to], false)
}

function membership(operand: Evaluate, choices: readonly Expression[], of: Of): Evaluate {
  const texts = new Set<string>()
  for (const choice of choices) {
    if (choice.kind === 'literal' && typeof choice.value === 'string') texts.add(choice.value)
  }
  const isAllTexts = choices.every(
    (choice) => choice.kind === 'literal' && typeof choice.value === 'string',
  )
  const values = choices.map(of)
  return () => {
    const value = operand()
    if (isAbsent(value)) return value
    if (isAllTexts && typeof value === 'string') return texts.has(value)
    let isKnown = true
    for (const choice of values) {
      const other = choice()
      if (isAbsent(other)) isKnown = false
      else if (areEqual(value, other)) return true
    }
    return isKnown ? false : null
  }
}

function like({ operand, pattern, mark }: OfKind<'like'>, of: Of): Evaluate {
  const text = of(operand)
  const patternOf = of(pattern)
  const markOf = mark === undefined ? undefined : of(mark)
  let latest:
    | { pattern: string; mark: string | undefined; test: (text: string) => boolean }
    | undefined
  return () => {
    const value = text()
    const wanted = patternOf()
    const markValue = markOf?.()
    if (isAbsent(value) || isAbsent(wanted)) return absentOf(value, wanted)
    if (markOf !== undefined && isAbsent(markValue)) return null
    const isValid = typeof value === 'string' && typeof wanted === 'string'
    if (!isValid || (markValue !== undefined && typeof markValue !== 'string')) {
      throw new QueryError('LikeInvalidInputs')
    }
    const markText = typeof markValue === 'string' ? markValue : undefined
    if (latest?.pattern !== wanted || latest.mark !== markText) {
      latest = { pattern: wanted, mark: markText, test: likeTest(wanted, markText) }
    }
    return latest.test(value)
  }
}

function caseOf({ subject, branches, otherwise }: OfKind<'case'>, of: Of): Evaluate {
  const value = subject === undefined ? undefined : of(subject)
  const compiled = branches.map(({ when, result }) => {
    const test = value === undefined ? of(when) : comparison('=', value, of(when))
    return { test, result: of(result) }
  })
  const last = otherwise === undefined ? () => null : of(otherwise)
  return () => {
    for (const { test, result } of compiled) if (isTrue(test())) return result()
    return last()
  }
}

function concatenation(left: Evaluate, right: Evaluate): Evaluate {
  return () => {
    const a = left()
    const b = right()
    if (isAbsent(a) || isAbsent(b)) return absentOf(a, b)
    const text = textOf(a) + textOf(b)
    if (text.length > contentSelectLimits.recordBytes) throw new QueryError('OverMaxRecordSize')
    return text
  }
}

function call({ name, arguments: list }: OfKind<'call'>, scope: Scope, of: Of): Evaluate {
  const values = list.map(of)
  switch (name) {
    case 'COALESCE':
      return () => {
        for (const value of values) {
          const found = value()
          if (!isAbsent(found)) return found
        }
        return null
      }
    case 'NULLIF': {
      const [first, second] = values
      return () => {
        const value = first?.()
        const other = second?.()
        if (isAbsent(value) || isAbsent(other)) return value
        return areEqual(value, other) ? null : value
      }
    }
    case 'UTCNOW': {
      const now = Timestamp.fromMs(scope.now)
      return () => now
    }
    default:
      return plainFunction(name, values)
  }
}

function dateFunction(
  { kind, part, left, right }: OfKind<'dateAdd' | 'dateDiff'>,
  of: Of,
): Evaluate {
  const first = of(left)
  const second = of(right)
  return () => {
    const a = first()
    const b = second()
    if (isAbsent(a) || isAbsent(b)) return absentOf(a, b)
    if (kind === 'dateDiff') {
      const from = timestampArgument(a, 'DATE_DIFF')
      return BigInt(from.until(timestampArgument(b, 'DATE_DIFF'), part))
    }
    const quantity = integerArgument(a, 'DATE_ADD')
    const moved = timestampArgument(b, 'DATE_ADD').plus(part, quantity)
    if (moved === undefined) {
      throw new QueryError('IllegalSqlFunctionArgument', 'DATE_ADD leaves the years 1 to 9999.')
    }
    return moved
  }
}

function trimOf({ side, characters, operand }: OfKind<'trim'>, of: Of): Evaluate {
  const text = of(operand)
  const removed = characters === undefined ? undefined : of(characters)
  return () => {
    const value = text()
    const set = removed?.()
    if (isAbsent(value)) return value
    if (removed !== undefined && isAbsent(set)) return set
    const chosen = removed === undefined ? undefined : textArgument(set ?? null, 'TRIM')
    return trim(textArgument(value, 'TRIM'), chosen, side)
  }
}
