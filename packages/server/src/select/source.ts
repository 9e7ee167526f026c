// The contract of a Select source: the indexes and items of one domain, in one snapshot. The store
// implements it; tests have an in-memory one. Rows come in batches, to avoid one promise per row.

import type { Bytes } from '../base/bytes.ts'
import type { SelectKey } from './ast.ts'

/** An item with all its attributes. */
export interface SelectItem {
  /** The item's number in its domain: increasing, and never reused. */
  readonly number: number
  readonly name: string
  /** The values of each attribute, at least one, in result order. */
  readonly attributes: ReadonlyMap<string, readonly string[]>
}

/** An index entry: an item has this value. Indexes are ordered by value bytes, then item number. */
export interface IndexEntry {
  /** UTF-8 bytes. */
  readonly value: Bytes
  /** The item's number. */
  readonly item: number
  /** True if the item has other values of the attribute; false in the index of item names. */
  readonly isMultiValued: boolean
}

/** The values `start <= value < end` by their bytes; no `end` means no upper bound. */
export interface ValueRange {
  readonly start: Bytes
  readonly end?: Bytes | undefined
}

/** A position in an index. */
export interface IndexPosition {
  readonly value: Bytes
  readonly item: number
}

/** A request for entries of an index. */
export interface IndexScan {
  readonly range: ValueRange
  /** Return only entries after this one in the direction of the scan. It need not exist. */
  readonly after?: IndexPosition | undefined
  readonly isDescending: boolean
  /** The largest number of entries in the batch, at least 1. */
  readonly limit: number
}

/** Some of the requested rows, in order. */
export interface Batch<T> {
  readonly rows: readonly T[]
  /** True if no rows follow. If false, there is at least one row. */
  readonly isLast: boolean
}

/**
 * The indexes and items of one domain. All reads for one page of Select are of the same snapshot.
 */
export interface SelectSource {
  /** Entries of an attribute's index, or of the index of item names (one entry per item). */
  scan(key: SelectKey, scan: IndexScan): Promise<Batch<IndexEntry>>
  /** Whole items by ascending number, after `after`. */
  scanItems(scan: {
    readonly after: number | undefined
    readonly limit: number
  }): Promise<Batch<SelectItem>>
  /** The items with these numbers, in the same order; undefined for a missing one. */
  load(items: readonly number[]): Promise<readonly (SelectItem | undefined)[]>
  /** The number of items in the domain. */
  itemCount(): Promise<number>
}
