// Chooses how to find the items: by which index, or one after another. There are no statistics; where
// there is a choice, the beginning of each candidate is read, and the shortest is taken.

import type { Bytes } from '../base/bytes.ts'
import { selectLimits } from '../base/limits.ts'
import type { Expression, Select, SelectKey } from './ast.ts'
import { conditionsOf } from './check.ts'
import { type Arm, type Cover, coverOf, exactRanges, keyOf, orderArm, sameKey } from './cover.ts'
import { invalidNextToken } from './error.ts'
import { isPoint, sameRanges, unite, whole } from './range.ts'
import type { SelectSource } from './source.ts'

/** How the items of a Select are found. */
export type Plan =
  /** Every item is looked at, by its number. */
  | { readonly kind: 'items' }
  /** The arms one after another; `choices` are those that were made where a cover has several. */
  | {
      readonly kind: 'indexes'
      readonly arms: readonly Arm[]
      readonly choices: readonly number[]
    }
  /**
   * The index of what is sorted by, in its order. A rival is another way to all matches, which have to
   * be sorted then: both run by turns until one has the page.
   */
  | {
      readonly kind: 'sorted'
      readonly arm: Arm
      readonly isDescending: boolean
      readonly rival?: readonly Arm[]
    }

/** Where a page ended, and so where the next one goes on: beyond an item, or an entry of an index. */
export type SelectPosition =
  | { readonly kind: 'items'; readonly item: number }
  | {
      readonly kind: 'indexes'
      readonly choices: readonly number[]
      readonly arm: number
      readonly value: Bytes
      readonly item: number
    }
  | { readonly kind: 'sorted'; readonly value: Bytes; readonly item: number }

/** What an entry of an index tells of an item that has no other value there. */
export type Verdict =
  /** The item satisfies the where. */
  | 'always'
  /** The where asks for nothing but this value. */
  | 'byValue'
  /** The item has to be read. */
  | 'never'

/**
 * The plan for a page. An unordered one is kept from page to page: its order is the order of the items.
 * @throws StoreError `InvalidNextToken` when `after` is no place in a plan of this Select.
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
    return countsNames ? { kind: 'indexes', arms: [allNames], choices: [] } : { kind: 'items' }
  }
  const cover = coverOf(where)
  if (after?.kind === 'indexes') return planAgain(cover, after)
  if (cover === undefined) return { kind: 'items' }
  const { arms, choices } = await chooseArms(source, cover)
  return { kind: 'indexes', arms: mergeByKey(arms), choices }
}

/** What an entry of `arm` tells about `where`, if the plan has no other arm. */
export function verdictOf(where: Expression | undefined, arm: Arm): Verdict {
  if (where === undefined) return 'always'
  const exact = exactRanges(where, arm.key)
  if (exact !== undefined && sameRanges(exact, arm.ranges)) return 'always'
  for (const condition of conditionsOf(where)) {
    if (!sameKey(keyOf(condition), arm.key)) return 'never'
  }
  return 'byValue'
}

