// Access paths: sets of index ranges in which every item that satisfies an expression has an entry.
// Where there are alternatives, the access path keeps all of them for the planner.

import type { Condition, Expression, SelectKey } from './ast.ts'
import { complement, intersect, type Ranges, unite, whole } from './value-range.ts'
import { compileTest, rangesOf, type TestRanges } from './value-test.ts'

/** A scan of some ranges of one index. */
export interface IndexPath {
  readonly key: SelectKey
  readonly ranges: Ranges
  /**
   * For an ordered scan: whether an item may be listed at this value. If absent, any value in the
   * ranges.
   */
  readonly allows?: ((value: string) => boolean) | undefined
}

/** The ways to find all items that satisfy an expression. */
export type AccessPath =
  | { readonly kind: 'index'; readonly path: IndexPath }
  /** The union of the parts has every item. */
  | { readonly kind: 'union'; readonly parts: readonly AccessPath[] }
  /** Each choice by itself has every item. */
  | { readonly kind: 'choice'; readonly choices: readonly AccessPath[] }

/** The access path of `expression`; undefined if an item without any index entry may satisfy it. */
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
 * The part of `key`'s index that an ordered scan reads. Each item that satisfies `where` and has
 * the key is there, at one allowed value at least. The conditions on the key decide which values
 * are allowed.
 */
export function orderPath(where: Expression | undefined, key: SelectKey): IndexPath {
  const limits = where && limitsOf(where, key)
  return limits === undefined ? { key, ranges: whole } : { key, ...limits }
}

/**
 * The ranges of `key`'s index that hold exactly the items that satisfy `expression`, among items
 * with at most one value. Undefined if the expression has conditions that this index can't decide.
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

/** True if both name the same index. */
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

/** Undefined if an item without an index entry can satisfy the condition. */
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

/** Conditions on one attribute must hold for the same value, so their ranges are intersected. */
function andAccess(parts: readonly Expression[]): AccessPath | undefined {
  const shared: AccessPath[] = []
  const others: AccessPath[] = []
  for (const part of parts) {
    const access = accessPathOf(part)
    if (access === undefined) continue
    if (hasOwnScope(part)) others.push(access)
    else shared.push(access)
  }
  return choiceOf([...mergePaths(shared, (all) => all.reduce(intersect)), ...others])
}

/** The access path of the items that don't satisfy `expression`. */
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

/** Merges all paths on the same index into one; keeps other access paths as they are. */
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

/** True if the part may be satisfied by other values than its siblings. */
function hasOwnScope(part: Expression): boolean {
  switch (part.kind) {
    case 'not':
    case 'intersection':
      return true
    case 'and':
    case 'or':
      return part.parts.some(hasOwnScope)
    case 'condition':
      return false
  }
}

/** The values of a key at which an item may be listed, as far as the conditions on the key tell. */
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
      const shared = expression.parts.filter((part) => !hasOwnScope(part))
      const known = shared.map((part) => limitsOf(part, key)).filter((found) => found !== undefined)
      if (known.length === 0) return firstLimits(expression.parts.filter(hasOwnScope), key)
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

/** Parts with scopes of their own can't be intersected; the first one with limits is used. */
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
