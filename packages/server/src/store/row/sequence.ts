// Named sequences, each of which issues every number once.

import type { ReadTransaction, WriteTransaction } from '../../engine/engine.ts'
import { pack, unpack } from './record.ts'
import * as schema from './schema.ts'

/** All sequences: id blocks, process starts, lease tickets, and uploads. */
export type SequenceName = 'id-block' | 'process-start' | 'lease-ticket' | 'upload'

/** The next number of a sequence, starting at 1. */
export async function takeSequence(tx: WriteTransaction, name: SequenceName): Promise<number> {
  const key = schema.sequence(name)
  const last = await tx.get(key)
  const next = last === undefined ? 1 : unpack<[number]>(last)[0] + 1
  tx.put(key, pack([next]))
  return next
}

/** Sees to it that the next number of a sequence is above `number`. */
export async function raiseSequence(
  tx: WriteTransaction,
  name: SequenceName,
  number: number,
): Promise<void> {
  if ((await lastOfSequence(tx, name)) < number) tx.put(schema.sequence(name), pack([number]))
}

/** The last number issued; 0 if none was. */
export async function lastOfSequence(tx: ReadTransaction, name: SequenceName): Promise<number> {
  const last = await tx.get(schema.sequence(name))
  return last === undefined ? 0 : unpack<[number]>(last)[0]
}