/** How many entries `arm` has, but at most `limit`. */
export async function countEntries(
  source: SelectSource,
  { key, ranges }: Arm,
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

/** An index of item names from end to end. */
const allNames: Arm = { key: { kind: 'itemName' }, ranges: whole }

async function planSorted(source: SelectSource, { where, order }: Select): Promise<Plan> {
  if (order === undefined) throw new Error('there is no order to plan for')
  const { key, isDescending } = order
  const arm = orderArm(where, key)
  const cover = where && coverOf(where)
  const others = cover && withoutKey(cover, key)
  if (others === undefined) return { kind: 'sorted', arm, isDescending }
  const { arms } = await chooseArms(source, others)
  return { kind: 'sorted', arm, isDescending, rival: mergeByKey(arms) }
}

/** The choices that aren't of this index; undefined if there are none. */
function withoutKey(cover: Cover, key: SelectKey): Cover | undefined {
  switch (cover.kind) {
    case 'arm':
      return sameKey(cover.arm.key, key) ? undefined : cover
    case 'all':
      return cover
    case 'any': {
      const choices = cover.choices
        .map((choice) => withoutKey(choice, key))
        .filter((choice) => choice !== undefined)
      return choices.length > 1 ? { kind: 'any', choices } : choices[0]
    }
  }
}

function planAgain(
  cover: Cover | undefined,
  { choices, arm }: { readonly choices: readonly number[]; readonly arm: number },
): Plan {
  if (cover === undefined) throw invalidNextToken()
  const left = [...choices]
  const arms = mergeByKey(
    armsOf(cover, ({ length }) => {
      const choice = left.shift()
      if (choice === undefined || choice >= length) throw invalidNextToken()
      return choice
    }),
  )
  if (left.length > 0 || arm >= arms.length) throw invalidNextToken()
  return { kind: 'indexes', arms, choices }
}

interface ChosenArms {
  readonly arms: readonly Arm[]
  readonly choices: readonly number[]
}

/** Reads more and more of the candidates, until one is found to be short. */
async function chooseArms(source: SelectSource, cover: Cover): Promise<ChosenArms> {
  const costs = new Map<Arm, Cost>()
  for (const arm of allArms(cover)) costs.set(arm, { entries: Infinity, rank: rankOf(arm) })
  if (hasChoice(cover)) {
    for (const limit of probeLimits) {
      for (const [arm, { entries, rank }] of costs) {
        if (entries !== Infinity) continue
        const found = await countEntries(source, arm, limit)
        if (found < limit) costs.set(arm, { entries: found, rank })
      }
      if (cheapest(cover, costs).entries !== Infinity) break
    }
  }
  const choices: number[] = []
  const arms = armsOf(cover, (candidates) => {
    const all = candidates.map((candidate) => cheapest(candidate, costs))
    const best = all.reduce((a, b) => (isCheaper(b, a) ? b : a))
    const choice = all.indexOf(best)
    choices.push(choice)
    return choice
  })
  return { arms, choices }
}

/** Each cheap beside the next, so that finding a short one costs little more than its length. */
const probeLimits = [16, 64, 256, selectLimits.probeEntries] as const

/** What it costs to read an arm, as far as is known: entries, or else how narrow its ranges are. */
interface Cost {
  readonly entries: number
  readonly rank: number
}

function isCheaper(a: Cost, b: Cost): boolean {
  return a.entries === b.entries ? a.rank < b.rank : a.entries < b.entries
}

function cheapest(cover: Cover, costs: ReadonlyMap<Arm, Cost>): Cost {
  switch (cover.kind) {
    case 'arm':
      return costs.get(cover.arm) ?? { entries: Infinity, rank: Infinity }
    case 'all': {
      const parts = cover.parts.map((part) => cheapest(part, costs))
      return {
        entries: parts.reduce((sum, { entries }) => sum + entries, 0),
        rank: Math.max(...parts.map(({ rank }) => rank)),
      }
    }
    case 'any':
      return cover.choices
        .map((choice) => cheapest(choice, costs))
        .reduce((a, b) => (isCheaper(b, a) ? b : a))
  }
}

/** Points first, then ranges with two ends, with one, with none. */
function rankOf({ ranges }: Arm): number {
  return Math.max(
    0,
    ...ranges.map((range) => {
      if (isPoint(range)) return 0
      return 1 + Number(range.start.byteLength === 0) + Number(range.end === undefined)
    }),
  )
}

function allArms(cover: Cover): readonly Arm[] {
  switch (cover.kind) {
    case 'arm':
      return [cover.arm]
    case 'all':
      return cover.parts.flatMap(allArms)
    case 'any':
      return cover.choices.flatMap(allArms)
  }
}

function hasChoice(cover: Cover): boolean {
  switch (cover.kind) {
    case 'arm':
      return false
    case 'all':
      return cover.parts.some(hasChoice)
    case 'any':
      return true
  }
}

/** The arms that are left when `choose` has made each choice, the outer ones first. */
function armsOf(cover: Cover, choose: (choices: readonly Cover[]) => number): readonly Arm[] {
  switch (cover.kind) {
    case 'arm':
      return [cover.arm]
    case 'all':
      return cover.parts.flatMap((part) => armsOf(part, choose))
    case 'any': {
      const chosen = cover.choices[choose(cover.choices)]
      if (chosen === undefined) throw new Error('a choice that is none of those offered')
      return armsOf(chosen, choose)
    }
  }
}

function mergeByKey(arms: readonly Arm[]): readonly Arm[] {
  const merged: Arm[] = []
  for (const { key, ranges } of arms) {
    const index = merged.findIndex((other) => sameKey(other.key, key))
    const same = merged[index]
    if (same === undefined) merged.push({ key, ranges })
    else merged[index] = { key, ranges: unite([same.ranges, ranges]) }
  }
  return merged
}
