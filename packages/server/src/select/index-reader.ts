// Reads the entries of a plan's index paths, one path after another, in batches.

import type { Bytes } from '../base/bytes.ts'
import type { IndexPath } from './access-path.ts'
import type { IndexEntry, IndexPosition, SelectSource, ValueRange } from './source.ts'
import { isIn } from './value-range.ts'

/** Entries of one path, in its order. */
export interface PathBatch {
  /** The path's index in the plan. */
  readonly path: number
  readonly rows: readonly IndexEntry[]
  /** True if no entries follow, in later paths either. */
  readonly isLast: boolean
}

/** A position in a list of paths. */
export interface PathPosition extends IndexPosition {
  readonly path: number
}

/** Reads a list of paths once. */
export class IndexReader {
  readonly #source: SelectSource
  readonly #paths: readonly IndexPath[]
  readonly #isDescending: boolean
  #path: number
  #ranges: ValueRange[]
  #after: IndexPosition | undefined

  constructor(
    source: SelectSource,
    paths: readonly IndexPath[],
    {
      isDescending,
      after,
    }: { readonly isDescending: boolean; readonly after?: PathPosition | undefined },
  ) {
    this.#source = source
    this.#paths = paths
    this.#isDescending = isDescending
    this.#path = after?.path ?? 0
    this.#after = after
    this.#ranges = this.#rangesOf(this.#path).filter(
      (range) => after === undefined || !this.#isPast(range, after.value),
    )
  }

  /** The next entries, at most `limit`. Empty only at the end. */
  async next(limit: number): Promise<PathBatch> {
    const rows: IndexEntry[] = []
    const path = this.#findPath()
    while (rows.length < limit) {
      const [range] = this.#ranges
      if (range === undefined) break
      const after =
        this.#after !== undefined && isIn(range, this.#after.value) ? this.#after : undefined
      const batch = await this.#source.scan(this.#pathAt(path).key, {
        range,
        after,
        isDescending: this.#isDescending,
        limit: limit - rows.length,
      })
      rows.push(...batch.rows)
      this.#after = batch.isLast ? undefined : batch.rows.at(-1)
      if (batch.isLast) this.#ranges.shift()
    }
    const isLast = this.#ranges.length === 0 && this.#findPath() === this.#paths.length
    if (rows.length > 0 || isLast) return { path, rows, isLast }
    return this.next(limit)
  }

  /** Advances to the first path with a range left, or past the last path. */
  #findPath(): number {
    while (this.#ranges.length === 0 && this.#path < this.#paths.length) {
      this.#path++
      this.#after = undefined
      this.#ranges = this.#rangesOf(this.#path)
    }
    return this.#path
  }

  #rangesOf(path: number): ValueRange[] {
    const ranges = this.#paths[path]?.ranges ?? []
    return this.#isDescending ? ranges.toReversed() : [...ranges]
  }

  /** True if no part of `range` lies beyond `value` in the direction of the scan. */
  #isPast({ start, end }: ValueRange, value: Bytes): boolean {
    if (this.#isDescending) return Buffer.compare(start, value) > 0
    return end !== undefined && Buffer.compare(end, value) <= 0
  }

  #pathAt(index: number): IndexPath {
    const path = this.#paths[index]
    if (path === undefined) throw new Error('no such path')
    return path
  }
}
