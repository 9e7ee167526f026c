// A domain as of one moment, read in many short reads while it is being written. A writer saves the
// former state of an item before it first changes it. The snapshot consists of the unchanged items
// and these saved states.

import type { Bytes } from '../../base/bytes.ts'
import type { ReadTransaction, Row } from '../../engine/engine.ts'
import { decodeItem, type StoredItem } from './item.ts'
import * as schema from './schema.ts'

/** An item number of a snapshot, with the item if it existed at that moment. */
export interface SnapshotEntry {
  readonly number: number
  readonly item: StoredItem | undefined
}

/** A position in a snapshot. */
export interface SnapshotPlace {
  readonly domain: number
  readonly snapshot: number
  /** The number of the last entry read. */
  readonly after: number | undefined
}

/**
 * The entries of a snapshot by number, from a position on. Each entry may be read in another
 * transaction.
 */
export async function* walkSnapshot(
  tx: ReadTransaction,
  { domain, snapshot, after = 0 }: SnapshotPlace,
): AsyncGenerator<SnapshotEntry> {
  const start = after + 1
  const present = iterate(tx, { ...schema.items(domain), start: schema.item(domain, start) })
  const former = iterate(tx, {
    ...schema.formerItems(snapshot),
    start: schema.formerItem(snapshot, start),
  })
  let one = await present.next()
  let other = await former.next()
  while (one !== undefined || other !== undefined) {
    const kept = other
    const number = Math.min(numberOf(one), numberOf(kept))
    const row = kept !== undefined && numberOf(kept) === number ? kept : one
    if (numberOf(one) === number) one = await present.next()
    if (numberOf(kept) === number) other = await former.next()
    yield { number, item: row === undefined ? undefined : itemIn(number, row.value) }
  }
}

function numberOf(row: Row | undefined): number {
  return row === undefined ? Number.POSITIVE_INFINITY : schema.itemNumber(row.key)
}

/** An empty value marks an item created after the snapshot. */
function itemIn(number: number, value: Bytes): StoredItem | undefined {
  return value.byteLength === 0 ? undefined : decodeItem(number, value)
}

function iterate(
  tx: ReadTransaction,
  range: Parameters<ReadTransaction['range']>[0],
): { next(): Promise<Row | undefined> } {
  const iterator = tx.range(range)[Symbol.asyncIterator]()
  return {
    async next() {
      const { done, value } = await iterator.next()
      return done === true ? undefined : value
    },
  }
}
