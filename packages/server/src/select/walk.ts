// Scans the paths of a plan and passes on the items that satisfy the `where` clause, each once.

import { text } from '../base/bytes.ts'
import type { Filter } from './filter.ts'
import type { IndexReader } from './index-reader.ts'
import type { Pace } from './pace.ts'
import type { IndexEntry, SelectItem, SelectSource } from './source.ts'

/** The cost of a page. */
export interface SelectStatistics {
  /** Index entries read for the page, without those read for planning. */
  entries: number
  /** Items read. */
  items: number
}

/** A match. */
export interface Found {
  readonly path: number
  readonly entry: IndexEntry
  /** Absent if the visitor doesn't need it. */
  readonly item: SelectItem | undefined
}

/** Receives the matches of a walk. */
export interface Visitor {
  /** How much of a match the visitor needs. */
  readonly needs: 'item' | 'name' | 'nothing'
  /** The approximate number of items still wanted. */
  wanted(): number
  /** Receives a match; returns false to end the walk before it. */
  visit(found: Found): boolean
  /** Called after each entry; `isLast` if no other follows. Returns false to end the walk here. */
  pass(path: number, entry: IndexEntry, isLast: boolean): boolean
}

/** The largest number of items, and of index entries, read at once. */
const chunkItems = 64
const batchEntries = 1024

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
  /** True if every entry of the last chunk was a match. */
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

  /**
   * Reads one batch of entries. True when the walk has ended. It returns early when the time budget
   * is spent, and must not be resumed then.
   */
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

  /** Loads the items of `rows` that are needed, each at its entry's index. */
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
