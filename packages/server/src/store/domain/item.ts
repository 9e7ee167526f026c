// Items: sets of pairs of an attribute name and a value. Every pair has a row in an index by
// attribute and value. Items are written as a whole; only the differences become row changes.

import { type Bytes, text, utf8 } from '../../base/bytes.ts'
import type { Range, ReadTransaction, WriteTransaction } from '../../engine/engine.ts'
import type { IdSource } from '../row/id.ts'
import { pack, unpack } from '../row/record.ts'
import { addCounts, type DomainCounts, noCounts } from './domain.ts'
import * as schema from './schema.ts'

/** An attribute of an item, with at least one value. */
export interface Attribute {
  readonly name: string
  /** Distinct, in the order of their UTF-8 bytes. */
  readonly values: readonly string[]
}

/** An item's attributes in order of first appearance; each name once. */
export type Attributes = readonly Attribute[]

export interface StoredItem {
  /** Unique and never reused in the store; increasing among items created by one process. */
  readonly number: number
  readonly name: string
  readonly attributes: Attributes
}

/** The context of a change of a domain. */
export interface DomainContext {
  readonly tx: WriteTransaction
  readonly ids: Pick<IdSource, 'next'>
  /** The domain's number; the caller has read its row in the same transaction. */
  readonly domain: number
  /** The active snapshot, for which the former state of the item is saved. */
  readonly snapshot?: number | undefined
}

type PackedItem = [name: string, attributes: [name: string, ...values: string[]][]]
type Counting = { -readonly [Name in keyof DomainCounts]: number }

/** Values of a pair's row: whether the attribute has other values in the same item. */
const isSingle: Bytes = new Uint8Array([0])
const isMultiple: Bytes = new Uint8Array([1])
/** The state saved for a snapshot of an item that didn't exist yet. */
const absent: Bytes = new Uint8Array()

export async function findItem(
  tx: ReadTransaction,
  domain: number,
  name: string,
): Promise<StoredItem | undefined> {
  const bytes = await tx.get(schema.itemName(domain, utf8(name)))
  return bytes === undefined ? undefined : readItem(tx, domain, unpack<[number]>(bytes)[0])
}

/** The item with this number, if it exists. */
async function readItem(
  tx: ReadTransaction,
  domain: number,
  number: number,
): Promise<StoredItem | undefined> {
  const bytes = await tx.get(schema.item(domain, number))
  return bytes === undefined ? undefined : decodeItem(number, bytes)
}

/** The items with these numbers, in their order; undefined for those that don't exist. */
export async function readItems(
  tx: ReadTransaction,
  domain: number,
  numbers: readonly number[],
): Promise<readonly (StoredItem | undefined)[]> {
  const values = await tx.getMany(numbers.map((number) => schema.item(domain, number)))
  return numbers.map((number, index) => {
    const bytes = values[index]
    return bytes === undefined ? undefined : decodeItem(number, bytes)
  })
}

export function decodeItem(number: number, bytes: Bytes): StoredItem {
  const [name, packed] = unpack<PackedItem>(bytes)
  const attributes = packed.map(([attribute, ...values]) => ({ name: attribute, values }))
  return { number, name, attributes }
}

function encodeItem(name: string, attributes: Attributes): Bytes {
  const packed: PackedItem = [name, attributes.map((some) => [some.name, ...some.values])]
  return pack(packed)
}

/** Saves an item's former state for a snapshot, once; an empty state if the item didn't exist. */
async function saveFormerState(
  tx: WriteTransaction,
  snapshot: number,
  number: number,
  before: StoredItem | undefined,
): Promise<void> {
  const key = schema.formerItem(snapshot, number)
  if ((await tx.get(key)) !== undefined) return
  tx.put(key, before === undefined ? absent : encodeItem(before.name, before.attributes))
}

/** The number of an attribute in the index; undefined if no item of the domain has it. */
export async function findAttribute(
  tx: ReadTransaction,
  domain: number,
  name: string,
): Promise<number | undefined> {
  const bytes = await tx.get(schema.attributeName(domain, utf8(name)))
  return bytes === undefined ? undefined : unpack<[number]>(bytes)[0]
}

/** True for a pair's row whose attribute has other values in that item. */
export function isMultiValued(row: Bytes): boolean {
  return row[0] === isMultiple[0]
}

/**
 * Replaces all attributes of an item; an item without attributes is deleted. Updates the domain's
 * counts and returns the change. Attributes that are identical objects are taken as unchanged.
 * @param before the result of {@link findItem} in the same transaction
 */
