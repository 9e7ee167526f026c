// Executes one page of a Select. Memory is bounded by the page size. A position in the plan, rather
// than a set of seen items, tells where the next page starts.

import type { Clock } from '../base/clock.ts'
import { selectLimits } from '../base/limits.ts'
import type { Select } from './ast.ts'
import { Pace } from './pace.ts'
import type { SelectPage } from './page.ts'
import { type Plan, planSelect, type SelectPosition } from './plan.ts'
import type { SelectSource } from './source.ts'
import type { Task, TaskContext } from './task.ts'
import { IndexTask } from './task-index.ts'
import { ItemsTask } from './task-items.ts'
import { SortTask } from './task-sort.ts'

export interface SelectRequest {
  readonly select: Select
  /** Where the previous page ended, from its token. The conditions and order must be the same. */
  readonly after?: SelectPosition | undefined
  readonly clock: Clock
  /** Milliseconds after which the page ends early; `selectLimits.queryMs` by default. */
  readonly budgetMs?: number | undefined
  /** The page's size limit in bytes; `selectLimits.pageBytes` by default. */
  readonly pageBytes?: number | undefined
}

/**
 * Returns one page of `select`. A page with a successor may have fewer items than requested, even
 * none: it ends after 1 MB, or when its time is over.
 * @throws StoreError `InvalidNextToken` when `after` is not a position of this Select.
 */
export async function executeSelect(
  source: SelectSource,
  request: SelectRequest,
): Promise<SelectPage> {
  const { select, after, clock } = request
  const pace = new Pace(clock, request.budgetMs ?? selectLimits.queryMs)
  const pageBytes = request.pageBytes ?? selectLimits.pageBytes
  const context = { source, pace, statistics: { entries: 0, items: 0 }, select, pageBytes }
  const count = after === undefined ? await countAtOnce(source, select) : undefined
  if (count !== undefined) return { items: [], count, statistics: context.statistics }
  const plan = await planSelect(source, select, after)
  const [first, ...others] = tasksOf(context, plan, after)
  for (;;) {
    for (const task of [first, ...others]) {
      if (await task.step()) return task.page()
      // Only the first task can be resumed on the next page.
      if (pace.isOver) return first.page()
    }
  }
}

/** The count of all items is stored; it needs no scan. */
async function countAtOnce(
  source: SelectSource,
  { output, where, order, limit }: Select,
): Promise<number | undefined> {
  if (output.kind !== 'count' || where !== undefined || order !== undefined) return undefined
  const count = await source.itemCount()
  return limit === undefined || count <= limit ? count : undefined
}

function tasksOf(
  context: TaskContext,
  plan: Plan,
  after: SelectPosition | undefined,
): readonly [Task, ...Task[]] {
  switch (plan.kind) {
    case 'items':
      return [new ItemsTask(context, after?.kind === 'items' ? after : undefined)]
    case 'indexes': {
      const { paths, choices } = plan
      const from = after?.kind === 'indexes' ? after : undefined
      return [
        new IndexTask(context, { paths, isDescending: false, from }, (path, { value, item }) => ({
          kind: 'indexes',
          choices,
          path,
          value,
          item,
        })),
      ]
    }
    case 'sorted': {
      const { path, isDescending, sortPaths } = plan
      const place = after?.kind === 'sorted' ? after : undefined
      const from = place && { ...place, path: 0 }
      const sorted = new IndexTask(
        context,
        { paths: [path], isDescending, from },
        (_, { value, item }) => ({ kind: 'sorted', value, item }),
      )
      if (sortPaths === undefined || !SortTask.canAnswer(context.select)) return [sorted]
      return [sorted, new SortTask(context, { ...plan, paths: sortPaths, after: place })]
    }
  }
}
