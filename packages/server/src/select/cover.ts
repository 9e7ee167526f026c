// Which parts of the indexes are enough to look at. A cover of an expression is a set of index ranges
// in which every item that satisfies it has an entry; where there are several ways, it keeps them all.

import type { Condition, Expression, SelectKey } from './ast.ts'
import { complement, intersect, type Ranges, unite, whole } from './range.ts'
import { compileTest, rangesOf, type TestRanges } from './value-test.ts'

/** Ranges of one index. */
export interface Arm {
  readonly key: SelectKey
  readonly ranges: Ranges
  /** For the order: which values an item may stand at; all of the ranges if absent. */
  readonly allows?: ((value: string) => boolean) | undefined
}

/** Ways to find all items that satisfy an expression. */
export type Cover =
  | { readonly kind: 'arm'; readonly arm: Arm }
  /** All together hold every item. */
  | { readonly kind: 'all'; readonly parts: readonly Cover[] }
  /** Each holds every item. */
  | { readonly kind: 'any'; readonly choices: readonly Cover[] }

/** The cover of `expression`; undefined if it may be satisfied by an item that no index tells of. */
export function coverOf(expression: Expression): Cover | undefined {
  switch (expression.kind) {
    case 'condition':
      return coverOfCondition(expression)
    case 'or':
      return coverOfOr(expression.parts)
    case 'and':
      return coverOfAnd(expression.parts)
    case 'intersection':
      return anyOf(expression.parts.map(coverOf).filter((cover) => cover !== undefined))
    case 'not':
      return coverOfDenied(expression.part)
  }
}

/**
 * The part of `key`'s index that an order by it goes through: each item that satisfies `where` and has
 * the key stands there at one value at least that the conditions on the key allow.
 */
export function orderArm(where: Expression | undefined, key: SelectKey): Arm {
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

function coverOfCondition(condition: Condition): Cover | undefined {
  const found = rangesOfCondition(condition)
  return found && { kind: 'arm', arm: { key: keyOf(condition), ranges: found.ranges } }
}

function coverOfOr(parts: readonly Expression[]): Cover | undefined {
  const covers: Cover[] = []
  for (const part of parts) {
    const cover = coverOf(part)
    if (cover === undefined) return undefined
    covers.push(cover)
  }
  const arms = mergeArms(covers, (all) => unite(all))
  return arms.length === 1 ? arms[0] : { kind: 'all', parts: arms }
}

/** Conditions on one attribute hold of one value together, so that its ranges are cut with each other. */
function coverOfAnd(parts: readonly Expression[]): Cover | undefined {
  const shared: Cover[] = []
  const others: Cover[] = []
  for (const part of parts) {
    const cover = coverOf(part)
    if (cover === undefined) continue
    if (hasScopeOfItsOwn(part)) others.push(cover)
    else shared.push(cover)
  }
  return anyOf([...mergeArms(shared, (all) => all.reduce(intersect)), ...others])
}

/** The cover of the items that don't satisfy `expression`. */
function coverOfDenied(expression: Expression): Cover | undefined {
  switch (expression.kind) {
    case 'not':
      return coverOf(expression.part)
    case 'condition': {
      const { operand, test } = expression
      if (test.kind === 'null') {
        return coverOfCondition({ ...expression, test: { ...test, isNegated: !test.isNegated } })
      }
      if (operand.kind !== 'itemName') return undefined
      const { ranges, isExact } = rangesOf(test)
      return { kind: 'arm', arm: { key: operand, ranges: isExact ? complement(ranges) : whole } }
    }
    case 'or':
      return anyOf(expression.parts.map(coverOfDenied).filter((cover) => cover !== undefined))
    case 'and':
    case 'intersection':
      return undefined
  }
}

function anyOf(choices: readonly Cover[]): Cover | undefined {
  return choices.length > 1 ? { kind: 'any', choices } : choices[0]
}

/** Makes one of all arms on the same index; what isn't an arm stays as it is. */
function mergeArms(covers: readonly Cover[], merge: (all: readonly Ranges[]) => Ranges): Cover[] {
  const merged: Cover[] = []
  const byKey: { readonly key: SelectKey; readonly all: Ranges[] }[] = []
  for (const cover of covers) {
    if (cover.kind !== 'arm') {
      merged.push(cover)
      continue
    }
    const { key, ranges } = cover.arm
    const same = byKey.find((other) => sameKey(other.key, key))
    if (same === undefined) byKey.push({ key, all: [ranges] })
    else same.all.push(ranges)
  }
  for (const { key, all } of byKey) merged.push({ kind: 'arm', arm: { key, ranges: merge(all) } })
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
