// The planner: chooses index scans or a scan of all items. There are no statistics. Where the
// access path has alternatives, the beginning of each is read, and the shortest is taken.

import type { Bytes } from '../base/bytes.ts'
import { selectLimits } from '../base/limits.ts'
import {
  type AccessPath,
  accessPathOf,
  exactRanges,
  type IndexPath,
  keyOf,
  orderPath,
  sameKey,
} from './access-path.ts'
import type { Expression, Select, SelectKey } from './ast.ts'
import { invalidNextToken } from './error.ts'
import type { SelectSource } from './source.ts'
import { conditionsOf } from './validate.ts'
import { isPoint, sameRanges, unite, whole } from './value-range.ts'

/** How the items of a Select are found. */
export type Plan =
  /** A full scan, by item number. */
  | { readonly kind: 'items' }
  /**
   * Index scans, one after another; `choices` records the decisions at each choice of the access
   * path.
   */
  | {
      readonly kind: 'indexes'
      readonly paths: readonly IndexPath[]
      readonly choices: readonly number[]
    }
  /**
   * A scan of the sort key's index, in order. `sortPaths`, if present, find all matches by other
   * indexes, and then need a sort. Both run alternately until one has the page.
   */
  | {
      readonly kind: 'sorted'
      readonly path: IndexPath
      readonly isDescending: boolean
      readonly sortPaths?: readonly IndexPath[]
    }

/**
 * The position at which a page ended and the next one continues: after an item, or after an index
 * entry.
 */
export type SelectPosition =
  | { readonly kind: 'items'; readonly item: number }
  | {
      readonly kind: 'indexes'
      readonly choices: readonly number[]
      readonly path: number
      readonly value: Bytes
      readonly item: number
    }
  | { readonly kind: 'sorted'; readonly value: Bytes; readonly item: number }

/**
 * The part of the `where` clause that is still to be tested on items with a single value in the
 * index.
 */
export type Residual =
  /** Nothing: every entry is a match. */
  | 'none'
  /** A condition on the indexed value, which the entry itself can answer. */
  | 'value'
  /** Conditions that need the item. */
  | 'item'

/**
 * Plans a page. Later pages of an unordered Select reuse the first page's plan, because it
 * determines the order of the results.
 * @throws StoreError `InvalidNextToken` when `after` is not a position in a plan of this Select.
 */
export async function planSelect(
  source: SelectSource,
  select: Select,
  after: SelectPosition | undefined,
): Promise<Plan> {
  const isOrdered = select.order !== undefined
  if (after !== undefined && isOrdered !== (after.kind === 'sorted')) throw invalidNextToken()
  if (isOrdered) return planSorted(source, select)
  if (after?.kind === 'items') return { kind: 'items' }
  const { where, output } = select
  if (where === undefined) {
    const countsNames = after === undefined ? output.kind === 'count' : true
    return countsNames ? { kind: 'indexes', paths: [allNames], choices: [] } : { kind: 'items' }
  }
  const access = accessPathOf(where)
  if (after?.kind === 'indexes') return planAgain(access, after)
  if (access === undefined) return { kind: 'items' }
  const { paths, choices } = await choosePaths(source, access)
  return { kind: 'indexes', paths: mergeByKey(paths), choices }
}

/** The residual predicate of a plan that consists of `path` alone. */
export function residualOf(where: Expression | undefined, path: IndexPath): Residual {
  if (where === undefined) return 'none'
  const exact = exactRanges(where, path.key)
  if (exact !== undefined && sameRanges(exact, path.ranges)) return 'none'
  for (const condition of conditionsOf(where)) {
    if (!sameKey(keyOf(condition), path.key)) return 'item'
  }
  return 'value'
}

/** The number of entries of `path`, counted up to `limit`. */
export async function countEntries(
  source: SelectSource,
  { key, ranges }: IndexPath,
  limit: number,
): Promise<number> {
  let count = 0
  for (const range of ranges) {
    let after: { value: Bytes; item: number } | undefined
    for (;;) {
      if (count >= limit) return count
      const scan = { range, after, isDescending: false, limit: limit - count }
      const { rows, isLast } = await source.scan(key, scan)
      count += rows.length
      after = rows.at(-1)
      if (isLast) break
    }
  }
  return count
}

/** A full scan of the index of item names. */
const allNames: IndexPath = { key: { kind: 'itemName' }, ranges: whole }

async function planSorted(source: SelectSource, { where, order }: Select): Promise<Plan> {
  if (order === undefined) throw new Error('there is no order to plan for')
  const { key, isDescending } = order
  const path = orderPath(where, key)
  const access = where && accessPathOf(where)
  const others = access && withoutKey(access, key)
  if (others === undefined) return { kind: 'sorted', path, isDescending }
  const { paths } = await choosePaths(source, others)
  return { kind: 'sorted', path, isDescending, sortPaths: mergeByKey(paths) }
}

