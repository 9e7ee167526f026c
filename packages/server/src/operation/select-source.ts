// A domain as SelectSource: its indexes and items, in one transaction.

import { type Bytes, compareBytes, utf8 } from '../base/bytes.ts'
import type { Range, ReadTransaction } from '../engine/engine.ts'
import type { SelectKey } from '../select/ast.ts'
import type { Batch, IndexEntry, IndexScan, SelectItem, SelectSource } from '../select/source.ts'
import { readCounts } from '../store/domain/domain.ts'
import {
  decodeItem,
  findAttribute,
  isMultiValued,
  readItems,
  type StoredItem,
} from '../store/domain/item.ts'
import * as domainSchema from '../store/domain/schema.ts'
import { unpack } from '../store/row/record.ts'

/** Bytes of rows after which a batch of items ends; bounds the memory for big items. */
const batchBytes = 4_194_304

/** The domain with a given number; readable until its transaction ends. */
export class DomainSource implements SelectSource {
  readonly #tx: ReadTransaction
  readonly #domain: number
  readonly #attributes = new Map<string, number | undefined>()

  constructor(tx: ReadTransaction, domain: number) {
    this.#tx = tx
    this.#domain = domain
  }

  async scan(key: SelectKey, scan: IndexScan): Promise<Batch<IndexEntry>> {
    if (key.kind === 'itemName') return this.#scanNames(scan)
    const attribute = await this.#attribute(key.name)
    if (attribute === undefined) return { rows: [], isLast: true }
    return this.#scanPairs(attribute, scan)
  }

  async scanItems({
    after,
    limit,
  }: {
    readonly after: number | undefined
    readonly limit: number
  }): Promise<Batch<SelectItem>> {
    const all = domainSchema.items(this.#domain)
    const start = after === undefined ? all.start : domainSchema.item(this.#domain, after + 1)
    const rows: SelectItem[] = []
    let bytes = 0
    for await (const batch of this.#tx.batches({ ...all, start })) {
      for (const { key, value } of batch) {
        rows.push(selectItem(decodeItem(domainSchema.itemNumber(key), value)))
        bytes += value.byteLength
        if (rows.length === limit || bytes >= batchBytes) return { rows, isLast: false }
      }
    }
    return { rows, isLast: true }
  }

  async load(items: readonly number[]): Promise<readonly (SelectItem | undefined)[]> {
    const found = await readItems(this.#tx, this.#domain, items)
    return found.map((item) => (item === undefined ? undefined : selectItem(item)))
  }

  async itemCount(): Promise<number> {
    return (await readCounts(this.#tx, this.#domain)).items
  }

  async #attribute(name: string): Promise<number | undefined> {
    if (!this.#attributes.has(name)) {
      this.#attributes.set(name, await findAttribute(this.#tx, this.#domain, name))
    }
    return this.#attributes.get(name)
  }

  async #scanPairs(attribute: number, scan: IndexScan): Promise<Batch<IndexEntry>> {
    const domain = this.#domain
    const { range, after, limit } = scan
    const startOf = (value: Bytes): Bytes =>
      domainSchema.pairsOfPrefix({ domain, attribute, value })
    const bounds = {
      start: startOf(range.start),
      end:
        range.end === undefined
          ? domainSchema.pairsOfAttribute(domain, attribute).end
          : startOf(range.end),
    }
    const place = after && domainSchema.pair({ domain, attribute, value: after.value }, after.item)
    const rows: IndexEntry[] = []
    for await (const batch of this.#tx.batches(beyond(bounds, place, scan.isDescending))) {
      for (const row of batch) {
        const { value, item } = domainSchema.parsePair(row.key)
        rows.push({ value, item, isMultiValued: isMultiValued(row.value) })
        if (rows.length === limit) return { rows, isLast: false }
      }
    }
    return { rows, isLast: true }
  }

  async #scanNames(scan: IndexScan): Promise<Batch<IndexEntry>> {
    const domain = this.#domain
    const { range, after, isDescending, limit } = scan
    const bounds = {
      start: domainSchema.itemName(domain, range.start),
      end:
        range.end === undefined
          ? domainSchema.itemNames(domain).end
          : domainSchema.itemName(domain, range.end),
    }
    const place = after && domainSchema.itemName(domain, after.value)
    const rows: IndexEntry[] = []
    for await (const batch of this.#tx.batches(from(bounds, place, isDescending))) {
      for (const row of batch) {
        const value = domainSchema.nameInDomain(row.key)
        const item = unpack<[number]>(row.value)[0]
        // An item may have been deleted, and another been created with the same name.
        if (after !== undefined && compareBytes(value, after.value) === 0) {
          if (isDescending ? item >= after.item : item <= after.item) continue
        }
        rows.push({ value, item, isMultiValued: false })
        if (rows.length === limit) return { rows, isLast: false }
      }
    }
    return { rows, isLast: true }
  }
}

/** The rows of `bounds` in scan direction; only those after `place` if given. */
function beyond(bounds: Range, place: Bytes | undefined, isDescending: boolean): Range {
  if (isDescending) return { ...bounds, end: least(bounds.end, place), reverse: true }
  return place === undefined ? bounds : { ...bounds, start: greatest(bounds.start, after(place)) }
}

/** Like {@link beyond}, but including the row at `place`. */
function from(bounds: Range, place: Bytes | undefined, isDescending: boolean): Range {
  if (isDescending) {
    return { ...bounds, end: least(bounds.end, place && after(place)), reverse: true }
  }
  return place === undefined ? bounds : { ...bounds, start: greatest(bounds.start, place) }
}

function greatest(a: Bytes, b: Bytes): Bytes {
  return compareBytes(a, b) < 0 ? b : a
}

function least(a: Bytes | undefined, b: Bytes | undefined): Bytes | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return compareBytes(a, b) < 0 ? a : b
}

const zero = utf8('\0')

/** The immediate successor of `key` in key order. */
function after(key: Bytes): Bytes {
  return Buffer.concat([key, zero])
}

function selectItem({ number, name, attributes }: StoredItem): SelectItem {
  const values = new Map(attributes.map((attribute) => [attribute.name, attribute.values]))
  return { number, name, attributes: values }
}
