// Starts: the processes that work on the store. Each start has a number, which is part of its blobs'
// ids, and two rows. The first says that the start is alive. Commits that refer to its blobs read that
// row, so it changes only once, when the start ends or is declared dead. The second is the pulse, which
// is rewritten regularly: the heartbeat, and the epoch that its readers have reached.

import { asStartId, type StartId } from '../../base/terms.ts'
import type { ReadTransaction, WriteTransaction } from '../../engine/engine.ts'
import { pack, unpack } from '../row/record.ts'
import { takeSequence } from '../row/sequence.ts'
import { currentEpoch } from './epoch.ts'
import * as schema from './schema.ts'

/** One start of a process. */
export interface ProcessStart {
  /** The liveness token, see `base/liveness.ts`; empty once the start has ended or is declared dead. */
  readonly liveness: string
  /** All reads in progress began in this epoch or later. */
  readonly epoch: number
  /** Grows with every heartbeat; 0 before the first. */
  readonly beat: number
  /** The time of the start or of its last heartbeat, if recorded, in milliseconds since the Unix epoch. */
  readonly beatAt: number | undefined
  /**
   * The number of its last mark, which it puts beside the blobs after this; 0 if there was none.
   * Undefined if an earlier version wrote the pulse, or there is none.
   */
  readonly mark: number | undefined
  /** The number of a mark that is known to lie beside the blobs; 0 if none is. */
  readonly marked: number
}

/** A start that has not been swept yet, with its number. */
export interface NumberedStart {
  readonly number: StartId
  readonly record: ProcessStart
}

/** The content of a start's row. `epoch` is the epoch at its registration. */
interface StartRow {
  readonly liveness: string
  readonly epoch: number
}

type PulseRow = [
  beat: number,
  epoch: number,
  beatAt?: number | undefined,
  mark?: number | undefined,
  marked?: number,
]

/** Registers a start and returns its number, which is never reused. */
export async function registerStart(
  tx: WriteTransaction,
  { liveness, beatAt }: { readonly liveness: string; readonly beatAt: number },
): Promise<StartId> {
  const number = asStartId(await takeSequence(tx, 'process-start'))
  const row: StartRow = { liveness, epoch: await currentEpoch(tx) }
  tx.put(schema.processStart(number), pack(row))
  putPulse(tx, number, [0, row.epoch, beatAt, 0, 0])
  return number
}

/** All starts whose blobs have not been swept yet, alive or dead. */
export async function listStarts(tx: ReadTransaction): Promise<NumberedStart[]> {
  const pulses = new Map<StartId, PulseRow>()
  for await (const row of tx.range(schema.pulses())) {
    pulses.set(schema.startNumber(row.key), unpack<PulseRow>(row.value))
  }
  const starts: NumberedStart[] = []
  for await (const row of tx.range(schema.processStarts())) {
    const number = schema.startNumber(row.key)
    const { liveness, epoch } = unpack<StartRow>(row.value)
    const [beat, reached, beatAt, mark, marked = 0] = pulses.get(number) ?? [0, epoch]
    const last = Math.max(epoch, reached)
    starts.push({ number, record: { liveness, epoch: last, beat, beatAt, mark, marked } })
  }
  return starts
}

/** False if the start has ended or was declared dead. Write transactions record the read. */
export async function isStartLive(tx: ReadTransaction, number: StartId): Promise<boolean> {
  const row = await tx.get(schema.processStart(number))
  return row !== undefined && unpack<StartRow>(row).liveness !== ''
}

/** Marks a start as ended, so that its blobs are swept, although its process may live on. */
export async function endStart(tx: WriteTransaction, number: StartId): Promise<void> {
  const key = schema.processStart(number)
  const row = await tx.get(key)
  if (row !== undefined) tx.put(key, pack({ ...unpack<StartRow>(row), liveness: '' }))
}

/**
 * Declares a start dead if it has had no heartbeat since heartbeat `beat`. From then on, its process
 * can't commit references to its own blobs, so they may be swept.
 */
