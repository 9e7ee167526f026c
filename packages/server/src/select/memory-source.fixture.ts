// An in-memory Select source for tests: the simplest implementation of the contract.

import { compareBytes, utf8 } from '../base/bytes.ts'
import type { SelectKey } from './ast.ts'
import type { Batch, IndexEntry, IndexScan, SelectItem, SelectSource } from './source.ts'

export type Attributes = Readonly<Record<string, readonly string[]>>

/** Items are numbered in the order given. */
export class MemorySource implements SelectSource {
  readonly #items = new Map<number, SelectItem>()
  readonly #indexes = new Map<string, IndexEntry[]>()
  /** Counts of rows returned, to measure the cost of a plan. */
  readonly reads: { entries: number; items: number } = { entries: 0, items: 0 }

  constructor(items: readonly { readonly name: string; readonly attributes: Attributes }[]) {
    for (const [index, { name, attributes }] of items.entries()) {
      const number = index + 1
      const entries = Object.entries(attributes)
      this.#items.set(number, { number, name, attributes: new Map(entries) })
      this.#insert({ kind: 'itemName' }, [name], number)
      for (const [attribute, values] of entries) {
        this.#insert({ kind: 'attribute', name: attribute }, values, number)
      }
    }
    for (const entries of this.#indexes.values()) entries.sort(compareEntries)
  }

  async scan(
    key: SelectKey,
    { range, after, isDescending, limit }: IndexScan,
  ): Promise<Batch<IndexEntry>> {
    const all = this.#indexes.get(indexName(key)) ?? []
    const found = (isDescending ? all.toReversed() : all).filter((entry) => {
      if (compareBytes(entry.value, range.start) < 0) return false
      if (range.end !== undefined && compareBytes(entry.value, range.end) >= 0) return false
      if (after === undefined) return true
      const order = compareEntries(entry, after)
      return isDescending ? order < 0 : order > 0
    })
    const rows = found.slice(0, limit)
    this.reads.entries += rows.length
    return { rows, isLast: rows.length === found.length }
  }

  async scanItems(scan: {
    readonly after: number | undefined
    readonly limit: number
  }): Promise<Batch<SelectItem>> {
    const found = [...this.#items.values()].filter(({ number }) => number > (scan.after ?? 0))
    const rows = found.slice(0, scan.limit)
    this.reads.items += rows.length
    return { rows, isLast: rows.length === found.length }
  }

  async load(items: readonly number[]): Promise<readonly (SelectItem | undefined)[]> {
    this.reads.items += items.length
    return items.map((number) => this.#items.get(number))
  }

  async itemCount(): Promise<number> {
    return this.#items.size
  }

  #insert(key: SelectKey, values: readonly string[], item: number): void {
    const name = indexName(key)
    const entries = this.#indexes.get(name) ?? []
    this.#indexes.set(name, entries)
    for (const value of values) {
      entries.push({ value: utf8(value), item, isMultiValued: values.length > 1 })
    }
  }
}

type Place = Pick<IndexEntry, 'value' | 'item'>

function compareEntries(a: Place, b: Place): number {
  return compareBytes(a.value, b.value) || a.item - b.item
}

function indexName(key: SelectKey): string {
  return key.kind === 'itemName' ? 'itemName' : `attribute ${key.name}`
}
