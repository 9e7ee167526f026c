// Operations on the attributes of items: put, delete, get. Conditions are tested on the state that the
// transaction changes. The request itself is checked before any read. Then follow the domain, the condition,
// the item's limit, and the domain's limits, in this order.

import { utf8 } from '../base/bytes.ts'
import { StoreError } from '../base/errors.ts'
import type { SimpleDbLimits } from '../base/limits.ts'
import type { ReadTransaction } from '../engine/engine.ts'
import {
  afterDelete,
  afterPut,
  countPairs,
  type DeletePair,
  type PutPair,
} from '../store/domain/attributes.ts'
import { type DomainCounts, readCounts } from '../store/domain/domain.ts'
import { type Attributes, findItem, writeItem } from '../store/domain/item.ts'
import { needDomain } from './domain.ts'
import { onAccount } from './need.ts'
import type { Change, CheckStep, CommitStep, Query } from './operation.ts'

export type { DeletePair, PutPair } from '../store/domain/attributes.ts'

/** The expected current value of one attribute. */
export interface Expectation {
  readonly name: string
  /** The only value; undefined if the attribute must not exist. */
  readonly value: string | undefined
}

/** The pairs of one item. */
export interface ItemPairs<Pair> {
  readonly name: string
  readonly pairs: readonly Pair[]
}

/** A change of items of one domain, all or nothing. */
export interface ItemsInput<Pair> {
  readonly domain: string
  readonly items: readonly ItemPairs<Pair>[]
  /** For a single item only. */
  readonly expected?: Expectation | undefined
}

/** Adds pairs to an item. */
export const putAttributes: Change<ItemsInput<PutPair>, void> = {
  kind: 'change',
  name: 'PutAttributes',
  needs: () => [onAccount('sdb:PutAttributes')],
  commit: (step, input) => change(step, input, afterPut),
}

/** Adds pairs to several items. */
export const batchPutAttributes: Change<ItemsInput<PutPair>, void> = {
  kind: 'change',
  name: 'BatchPutAttributes',
  needs: () => [onAccount('sdb:BatchPutAttributes')],
  commit: (step, input) => change(step, input, afterPut),
}

/** Deletes pairs, attributes, or all of an item. */
export const deleteAttributes: Change<ItemsInput<DeletePair>, void> = {
  kind: 'change',
  name: 'DeleteAttributes',
  needs: () => [onAccount('sdb:DeleteAttributes')],
  usesReserve: true,
  commit: (step, input) => change(step, input, afterDelete),
}

/** Deletes pairs, attributes, or all of several items. */
export const batchDeleteAttributes: Change<ItemsInput<DeletePair>, void> = {
  kind: 'change',
  name: 'BatchDeleteAttributes',
  needs: () => [onAccount('sdb:BatchDeleteAttributes')],
  usesReserve: true,
  commit: (step, input) => change(step, input, afterDelete),
}

export interface GetAttributesInput {
  readonly domain: string
  readonly item: string
  /** The requested attributes; undefined for all. */
  readonly names: readonly string[] | undefined
  readonly consistentRead: boolean
}

/** Reads an item's attributes; empty if there is no such item. */
export const getAttributes: Query<GetAttributesInput, Attributes> = {
  kind: 'query',
  name: 'GetAttributes',
  needs: () => [onAccount('sdb:GetAttributes')],
  async check(step, { domain, item, names, consistentRead }) {
    const { limits } = step.services.simpleDb
    checkItemName(item, limits)
    for (const name of names ?? []) checkAttributeName(name, limits)
    const { number } = await needDomain(step, domain)
    return readLagging(step, consistentRead, async (tx) => {
      const attributes = (await findItem(tx, number, item))?.attributes ?? []
      if (names === undefined) return attributes
      const wanted = new Set(names)
      return attributes.filter(({ name }) => wanted.has(name))
    })
  },
}

/**
 * Reads the newest state if the request needs it, else one that may lag by as much as the server's setting.
 * The domain itself is always looked up in the newest state.
 */
export async function readLagging<T>(
  step: Pick<CheckStep, 'tx' | 'services'>,
  consistentRead: boolean,
  body: (tx: ReadTransaction) => Promise<T>,
): Promise<T> {
  const { eventualLagMs } = step.services.simpleDb
  if (consistentRead || eventualLagMs === 0) return body(step.tx)
  return step.services.engine.read(body, { maxStalenessMs: eventualLagMs })
}

