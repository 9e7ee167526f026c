// Buffered writes, the last one of each key, and the view of a store through them. They are how a
// transaction reads its own writes, and how a batch sees what its earlier transactions will commit.

import type { Bytes } from '../base/bytes.ts'
import type { Range, Row } from './engine.ts'
import { counterBytes, decodeCounter, encodeCounter } from './tuple.ts'
import { nameOf, type RowCursor, type View } from './view.ts'

/** What becomes of one key. An `add` is relative to whatever value the key has when it is applied. */
export type Change =
  | { readonly kind: 'put'; readonly key: Bytes; readonly value: Bytes }
  | { readonly kind: 'delete'; readonly key: Bytes }
  | { readonly kind: 'add'; readonly key: Bytes; readonly delta: bigint }

/** The value that `change` makes of `before`; undefined is absence. */
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

/** At most one change a key. */
export class Changes {
  readonly #byName = new Map<string, Change>()
  /** The names in order, but for those in `#unsorted`; made when a range first asks. */
  #sorted: string[] | undefined
  /** Names that came since a range last asked. */
  #unsorted: string[] = []
  #sizeBytes = 0

  /** Number of keys changed. */
  get size(): number {
    return this.#byName.size
  }

  /** Bytes of all keys and values that were ever buffered here. */
  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** Adds a change after those that are there. */
  push(change: Change): void {
    this.#push(nameOf(change.key), change)
  }

  /** Adds all of `later` after those that are there. */
  pushAll(later: Changes): void {
    for (const [name, change] of later.#byName) this.#push(name, change)
  }

  /** False when `later` adds to a key whose value, as buffered here, is no counter. */
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

  /** True when the key called `name` is changed. */
  has(name: string): boolean {
    return this.#byName.has(name)
  }

  values(): Iterable<Change> {
    return this.#byName.values()
  }

  names(): Iterable<string> {
    return this.#byName.keys()
  }

  /** The first change at or after `name`, or after it when `exclusive`. */
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

/** `base` as it will be once `changes` are applied; changes added later are seen too. */
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

/** Merges the rows of a base with changes, in either direction, while changes may still be added. */
export class MergingCursor implements RowCursor {
  readonly #base: RowCursor
  readonly #changes: Changes
  readonly #range: Range
  readonly #onBaseRow: ((row: Row) => void) | undefined
  #ahead: Row | undefined
  #baseEnded = false
  /** The last key that was passed, in whichever of the two. */
  #last: Bytes | undefined

  /** @param onBaseRow is told every row of the base when the cursor passes it, never earlier. */
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

  /** Negative when the base's row comes first, 0 when both have the same key. */
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

/** Up to so many names are inserted one by one, as when rows are changed while they are read. */
const fewNames = 16

/** `sorted` with `names`, none of which it has; may change both. */
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
