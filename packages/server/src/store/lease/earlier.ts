// The rows that earlier leases of a bucket have at one node: those that a waiting lease may have to wait for.

import type { Bytes } from '../../base/bytes.ts'
import type { ReadTransaction } from '../../engine/engine.ts'
import * as schema from './schema.ts'

/** Up to this many rows of a node are read at once: a range costs more than a few rows. */
const fewRows = 8

/** A row, with its key. */
export interface EarlierRow {
  readonly key: Bytes
  readonly of: schema.LeaseNodeRow
}

/** The rows at one node with tickets below that of one lease. */
export class EarlierRows {
  readonly #tx: ReadTransaction
  readonly #row: Omit<schema.LeaseNodeRow, 'rank'>
  /** All rows of the node, in ascending order; undefined where they are too many. */
  readonly #few: readonly EarlierRow[] | undefined

  private constructor(
    tx: ReadTransaction,
    row: Omit<schema.LeaseNodeRow, 'rank'>,
    few: readonly EarlierRow[] | undefined,
  ) {
    this.#tx = tx
    this.#row = row
    this.#few = few
  }

  /** Begins to read the rows at the node that are earlier than `row`. */
  static async open(
    tx: ReadTransaction,
    row: Omit<schema.LeaseNodeRow, 'rank'>,
  ): Promise<EarlierRows> {
    const few: EarlierRow[] = []
    for await (const { key } of tx.range(schema.leaseQueueAt(row.bucketId, row.node))) {
      if (few.length === fewRows) return new EarlierRows(tx, row, undefined)
      few.push({ key, of: schema.parseLeaseNode(key) })
    }
    return new EarlierRows(tx, row, few)
  }

  /** The rows of one rank, the latest first. */
  async *of(rank: number): AsyncGenerator<EarlierRow> {
    if (this.#few === undefined) {
      const range = schema.leaseQueueBefore({ ...this.#row, rank })
      for await (const { key } of this.#tx.range(range)) {
        yield { key, of: schema.parseLeaseNode(key) }
      }
      return
    }
    for (const row of this.#few.toReversed()) {
      if (row.of.rank === rank && row.of.ticket < this.#row.ticket) yield row
    }
  }

  /** False only if there is no row of any rank: one that is crowded isn't looked through for it. */
  get mayExist(): boolean {
    return this.#few?.some(({ of }) => of.ticket < this.#row.ticket) ?? true
  }
}
