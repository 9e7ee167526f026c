// Buffered writes, at most one per key, and the view of a store with those writes applied. A
// transaction reads its own writes through that view. A batch uses it to see the writes of its
// earlier transactions.

import type { Bytes } from '../base/bytes.ts'
import type { Range, Row } from './engine.ts'
import { counterBytes, decodeCounter, encodeCounter } from './tuple.ts'
import { nameOf, type RowCursor, type View } from './view.ts'

/**
 * A write to one key. An `add` is relative to the value that the key has when the change is
 * applied.
 */
export type Change =
  | { readonly kind: 'put'; readonly key: Bytes; readonly value: Bytes }
  | { readonly kind: 'delete'; readonly key: Bytes }
  | { readonly kind: 'add'; readonly key: Bytes; readonly delta: bigint }

/** The value after `change`, given the value before; undefined means absent. */
export function applied(change: Change, before: Bytes | undefined): Bytes | undefined {
  switch (change.kind) {
    case 'put':
      return change.value
    case 'delete':
      return undefined
    case 'add':
      return encodeCounter(decodeCounter(before) + change.delta)
  }
}

/** Buffered changes, at most one per key. */
export class Changes {
  readonly #byName = new Map<string, Change>()
  /** All names in order, except those in `#unsorted`. Built on the first range read. */
  #sorted: string[] | undefined
  /** Names added since the last range read. */
  #unsorted: string[] = []
  #sizeBytes = 0

  /** Number of keys changed. */
  get size(): number {
    return this.#byName.size
  }

  /** Bytes of all keys and values ever buffered here, overwritten ones included. */
  get sizeBytes(): number {
    return this.#sizeBytes
  }

  push(change: Change): void {
    this.#push(nameOf(change.key), change)
  }

  pushAll(later: Changes): void {
    for (const [name, change] of later.#byName) this.#push(name, change)
  }

  /** False when `later` adds to a key whose value, as buffered here, is not a counter. */
  accepts(later: Changes): boolean {
    if (this.size === 0) return true
    for (const [name, change] of later.#byName) {
      const before = change.kind === 'add' ? this.#byName.get(name) : undefined
      if (before?.kind === 'put' && before.value.length !== counterBytes) return false
    }
    return true
  }

  find(key: Bytes): Change | undefined {
    return this.#byName.size === 0 ? undefined : this.#byName.get(nameOf(key))
  }

  /** True when the key named `name` is changed. */
  has(name: string): boolean {
    return this.#byName.has(name)
  }

  values(): Iterable<Change> {
    return this.#byName.values()
  }

  names(): Iterable<string> {
    return this.#byName.keys()
  }

  /** The first change at or after `name`, or strictly after it when `exclusive`. */
  atOrAfter(name: string, exclusive: boolean): Change | undefined {
    const sorted = this.#inOrder()
    let index = lowerBound(sorted, name)
    if (exclusive && sorted[index] === name) index++
    return this.#at(sorted[index])
  }

  /** The last change before `name`, or the last of all. */
  before(name: string | undefined): Change | undefined {
    const sorted = this.#inOrder()
    return this.#at(sorted[(name === undefined ? sorted.length : lowerBound(sorted, name)) - 1])
  }

  #push(name: string, change: Change): void {
    const before = this.#byName.get(name)
    if (before === undefined && this.#sorted !== undefined) this.#unsorted.push(name)
    this.#byName.set(name, before === undefined ? change : combined(before, change))
    this.#sizeBytes +=
      change.key.length + (change.kind === 'put' ? change.value.length : counterBytes)
  }

  #at(name: string | undefined): Change | undefined {
    return name === undefined ? undefined : this.#byName.get(name)
  }

  #inOrder(): string[] {
    if (this.#sorted === undefined) {
      this.#sorted = [...this.#byName.keys()].sort()
    } else if (this.#unsorted.length > 0) {
      const names = this.#unsorted
      this.#unsorted = []
      this.#sorted = inserted(this.#sorted, names)
    }
    return this.#sorted
  }
}

/** A view of `base` with `changes` applied. Changes added later are visible too. */
export class ChangedView implements View {
  readonly #base: View
  readonly #changes: Changes

