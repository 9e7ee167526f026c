// The rows that earlier leases of a bucket have at one node: those of the leases that a later one may have to
// wait for.

import type { Bytes } from '../../base/bytes.ts'
import type { ReadTransaction } from '../../engine/engine.ts'
import * as schema from './schema.ts'

/** Up to this many rows of a node are read at once: a range costs more than a few rows. */
const fewRows = 4

/** A row, with its key. */
export interface EarlierRow {
  readonly key: Bytes
  readonly of: schema.LeaseNodeRow
}

/** A lease at a node. */
type Place = Omit<schema.LeaseNodeRow, 'rank'>

/** The rows at one node with tickets below that of one lease. */
export class EarlierRows {
  readonly #tx: ReadTransaction
  readonly #place: Place
  /** The first rows of other leases, by descending rank and ticket. */
  readonly #first: readonly EarlierRow[]
  /** The rank at which those end; undefined where they are all. */
  readonly #endRank: number | undefined

  private constructor(
    tx: ReadTransaction,
    place: Place,
    first: readonly EarlierRow[],
    endRank: number | undefined,
  ) {
    this.#tx = tx
    this.#place = place
    this.#first = first
    this.#endRank = endRank
  }

  /** Reads as many of the rows as tell most about `ranks`, those that will be asked for. */
  static async open(
    tx: ReadTransaction,
    place: Place,
    ranks: readonly number[],
  ): Promise<EarlierRows> {
    const lowest = Math.min(...ranks)
    const first: EarlierRow[] = []
    for await (const { key } of tx.range(schema.leaseQueueAt(place.bucketId, place.node))) {
      const of = schema.parseLeaseNode(key)
      if (of.ticket === place.ticket) continue
      first.push({ key, of })
      if (of.rank < lowest || first.length === fewRows) {
        return new EarlierRows(tx, place, first, of.rank)
      }
    }
    return new EarlierRows(tx, place, first, undefined)
  }

  /** False only if there is no row of any rank. */
  get mayExist(): boolean {
    return this.#endRank !== undefined || this.#first.some(this.#isEarlier)
  }

  /** The rows of one rank, the latest first. */
  of(rank: number): Iterable<EarlierRow> | AsyncIterable<EarlierRow> {
    if (this.#endRank !== undefined && rank <= this.#endRank) return this.#read(rank)
    return this.#first.filter((row) => row.of.rank === rank && this.#isEarlier(row))
  }

  readonly #isEarlier = ({ of }: EarlierRow): boolean => of.ticket < this.#place.ticket

  async *#read(rank: number): AsyncGenerator<EarlierRow> {
    const range = schema.leaseQueueBefore({ ...this.#place, rank })
    for await (const { key } of this.#tx.range(range)) {
      yield { key, of: schema.parseLeaseNode(key) }
    }
  }
}
