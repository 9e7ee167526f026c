// Fills a page from index paths, in their order.

import type { IndexPath } from './access-path.ts'
import { Filter } from './filter.ts'
import { IndexReader, type PathPosition } from './index-reader.ts'
import { Page, type SelectPage } from './page.ts'
import type { SelectPosition } from './plan.ts'
import type { IndexEntry } from './source.ts'
import type { Task, TaskContext } from './task.ts'
import { IndexWalk } from './walk.ts'

/** The paths to scan, the direction, and the start. */
export interface IndexRoute {
  readonly paths: readonly IndexPath[]
  readonly isDescending: boolean
  readonly from: PathPosition | undefined
}

/**
 * Returns items in the order of the index entries; the next page continues after the last entry.
 */
export class IndexTask implements Task {
  readonly #page: Page
  readonly #context: TaskContext
  readonly #walk: IndexWalk
  #next: SelectPosition | undefined

  constructor(
    context: TaskContext,
    { paths, isDescending, from }: IndexRoute,
    place: (path: number, entry: IndexEntry) => SelectPosition,
  ) {
    const page = new Page(context.select, context.pageBytes)
    this.#page = page
    this.#context = context
    this.#walk = new IndexWalk(context, {
      reader: new IndexReader(context.source, paths, { isDescending, after: from }),
      filter: new Filter(context.select.where, paths, isDescending),
      namesItems: paths.every(({ key }) => key.kind === 'itemName'),
      visitor: {
        needs: page.needs,
        wanted: () => page.room,
        visit: ({ item }) => page.add(item) !== 'refused',
        pass: (path, entry, isLast) => {
          this.#next = isLast ? undefined : place(path, entry)
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
