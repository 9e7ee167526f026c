// Goes through what a plan reads, and hands on the items that satisfy the where, each once.

import { text } from '../base/bytes.ts'
import type { Filter } from './filter.ts'
import type { IndexReader } from './index-reader.ts'
import type { Pace } from './pace.ts'
import type { IndexEntry, SelectItem, SelectSource } from './source.ts'

/** How much a page has cost. */
export interface SelectStatistics {
  /** Entries of indexes that were read for the page, without those for its plan. */
  entries: number
  /** Items that were read. */
  items: number
}

/** An item that was found. */
export interface Found {
  readonly path: number
  readonly entry: IndexEntry
  /** Absent if nobody needs it. */
  readonly item: SelectItem | undefined
}

/** How a walk is received. */
export interface Visitor {
  /** What of an item that its entry tells to be found is needed. */
  readonly needs: 'item' | 'name' | 'nothing'
  /** About how many items are still wanted. */
  wanted(): number
  /** Takes an item; false to end the walk before it. */
  visit(found: Found): boolean
  /** An entry is done with; `isLast` if no other follows. False to end the walk here. */
  pass(path: number, entry: IndexEntry, isLast: boolean): boolean
}

/** Items that are read at once, and entries. */
const chunkItems = 64
const batchEntries = 1024

/** What one walk needs. */
export interface WalkContext {
  readonly source: SelectSource
  readonly pace: Pace
  readonly statistics: SelectStatistics
}

/** One pass over the entries of an index reader. */
export class IndexWalk {
  readonly #context: WalkContext
  readonly #reader: IndexReader
  readonly #filter: Filter
  readonly #visitor: Visitor
  readonly #namesItems: boolean
  #batchSize = 0
  #chunkSize = 0
  /** True if every entry of the last chunk was of an item that is answered. */
  #foundAll = true

  constructor(
    context: WalkContext,
    walk: {
      readonly reader: IndexReader
      readonly filter: Filter
      readonly visitor: Visitor
      /** True if the entries' values are the items' names. */
      readonly namesItems: boolean
    },
  ) {
    this.#context = context
    this.#reader = walk.reader
    this.#filter = walk.filter
    this.#visitor = walk.visitor
    this.#namesItems = walk.namesItems
  }

  /** Reads some entries. True when the walk has ended; ends for good when the time is over. */
  async step(): Promise<boolean> {
    this.#batchSize = grown(this.#batchSize, this.#visitor.wanted() + 1, batchEntries)
    const { path, rows, isLast } = await this.#reader.next(this.#batchSize)
    this.#context.statistics.entries += rows.length
    let start = 0
    while (start < rows.length) {
      const size = this.#foundAll ? 0 : this.#chunkSize
      this.#chunkSize = grown(size, this.#visitor.wanted(), chunkItems)
      const end = Math.min(rows.length, start + this.#chunkSize)
      const ended = await this.#process(path, rows.slice(start, end), isLast && end === rows.length)
      if (ended) return true
      start = end
      if (this.#context.pace.isOver) break
      await this.#context.pace.yieldTurn()
    }
    return isLast && start === rows.length
  }

  async #process(path: number, rows: readonly IndexEntry[], isLast: boolean): Promise<boolean> {
    const decisions = rows.map((entry) => this.#filter.decide(entry))
    const items = await this.#load(rows, decisions)
    this.#foundAll = true
    for (let index = 0; index < rows.length; index++) {
      const entry = rows[index]
      if (entry === undefined) break
      const item = items[index]
      const isFound =
        decisions[index] ?? (item !== undefined && this.#filter.accepts(path, entry, item))
      if (!isFound) this.#foundAll = false
      else if (!this.#visitor.visit({ path, entry, item })) return true
      if (!this.#visitor.pass(path, entry, isLast && index === rows.length - 1)) return true
    }
    return false
  }

  /** The items of `rows` that have to be seen, each in its entry's place. */
  async #load(
    rows: readonly IndexEntry[],
    decisions: readonly (boolean | undefined)[],
  ): Promise<readonly (SelectItem | undefined)[]> {
    const needsItem = this.#needsItem
    const isWanted = (index: number): boolean => {
      const decision = decisions[index]
      return decision === undefined || (decision && needsItem)
    }
    const wanted = rows.filter((_, index) => isWanted(index))
    if (wanted.length === 0) return this.#visitor.needs === 'name' ? rows.map(named) : []
    const loaded = await this.#context.source.load(wanted.map(({ item }) => item))
    this.#context.statistics.items += wanted.length
    if (wanted.length === rows.length) return loaded
    let next = 0
    return rows.map((entry, index) => (isWanted(index) ? loaded[next++] : named(entry)))
  }

  get #needsItem(): boolean {
    const { needs } = this.#visitor
    return needs === 'item' || (needs === 'name' && !this.#namesItems)
  }
}

/** The size of the next read: what is wanted at first, then twice as much each time. */
export function grown(size: number, wanted: number, most: number): number {
  return Math.min(most, size === 0 ? Math.max(1, wanted) : size * 2)
}

function named({ item, value }: IndexEntry): SelectItem {
  return { number: item, name: text(value), attributes: new Map() }
}
