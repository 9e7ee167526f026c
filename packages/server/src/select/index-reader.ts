// Reads the entries of a plan's arms, one arm after another, in batches.

import type { Bytes } from '../base/bytes.ts'
import type { Arm } from './cover.ts'
import { isIn } from './range.ts'
import type { IndexEntry, IndexPosition, SelectSource, ValueRange } from './source.ts'

/** Entries of one arm, in its order. */
export interface ArmBatch {
  /** The arm's place in the plan. */
  readonly arm: number
  readonly rows: readonly IndexEntry[]
  /** True if there are no more, in later arms either. */
  readonly isLast: boolean
}

/** A place in a list of arms. */
export interface ArmPosition extends IndexPosition {
  readonly arm: number
}

/** Goes through arms once. */
export class IndexReader {
  readonly #source: SelectSource
  readonly #arms: readonly Arm[]
  readonly #isDescending: boolean
  #arm: number
  #ranges: ValueRange[]
  #after: IndexPosition | undefined

  constructor(
    source: SelectSource,
    arms: readonly Arm[],
    {
      isDescending,
      after,
    }: { readonly isDescending: boolean; readonly after?: ArmPosition | undefined },
  ) {
    this.#source = source
    this.#arms = arms
    this.#isDescending = isDescending
    this.#arm = after?.arm ?? 0
    this.#after = after
    this.#ranges = this.#rangesOf(this.#arm).filter(
      (range) => after === undefined || !this.#isPast(range, after.value),
    )
  }

  /** The next entries, `limit` at most; none only if there are no more. */
  async next(limit: number): Promise<ArmBatch> {
    const rows: IndexEntry[] = []
    const arm = this.#findArm()
    while (rows.length < limit) {
      const [range] = this.#ranges
      if (range === undefined) break
      const after =
        this.#after !== undefined && isIn(range, this.#after.value) ? this.#after : undefined
      const batch = await this.#source.scan(this.#armAt(arm).key, {
        range,
        after,
        isDescending: this.#isDescending,
        limit: limit - rows.length,
      })
      rows.push(...batch.rows)
      this.#after = batch.isLast ? undefined : batch.rows.at(-1)
      if (batch.isLast) this.#ranges.shift()
    }
    const isLast = this.#ranges.length === 0 && this.#findArm() === this.#arms.length
    if (rows.length > 0 || isLast) return { arm, rows, isLast }
    return this.next(limit)
  }

  /** Goes on to the first arm that has a range left; past the last one if none has. */
  #findArm(): number {
    while (this.#ranges.length === 0 && this.#arm < this.#arms.length) {
      this.#arm++
      this.#after = undefined
      this.#ranges = this.#rangesOf(this.#arm)
    }
    return this.#arm
  }

  #rangesOf(arm: number): ValueRange[] {
    const ranges = this.#arms[arm]?.ranges ?? []
    return this.#isDescending ? ranges.toReversed() : [...ranges]
  }

  /** True if nothing of `range` lies beyond `value`, in this direction. */
  #isPast({ start, end }: ValueRange, value: Bytes): boolean {
    if (this.#isDescending) return Buffer.compare(start, value) > 0
    return end !== undefined && Buffer.compare(end, value) <= 0
  }

  #armAt(index: number): Arm {
    const arm = this.#arms[index]
    if (arm === undefined) throw new Error('no such arm')
    return arm
  }
}
