// The residual predicate of a plan, applied to index entries and items. An item may have many
// entries in a plan. It is returned at its first entry only, so no set of seen items is needed.

import { type Bytes, compareBytes, text, utf8 } from '../base/bytes.ts'
import type { IndexPath } from './access-path.ts'
import type { Expression } from './ast.ts'
import { compileExpression, type Matcher } from './evaluate.ts'
import { type Residual, residualOf } from './plan.ts'
import type { IndexEntry, SelectItem } from './source.ts'
import { contains } from './value-range.ts'

/** The residual predicate of one plan. */
export class Filter {
  readonly #paths: readonly IndexPath[]
  readonly #isDescending: boolean
  readonly #matches: Matcher
  readonly #residual: Residual

  constructor(where: Expression | undefined, paths: readonly IndexPath[], isDescending: boolean) {
    this.#paths = paths
    this.#isDescending = isDescending
    this.#matches = where === undefined ? () => true : compileExpression(where)
    const [path] = paths
    this.#residual = path !== undefined && paths.length === 1 ? residualOf(where, path) : 'item'
  }

  /** Decides on an entry without its item; undefined if the item has to be read. */
  decide(entry: IndexEntry): boolean | undefined {
    if (entry.isMultiValued || this.#residual === 'item') return undefined
    if (this.#residual === 'none') return true
    const key = this.#paths[0]?.key
    if (key === undefined) return undefined
    const value = text(entry.value)
    if (key.kind === 'itemName') return this.#matches({ name: value, attributes: noAttributes })
    return this.#matches({ name: '', attributes: new Map([[key.name, [value]]]) })
  }

  /**
   * True if `item` satisfies the `where` clause and `entry`, in the path with this index, is its
   * first entry in the plan.
   */
  accepts(path: number, entry: IndexEntry, item: SelectItem): boolean {
    return this.#matches(item) && this.#isFirst(path, entry, item)
  }

  #isFirst(path: number, entry: IndexEntry, item: SelectItem): boolean {
    for (let earlier = 0; earlier < path; earlier++) {
      if (this.#firstIn(earlier, item) !== undefined) return false
    }
    if (!entry.isMultiValued) return true
    const first = this.#firstIn(path, item)
    return first !== undefined && compareBytes(first, entry.value) === 0
  }

  #firstIn(index: number, item: SelectItem): Bytes | undefined {
    const path = this.#paths[index]
    return path && firstValue(item, path, this.#isDescending)
  }
}

/**
 * The value at which an ordered scan of a path meets the item: its least value within the path, or
 * the greatest if descending.
 */
export function firstValue(
  item: SelectItem,
  { key, ranges, allows }: IndexPath,
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
