// Answers a page of a Select. Memory is bounded by the page: what isn't answered is forgotten at once,
// and where the next page goes on is told by a position in the plan, not by what was seen.

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

/** What to answer. */
export interface SelectRequest {
  readonly select: Select
  /** Where the page before ended, from its token; of the same conditions and order. */
  readonly after?: SelectPosition | undefined
  readonly clock: Clock
  /** Milliseconds after which the page ends wherever it is; `selectLimits.queryMs` by default. */
  readonly budgetMs?: number | undefined
  /** Bytes that end a page; `selectLimits.pageBytes` by default. */
  readonly pageBytes?: number | undefined
}

/**
 * One page of `select`. It may have fewer items than asked for, even none, and a next page
 * nevertheless: after 1 MB, or when its time is over.
 * @throws StoreError `InvalidNextToken` when `after` is no place in this Select.
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
      // Only the first one can be continued where it is.
      if (pace.isOver) return first.page()
    }
  }
}

/** The number of all items is known without counting them. */
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
