// Domains: a row by owner and name holds the number that prefixes everything in the domain.
// Deleting a domain removes that row and queues the number for collection, in constant time.

import { createHash } from 'node:crypto'
import { type Bytes, text, utf8 } from '../../base/bytes.ts'
import type { Engine, ReadTransaction, WriteTransaction } from '../../engine/engine.ts'
import { decodeCounter } from '../../engine/tuple.ts'
import type { IdSource } from '../row/id.ts'
import { pack, unpack } from '../row/record.ts'
import * as schema from './schema.ts'

export interface DomainRecord {
  /** Never reused, even after the domain is deleted. */
  readonly number: number
  readonly ownerId: string
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number
  /** The active snapshot, for which writes save former states of items. */
  readonly snapshot?: number | undefined
}

export interface NamedDomain extends DomainRecord {
  readonly name: string
}

/** Exact statistics of a domain. Sizes are in bytes of UTF-8. */
export interface DomainCounts {
  readonly items: number
  readonly itemNameBytes: number
  /** Distinct attribute names. */
  readonly names: number
  readonly nameBytes: number
  /** Pairs of an attribute name and a value. */
  readonly pairs: number
  readonly valueBytes: number
}

/** Counter numbers, which are part of the storage format. */
const counterNumbers: { readonly [Name in keyof DomainCounts]: number } = {
  items: 0,
  itemNameBytes: 1,
  names: 2,
  nameBytes: 3,
  pairs: 4,
  valueBytes: 5,
}

const counterNames = Object.keys(counterNumbers) as readonly (keyof DomainCounts)[]

export async function findDomain(
  tx: ReadTransaction,
  ownerId: string,
  name: string,
): Promise<DomainRecord | undefined> {
  const bytes = await tx.get(schema.domain(ownerKey(ownerId), utf8(name)))
  return bytes === undefined ? undefined : unpack<DomainRecord>(bytes)
}

/** Creates a domain. The caller has checked that the owner has none with that name. */
export function createDomain(
  { tx, ids }: { readonly tx: WriteTransaction; readonly ids: Pick<IdSource, 'next'> },
  name: string,
  record: Omit<DomainRecord, 'number'>,
): DomainRecord {
  const domain: DomainRecord = { ...record, number: ids.next() }
  tx.put(schema.domain(ownerKey(record.ownerId), utf8(name)), pack(domain))
  return domain
}

/** Deletes a domain. {@link collectDomains} removes its contents later. */
export function deleteDomain(tx: WriteTransaction, { ownerId, number, name }: NamedDomain): void {
  tx.delete(schema.domain(ownerKey(ownerId), utf8(name)))
  tx.put(schema.queuedDomain(number), new Uint8Array())
}

/**
 * Sets a domain's active snapshot, or ends it with undefined. The states saved for an ended
 * snapshot are collected later.
 */
export function setSnapshot(
  tx: WriteTransaction,
  { name, ...domain }: NamedDomain,
  snapshot: number | undefined,
): void {
  const { snapshot: former, ...record } = domain
  const key = schema.domain(ownerKey(record.ownerId), utf8(name))
  tx.put(key, pack(snapshot === undefined ? record : { ...record, snapshot }))
  if (former !== undefined) tx.put(schema.queuedDomain(former), new Uint8Array())
}

/** The domains of an owner in name order, after `after` if given. */
export async function* walkDomains(
  tx: ReadTransaction,
  ownerId: string,
  after?: string,
): AsyncGenerator<NamedDomain> {
  const owner = ownerKey(ownerId)
  const { start, end } = schema.domainsOf(owner)
  const from: Bytes =
    after === undefined ? start : Buffer.concat([schema.domain(owner, utf8(after)), zero])
  for await (const row of tx.range({ start: from, end })) yield namedDomain(row)
}

/** The domains of all owners. */
export async function* walkAllDomains(tx: ReadTransaction): AsyncGenerator<NamedDomain> {
  for await (const row of tx.range(schema.domains())) yield namedDomain(row)
}

/**
 * The statistics of a domain. In a write, the counters are not recorded as reads, so they cause no
 * conflicts.
 */
export async function readCounts(tx: ReadTransaction, domain: number): Promise<DomainCounts> {
  const counts = { ...noCounts }
  for (const name of counterNames) {
    const key = schema.domainCounter(domain, counterNumbers[name])
    counts[name] = Number(decodeCounter(await tx.peek(key)))
  }
  return counts
}

/** Adds `change` to a domain's statistics. */
export function addCounts(tx: WriteTransaction, domain: number, change: DomainCounts): void {
  for (const name of counterNames) {
    const delta = change[name]
    if (delta !== 0) tx.add(schema.domainCounter(domain, counterNumbers[name]), BigInt(delta))
  }
}

/** All counts zero. */
export const noCounts: DomainCounts = {
  items: 0,
  itemNameBytes: 0,
  names: 0,
  nameBytes: 0,
  pairs: 0,
  valueBytes: 0,
}

/**
 * Removes up to `maxRows` rows of deleted domains, in one transaction.
 * @throws StoreError `SlowDown` if it lost too many races with writes; may be retried.
 */
export async function collectDomains(
  engine: Engine,
  { maxRows }: { readonly maxRows: number },
): Promise<{ readonly rows: number; readonly hasMore: boolean }> {
  return engine.write((tx) => collectBatch(tx, maxRows))
}

async function collectBatch(
  tx: WriteTransaction,
  maxRows: number,
): Promise<{ readonly rows: number; readonly hasMore: boolean }> {
  let rows = 0
  for (;;) {
    const [queued] = await keysOf(tx, [schema.domainQueue()], 1)
    if (queued === undefined) return { rows, hasMore: false }
    if (rows >= maxRows) return { rows, hasMore: true }
    const contents = schema.contentsOfDomain(schema.domainNumber(queued))
    const keys = await keysOf(tx, contents, maxRows - rows)
    for (const key of keys) tx.delete(key)
    // A domain counts as a row, since a thousand empty ones are work too.
    rows += keys.length + 1
    if (keys.length === 0) tx.delete(queued)
  }
}

async function keysOf(
  tx: ReadTransaction,
  ranges: readonly Parameters<ReadTransaction['range']>[0][],
  limit: number,
): Promise<Bytes[]> {
  const keys: Bytes[] = []
  for (const range of ranges) {
    for await (const { key } of tx.range(range)) {
      keys.push(key)
      if (keys.length >= limit) return keys
    }
  }
  return keys
}

const zero = new Uint8Array(1)

/** An owner's id as a key part: a hash, because ids may exceed the length of a key. */
export function ownerKey(ownerId: string): Bytes {
  return utf8(createHash('sha256').update(ownerId).digest('base64url'))
}

function namedDomain({ key, value }: { readonly key: Bytes; readonly value: Bytes }): NamedDomain {
  return { ...unpack<DomainRecord>(value), name: text(schema.domainName(key)) }
}