export async function declareDead(
  tx: WriteTransaction,
  { number, beat }: { readonly number: StartId; readonly beat: number },
): Promise<boolean> {
  const pulse = await tx.get(schema.pulse(number))
  if (pulse !== undefined && unpack<PulseRow>(pulse)[0] !== beat) return false
  await endStart(tx, number)
  return true
}

/** Removes the rows of a dead start whose blobs were swept. */
export function removeStart(tx: WriteTransaction, number: StartId): void {
  tx.delete(schema.processStart(number))
  tx.delete(schema.pulse(number))
}

/** Writes a heartbeat of a live start. @param beatAt milliseconds since the Unix epoch */
export async function beat(tx: WriteTransaction, number: StartId, beatAt: number): Promise<void> {
  const [last, epoch, , mark, marked = 0] = await readPulse(tx, number)
  putPulse(tx, number, [last + 1, epoch, beatAt, mark, marked])
}

/** Begins the next mark of a start, and returns its number. @param marked the last that lies beside the blobs */
export async function advanceMark(
  tx: WriteTransaction,
  number: StartId,
  marked: number,
): Promise<number> {
  const [last, epoch, beatAt, mark = 0] = await readPulse(tx, number)
  putPulse(tx, number, [last, epoch, beatAt, mark + 1, marked])
  return mark + 1
}

/** Notes that a mark of a start lies beside the blobs. */
export async function confirmMark(
  tx: WriteTransaction,
  number: StartId,
  marked: number,
): Promise<void> {
  const [last, epoch, beatAt, mark = 0] = await readPulse(tx, number)
  putPulse(tx, number, [last, epoch, beatAt, mark, marked])
}

/** Takes the marks beside the blobs, by the numbers of starts, for what the rows know of them. */
export async function settleMarks(
  tx: WriteTransaction,
  marks: ReadonlyMap<StartId, number>,
): Promise<void> {
  for (const { number, record } of await listStarts(tx)) {
    const { beat, epoch, beatAt, mark } = record
    const marked = marks.get(number) ?? 0
    putPulse(tx, number, [beat, epoch, beatAt, Math.max(mark ?? 0, marked), marked])
  }
}

/** Records that all of a start's reads in progress began in `epoch` or later. */
export async function reachEpoch(
  tx: WriteTransaction,
  number: StartId,
  epoch: number,
): Promise<void> {
  const [last, reached, beatAt, mark, marked = 0] = await readPulse(tx, number)
  if (reached < epoch) putPulse(tx, number, [last, epoch, beatAt, mark, marked])
}

async function readPulse(tx: ReadTransaction, number: StartId): Promise<PulseRow> {
  const row = await tx.get(schema.pulse(number))
  return row === undefined ? [0, 0] : unpack<PulseRow>(row)
}

function putPulse(tx: WriteTransaction, number: StartId, pulse: PulseRow): void {
  tx.put(schema.pulse(number), pack(pulse))
}

/**
 * Takes or keeps the duty for a live start; false while another start has the duty and has not been
 * declared dead.
 */
export async function takeCollectorDuty(tx: WriteTransaction, start: StartId): Promise<boolean> {
  const holder = await readCollector(tx)
  if (holder === start) return true
  if (holder !== undefined && (await isStartLive(tx, holder))) return false
  tx.put(schema.collector(), pack([start]))
  // Earlier versions stored the duty under a process's token.
  tx.delete(schema.collectorDuty())
  return true
}

/** True if `start` has the duty. Every collector transaction reads this, so a replaced collector can't commit. */
export async function hasCollectorDuty(tx: ReadTransaction, start: StartId): Promise<boolean> {
  return (await readCollector(tx)) === start
}

async function readCollector(tx: ReadTransaction): Promise<StartId | undefined> {
  const row = await tx.get(schema.collector())
  return row === undefined ? undefined : unpack<[StartId]>(row)[0]
}
