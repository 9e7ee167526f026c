// Domains: a row by owner and name, which gives the number that everything in the domain hangs off.
// Deleting one removes that row and queues the number, so it takes the same time for any size.

import { createHash } from 'node:crypto'
import { type Bytes, text, utf8 } from '../base/bytes.ts'
import type { Engine, ReadTransaction, WriteTransaction } from '../engine/engine.ts'
import { decodeCounter } from '../engine/tuple.ts'
import type { IdSource } from './id.ts'
import { pack, unpack } from './record.ts'
import * as schema from './schema.ts'

/** A domain. */
export interface DomainRecord {
  /** Never used again when the domain is deleted. */
  readonly number: number
  readonly ownerId: string
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  /** The snapshot that is being read, for which writes keep what they change. */
  readonly snapshot?: number | undefined
}

/** A domain with its name. */
export interface NamedDomain extends DomainRecord {
  readonly name: string
}

/** What is counted of a domain, always exact. Sizes are bytes of UTF-8. */
export interface DomainCounts {
  readonly items: number
  readonly itemNameBytes: number
  /** Distinct names of attributes. */
  readonly names: number
  readonly nameBytes: number
  /** Pairs of a name and a value. */
  readonly pairs: number
  readonly valueBytes: number
}

/** Which row counts what: numbers that are part of the format. */
const counterNumbers: { readonly [Name in keyof DomainCounts]: number } = {
  items: 0,
  itemNameBytes: 1,
  names: 2,
  nameBytes: 3,
  pairs: 4,
  valueBytes: 5,
}

const counterNames = Object.keys(counterNumbers) as readonly (keyof DomainCounts)[]

/** The domain of that name. */
export async function findDomain(
  tx: ReadTransaction,
  ownerId: string,
  name: string,
): Promise<DomainRecord | undefined> {
  const bytes = await tx.get(schema.domain(ownerKey(ownerId), utf8(name)))
  return bytes === undefined ? undefined : unpack<DomainRecord>(bytes)
}

/** Creates a domain; the caller has made sure that the owner has none of that name. */
export function createDomain(
  { tx, ids }: { readonly tx: WriteTransaction; readonly ids: Pick<IdSource, 'next'> },
  name: string,
  record: Omit<DomainRecord, 'number'>,
): DomainRecord {
  const domain: DomainRecord = { ...record, number: ids.next() }
  tx.put(schema.domain(ownerKey(record.ownerId), utf8(name)), pack(domain))
  return domain
}

/** Deletes a domain; what was in it is left to {@link collectDomains}. */
export function deleteDomain(tx: WriteTransaction, { ownerId, number, name }: NamedDomain): void {
  tx.delete(schema.domain(ownerKey(ownerId), utf8(name)))
  tx.put(schema.queuedDomain(number), new Uint8Array())
}

/** Begins or ends, with undefined, a snapshot of a domain. What an ended one kept is collected. */
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

/** The domains of an owner in the order of their names, those after `after` if it is given. */
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
 * What is counted of a domain. In a write, the counters are not recorded as read: transactions that
 * count something never conflict for it.
 */
export async function readCounts(tx: ReadTransaction, domain: number): Promise<DomainCounts> {
  const counts = { ...noCounts }
  for (const name of counterNames) {
    const key = schema.domainCounter(domain, counterNumbers[name])
    counts[name] = Number(decodeCounter(await tx.peek(key)))
  }
  return counts
}

/** Adds `change` to what is counted of a domain. */
export function addCounts(tx: WriteTransaction, domain: number, change: DomainCounts): void {
  for (const name of counterNames) {
    const delta = change[name]
    if (delta !== 0) tx.add(schema.domainCounter(domain, counterNumbers[name]), BigInt(delta))
  }
}

/** Nothing counted: what a count begins with. */
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
 * @throws StoreError `SlowDown` if it lost too many races with writes; it may be called again.
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
    // A domain counts as a row: a thousand empty ones are work too.
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

/** How an owner stands in keys: ids may be longer than a key has room for. */
export function ownerKey(ownerId: string): Bytes {
  return utf8(createHash('sha256').update(ownerId).digest('base64url'))
}

function namedDomain({ key, value }: { readonly key: Bytes; readonly value: Bytes }): NamedDomain {
  return { ...unpack<DomainRecord>(value), name: text(schema.domainName(key)) }
}
