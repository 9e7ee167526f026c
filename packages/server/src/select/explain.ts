// Describes the plan of a Select, for finding out why a query is slow.

import { text } from '../base/bytes.ts'
import { selectLimits } from '../base/limits.ts'
import type { IndexPath } from './access-path.ts'
import type { Select } from './ast.ts'
import { countEntries, type Plan, planSelect, type Residual, residualOf } from './plan.ts'
import { printExpression, printLiteral, printOperand } from './print.ts'
import type { SelectSource, ValueRange } from './source.ts'
import { isPoint } from './value-range.ts'

/** An index that the plan reads, with its ranges. */
export interface IndexUse {
  readonly index: string
  /** Such as `= 'x'`, `'a' <= value < 'b'`, `every value`. */
  readonly ranges: readonly string[]
  /** Entries in the ranges, counted up to `selectLimits.probeEntries`. */
  readonly entries: number
  /** True if there are more than `entries`. */
  readonly hasMore: boolean
}

/** The plan of a Select; serializable as JSON. */
export interface Explanation {
  readonly plan: Plan['kind']
  /** The indexes in the order in which they are read; empty for a scan of all items. */
  readonly indexes: readonly IndexUse[]
  /**
   * The indexes of the alternative plan for an ordered page (find all, then sort). It runs
   * concurrently; the first to finish wins.
   */
  readonly rivals: readonly IndexUse[]
  /** The condition that items are tested for. */
  readonly filter: string | null
  /** The plan in sentences. */
  readonly steps: readonly string[]
}

/** Plans `select` and describes the plan without executing it. */
export async function explainSelect(source: SelectSource, select: Select): Promise<Explanation> {
  const plan = await planSelect(source, select, undefined)
  const paths = pathsOf(plan)
  const indexes = await Promise.all(paths.map((path) => useOf(source, path)))
  const sortPaths = plan.kind === 'sorted' ? (plan.sortPaths ?? []) : []
  const rivals = await Promise.all(sortPaths.map((path) => useOf(source, path)))
  const filter = select.where === undefined ? null : printExpression(select.where)
  const steps = [...firstSteps(plan, indexes, rivals), ...lastSteps(select, paths)]
  return { plan: plan.kind, indexes, rivals, filter, steps }
}

function pathsOf(plan: Plan): readonly IndexPath[] {
  switch (plan.kind) {
    case 'items':
      return []
    case 'indexes':
      return plan.paths
    case 'sorted':
      return [plan.path]
  }
}

async function useOf(source: SelectSource, path: IndexPath): Promise<IndexUse> {
  const counted = await countEntries(source, path, selectLimits.probeEntries + 1)
  const entries = Math.min(counted, selectLimits.probeEntries)
  return {
    index: printOperand(path.key),
    ranges: path.ranges.map(describeRange),
    entries,
    hasMore: counted > entries,
  }
}

function describeRange(range: ValueRange): string {
  const { start, end } = range
  const low = printLiteral(text(start))
  if (isPoint(range)) return `= ${low}`
  if (end === undefined) return start.byteLength === 0 ? 'every value' : `${low} <= value`
  const high = `value < ${printLiteral(text(end))}`
  return start.byteLength === 0 ? high : `${low} <= ${high}`
}

function firstSteps(
  plan: Plan,
  indexes: readonly IndexUse[],
  rivals: readonly IndexUse[],
): readonly string[] {
  const reads = indexes.map(describeUse)
  switch (plan.kind) {
    case 'items':
      return ['Read every item of the domain: no index has all that may match.']
    case 'indexes':
      return reads.map((read) => `Read ${read}.`)
    case 'sorted': {
      const direction = plan.isDescending ? ' backwards' : ''
      const follow = `Read ${reads.join()}${direction}: it is in the order asked for.`
      if (rivals.length === 0) return [follow]
      const other = rivals.map(describeUse).join(' and ')
      return [follow, `By turns with it, read all of ${other}, and sort; the first to end answers.`]
    }
  }
}

function lastSteps({ where, output }: Select, paths: readonly IndexPath[]): readonly string[] {
  if (where === undefined) return []
  const [path] = paths
  const residual = path !== undefined && paths.length === 1 ? residualOf(where, path) : 'item'
  return [residualSteps[output.kind === 'count' ? 'count' : 'items'][residual]]
}

const residualSteps: Readonly<Record<'count' | 'items', Readonly<Record<Residual, string>>>> = {
  count: {
    none: 'Count the entries; read an item only where the attribute has several values.',
    value:
      'Test the values in the index; read an item only where the attribute has several values.',
    item: 'Read each item and test it.',
  },
  items: {
    none: 'Read the items; test one only where the attribute has several values.',
    value: 'Test the values in the index, and read the items that pass.',
    item: 'Read each item and test it.',
  },
}

function describeUse({ index, ranges, entries, hasMore }: IndexUse): string {
  const count = `${entries.toLocaleString('en')}${hasMore ? '+' : ''}`
  const where = ranges.length === 0 ? 'no value' : ranges.join(' or ')
  return `the index of ${index} where ${where} (${count} ${entries === 1 ? 'entry' : 'entries'})`
}
