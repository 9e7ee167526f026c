// Arithmetic. The result of 64-bit integers is an integer, and that of a float and any number is a float.
// All other results are exact decimals.

import type { ArithmeticOperator } from './ast.ts'
import { QueryError } from './error.ts'
import {
  checkedInt,
  isAbsent,
  type Numeric,
  operandOf,
  toDecimal,
  toFloat,
  type Value,
} from './value.ts'

/** @throws QueryError `IntegerOverflow`, `InvalidDataType`, `IllegalSqlFunctionArgument` for division by 0 */
export function calculate(operator: ArithmeticOperator, left: Value, right: Value): Value {
  if (left === undefined || right === undefined) return undefined
  if (isAbsent(left) || isAbsent(right)) return null
  return calculateNumbers(operator, operandOf(left), operandOf(right))
}

export function calculateNumbers(
  operator: ArithmeticOperator,
  left: Numeric,
  right: Numeric,
): Numeric {
  if (typeof left === 'number' || typeof right === 'number') {
    return calculateFloats(operator, toFloat(left), toFloat(right))
  }
  if (typeof left === 'bigint' && typeof right === 'bigint') {
    return calculateInts(operator, left, right)
  }
  const a = toDecimal(left)
  const b = toDecimal(right)
  switch (operator) {
    case '+':
      return a.add(b)
    case '-':
      return a.subtract(b)
    case '*':
      return a.multiply(b)
    case '/':
      if (b.unscaled === 0n) throw divisionByZero()
      return a.divide(b)
    case '%':
      if (b.unscaled === 0n) throw divisionByZero()
      return a.remainder(b)
  }
}

function calculateInts(operator: ArithmeticOperator, left: bigint, right: bigint): bigint {
  switch (operator) {
    case '+':
      return checkedInt(left + right)
    case '-':
      return checkedInt(left - right)
    case '*':
      return checkedInt(left * right)
    case '/':
      if (right === 0n) throw divisionByZero()
      return checkedInt(left / right)
    case '%':
      if (right === 0n) throw divisionByZero()
      return left % right
  }
}

function calculateFloats(operator: ArithmeticOperator, left: number, right: number): number {
  switch (operator) {
    case '+':
      return left + right
    case '-':
      return left - right
    case '*':
      return left * right
    case '/':
      if (right === 0) throw divisionByZero()
      return left / right
    case '%':
      if (right === 0) throw divisionByZero()
      return left % right
  }
}

function divisionByZero(): QueryError {
  return new QueryError('IllegalSqlFunctionArgument', 'Division by zero.')
}

export function negate(value: Value): Value {
  if (isAbsent(value)) return value
  const number = operandOf(value)
  if (typeof number === 'bigint') return checkedInt(-number)
  return typeof number === 'number' ? -number : number.negated()
}
