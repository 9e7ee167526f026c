// Which parts of the indexes are enough to look at. A access of an expression is a set of index ranges
// in which every item that satisfies it has an entry; where there are several ways, it keeps them all.

import type { Condition, Expression, SelectKey } from './ast.ts'
import { complement, intersect, type Ranges, unite, whole } from './range.ts'
import { compileTest, rangesOf, type TestRanges } from './value-test.ts'

/** Ranges of one index. */
export interface IndexPath {
  readonly key: SelectKey
  readonly ranges: Ranges
  /** For the order: which values an item may stand at; all of the ranges if absent. */
  readonly allows?: ((value: string) => boolean) | undefined
}

/** Ways to find all items that satisfy an expression. */
export type AccessPath =
  | { readonly kind: 'index'; readonly path: IndexPath }
  /** All together hold every item. */
  | { readonly kind: 'union'; readonly parts: readonly AccessPath[] }
  /** Each holds every item. */
  | { readonly kind: 'choice'; readonly choices: readonly AccessPath[] }

/** The access of `expression`; undefined if it may be satisfied by an item that no index tells of. */
export function accessPathOf(expression: Expression): AccessPath | undefined {
  switch (expression.kind) {
    case 'condition':
      return conditionAccess(expression)
    case 'or':
      return orAccess(expression.parts)
    case 'and':
      return andAccess(expression.parts)
    case 'intersection':
      return choiceOf(expression.parts.map(accessPathOf).filter((access) => access !== undefined))
    case 'not':
      return negatedAccess(expression.part)
  }
}

/**
 * The part of `key`'s index that an order by it goes through: each item that satisfies `where` and has
 * the key stands there at one value at least that the conditions on the key allow.
 */
export function orderPath(where: Expression | undefined, key: SelectKey): IndexPath {
  const limits = where && limitsOf(where, key)
  return limits === undefined ? { key, ranges: whole } : { key, ...limits }
}

/**
 * The ranges of `key`'s index whose entries are exactly the items that satisfy `expression`, among
 * the items with no more than one value; undefined if it asks for anything else.
 */
export function exactRanges(expression: Expression, key: SelectKey): Ranges | undefined {
  switch (expression.kind) {
    case 'condition': {
      if (!isAbout(expression, key)) return undefined
      const found = rangesOfCondition(expression)
      return found?.isExact === true ? found.ranges : undefined
    }
    case 'and':
    case 'intersection':
      return combined(expression.parts, key, (all) => all.reduce(intersect))
    case 'or':
      return combined(expression.parts, key, unite)
    case 'not': {
      const denied = key.kind === 'itemName' ? exactRanges(expression.part, key) : undefined
      return denied && complement(denied)
    }
  }
}

/** True if both are the same index. */
export function sameKey(a: SelectKey, b: SelectKey): boolean {
  if (a.kind === 'itemName' || b.kind === 'itemName') return a.kind === b.kind
  return a.name === b.name
}

/** The index that a condition's operand is in. */
export function keyOf({ operand }: Condition): SelectKey {
  return operand.kind === 'itemName' ? operand : { kind: 'attribute', name: operand.name }
}

function isAbout(condition: Condition, key: SelectKey): boolean {
  return sameKey(keyOf(condition), key)
}

/** Undefined where an item without an entry satisfies the condition. */
function rangesOfCondition({ operand, test }: Condition): TestRanges | undefined {
  if (test.kind !== 'null') return rangesOf(test)
  if (test.isNegated) return { ranges: whole, isExact: true }
  return operand.kind === 'itemName' ? { ranges: [], isExact: true } : undefined
}

function conditionAccess(condition: Condition): AccessPath | undefined {
  const found = rangesOfCondition(condition)
  return found && { kind: 'index', path: { key: keyOf(condition), ranges: found.ranges } }
}

function orAccess(parts: readonly Expression[]): AccessPath | undefined {
  const accesses: AccessPath[] = []
  for (const part of parts) {
    const access = accessPathOf(part)
    if (access === undefined) return undefined
    accesses.push(access)
  }
  const paths = mergePaths(accesses, (all) => unite(all))
  return paths.length === 1 ? paths[0] : { kind: 'union', parts: paths }
}

