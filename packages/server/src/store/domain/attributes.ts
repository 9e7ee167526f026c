// The effect of puts and deletes on an item's attributes, as pure functions.

import { compareUtf8 } from '../../base/bytes.ts'
import type { Attribute, Attributes } from './item.ts'

/** A pair to put. */
export interface PutPair {
  readonly name: string
  readonly value: string
  /** If true, the values that the attribute had before the call are removed. */
  readonly replace: boolean
}

/** A pair to delete, or all values of an attribute. */
export interface DeletePair {
  readonly name: string
  readonly value?: string | undefined
}

/**
 * The attributes after a put. `replace` removes only values from before the call, so several values
 * of one call are all kept.
 */
export function afterPut(before: Attributes, pairs: readonly PutPair[]): Attributes {
  const values = new Map<string, Set<string>>()
  for (const attribute of before) values.set(attribute.name, new Set(attribute.values))
  for (const { name, replace } of pairs) if (replace) values.get(name)?.clear()
  for (const { name, value } of pairs) {
    const set = values.get(name)
    if (set === undefined) values.set(name, new Set([value]))
    else set.add(value)
  }
  return assembled(before, values)
}

/** The attributes after a delete of `pairs`; empty `pairs` means all. */
export function afterDelete(before: Attributes, pairs: readonly DeletePair[]): Attributes {
  if (pairs.length === 0) return []
  const values = new Map(before.map(({ name, values: all }) => [name, new Set(all)]))
  for (const { name, value } of pairs) {
    if (value === undefined) values.delete(name)
    else values.get(name)?.delete(value)
  }
  return assembled(before, values)
}

/** The number of pairs of a name and a value. */
export function countPairs(attributes: Attributes): number {
  return attributes.reduce((count, { values }) => count + values.length, 0)
}

/** Unchanged attributes are returned as the identical objects. */
function assembled(
  before: Attributes,
  after: ReadonlyMap<string, ReadonlySet<string>>,
): Attributes {
  const known = new Map(before.map((attribute) => [attribute.name, attribute]))
  const attributes: Attribute[] = []
  for (const [name, values] of after) {
    if (values.size === 0) continue
    const old = known.get(name)
    const isSame =
      old !== undefined &&
      old.values.length === values.size &&
      old.values.every((value) => values.has(value))
    attributes.push(isSame ? old : { name, values: [...values].sort(compareUtf8) })
  }
  return attributes
}
