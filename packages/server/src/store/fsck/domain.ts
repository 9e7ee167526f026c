// The domains' part of fsck: recounts everything in each domain, and compares items with the index.
// Every pair of an item has its index row, and there are no more rows than pairs.

import { compareUtf8, text, utf8 } from '../../base/bytes.ts'
import type { ReadTransaction } from '../../engine/engine.ts'
import {
  type DomainCounts,
  type NamedDomain,
  noCounts,
  readCounts,
  walkAllDomains,
} from '../domain/domain.ts'
import {
  type Attribute,
  findAttribute,
  isMultiValued,
  type StoredItem,
  walkAttributeNames,
  walkItems,
} from '../domain/item.ts'
import * as domainSchema from '../domain/schema.ts'
import { unpack } from '../row/record.ts'
import type { Finding } from './tree.ts'

/** The callbacks of a check. */
export interface DomainCheckOptions {
  readonly onDomain: (counts: DomainCounts) => void
}

type Counting = { -readonly [Name in keyof DomainCounts]: number }

/** Yields the findings about the domains of all owners. */
export async function* checkDomains(
  tx: ReadTransaction,
  { onDomain }: DomainCheckOptions,
): AsyncGenerator<Finding> {
  const numbers = new Set<number>()
  const snapshots = new Set<number>()
  for await (const domain of walkAllDomains(tx)) {
    const where = `domain ${JSON.stringify(domain.name)}`
    if (numbers.has(domain.number)) {
      const detail = `number ${domain.number} is that of another domain too`
      yield { invariant: 'every domain has its own number', where, detail }
      continue
    }
    numbers.add(domain.number)
    if (domain.snapshot !== undefined) snapshots.add(domain.snapshot)
    const counts: Counting = { ...noCounts }
    yield* checkItems(tx, domain, where, counts)
    yield* checkIndex(tx, domain, where, counts)
    yield* checkCounts(tx, domain, where, counts)
    onDomain(counts)
  }
  for await (const { key } of tx.range(domainSchema.domainQueue())) {
    const number = domainSchema.domainNumber(key)
    if (numbers.has(number)) {
      const invariant = 'only deleted domains are queued for collection'
      yield { invariant, where: `domain ${number}`, detail: 'it has a name' }
    }
    numbers.add(number)
  }
  yield* checkLeftovers(tx, new Set([...numbers, ...snapshots]))
}

async function* checkItems(
  tx: ReadTransaction,
  { number: domain }: NamedDomain,
  where: string,
  counts: Counting,
): AsyncGenerator<Finding> {
  for await (const item of walkItems(tx, domain)) {
    const place = `item ${JSON.stringify(item.name)} of ${where}`
    counts.items++
    counts.itemNameBytes += utf8(item.name).length
    const named = await tx.get(domainSchema.itemName(domain, utf8(item.name)))
    if (named === undefined || unpack<[number]>(named)[0] !== item.number) {
      const detail = `item ${item.number} is not what its name leads to`
      yield { invariant: 'a name leads to its item', where: place, detail }
    }
    if (item.attributes.length === 0) {
      yield { invariant: 'an item has attributes', where: place, detail: 'it has none' }
    }
    const names = new Set(item.attributes.map(({ name }) => name))
    if (names.size !== item.attributes.length) {
      yield {
        invariant: 'an item has an attribute once',
        where: place,
        detail: 'a name is repeated',
      }
    }
    for (const attribute of item.attributes)
      yield* checkPairs(tx, domain, { item, attribute, place })
    for (const { values } of item.attributes) {
      counts.pairs += values.length
      for (const value of values) counts.valueBytes += utf8(value).length
    }
  }
  let names = 0
  for await (const _ of tx.range(domainSchema.itemNames(domain))) names++
  if (names === counts.items) return
  const detail = `${names} names, ${counts.items} items`
  yield { invariant: 'a name leads to its item', where, detail }
}

