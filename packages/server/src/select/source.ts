// What Select reads: the indexes and the items of one domain, in one snapshot. The store implements
// it; tests have one in memory. Everything comes in batches, so that a row doesn't cost a promise.

import type { Bytes } from '../base/bytes.ts'
import type { SelectKey } from './ast.ts'

/** An item with all its attributes. */
export interface SelectItem {
  /** Its number in the domain: never reused, and growing with time. */
  readonly number: number
  readonly name: string
  /** Each attribute's values, at least one, in the order in which they are answered. */
  readonly attributes: ReadonlyMap<string, readonly string[]>
}

/** An entry of an index: that an item has a value. An index is ordered by value bytes, then item. */
export interface IndexEntry {
  /** UTF-8 bytes. */
  readonly value: Bytes
  /** The item's number. */
  readonly item: number
  /** True if the item has other values of the attribute; false in the index of item names. */
  readonly isMultiValued: boolean
}

/** The values `start <= value < end` by their bytes; `end` absent means no bound. */
export interface ValueRange {
  readonly start: Bytes
  readonly end?: Bytes | undefined
}

/** A place in an index. */
export interface IndexPosition {
  readonly value: Bytes
  readonly item: number
}

/** What to read of an index. */
export interface IndexScan {
  readonly range: ValueRange
  /** Only entries beyond this one, in the direction of the scan; it needn't exist. */
  readonly after?: IndexPosition | undefined
  readonly isDescending: boolean
  /** The most entries of the batch, at least 1. */
  readonly limit: number
}

/** A part of what was asked for, in its order. */
export interface Batch<T> {
  readonly rows: readonly T[]
  /** True if nothing comes after these rows. If false, there is at least one row. */
  readonly isLast: boolean
}

/** One domain's indexes and items. All reads of a page of Select are of the same snapshot. */
export interface SelectSource {
  /** Entries of the index of an attribute's values, or of item names (one entry an item). */
  scan(key: SelectKey, scan: IndexScan): Promise<Batch<IndexEntry>>
  /** Whole items by ascending number, beyond `after`. */
  scanItems(scan: {
    readonly after: number | undefined
    readonly limit: number
  }): Promise<Batch<SelectItem>>
  /** The items of these numbers, in the same order; undefined where there is none. */
  load(items: readonly number[]): Promise<readonly (SelectItem | undefined)[]>
  /** How many items the domain has. */
  itemCount(): Promise<number>
}
