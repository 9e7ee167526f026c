// Which of the entries that a plan reads stand for an item to answer. An item may have many entries in
// a plan; it is taken at the first one only, so that nothing has to be remembered from page to page.

import { type Bytes, compareBytes, text, utf8 } from '../base/bytes.ts'
import type { Expression } from './ast.ts'
import type { Arm } from './cover.ts'
import { compileExpression, type Matcher } from './evaluate.ts'
import { type Verdict, verdictOf } from './plan.ts'
import { contains } from './range.ts'
import type { IndexEntry, SelectItem } from './source.ts'

/** Decides about entries and items of one plan. */
export class Filter {
  readonly #arms: readonly Arm[]
  readonly #isDescending: boolean
  readonly #matches: Matcher
  readonly #verdict: Verdict

  constructor(where: Expression | undefined, arms: readonly Arm[], isDescending: boolean) {
    this.#arms = arms
    this.#isDescending = isDescending
    this.#matches = where === undefined ? () => true : compileExpression(where)
    const [arm] = arms
    this.#verdict = arm !== undefined && arms.length === 1 ? verdictOf(where, arm) : 'never'
  }

  /** What an entry tells by itself; undefined if its item has to be read. */
  judge(entry: IndexEntry): boolean | undefined {
    if (entry.isMultiValued || this.#verdict === 'never') return undefined
    if (this.#verdict === 'always') return true
    const key = this.#arms[0]?.key
    if (key === undefined) return undefined
    const value = text(entry.value)
    if (key.kind === 'itemName') return this.#matches({ name: value, attributes: noAttributes })
    return this.#matches({ name: '', attributes: new Map([[key.name, [value]]]) })
  }

  /** True if `item` is to be taken at this entry of the plan's arm of this number. */
  accepts(arm: number, entry: IndexEntry, item: SelectItem): boolean {
    return this.#matches(item) && this.#isFirst(arm, entry, item)
  }

  #isFirst(arm: number, entry: IndexEntry, item: SelectItem): boolean {
    for (let earlier = 0; earlier < arm; earlier++) {
      if (this.#firstIn(earlier, item) !== undefined) return false
    }
    if (!entry.isMultiValued) return true
    const first = this.#firstIn(arm, item)
    return first !== undefined && compareBytes(first, entry.value) === 0
  }

  #firstIn(index: number, item: SelectItem): Bytes | undefined {
    const arm = this.#arms[index]
    return arm && firstValue(item, arm, this.#isDescending)
  }
}

/** The value by which an item stands in an arm: of those that are in it, the least or the greatest. */
export function firstValue(
  item: SelectItem,
  { key, ranges, allows }: Arm,
  isDescending: boolean,
): Bytes | undefined {
  const values = key.kind === 'itemName' ? [item.name] : item.attributes.get(key.name)
  let first: Bytes | undefined
  for (const value of values ?? []) {
    const bytes = utf8(value)
    if (!contains(ranges, bytes) || allows?.(value) === false) continue
    const order = first === undefined ? 0 : compareBytes(bytes, first)
    if (first === undefined || (isDescending ? order > 0 : order < 0)) first = bytes
  }
  return first
}

const noAttributes: SelectItem['attributes'] = new Map()
