// Fills a page with a full scan, for conditions that no index can answer, such as `is null`.

import { compileExpression } from './evaluate.ts'
import { Page, type SelectPage } from './page.ts'
import type { SelectPosition } from './plan.ts'
import type { Task, TaskContext } from './task.ts'
import { grown } from './walk.ts'

/** The largest batch of items. */
const batchItems = 64

/** Returns items in the order of their numbers. */
export class ItemsTask implements Task {
  readonly #context: TaskContext
  readonly #page: Page
  readonly #matches: ReturnType<typeof compileExpression>
  #after: number | undefined
  #isComplete = false
  #batchSize = 0

  constructor(context: TaskContext, after: { readonly item: number } | undefined) {
    const { select, pageBytes } = context
    this.#context = context
    this.#page = new Page(select, pageBytes)
    this.#matches = select.where === undefined ? () => true : compileExpression(select.where)
    this.#after = after?.item
  }

  async step(): Promise<boolean> {
    const { source, pace, statistics } = this.#context
    this.#batchSize = grown(this.#batchSize, this.#page.room + 1, batchItems)
    const { rows, isLast } = await source.scanItems({ after: this.#after, limit: this.#batchSize })
    statistics.items += rows.length
    for (const [index, item] of rows.entries()) {
      if (this.#matches(item) && this.#page.add(item) === 'refused') return true
      this.#after = item.number
      if (isLast && index === rows.length - 1) break
      if (this.#page.room <= 0) return true
    }
    this.#isComplete = isLast
    await pace.yieldTurn()
    return isLast
  }

  page(): SelectPage {
    const { statistics } = this.#context
    if (this.#isComplete || this.#after === undefined) {
      return this.#page.result(undefined, statistics)
    }
    const next: SelectPosition = { kind: 'items', item: this.#after }
    return this.#page.result(next, statistics)
  }
}
