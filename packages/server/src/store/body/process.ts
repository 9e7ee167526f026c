// The processes that work on the store: each start has a number, which is part of the ids of the
// blobs that it writes, and two rows. One says that it lives: commits that refer to its blobs read it,
// so it changes once only, when the start ends or is declared dead. The other is its pulse, which it
// rewrites all the time: the heartbeat, and how far its readers are.

import type { ReadTransaction, WriteTransaction } from '../../engine/engine.ts'
import { pack, unpack } from '../row/record.ts'
import { takeSequence } from '../row/sequence.ts'
import { currentEpoch } from './epoch.ts'
import * as schema from './schema.ts'

/** One start of a process. */
export interface ProcessStart {
  /** Tells whether the process lives, see `base/liveness.ts`; empty once it has ended or is declared dead. */
  readonly liveness: string
  /** All its reads began in this epoch or later. */
  readonly epoch: number
  /** Grows with every heartbeat; 0 if there was none yet. */
  readonly beat: number
  /** When it began, or its heart beat last: milliseconds since the Unix epoch, where it says so. */
  readonly beatAt: number | undefined
}

/** A start that was not swept yet, by its number. */
export interface NumberedStart {
  readonly number: number
  readonly record: ProcessStart
}

/** What the row of a start holds. The epoch is that of its beginning. */
interface StartRow {
  readonly liveness: string
  readonly epoch: number
}

type PulseRow = [beat: number, epoch: number, beatAt?: number | undefined]

/** Registers a start of a process and returns its number, never used before or again. */
export async function registerStart(
  tx: WriteTransaction,
  { liveness, beatAt }: { readonly liveness: string; readonly beatAt: number },
): Promise<number> {
  const number = await takeSequence(tx, 'process-start')
  const row: StartRow = { liveness, epoch: await currentEpoch(tx) }
  tx.put(schema.processStart(number), pack(row))
  putPulse(tx, number, [0, row.epoch, beatAt])
  return number
}

/** All starts whose blobs were not swept yet: those alive, and the dead ones to look at. */
export async function listStarts(tx: ReadTransaction): Promise<NumberedStart[]> {
  const pulses = new Map<number, PulseRow>()
  for await (const row of tx.range(schema.pulses())) {
    pulses.set(schema.startNumber(row.key), unpack<PulseRow>(row.value))
  }
  const starts: NumberedStart[] = []
  for await (const row of tx.range(schema.processStarts())) {
    const number = schema.startNumber(row.key)
    const { liveness, epoch } = unpack<StartRow>(row.value)
    const [beat, reached, beatAt] = pulses.get(number) ?? [0, epoch, undefined]
    starts.push({ number, record: { liveness, epoch: Math.max(epoch, reached), beat, beatAt } })
  }
  return starts
}

/** False if the start has ended, or was declared dead. In a write, the read is recorded. */
export async function isStartLive(tx: ReadTransaction, number: number): Promise<boolean> {
  const row = await tx.get(schema.processStart(number))
  return row !== undefined && unpack<StartRow>(row).liveness !== ''
}

/** Says that a start has ended although its process may live on; its blobs are to be swept. */
export async function endStart(tx: WriteTransaction, number: number): Promise<void> {
  const key = schema.processStart(number)
  const row = await tx.get(key)
  if (row !== undefined) tx.put(key, pack({ ...unpack<StartRow>(row), liveness: '' }))
}

/**
 * Declares a start dead if its heart hasn't beaten since the beat `beat` was seen. From then on, its
 * process can commit nothing that refers to a blob of its own, so that those may be swept.
 */
export async function declareDead(
  tx: WriteTransaction,
  { number, beat }: { readonly number: number; readonly beat: number },
): Promise<boolean> {
  const pulse = await tx.get(schema.pulse(number))
  if (pulse !== undefined && unpack<PulseRow>(pulse)[0] !== beat) return false
  await endStart(tx, number)
  return true
}

/** Forgets a dead start whose blobs were swept. */
export function removeStart(tx: WriteTransaction, number: number): void {
  tx.delete(schema.processStart(number))
  tx.delete(schema.pulse(number))
}

/** Writes a heartbeat of a start, which must be live. @param beatAt milliseconds since the Unix epoch */
export async function beat(tx: WriteTransaction, number: number, beatAt: number): Promise<void> {
  const [last, epoch] = await readPulse(tx, number)
  putPulse(tx, number, [last + 1, epoch, beatAt])
}

/** Notes that every read which a start has under way began in `epoch` or later. */
export async function reachEpoch(
  tx: WriteTransaction,
  number: number,
  epoch: number,
): Promise<void> {
  const [last, reached, beatAt] = await readPulse(tx, number)
  if (reached < epoch) putPulse(tx, number, [last, epoch, beatAt])
}

async function readPulse(tx: ReadTransaction, number: number): Promise<PulseRow> {
  const row = await tx.get(schema.pulse(number))
  return row === undefined ? [0, 0] : unpack<PulseRow>(row)
}

function putPulse(tx: WriteTransaction, number: number, pulse: PulseRow): void {
  tx.put(schema.pulse(number), pack(pulse))
}

/**
 * Takes the duty of collecting garbage for a live start, or keeps it; false while another start has it
 * that was not declared dead.
 */
export async function takeCollectorDuty(tx: WriteTransaction, start: number): Promise<boolean> {
  const holder = await readCollector(tx)
  if (holder === start) return true
  if (holder !== undefined && (await isStartLive(tx, holder))) return false
  tx.put(schema.collector(), pack([start]))
  // The duty as earlier versions had it, by the token of a process.
  tx.delete(schema.collectorDuty())
  return true
}

/** To be asked in every transaction of the collector, so that one which was replaced commits nothing. */
export async function hasCollectorDuty(tx: ReadTransaction, start: number): Promise<boolean> {
  return (await readCollector(tx)) === start
}

async function readCollector(tx: ReadTransaction): Promise<number | undefined> {
  const row = await tx.get(schema.collector())
  return row === undefined ? undefined : unpack<[number]>(row)[0]
}
