// Prints expressions in a canonical form, for binding tokens to queries, for explanations, and for
// tests.

import type { Condition, Expression, Operand, Output, Select, SortOrder, Test } from './ast.ts'
import { reservedWords } from './parse.ts'

/** Prints an expression that {@link parseSelect} parses to `select` again. */
export function printSelect(select: Select): string {
  const { output, domain, where, order, limit } = select
  const parts = [`select ${printOutput(output)} from ${printName(domain)}`]
  if (where !== undefined) parts.push(`where ${printExpression(where)}`)
  if (order !== undefined) parts.push(printOrder(order))
  if (limit !== undefined) parts.push(`limit ${limit}`)
  return parts.join(' ')
}

/** Prints an expression with the fewest parentheses. */
export function printExpression(expression: Expression): string {
  switch (expression.kind) {
    case 'condition':
      return printCondition(expression)
    case 'not':
      return `not ${printPart(expression.part, tightness.not)}`
    case 'and':
    case 'or':
    case 'intersection': {
      const { kind, parts } = expression
      return parts.map((part) => printPart(part, tightness[kind] + 1)).join(` ${kind} `)
    }
  }
}

/** `order by …`. */
export function printOrder({ key, isDescending }: SortOrder): string {
  return `order by ${printOperand(key)} ${isDescending ? 'desc' : 'asc'}`
}

/** A name, in backticks if it needs them. */
function printName(name: string): string {
  const isPlain = /^[A-Za-z_$][A-Za-z0-9_$]*$/.test(name) && !reservedWords.has(name.toLowerCase())
  return isPlain ? name : `\`${name.replaceAll('`', '``')}\``
}

export function printOperand(operand: Operand): string {
  switch (operand.kind) {
    case 'itemName':
      return 'itemName()'
    case 'attribute':
      return printName(operand.name)
    case 'every':
      return `every(${printName(operand.name)})`
  }
}

/** A value in quotes. */
export function printLiteral(value: string): string {
  return `'${value.replaceAll("'", "''")}'`
}

const tightness = { intersection: 0, or: 1, and: 2, not: 3, condition: 4 } as const

function printPart(part: Expression, least: number): string {
  const text = printExpression(part)
  return tightness[part.kind] < least ? `(${text})` : text
}

function printOutput(output: Output): string {
  switch (output.kind) {
    case 'all':
      return '*'
    case 'itemName':
      return 'itemName()'
    case 'count':
      return 'count(*)'
    case 'attributes':
      return output.names.map(printName).join(', ')
  }
}

function printCondition({ operand, test }: Condition): string {
  return `${printOperand(operand)} ${printTest(test)}`
}

function printTest(test: Test): string {
  const not = test.kind !== 'compare' && test.isNegated ? 'not ' : ''
  switch (test.kind) {
    case 'compare':
      return `${test.comparison} ${printLiteral(test.value)}`
    case 'like':
      return `${not}like ${printLiteral(test.pattern)}`
    case 'between':
      return `${not}between ${printLiteral(test.low)} and ${printLiteral(test.high)}`
    case 'in':
      return `${not}in (${test.values.map(printLiteral).join(', ')})`
    case 'null':
      return `is ${not}null`
  }
}
