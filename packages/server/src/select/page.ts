// A page of Select's answer while it is filled: what of an item is answered, and when there is enough.

import { selectLimits } from '../base/limits.ts'
import type { Output, Select } from './ast.ts'
import type { SelectPosition } from './plan.ts'
import type { SelectItem } from './source.ts'
import type { SelectStatistics } from './walk.ts'

/** A page of an answer. */
export interface SelectPage {
  /** With what was asked of each, in order. Empty for a count. */
  readonly items: readonly SelectItem[]
  /** For `count(*)`: the items counted in this page. */
  readonly count?: number
  /** Where the next page goes on; absent when there is none. */
  readonly next?: SelectPosition
  readonly statistics: SelectStatistics
}

/** What became of an item: `refused` if the page has no room for it. */
export type Addition = 'added' | 'left out' | 'refused'

/** Collects items, or counts them. */
export class Page {
  readonly #items: SelectItem[] = []
  readonly #output: Output
  readonly #limit: number
  readonly #pageBytes: number
  #count = 0
  /** No less than the items' size, and exactly that once it has come near to the page's. */
  #bytes = 0
  #isExact = false

  constructor({ output, limit }: Select, pageBytes: number) {
    this.#output = output
    const unsaid = output.kind === 'count' ? Infinity : selectLimits.defaultPageItems
    this.#limit = limit ?? unsaid
    this.#pageBytes = pageBytes
  }

  /** Items that it still takes; infinite for a count without limit. */
  get room(): number {
    return this.#limit - this.#count
  }

  /** Items that it has. */
  get count(): number {
    return this.#count
  }

  /** What it has to be given of an item. */
  get needs(): 'item' | 'name' | 'nothing' {
    if (this.#output.kind === 'count') return 'nothing'
    return this.#output.kind === 'itemName' ? 'name' : 'item'
  }

  /** Takes an item, which may be absent if the page needs nothing of it. */
  add(item: SelectItem | undefined): Addition {
    if (this.room <= 0) return 'refused'
    if (this.needs === 'nothing') {
      this.#count++
      return 'added'
    }
    if (item === undefined) throw new Error('an index has an item that is not there')
    if (!this.answers(item)) return 'left out'
    const answered = this.#project(item)
    if (!this.#hasRoomFor(answered)) return 'refused'
    this.#items.push(answered)
    this.#count++
    return 'added'
  }

  /** False for an item that has none of the attributes asked for. */
  answers({ attributes }: SelectItem): boolean {
    const output = this.#output
    return output.kind !== 'attributes' || output.names.some((name) => attributes.has(name))
  }

  /** The page as it is. */
  result(next: SelectPosition | undefined, statistics: SelectStatistics): SelectPage {
    return {
      items: this.#items,
      ...(this.#output.kind === 'count' ? { count: this.#count } : {}),
      ...(next === undefined ? {} : { next }),
      statistics,
    }
  }

  /** Counts the bytes of an item if they fit. Any item does in an empty page. */
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

/** About what an item takes in an answer, if `bytesOf` tells that of a text. */
function sizeOf({ name, attributes }: SelectItem, bytesOf: (text: string) => number): number {
  let bytes = itemMarkup + bytesOf(name)
  for (const [attribute, values] of attributes) {
    const nameBytes = attributeMarkup + bytesOf(attribute)
    for (const value of values) bytes += nameBytes + bytesOf(value)
  }
  return bytes
}

/** A quick bound on a text's UTF-8 bytes. */
function mostBytes({ length }: string): number {
  return 3 * length
}
