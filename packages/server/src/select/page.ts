// A page of results under construction: projects items to the requested output and enforces the
// size limits.

import { selectLimits } from '../base/limits.ts'
import type { Output, Select } from './ast.ts'
import type { SelectPosition } from './plan.ts'
import type { SelectItem } from './source.ts'
import type { SelectStatistics } from './walk.ts'

/** One page of results. */
export interface SelectPage {
  /** The items in order, with only the requested attributes. Empty for a count. */
  readonly items: readonly SelectItem[]
  /** For `count(*)`: the number of items counted on this page. */
  readonly count?: number
  /** The position of the next page; absent on the last one. */
  readonly next?: SelectPosition
  readonly statistics: SelectStatistics
}

/**
 * The result of adding an item. `left out`: it has none of the requested attributes. `refused`: the
 * page is full.
 */
export type Addition = 'added' | 'left out' | 'refused'

/** Collects or counts items. */
export class Page {
  readonly #items: SelectItem[] = []
  readonly #output: Output
  readonly #limit: number
  readonly #pageBytes: number
  #count = 0
  /** An upper bound of the items' size. Once it nears the page limit, it is computed exactly. */
  #bytes = 0
  #isExact = false

  constructor({ output, limit }: Select, pageBytes: number) {
    this.#output = output
    const unsaid = output.kind === 'count' ? Infinity : selectLimits.defaultPageItems
    this.#limit = limit ?? unsaid
    this.#pageBytes = pageBytes
  }

  /** How many more items the page accepts; infinite for a count without limit. */
  get room(): number {
    return this.#limit - this.#count
  }

  get count(): number {
    return this.#count
  }

  /** How much of an item the output requires. */
  get needs(): 'item' | 'name' | 'nothing' {
    if (this.#output.kind === 'count') return 'nothing'
    return this.#output.kind === 'itemName' ? 'name' : 'item'
  }

  /** Adds an item. It may be undefined if the page needs only a count. */
  add(item: SelectItem | undefined): Addition {
    if (this.room <= 0) return 'refused'
    if (this.needs === 'nothing') {
      this.#count++
      return 'added'
    }
    if (item === undefined) throw new Error('an index entry refers to a missing item')
    if (!this.answers(item)) return 'left out'
    const answered = this.#project(item)
    if (!this.#hasRoomFor(answered)) return 'refused'
    this.#items.push(answered)
    this.#count++
    return 'added'
  }

  /** False for an item that has none of the requested attributes. */
  answers({ attributes }: SelectItem): boolean {
    const output = this.#output
    return output.kind !== 'attributes' || output.names.some((name) => attributes.has(name))
  }

  result(next: SelectPosition | undefined, statistics: SelectStatistics): SelectPage {
    return {
      items: this.#items,
      ...(this.#output.kind === 'count' ? { count: this.#count } : {}),
      ...(next === undefined ? {} : { next }),
      statistics,
    }
  }

  /** Adds an item's bytes to the total if they fit. The first item always fits. */
  #hasRoomFor(item: SelectItem): boolean {
    if (!this.#isExact) {
      const most = this.#bytes + sizeOf(item, mostBytes)
      if (most <= this.#pageBytes) {
        this.#bytes = most
        return true
      }
      this.#isExact = true
      this.#bytes = this.#items.reduce((sum, one) => sum + sizeOf(one, Buffer.byteLength), 0)
    }
    const bytes = this.#bytes + sizeOf(item, Buffer.byteLength)
    if (bytes > this.#pageBytes && this.#count > 0) return false
    this.#bytes = bytes
    return true
  }

  #project(item: SelectItem): SelectItem {
    const { number, name } = item
    switch (this.#output.kind) {
      case 'all':
      case 'count':
        return item
      case 'itemName':
        return { number, name, attributes: new Map() }
      case 'attributes': {
        const names = new Set(this.#output.names)
        const kept = [...item.attributes].filter(([attribute]) => names.has(attribute))
        return { number, name, attributes: new Map(kept) }
      }
    }
  }
}

/** Bytes of `<Item><Name></Name></Item>`, and of an attribute's tags. */
const itemMarkup = 26
const attributeMarkup = 52

/** The approximate size of an item in the response; `bytesOf` measures a text. */
function sizeOf({ name, attributes }: SelectItem, bytesOf: (text: string) => number): number {
  let bytes = itemMarkup + bytesOf(name)
  for (const [attribute, values] of attributes) {
    const nameBytes = attributeMarkup + bytesOf(attribute)
    for (const value of values) bytes += nameBytes + bytesOf(value)
  }
  return bytes
}

/** A fast upper bound of a text's UTF-8 length. */
function mostBytes({ length }: string): number {
  return 3 * length
}
