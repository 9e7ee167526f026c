// Which store the rows are of: an identity made once, which the blobs have beside them too, so that
// rows and blobs of two stores, or of two moments, aren't taken for one. And which process starts, by
// the numbers that begin the names of blobs, are not this store's own: their blobs are never removed.

import type { ReadTransaction, WriteTransaction } from '../../engine/engine.ts'
import { pack, unpack } from '../row/record.ts'
import { lastOfSequence } from '../row/sequence.ts'
import * as schema from './schema.ts'

/** The identity of a store. */
export interface Identity {
  /** Random; says nothing. */
  readonly id: string
  /**
   * While the store takes blobs for its own: the identity that they had, or null if they had none.
   * Undefined once they have this store's.
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

/** A run of process starts, both ends included. */
export interface StartRun {
  readonly first: number
  readonly last: number
}

/** Says that a run of starts is not this store's own. */
export function putUnknownStarts(tx: WriteTransaction, { first, last }: StartRun): void {
  tx.put(schema.unknownStarts(first), pack([last]))
}

/** The starts whose numbers this store gave out, told from all others. */
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
      unknown.push({ first: schema.startNumber(key), last: unpack<[number]>(value)[0] })
    }
    return new KnownStarts(await lastOfSequence(tx, 'process-start'), unknown)
  }

  /** True if this store gave out that number. */
  has(start: number): boolean {
    if (start < 1 || start > this.#last) return false
    return !this.#unknown.some(({ first, last }) => first <= start && start <= last)
  }
}
