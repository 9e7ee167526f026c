// Traversals of a whole expression.

import type { Expression } from './ast.ts'

/** The direct subexpressions. */
export function childrenOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'literal':
    case 'path':
      return []
    case 'and':
    case 'or':
      return expression.operands
    case 'call':
      return expression.arguments
    case 'in':
      return [expression.operand, ...expression.choices]
    case 'between':
      return [expression.operand, expression.low, expression.high]
    case 'like':
      return present(expression.operand, expression.pattern, expression.mark)
    case 'trim':
      return present(expression.operand, expression.characters)
    case 'aggregate':
      return present(expression.argument)
    case 'case': {
      const branches = expression.branches.flatMap(({ when, result }) => [when, result])
      return present(expression.subject, ...branches, expression.otherwise)
    }
    case 'arithmetic':
    case 'concatenate':
    case 'compare':
    case 'dateAdd':
    case 'dateDiff':
      return [expression.left, expression.right]
    case 'negate':
    case 'not':
    case 'is':
    case 'cast':
    case 'extract':
      return [expression.operand]
  }
}

function present(...expressions: readonly (Expression | undefined)[]): Expression[] {
  return expressions.filter((expression) => expression !== undefined)
}

export function containsAggregate(expression: Expression): boolean {
  return expression.kind === 'aggregate' || childrenOf(expression).some(containsAggregate)
}

/** True if a column is used outside of aggregates. */
export function hasLoosePath(expression: Expression): boolean {
  if (expression.kind === 'path') return true
  return expression.kind !== 'aggregate' && childrenOf(expression).some(hasLoosePath)
}
