// Evaluates a `where` clause on an item. Conditions joined by `and` and `or` hold if one value of
// each attribute can be chosen so that they hold together. Each side of `intersection`, and the
// operand of `not`, is a scope with choices of its own.

import type { Condition, Expression, ValueTest } from './ast.ts'
import type { SelectItem } from './source.ts'
import { compileTest } from './value-test.ts'

/** The parts of an item that conditions can test. */
export type Candidate = Pick<SelectItem, 'name' | 'attributes'>

/** A compiled expression. */
export type Matcher = (item: Candidate) => boolean

/** Compiles `expression`. In the worst case it costs about 30,000 trials per item. */
export function compileExpression(expression: Expression): Matcher {
  switch (expression.kind) {
    case 'intersection': {
      const sides = expression.parts.map(compileExpression)
      return (item) => sides.every((matches) => matches(item))
    }
    case 'not': {
      const matches = compileExpression(expression.part)
      return (item) => !matches(item)
    }
    case 'and':
    case 'or':
    case 'condition':
      return compileScope(expression)
  }
}

/** The input of a scope's formula. */
interface State {
  readonly item: Candidate
  /** One bit per test of a chosen value: set if it passes. */
  readonly passed: number
  /** Cached results of the parts that don't depend on the choice. */
  readonly known: (boolean | undefined)[]
}

type Formula = (state: State) => boolean

/** The tests of one attribute's value within a scope, if there are several. */
interface ChoiceGroup {
  readonly name: string
  readonly tests: { readonly bit: number; readonly passes: (value: string) => boolean }[]
}

const noValues: readonly string[] = []

function compileScope(expression: Expression): Matcher {
  const scope = new Scope(expression)
  const formula = scope.compile(expression)
  const groups = scope.groups()
  return (item) => {
    let passed = 0
    const open: (readonly number[])[] = []
    for (const group of groups) {
      const vectors = bestVectors(group, item.attributes.get(group.name) ?? noValues)
      if (vectors.length > 1) open.push(vectors)
      else passed |= vectors[0] ?? 0
    }
    return anyChoice(formula, { item, passed, known: [] }, open)
  }
}

/** Tries the remaining choices. Attributes have separate bits, so their choices are independent. */
function anyChoice(formula: Formula, state: State, open: readonly (readonly number[])[]): boolean {
  const [vectors, ...rest] = open
  if (vectors === undefined) return formula(state)
  return vectors.some((vector) => {
    const { item, passed, known } = state
    return anyChoice(formula, { item, passed: passed | vector, known }, rest)
  })
}

/**
 * The tests passed by each value, without those dominated by another value. Formulas of `and` and
 * `or` are monotonic: passing more tests never makes them false.
 */
function bestVectors({ tests }: ChoiceGroup, values: readonly string[]): readonly number[] {
  const best: number[] = []
  for (const value of values) {
    let vector = 0
    for (const { bit, passes } of tests) if (passes(value)) vector |= bit
    if (best.some((other) => (other & vector) === vector)) continue
    const kept = best.filter((other) => (other & vector) !== other)
    best.splice(0, best.length, ...kept, vector)
  }
  return best
}

/** Compiles a scope: conditions joined by `and` and `or`, with nested scopes below. */
class Scope {
  readonly #groups = new Map<string, ChoiceGroup>()
  readonly #uses = new Map<string, number>()
  #bits = 0
  #fixed = 0

  constructor(expression: Expression) {
    this.#countUses(expression)
  }

  groups(): readonly ChoiceGroup[] {
    return [...this.#groups.values()]
  }

  compile(expression: Expression): Formula {
    switch (expression.kind) {
      case 'and': {
        const parts = expression.parts.map((part) => this.compile(part))
        return (state) => parts.every((holds) => holds(state))
      }
      case 'or': {
        const parts = expression.parts.map((part) => this.compile(part))
        return (state) => parts.some((holds) => holds(state))
      }
      case 'intersection':
      case 'not':
        return this.#fix(compileExpression(expression))
      case 'condition':
        return this.#compileCondition(expression)
    }
  }

  #countUses(expression: Expression): void {
    if (expression.kind === 'and' || expression.kind === 'or') {
      for (const part of expression.parts) this.#countUses(part)
    } else if (expression.kind === 'condition' && dependsOnChoice(expression)) {
      const { name } = expression.operand
      this.#uses.set(name, (this.#uses.get(name) ?? 0) + 1)
    }
  }

  #compileCondition(condition: Condition): Formula {
    if (!dependsOnChoice(condition)) return this.#fix(compileFixed(condition))
    const { name } = condition.operand
    const passes = compileTest(condition.test)
    if (this.#uses.get(name) === 1) {
      return this.#fix(({ attributes }) => attributes.get(name)?.some(passes) ?? false)
    }
    const bit = 1 << this.#bits++
    const group = this.#groups.get(name)
    if (group === undefined) this.#groups.set(name, { name, tests: [{ bit, passes }] })
    else group.tests.push({ bit, passes })
    return ({ passed }) => (passed & bit) !== 0
  }

  /** Evaluates a part once that is the same for every choice. */
  #fix(matches: Matcher): Formula {
    const index = this.#fixed++
    return ({ item, known }) => {
      known[index] ??= matches(item)
      return known[index]
    }
  }
}

type ChoiceCondition = Condition & {
  readonly operand: { readonly kind: 'attribute' }
  readonly test: ValueTest
}

function dependsOnChoice(condition: Condition): condition is ChoiceCondition {
  return condition.operand.kind === 'attribute' && condition.test.kind !== 'null'
}

/** A condition on the item as a whole, independent of the choice of a value. */
function compileFixed({ operand, test }: Condition): Matcher {
  if (operand.kind === 'itemName') {
    if (test.kind === 'null') return () => test.isNegated
    const passes = compileTest(test)
    return ({ name }) => passes(name)
  }
  const { name } = operand
  if (test.kind === 'null') return ({ attributes }) => attributes.has(name) === test.isNegated
  const passes = compileTest(test)
  return ({ attributes }) => attributes.get(name)?.every(passes) ?? false
}
