// Fills a page with what index arms have, in their order.

import type { Arm } from './cover.ts'
import { Filter } from './filter.ts'
import { type ArmPosition, IndexReader } from './index-reader.ts'
import { Page, type SelectPage } from './page.ts'
import type { SelectPosition } from './plan.ts'
import type { IndexEntry } from './source.ts'
import type { Task, TaskContext } from './task.ts'
import { IndexWalk } from './walk.ts'

/** Which arms, which way, and from where. */
export interface IndexRoute {
  readonly arms: readonly Arm[]
  readonly isDescending: boolean
  readonly from: ArmPosition | undefined
}

/** The page is in the order of the entries; where it ends, the next one goes on. */
export class IndexTask implements Task {
  readonly #page: Page
  readonly #context: TaskContext
  readonly #walk: IndexWalk
  #next: SelectPosition | undefined

  constructor(
    context: TaskContext,
    { arms, isDescending, from }: IndexRoute,
    place: (arm: number, entry: IndexEntry) => SelectPosition,
  ) {
    const page = new Page(context.select, context.pageBytes)
    this.#page = page
    this.#context = context
    this.#walk = new IndexWalk(context, {
      reader: new IndexReader(context.source, arms, { isDescending, after: from }),
      filter: new Filter(context.select.where, arms, isDescending),
      namesItems: arms.every(({ key }) => key.kind === 'itemName'),
      visitor: {
        needs: page.needs,
        wanted: () => page.room,
        visit: ({ item }) => page.add(item) !== 'refused',
        pass: (arm, entry, isLast) => {
          this.#next = isLast ? undefined : place(arm, entry)
          return page.room > 0
        },
      },
    })
  }

  step(): Promise<boolean> {
    return this.#walk.step()
  }

  page(): SelectPage {
    return this.#page.result(this.#next, this.#context.statistics)
  }
}
