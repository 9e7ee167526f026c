// The store's identity, created once and stored with the rows and with the blobs. It detects rows and
// blobs of different stores or different moments. Also the numbers of starts that are not this store's
// own: their blobs are never removed.

import type { StartId } from '../../base/terms.ts'
import type { ReadTransaction, WriteTransaction } from '../../engine/engine.ts'
import { pack, unpack } from '../row/record.ts'
import { lastOfSequence } from '../row/sequence.ts'
import * as schema from './schema.ts'

/** The identity of a store. */
export interface Identity {
  /** Random. */
  readonly id: string
  /**
   * While the store adopts blobs: their former identity, or null if they had none. Undefined once they
   * have this store's identity.
   */
  readonly adopts?: string | null | undefined
}

/** The identity of the rows; undefined if they have none yet. */
export async function readIdentity(tx: ReadTransaction): Promise<Identity | undefined> {
  const row = await tx.get(schema.identity())
  return row === undefined ? undefined : unpack<Identity>(row)
}

export function putIdentity(tx: WriteTransaction, identity: Identity): void {
  tx.put(schema.identity(), pack(identity))
}

/** A range of start numbers, both ends included. */
export interface StartRun {
  readonly first: StartId
  readonly last: StartId
}

/** Records that a range of starts is not this store's own. */
export function putUnknownStarts(tx: WriteTransaction, { first, last }: StartRun): void {
  tx.put(schema.unknownStarts(first), pack([last]))
}

/** Tells the starts whose numbers this store gave out from all others. */
export class KnownStarts {
  readonly #last: number
  readonly #unknown: readonly StartRun[]

  private constructor(last: number, unknown: readonly StartRun[]) {
    this.#last = last
    this.#unknown = unknown
  }

  static async read(tx: ReadTransaction): Promise<KnownStarts> {
    const unknown: StartRun[] = []
    for await (const { key, value } of tx.range(schema.allUnknownStarts())) {
      unknown.push({ first: schema.startNumber(key), last: unpack<[StartId]>(value)[0] })
    }
    return new KnownStarts(await lastOfSequence(tx, 'process-start'), unknown)
  }

  /** True if this store gave out that number. */
  has(start: StartId): boolean {
    return start >= 1 && start <= this.#last && !this.isDisowned(start)
  }

  /** True if an operator accepted that the start is not this store's own. */
  isDisowned(start: StartId): boolean {
    return this.#unknown.some(({ first, last }) => first <= start && start <= last)
  }
}