async function change<Pair extends DeletePair>(
  step: CommitStep,
  { domain: domainName, items, expected }: ItemsInput<Pair>,
  after: (before: Attributes, pairs: readonly Pair[]) => Attributes,
): Promise<void> {
  const { tx, services } = step
  const { ids, simpleDb } = services
  checkItems(items, simpleDb.limits)
  const { number: domain, snapshot } = await needDomain(step, domainName)
  let grownPairs = 0
  let grownBytes = 0
  for (const { name, pairs } of items) {
    const before = await findItem(tx, domain, name)
    if (expected !== undefined) checkExpectation(before?.attributes ?? [], expected)
    const attributes = after(before?.attributes ?? [], pairs)
    checkItemSize(attributes, before?.attributes ?? [], simpleDb.limits)
    const counts = await writeItem({ tx, ids, domain, snapshot }, name, before, attributes)
    grownPairs += counts.pairs
    grownBytes += sizeOf(counts)
  }
  if (grownPairs <= 0 && grownBytes <= 0) return
  // The counts aren't recorded as read, so concurrent requests may together exceed the limits.
  const counts = await readCounts(tx, domain)
  if (grownPairs > 0 && counts.pairs > simpleDb.limits.domainPairs) {
    throw new StoreError({ code: 'NumberDomainAttributesExceeded' })
  }
  if (grownBytes > 0 && sizeOf(counts) > simpleDb.limits.domainBytes) {
    throw new StoreError({ code: 'NumberDomainBytesExceeded' })
  }
}

function sizeOf({ itemNameBytes, nameBytes, valueBytes }: DomainCounts): number {
  return itemNameBytes + nameBytes + valueBytes
}

/**
 * Tests the condition of a put or delete: the SimpleDB seed's dynamic errors, with its texts.
 * @throws StoreError `AttributeDoesNotExist`, `MultiValuedAttribute`, `ConditionalCheckFailed`
 */
export function checkExpectation(attributes: Attributes, expected: Expectation): void {
  const { name, value } = expected
  const values = attributes.find((attribute) => attribute.name === name)?.values
  if (value === undefined) {
    if (values === undefined) return
    throw new StoreError({ code: 'AttributeExists', attribute: name })
  }
  if (values === undefined) {
    throw new StoreError({ code: 'AttributeDoesNotExist', attribute: name })
  }
  if (values.length > 1) {
    throw new StoreError({ code: 'MultiValuedAttribute', attribute: name })
  }
  const [actual] = values
  if (actual === value) return
  throw new StoreError({
    code: 'ConditionalCheckFailed',
    attribute: name,
    actual: String(actual),
    expected: value,
  })
}

/** Checks a request without reading any row: lengths first, then counts. */
function checkItems(items: readonly ItemPairs<DeletePair>[], limits: SimpleDbLimits): void {
  for (const { name, pairs } of items) {
    checkItemName(name, limits)
    for (const pair of pairs) {
      checkAttributeName(pair.name, limits)
      if (pair.value !== undefined) checkValue(pair.value, limits)
    }
  }
  if (items.length > limits.submittedItems) {
    throw new StoreError({ code: 'NumberSubmittedItemsExceeded', maximum: limits.submittedItems })
  }
  const seen = new Set<string>()
  for (const { name, pairs } of items) {
    if (pairs.length > limits.submittedPairs) {
      throw new StoreError({
        code: 'NumberSubmittedAttributesExceeded',
        item: name,
        maximum: limits.submittedPairs,
      })
    }
    if (seen.has(name)) {
      throw new StoreError({ code: 'DuplicateItemName', item: name })
    }
    seen.add(name)
  }
}

/** A delete may leave more attributes than the limit if the limit was lowered. */
function checkItemSize(after: Attributes, before: Attributes, limits: SimpleDbLimits): void {
  const count = countPairs(after)
  if (count <= limits.itemPairs || count <= countPairs(before)) return
  throw new StoreError({ code: 'NumberItemAttributesExceeded' })
}

function checkItemName(name: string, limits: SimpleDbLimits): void {
  if (name === '') {
    throw new StoreError({ code: 'EmptyName', subject: 'item' })
  }
  if (isTooLong(name, limits)) {
    throw textTooLong(name, 'item', limits)
  }
}

function checkAttributeName(name: string, limits: SimpleDbLimits): void {
  if (name === '') throw new StoreError({ code: 'EmptyName', subject: 'attribute' })
  if (isTooLong(name, limits)) {
    throw textTooLong(name, 'attribute', limits)
  }
}

function checkValue(value: string, limits: SimpleDbLimits): void {
  if (isTooLong(value, limits)) {
    throw textTooLong(value, 'value', limits)
  }
}

function isTooLong(text: string, { textBytes }: SimpleDbLimits): boolean {
  return text.length > textBytes / 3 && utf8(text).length > textBytes
}

function textTooLong(
  text: string,
  subject: 'item' | 'attribute' | 'value',
  { textBytes }: SimpleDbLimits,
): StoreError {
  return new StoreError({ code: 'TextTooLong', subject, text, maximumBytes: textBytes })
}