export async function writeItem(
  ctx: DomainContext,
  name: string,
  before: StoredItem | undefined,
  attributes: Attributes,
): Promise<DomainCounts> {
  const { tx, domain } = ctx
  const old = before?.attributes ?? []
  const isSame = attributes.every((attribute, at) => attribute === old[at])
  if (isSame && attributes.length === old.length) return noCounts
  const counts: Counting = { ...noCounts }
  const number = before?.number ?? ctx.ids.next()
  if (ctx.snapshot !== undefined) await saveFormerState(tx, ctx.snapshot, number, before)
  await writeAttributes(ctx, counts, { item: number, before: old, after: attributes })
  if (attributes.length === 0) {
    tx.delete(schema.item(domain, number))
    tx.delete(schema.itemName(domain, utf8(name)))
  } else {
    tx.put(schema.item(domain, number), encodeItem(name, attributes))
    if (before === undefined) tx.put(schema.itemName(domain, utf8(name)), pack([number]))
  }
  const items = (attributes.length === 0 ? 0 : 1) - (before === undefined ? 0 : 1)
  counts.items = items
  counts.itemNameBytes = items * utf8(name).length
  addCounts(tx, domain, counts)
  return counts
}

async function writeAttributes(
  ctx: DomainContext,
  counts: Counting,
  change: { readonly item: number; readonly before: Attributes; readonly after: Attributes },
): Promise<void> {
  const { item, before, after } = change
  const old = new Map(before.map((attribute) => [attribute.name, attribute.values]))
  for (const { name, values } of after) {
    const known = old.get(name) ?? []
    old.delete(name)
    if (values !== known) await writeValues(ctx, counts, { name, item, before: known, values })
  }
  for (const [name, values] of old) {
    await writeValues(ctx, counts, { name, item, before: values, values: [] })
  }
}

/** One attribute of one item, before and after. */
interface ValueChange {
  readonly item: number
  readonly name: string
  readonly before: readonly string[]
  readonly values: readonly string[]
}

async function writeValues(
  ctx: DomainContext,
  counts: Counting,
  { item, name, before, values }: ValueChange,
): Promise<void> {
  const { tx, domain } = ctx
  const attribute =
    (await findAttribute(tx, domain, name)) ?? (await internAttribute(ctx, counts, name))
  const rowOf = (value: Bytes): Bytes => schema.pair({ domain, attribute, value }, item)
  const gone = new Set(before)
  const hasChangedKind = before.length > 1 !== values.length > 1
  for (const text of values) {
    const isOld = gone.delete(text)
    if (isOld && !hasChangedKind) continue
    const value = utf8(text)
    tx.put(rowOf(value), values.length > 1 ? isMultiple : isSingle)
    if (isOld) continue
    counts.pairs++
    counts.valueBytes += value.length
  }
  let removed: Bytes | undefined
  for (const text of gone) {
    const value = utf8(text)
    removed = rowOf(value)
    tx.delete(removed)
    counts.pairs--
    counts.valueBytes -= value.length
  }
  if (values.length > 0 || removed === undefined) return
  if (await hasPairNear(tx, schema.pairsOfAttribute(domain, attribute), removed)) return
  const bytes = utf8(name)
  tx.delete(schema.attributeName(domain, bytes))
  counts.names--
  counts.nameBytes -= bytes.length
}

/** Assigns a number to a new attribute name. Numbers are never reused within a domain. */
async function internAttribute(
  { tx, domain }: DomainContext,
  counts: Counting,
  name: string,
): Promise<number> {
  const key = schema.lastAttribute(domain)
  const last = await tx.get(key)
  const number = last === undefined ? 1 : unpack<[number]>(last)[0] + 1
  tx.put(key, pack([number]))
  const bytes = utf8(name)
  tx.put(schema.attributeName(domain, bytes), pack([number]))
  counts.names++
  counts.nameBytes += bytes.length
  return number
}

/**
 * True if the attribute has any pair left. Searches next to the removed pair, so that transactions
 * removing other pairs don't conflict.
 */
async function hasPairNear(tx: ReadTransaction, all: Range, removed: Bytes): Promise<boolean> {
  for await (const _ of tx.range({ ...all, start: removed })) return true
  for await (const _ of tx.range({ start: all.start, end: removed, reverse: true })) return true
  return false
}

/** The items of a domain by number, after `after` if given. */
export async function* walkItems(
  tx: ReadTransaction,
  domain: number,
  after?: number,
): AsyncGenerator<StoredItem> {
  const all = schema.items(domain)
  const start = after === undefined ? all.start : schema.item(domain, after + 1)
  for await (const { key, value } of tx.range({ ...all, start })) {
    yield decodeItem(schema.itemNumber(key), value)
  }
}

/** The attribute names of a domain in byte order, with their numbers. */
export async function* walkAttributeNames(
  tx: ReadTransaction,
  domain: number,
): AsyncGenerator<{ readonly name: string; readonly number: number }> {
  for await (const { key, value } of tx.range(schema.attributeNames(domain))) {
    yield { name: text(schema.nameInDomain(key)), number: unpack<[number]>(value)[0] }
  }
}