/** Conditions on one attribute hold of one value together, so that its ranges are cut with each other. */
function andAccess(parts: readonly Expression[]): AccessPath | undefined {
  const shared: AccessPath[] = []
  const others: AccessPath[] = []
  for (const part of parts) {
    const access = accessPathOf(part)
    if (access === undefined) continue
    if (hasScopeOfItsOwn(part)) others.push(access)
    else shared.push(access)
  }
  return choiceOf([...mergePaths(shared, (all) => all.reduce(intersect)), ...others])
}

/** The access of the items that don't satisfy `expression`. */
function negatedAccess(expression: Expression): AccessPath | undefined {
  switch (expression.kind) {
    case 'not':
      return accessPathOf(expression.part)
    case 'condition': {
      const { operand, test } = expression
      if (test.kind === 'null') {
        return conditionAccess({ ...expression, test: { ...test, isNegated: !test.isNegated } })
      }
      if (operand.kind !== 'itemName') return undefined
      const { ranges, isExact } = rangesOf(test)
      return { kind: 'index', path: { key: operand, ranges: isExact ? complement(ranges) : whole } }
    }
    case 'or':
      return choiceOf(expression.parts.map(negatedAccess).filter((access) => access !== undefined))
    case 'and':
    case 'intersection':
      return undefined
  }
}

function choiceOf(choices: readonly AccessPath[]): AccessPath | undefined {
  return choices.length > 1 ? { kind: 'choice', choices } : choices[0]
}

/** Makes one of all paths on the same index; what isn't an path stays as it is. */
function mergePaths(
  accesses: readonly AccessPath[],
  merge: (all: readonly Ranges[]) => Ranges,
): AccessPath[] {
  const merged: AccessPath[] = []
  const byKey: { readonly key: SelectKey; readonly all: Ranges[] }[] = []
  for (const access of accesses) {
    if (access.kind !== 'index') {
      merged.push(access)
      continue
    }
    const { key, ranges } = access.path
    const same = byKey.find((other) => sameKey(other.key, key))
    if (same === undefined) byKey.push({ key, all: [ranges] })
    else same.all.push(ranges)
  }
  for (const { key, all } of byKey)
    merged.push({ kind: 'index', path: { key, ranges: merge(all) } })
  return merged
}

/** True if the values that satisfy a part needn't be those that satisfy its neighbours. */
function hasScopeOfItsOwn(part: Expression): boolean {
  switch (part.kind) {
    case 'not':
    case 'intersection':
      return true
    case 'and':
    case 'or':
      return part.parts.some(hasScopeOfItsOwn)
    case 'condition':
      return false
  }
}

/** Which values of a key an item can have stand for it, as far as the conditions on the key say. */
interface Limits {
  readonly ranges: Ranges
  readonly allows: (value: string) => boolean
}

function limitsOf(expression: Expression, key: SelectKey): Limits | undefined {
  switch (expression.kind) {
    case 'condition': {
      const { test } = expression
      if (test.kind === 'null' || !isAbout(expression, key)) return undefined
      return { ranges: rangesOf(test).ranges, allows: compileTest(test) }
    }
    case 'or': {
      const all = expression.parts.map((part) => limitsOf(part, key))
      const known = all.filter((limits) => limits !== undefined)
      if (known.length < all.length) return undefined
      return {
        ranges: unite(known.map(({ ranges }) => ranges)),
        allows: (value) => known.some(({ allows }) => allows(value)),
      }
    }
    case 'and': {
      const shared = expression.parts.filter((part) => !hasScopeOfItsOwn(part))
      const known = shared.map((part) => limitsOf(part, key)).filter((found) => found !== undefined)
      if (known.length === 0) return firstLimits(expression.parts.filter(hasScopeOfItsOwn), key)
      return {
        ranges: known.map(({ ranges }) => ranges).reduce(intersect),
        allows: (value) => known.every(({ allows }) => allows(value)),
      }
    }
    case 'intersection':
      return firstLimits(expression.parts, key)
    case 'not':
      return undefined
  }
}

/** Sides with values of their own can't be cut with each other; the first that says anything is kept. */
function firstLimits(parts: readonly Expression[], key: SelectKey): Limits | undefined {
  for (const part of parts) {
    const found = limitsOf(part, key)
    if (found !== undefined) return found
  }
  return undefined
}

function combined(
  parts: readonly Expression[],
  key: SelectKey,
  combine: (all: readonly Ranges[]) => Ranges,
): Ranges | undefined {
  const all: Ranges[] = []
  for (const part of parts) {
    const ranges = exactRanges(part, key)
    if (ranges === undefined) return undefined
    all.push(ranges)
  }
  return combine(all)
}