/** The access path without scans of this index; undefined if none remains. */
function withoutKey(access: AccessPath, key: SelectKey): AccessPath | undefined {
  switch (access.kind) {
    case 'index':
      return sameKey(access.path.key, key) ? undefined : access
    case 'union':
      return access
    case 'choice': {
      const choices = access.choices
        .map((choice) => withoutKey(choice, key))
        .filter((choice) => choice !== undefined)
      return choices.length > 1 ? { kind: 'choice', choices } : choices[0]
    }
  }
}

function planAgain(
  access: AccessPath | undefined,
  { choices, path }: { readonly choices: readonly number[]; readonly path: number },
): Plan {
  if (access === undefined) throw invalidNextToken()
  const left = [...choices]
  const paths = mergeByKey(
    pathsOf(access, ({ length }) => {
      const choice = left.shift()
      if (choice === undefined || choice >= length) throw invalidNextToken()
      return choice
    }),
  )
  if (left.length > 0 || path >= paths.length) throw invalidNextToken()
  return { kind: 'indexes', paths, choices }
}

interface ChosenPaths {
  readonly paths: readonly IndexPath[]
  readonly choices: readonly number[]
}

/** Probes the candidates to growing depths, until one turns out to be short. */
async function choosePaths(source: SelectSource, access: AccessPath): Promise<ChosenPaths> {
  const costs = new Map<IndexPath, Cost>()
  for (const path of allPaths(access)) costs.set(path, { entries: Infinity, rank: rankOf(path) })
  if (hasChoice(access)) {
    for (const limit of probeLimits) {
      for (const [path, { entries, rank }] of costs) {
        if (entries !== Infinity) continue
        const found = await countEntries(source, path, limit)
        if (found < limit) costs.set(path, { entries: found, rank })
      }
      if (cheapest(access, costs).entries !== Infinity) break
    }
  }
  const choices: number[] = []
  const paths = pathsOf(access, (candidates) => {
    const all = candidates.map((candidate) => cheapest(candidate, costs))
    const best = all.reduce((a, b) => (isCheaper(b, a) ? b : a))
    const choice = all.indexOf(best)
    choices.push(choice)
    return choice
  })
  return { paths, choices }
}

/**
 * Each depth is cheap compared with the next, so finding a short candidate costs little more than
 * its length.
 */
const probeLimits = [16, 64, 256, selectLimits.probeEntries] as const

/** The estimated cost of a path: its entries, and if those are unknown, the width of its ranges. */
interface Cost {
  readonly entries: number
  readonly rank: number
}

function isCheaper(a: Cost, b: Cost): boolean {
  return a.entries === b.entries ? a.rank < b.rank : a.entries < b.entries
}

function cheapest(access: AccessPath, costs: ReadonlyMap<IndexPath, Cost>): Cost {
  switch (access.kind) {
    case 'index':
      return costs.get(access.path) ?? { entries: Infinity, rank: Infinity }
    case 'union': {
      const parts = access.parts.map((part) => cheapest(part, costs))
      return {
        entries: parts.reduce((sum, { entries }) => sum + entries, 0),
        rank: Math.max(...parts.map(({ rank }) => rank)),
      }
    }
    case 'choice':
      return access.choices
        .map((choice) => cheapest(choice, costs))
        .reduce((a, b) => (isCheaper(b, a) ? b : a))
  }
}

/** Ranks points before ranges with two bounds, then one, then none. */
function rankOf({ ranges }: IndexPath): number {
  return Math.max(
    0,
    ...ranges.map((range) => {
      if (isPoint(range)) return 0
      return 1 + Number(range.start.byteLength === 0) + Number(range.end === undefined)
    }),
  )
}

function allPaths(access: AccessPath): readonly IndexPath[] {
  switch (access.kind) {
    case 'index':
      return [access.path]
    case 'union':
      return access.parts.flatMap(allPaths)
    case 'choice':
      return access.choices.flatMap(allPaths)
  }
}

function hasChoice(access: AccessPath): boolean {
  switch (access.kind) {
    case 'index':
      return false
    case 'union':
      return access.parts.some(hasChoice)
    case 'choice':
      return true
  }
}

/** The paths that remain when `choose` has decided each choice, outer ones first. */
function pathsOf(
  access: AccessPath,
  choose: (choices: readonly AccessPath[]) => number,
): readonly IndexPath[] {
  switch (access.kind) {
    case 'index':
      return [access.path]
    case 'union':
      return access.parts.flatMap((part) => pathsOf(part, choose))
    case 'choice': {
      const chosen = access.choices[choose(access.choices)]
      if (chosen === undefined) throw new Error('the chosen index is out of range')
      return pathsOf(chosen, choose)
    }
  }
}

function mergeByKey(paths: readonly IndexPath[]): readonly IndexPath[] {
  const merged: IndexPath[] = []
  for (const { key, ranges } of paths) {
    const index = merged.findIndex((other) => sameKey(other.key, key))
    const same = merged[index]
    if (same === undefined) merged.push({ key, ranges })
    else merged[index] = { key, ranges: unite([same.ranges, ranges]) }
  }
  return merged
}
