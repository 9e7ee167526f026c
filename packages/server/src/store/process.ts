// The processes that work on the store: each start has a number, which is part of the ids of the
// blobs that it writes, and a row, by which others learn whether it lives and what it still reads.

import { text, utf8 } from '../base/bytes.ts'
import type { ReadTransaction, WriteTransaction } from '../engine/engine.ts'
import { currentEpoch } from './epoch.ts'
import { pack, unpack } from './record.ts'
import * as schema from './schema.ts'
import { takeSequence } from './sequence.ts'

/** One start of a process. */
export interface ProcessStart {
  /** Tells whether the process lives; see `base/liveness.ts`. */
  readonly liveness: string
  /** All its reads began in this epoch or later. */
  readonly epoch: number
}

/** Registers a start of a process and returns its number, never used before or again. */
export async function registerStart(tx: WriteTransaction, liveness: string): Promise<number> {
  const number = await takeSequence(tx, 'process-start')
  const record: ProcessStart = { liveness, epoch: await currentEpoch(tx) }
  tx.put(schema.processStart(number), pack(record))
  return number
}

/** All starts whose blobs were not swept yet: those alive, and the dead ones to look at. */
export async function listStarts(
  tx: ReadTransaction,
): Promise<{ readonly number: number; readonly record: ProcessStart }[]> {
  const starts: { number: number; record: ProcessStart }[] = []
  for await (const row of tx.range(schema.processStarts())) {
    starts.push({ number: schema.startNumber(row.key), record: unpack<ProcessStart>(row.value) })
  }
  return starts
}

/** Says that a start has ended although its process may live on; its blobs are to be swept. */
export async function endStart(tx: WriteTransaction, number: number): Promise<void> {
  const key = schema.processStart(number)
  const record = await tx.get(key)
  if (record !== undefined) tx.put(key, pack({ ...unpack<object>(record), liveness: '' }))
}

/** Forgets a dead start whose blobs were swept. */
export function removeStart(tx: WriteTransaction, number: number): void {
  tx.delete(schema.processStart(number))
}

/**
 * Takes the duty of collecting garbage for the process with `liveness`, or keeps it; false while
 * another live process has it.
 */
export async function takeCollectorDuty(
  tx: WriteTransaction,
  liveness: string,
  isAlive: (token: string) => boolean,
): Promise<boolean> {
  const holder = await tx.get(schema.collectorDuty())
  if (holder !== undefined) {
    const token = text(holder)
    if (token === liveness) return true
    if (isAlive(token)) return false
  }
  tx.put(schema.collectorDuty(), utf8(liveness))
  return true
}
