// Validates a well-formed Select expression: SimpleDB's limits, and its rule that the sort
// attribute needs a condition.

import { utf8 } from '../base/bytes.ts'
import { selectLimits } from '../base/limits.ts'
import type { Condition, Expression, Output, Select, Test } from './ast.ts'
import {
  invalidLiteral,
  invalidSort,
  nameTooLong,
  tooManyOutputs,
  tooManyPredicates,
  tooManyValueTests,
} from './error.ts'
import { splitPattern } from './like.ts'

/**
 * @throws StoreError, in this order: `TooManyRequestedAttributes`, `TextTooLong` for a name
 *   that is too long, `InvalidLiteral`, `InvalidNumberPredicates`, `InvalidNumberValueTests`, `InvalidSortExpression`.
 */
export function validateSelect({ output, where, order }: Select): void {
  validateOutput(output)
  const conditions = where === undefined ? [] : [...conditionsOf(where)]
  validateConditions(conditions)
  if (order !== undefined && order.key.kind !== 'itemName')
    validateOrder(order.key.name, conditions)
}

/** All conditions of an expression, in source order. */
export function* conditionsOf(expression: Expression): Generator<Condition> {
  switch (expression.kind) {
    case 'condition':
      yield expression
      return
    case 'not':
      yield* conditionsOf(expression.part)
      return
    case 'and':
    case 'or':
    case 'intersection':
      for (const part of expression.parts) yield* conditionsOf(part)
  }
}

function validateOutput(output: Output): void {
  if (output.kind !== 'attributes') return
  if (output.names.length > selectLimits.outputs) throw tooManyOutputs()
  for (const name of output.names) validateName(name)
}

function validateConditions(conditions: readonly Condition[]): void {
  const names = new Set<string>()
  let comparisons = 0
  let nullTests = 0
  for (const { operand, test } of conditions) {
    if (operand.kind !== 'itemName') names.add(operand.name)
    if (test.kind === 'null') nullTests++
    comparisons += comparisonsOf(test)
    checkLiterals(test)
  }
  for (const name of names) validateName(name)
  if (names.size > selectLimits.predicates) throw tooManyPredicates()
  if (comparisons > selectLimits.comparisons) throw tooManyValueTests()
  if (nullTests > selectLimits.nullTests) throw tooManyValueTests()
}

function comparisonsOf(test: Test): number {
  if (test.kind === 'null') return 0
  return test.kind === 'in' ? test.values.length : 1
}

/** A pattern may be longer than what it matches, by its wildcards and escapes. */
function checkLiterals(test: Test): void {
  for (const literal of literalsOf(test)) {
    if (utf8(literal).byteLength > selectLimits.valueBytes) throw invalidLiteral()
  }
}

function literalsOf(test: Test): readonly string[] {
  switch (test.kind) {
    case 'null':
      return []
    case 'compare':
      return [test.value]
    case 'like':
      return [splitPattern(test.pattern).join('')]
    case 'between':
      return [test.low, test.high]
    case 'in':
      return test.values
  }
}

function validateOrder(name: string, conditions: readonly Condition[]): void {
  validateName(name)
  const allowed = conditions.some(({ operand, test }) => {
    if (operand.kind === 'itemName' || operand.name !== name) return false
    return test.kind !== 'null' || test.isNegated
  })
  if (!allowed) throw invalidSort()
}

function validateName(name: string): void {
  if (utf8(name).byteLength > selectLimits.valueBytes) throw nameTooLong(name)
}
