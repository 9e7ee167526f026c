// The keys of the rows of domains, items and exports.

import type { Bytes } from '../../base/bytes.ts'
import { utf8 } from '../../base/bytes.ts'
import type { Range } from '../../engine/engine.ts'
import { type KeyWriter, key, prefixRange, readKey } from '../../engine/tuple.ts'
import { space } from '../row/key-space.ts'

export const domain = (owner: Bytes, name: Bytes): Bytes =>
  key(space.domain).bytes(owner).tail(name)
export const domainsOf = (owner: Bytes): Range => prefixRange(key(space.domain).bytes(owner).end())
export const domains = (): Range => prefixRange(key(space.domain).end())
/** The name in the key of a domain's row. */
export function domainName(row: Bytes): Bytes {
  const fields = readKey(row)
  fields.bytes()
  return fields.tail()
}
export const queuedDomain = (domain: number): Bytes => key(space.domainQueue).u64(domain).end()
export const domainQueue = (): Range => prefixRange(key(space.domainQueue).end())
export const domainCounter = (domain: number, which: number): Bytes =>
  key(space.domainCounter).u64(domain).u32(which).end()
export const attributeName = (domain: number, name: Bytes): Bytes =>
  key(space.attributeName).u64(domain).tail(name)
export const attributeNames = (domain: number): Range =>
  prefixRange(key(space.attributeName).u64(domain).end())
export const lastAttribute = (domain: number): Bytes => key(space.lastAttribute).u64(domain).end()
export const item = (domain: number, number: number): Bytes =>
  key(space.item).u64(domain).u64(number).end()
export const items = (domain: number): Range => prefixRange(key(space.item).u64(domain).end())
export const itemName = (domain: number, name: Bytes): Bytes =>
  key(space.itemName).u64(domain).tail(name)
export const itemNames = (domain: number): Range =>
  prefixRange(key(space.itemName).u64(domain).end())
/** The number in the key of an item's row. */
export function itemNumber(row: Bytes): number {
  const fields = readKey(row)
  fields.u64()
  return fields.u64()
}
/** The name in the key of the row of an item name or attribute name. */
export function nameInDomain(row: Bytes): Bytes {
  const fields = readKey(row)
  fields.u64()
  return fields.tail()
}

/** A value of an attribute, by the numbers of its domain and attribute. */
interface PairAddress {
  readonly domain: number
  readonly attribute: number
  readonly value: Bytes
}
const attributeStart = (domain: number, attribute: number): KeyWriter =>
  key(space.pair).u64(domain).u32(attribute)
export const pair = ({ domain, attribute, value }: PairAddress, item: number): Bytes =>
  attributeStart(domain, attribute).shifted(value).u64(item).end()
/** The common prefix of the pairs whose values begin with `value`. */
export const pairsOfPrefix = ({ domain, attribute, value }: PairAddress): Bytes =>
  attributeStart(domain, attribute).shiftedStart(value).end()
export const pairsOfAttribute = (domain: number, attribute: number): Range =>
  prefixRange(attributeStart(domain, attribute).end())
export const pairs = (domain: number): Range => prefixRange(key(space.pair).u64(domain).end())
export function parsePair(row: Bytes): { attribute: number; value: Bytes; item: number } {
  const fields = readKey(row)
  fields.u64()
  return { attribute: fields.u32(), value: fields.shifted(), item: fields.u64() }
}
export const formerItem = (snapshot: number, item: number): Bytes =>
  key(space.formerItem).u64(snapshot).u64(item).end()
export const formerItems = (snapshot: number): Range =>
  prefixRange(key(space.formerItem).u64(snapshot).end())
/** All rows of a domain's, or a snapshot's, number, except its place in the queue. */
export const contentsOfDomain = (domain: number): Range[] => [
  pairs(domain),
  items(domain),
  itemNames(domain),
  attributeNames(domain),
  prefixRange(key(space.domainCounter).u64(domain).end()),
  prefixRange(lastAttribute(domain)),
  formerItems(domain),
]
/** The contents of all domains, one range per kind of row. */
export const allContents = (): Range[] =>
  [
    space.pair,
    space.item,
    space.itemName,
    space.attributeName,
    space.domainCounter,
    space.lastAttribute,
    space.formerItem,
  ].map((kind) => prefixRange(key(kind).end()))
/** The domain number in the key of a row of its contents. */
export const domainNumber = (row: Bytes): number => readKey(row).u64()
/** The first key, in the key space of `row`, of a greater number than `row`'s domain. */
export const nextDomain = (row: Bytes): Bytes =>
  key(readKey(row).space)
    .u64(domainNumber(row) + 1)
    .end()

export const exportRow = (owner: Bytes, createdAt: number, id: string): Bytes =>
  key(space.export).bytes(owner).u64Descending(createdAt).tail(utf8(id))
/** The exports of an owner, newest first. */
export const exportsOf = (owner: Bytes): Range => prefixRange(key(space.export).bytes(owner).end())
export const allExports = (): Range => prefixRange(key(space.export).end())
export const queuedExport = (createdAt: number, id: string): Bytes =>
  key(space.exportQueue).u64(createdAt).tail(utf8(id))
export const exportQueue = (): Range => prefixRange(key(space.exportQueue).end())