  constructor(base: View, changes: Changes) {
    this.#base = base
    this.#changes = changes
  }

  get(key: Bytes): Bytes | undefined {
    const change = this.#changes.find(key)
    if (change === undefined) return this.#base.get(key)
    return applied(change, change.kind === 'add' ? this.#base.get(key) : undefined)
  }

  scan(range: Range): RowCursor {
    return new MergingCursor(this.#base.scan(range), this.#changes, range)
  }
}

/**
 * Merges the rows of a base with changes, in either direction. Changes may be added during the
 * iteration.
 */
export class MergingCursor implements RowCursor {
  readonly #base: RowCursor
  readonly #changes: Changes
  readonly #range: Range
  readonly #onBaseRow: ((row: Row) => void) | undefined
  #ahead: Row | undefined
  #baseEnded = false
  /** The last key passed, in the base or in the changes. */
  #last: Bytes | undefined

  /** @param onBaseRow is called with every base row when the cursor passes it, never earlier. */
  constructor(base: RowCursor, changes: Changes, range: Range, onBaseRow?: (row: Row) => void) {
    this.#base = base
    this.#changes = changes
    this.#range = range
    this.#onBaseRow = onBaseRow
  }

  next(): Row | undefined {
    for (;;) {
      if (this.#ahead === undefined && !this.#baseEnded) {
        this.#ahead = this.#base.next()
        this.#baseEnded = this.#ahead === undefined
      }
      const change = this.#changes.size === 0 ? undefined : this.#nextChange()
      const row = this.#ahead
      if (row === undefined && change === undefined) return undefined
      const order = this.#order(row, change)
      if (order <= 0 && row !== undefined) {
        this.#ahead = undefined
        this.#last = row.key
        this.#onBaseRow?.(row)
        if (order < 0 || change === undefined) return row
      }
      if (change === undefined) continue
      this.#last = change.key
      const value = applied(change, order === 0 ? row?.value : undefined)
      if (value !== undefined) return { key: change.key, value }
    }
  }

  close(): void {
    this.#base.close()
  }

  /** Negative when the base row comes first, 0 when both have the same key. */
  #order(row: Row | undefined, change: Change | undefined): number {
    if (change === undefined) return -1
    if (row === undefined) return 1
    const order = Buffer.compare(row.key, change.key)
    return this.#range.reverse === true ? -order : order
  }

  #nextChange(): Change | undefined {
    const { start, end, reverse } = this.#range
    if (reverse === true) {
      const bound = this.#last ?? end
      const change = this.#changes.before(bound === undefined ? undefined : nameOf(bound))
      return change === undefined || Buffer.compare(change.key, start) < 0 ? undefined : change
    }
    const exclusive = this.#last !== undefined
    const change = this.#changes.atOrAfter(nameOf(this.#last ?? start), exclusive)
    if (change === undefined || end === undefined) return change
    return Buffer.compare(change.key, end) < 0 ? change : undefined
  }
}

function combined(before: Change, after: Change): Change {
  if (after.kind !== 'add') return after
  if (before.kind === 'add') {
    return { kind: 'add', key: after.key, delta: before.delta + after.delta }
  }
  const value = applied(after, applied(before, undefined))
  return value === undefined ? after : { kind: 'put', key: after.key, value }
}

/**
 * Up to this many names are inserted one by one, the usual case when rows are changed while they
 * are read.
 */
const fewNames = 16

/** Inserts `names` into `sorted`; the two are disjoint. May modify both arrays. */
function inserted(sorted: string[], names: string[]): string[] {
  if (names.length <= fewNames) {
    for (const name of names) sorted.splice(lowerBound(sorted, name), 0, name)
    return sorted
  }
  names.sort()
  const merged: string[] = []
  let next = 0
  for (const name of names) {
    for (let old = sorted[next]; old !== undefined && old < name; old = sorted[++next]) {
      merged.push(old)
    }
    merged.push(name)
  }
  for (; next < sorted.length; next++) merged.push(sorted[next] ?? '')
  return merged
}

/** The index of the first name that is not less than `name`. */
function lowerBound(sorted: readonly string[], name: string): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] ?? '') < name) low = middle + 1
    else high = middle
  }
  return low
}
