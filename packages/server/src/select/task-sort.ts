// Finds all matches by other indexes than that of the order, keeps the first ones, and sorts. With
// few matches this is faster than an ordered scan. It can't be resumed before it is complete.

import { type Bytes, compareBytes } from '../base/bytes.ts'
import { selectLimits } from '../base/limits.ts'
import type { IndexPath } from './access-path.ts'
import type { Select } from './ast.ts'
import { Filter, firstValue } from './filter.ts'
import { IndexReader } from './index-reader.ts'
import { Page, type SelectPage } from './page.ts'
import type { SelectPosition } from './plan.ts'
import type { Task, TaskContext } from './task.ts'
import { type Found, IndexWalk } from './walk.ts'

/** Items loaded at once for the page. */
const chunkItems = 64

/** A match's position in the order. */
interface Place {
  readonly value: Bytes
  readonly item: number
}

/** The paths to scan, and the order to sort into. */
export interface SortRoute {
  readonly paths: readonly IndexPath[]
  readonly path: IndexPath
  readonly isDescending: boolean
  readonly after: Place | undefined
}

/** Holds the positions of at most two pages of items. */
export class SortTask implements Task {
  readonly #context: TaskContext
  readonly #route: SortRoute
  readonly #page: Page
  readonly #walk: IndexWalk
  readonly #places: Place[] = []
  readonly #capacity: number
  #found = 0
  #next: SelectPosition | undefined

  constructor(context: TaskContext, route: SortRoute) {
    const { select, source, pageBytes } = context
    const paths = route.paths
    this.#context = context
    this.#route = route
    this.#page = new Page(select, pageBytes)
    this.#capacity = this.#page.room + 1
    this.#walk = new IndexWalk(context, {
      reader: new IndexReader(source, paths, { isDescending: false }),
      filter: new Filter(select.where, paths, false),
      namesItems: false,
      visitor: {
        needs: 'item',
        wanted: () => Infinity,
        visit: (found) => this.#keep(found),
        pass: () => true,
      },
    })
  }

  /** False for a count whose positions would exceed the memory limit. */
  static canAnswer({ output, limit }: Select): boolean {
    return output.kind !== 'count' || limit === undefined || limit <= selectLimits.pageItems
  }

  async step(): Promise<boolean> {
    if (!(await this.#walk.step())) return false
    await this.#fill()
    return true
  }

  page(): SelectPage {
    return this.#page.result(this.#next, this.#context.statistics)
  }

  #keep({ item }: Found): boolean {
    const { path, isDescending, after } = this.#route
    const value = item && firstValue(item, path, isDescending)
    if (item === undefined || value === undefined || !this.#page.answers(item)) return true
    const place = { value, item: item.number }
    if (after !== undefined && this.#compare(place, after) <= 0) return true
    this.#found++
    if (this.#capacity === Infinity) return true
    this.#places.push(place)
    if (this.#places.length >= 2 * this.#capacity) this.#cut()
    return true
  }

  #cut(): void {
    this.#places.sort((a, b) => this.#compare(a, b))
    this.#places.length = Math.min(this.#places.length, this.#capacity)
  }

  #compare(a: Place, b: Place): number {
    const order = compareBytes(a.value, b.value) || a.item - b.item
    return this.#route.isDescending ? -order : order
  }

  async #fill(): Promise<void> {
    this.#cut()
    if (this.#page.needs === 'nothing') {
      for (let count = Math.min(this.#found, this.#page.room); count > 0; count--) {
        this.#page.add(undefined)
      }
      const last = this.#places[this.#page.count - 1]
      if (last !== undefined && this.#places.length > this.#page.count) this.#endAt(last)
      return
    }
    for (let start = 0; start < this.#places.length; start += chunkItems) {
      const places = this.#places.slice(start, start + chunkItems)
      const items = await this.#context.source.load(places.map(({ item }) => item))
      this.#context.statistics.items += items.length
      for (const [index, item] of items.entries()) {
        if (this.#page.add(item) !== 'refused') continue
        const last = this.#places[start + index - 1]
        if (last !== undefined) this.#endAt(last)
        return
      }
    }
  }

  #endAt({ value, item }: Place): void {
    this.#next = { kind: 'sorted', value, item }
  }
}