async function* checkPairs(
  tx: ReadTransaction,
  domain: number,
  facts: { readonly item: StoredItem; readonly attribute: Attribute; readonly place: string },
): AsyncGenerator<Finding> {
  const { item, attribute, place } = facts
  const { name, values } = attribute
  const where = `attribute ${JSON.stringify(name)} of ${place}`
  const isSorted = values.every(
    (value, at) => at === 0 || compareUtf8(values[at - 1] ?? '', value) < 0,
  )
  if (values.length === 0 || !isSorted) {
    const detail = `${values.length} values`
    yield { invariant: 'an attribute has distinct values in order', where, detail }
  }
  const number = await findAttribute(tx, domain, name)
  if (number === undefined) {
    yield { invariant: "an attribute's name has a number", where, detail: 'it has none' }
    return
  }
  for (const value of values) {
    const key = domainSchema.pair({ domain, attribute: number, value: utf8(value) }, item.number)
    const row = await tx.get(key)
    if (row !== undefined && isMultiValued(row) === values.length > 1) continue
    const detail = `${JSON.stringify(value.slice(0, 64))} ${row === undefined ? 'is not' : 'is wrongly'} indexed`
    yield { invariant: 'every pair is in the index', where, detail }
  }
}

async function* checkIndex(
  tx: ReadTransaction,
  { number: domain }: NamedDomain,
  where: string,
  counts: Counting,
): AsyncGenerator<Finding> {
  let rows = 0
  for await (const _ of tx.range(domainSchema.pairs(domain))) rows++
  if (rows !== counts.pairs) {
    const detail = `${rows} rows of the index, ${counts.pairs} pairs`
    yield { invariant: 'the index has the pairs of items only', where, detail }
  }
  const last = await tx.get(domainSchema.lastAttribute(domain))
  const greatest = last === undefined ? 0 : unpack<[number]>(last)[0]
  for await (const { name, number } of walkAttributeNames(tx, domain)) {
    counts.names++
    counts.nameBytes += utf8(name).length
    const place = `attribute ${JSON.stringify(name)} of ${where}`
    if (number > greatest) {
      const detail = `number ${number} can be given out again`
      yield { invariant: 'no attribute number is used twice', where: place, detail }
    }
    if (await isEmpty(tx, domainSchema.pairsOfAttribute(domain, number))) {
      yield {
        invariant: 'a name without pairs is forgotten',
        where: place,
        detail: 'no item has it',
      }
    }
  }
}

async function* checkCounts(
  tx: ReadTransaction,
  { number }: NamedDomain,
  where: string,
  found: DomainCounts,
): AsyncGenerator<Finding> {
  const counted = await readCounts(tx, number)
  for (const [name, value] of Object.entries(counted)) {
    const actual = Object.entries(found).find(([other]) => other === name)?.[1]
    if (value === actual) continue
    const detail = `${name}: counts ${value}, has ${actual}`
    yield { invariant: 'a domain counts what is in it', where, detail }
  }
}

/** Rows of domains that neither exist nor are queued for collection. */
async function* checkLeftovers(
  tx: ReadTransaction,
  numbers: ReadonlySet<number>,
): AsyncGenerator<Finding> {
  for (const range of domainSchema.allContents()) {
    let start = range.start
    for (;;) {
      const key = await firstKey(tx, { ...range, start })
      if (key === undefined) break
      const number = domainSchema.domainNumber(key)
      if (!numbers.has(number)) {
        const detail = `there is no domain ${number}; the rest of it would never be collected`
        yield { invariant: 'everything is in a domain', where: `row ${text(key)}`, detail }
      }
      start = domainSchema.nextDomain(key)
    }
  }
}

async function isEmpty(tx: ReadTransaction, range: Parameters<ReadTransaction['range']>[0]) {
  return (await firstKey(tx, range)) === undefined
}

async function firstKey(tx: ReadTransaction, range: Parameters<ReadTransaction['range']>[0]) {
  for await (const { key } of tx.range(range)) return key
  return undefined
}
