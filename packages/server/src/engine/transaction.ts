// The transactions that bodies use, over any view: plain reads, and the recorded kind. The recorded
// kind buffers its writes and can later validate its reads. Validation is by value, so it is exact:
// if all reads give the same answers, the transaction could have run now.

import { setImmediate } from 'node:timers/promises'
import type { Bytes } from '../base/bytes.ts'
import { StoreError } from '../base/errors.ts'
import { ownLimits } from '../base/limits.ts'
import { type Change, Changes, MergingCursor } from './changes.ts'
import type { Range, ReadTransaction, Row, WriteTransaction } from './engine.ts'
import { decodeCounter, encodeCounter, keyTooLong, maxKeyBytes } from './tuple.ts'
import { nameOf, type RowCursor, sameValue, type View } from './view.ts'

/** How long a view may be read. */
export interface TimeLimit {
  /** When the view was opened, by `performance.now()`. */
  readonly openedMs: number
  readonly limitMs: number
}

/** Reads of one view; nothing is recorded. */
export class PlainTransaction implements ReadTransaction {
  readonly #view: View
  readonly #pace: Pace
  #ended = false

  constructor(view: View, time: TimeLimit) {
    this.#view = view
    this.#pace = new Pace(time)
  }

  async get(key: Bytes): Promise<Bytes | undefined> {
    checkKey(key)
    if (this.#pace.isTurnOver()) await this.#pace.nextTurn()
    checkRunning(this.#ended)
    return this.#view.get(key)
  }

  async getMany(keys: readonly Bytes[]): Promise<readonly (Bytes | undefined)[]> {
    const values: (Bytes | undefined)[] = []
    for (const key of keys) values.push(await this.get(key))
    return values
  }

  peek(key: Bytes): Promise<Bytes | undefined> {
    return this.get(key)
  }

  range(range: Range): AsyncIterable<Row> {
    return iterable(this.#opening(range), this.#pace)
  }

  batches(range: Range): AsyncIterable<readonly Row[]> {
    return batchwise(this.#opening(range), this.#pace)
  }

  /** Marks the body as ended: later calls throw. */
  end(): void {
    this.#ended = true
  }

  #opening(range: Range): () => RowCursor {
    checkRange(range)
    return () => {
      checkRunning(this.#ended)
      return isEmpty(range) ? noRows : this.#view.scan(range)
    }
  }
}

/** An interval that a transaction consumed, and the rows that its view had there. */
interface Scan {
  readonly range: Range
  readonly rows: Row[]
  /** The key at which the consumer stopped; undefined if it read to the end. */
  last: Bytes | undefined
  complete: boolean
}

/** Recorded reads and buffered writes over a view. */
export class RecordedTransaction implements WriteTransaction {
  readonly changes: Changes = new Changes()
  readonly #view: View
  readonly #pace: Pace
  readonly #gets: { readonly key: Bytes; readonly value: Bytes | undefined }[] = []
  readonly #scans: Scan[] = []
  #ended = false

  constructor(view: View, time: TimeLimit) {
    this.#view = view
    this.#pace = new Pace(time)
  }

  get(key: Bytes): Promise<Bytes | undefined> {
    return this.#read(key, true)
  }

  async getMany(keys: readonly Bytes[]): Promise<readonly (Bytes | undefined)[]> {
    const values: (Bytes | undefined)[] = []
    for (const key of keys) values.push(await this.#read(key, true))
    return values
  }

  peek(key: Bytes): Promise<Bytes | undefined> {
    return this.#read(key, false)
  }

  range(range: Range): AsyncIterable<Row> {
    checkRange(range)
    const open = (): RowCursor => {
      checkRunning(this.#ended)
      return isEmpty(range) ? noRows : this.#scan(range)
    }
    return iterable(open, this.#pace)
  }

  batches(range: Range): AsyncIterable<readonly Row[]> {
    return singly(this.range(range))
  }

  put(key: Bytes, value: Bytes): void {
    this.#push({ kind: 'put', key, value })
  }

  delete(key: Bytes): void {
    this.#push({ kind: 'delete', key })
  }

  add(key: Bytes, delta: bigint): void {
    this.#push({ kind: 'add', key, delta })
  }

  /** Marks the body as ended: later calls throw. */
  end(): void {
    this.#ended = true
  }

  /** Validates all recorded reads: true when `view` gives the same answers. */
  isValidIn(view: View): boolean {
    for (const { key, value } of this.#gets) {
      if (!sameValue(view.get(key), value)) return false
    }
    return this.#scans.every((scan) => sameRows(scan, view))
  }

  /**
   * False only when applying `changes` can't alter any recorded read. A quick test that reads
   * nothing.
   */
  mayBeInvalidatedBy(changes: readonly Changes[]): boolean {
    const filled = changes.filter(({ size }) => size > 0)
    if (filled.length === 0) return false
    for (const { key } of this.#gets) {
      const name = nameOf(key)
      if (filled.some((some) => some.has(name))) return true
    }
    return this.#scans.some((scan) => filled.some((some) => overlaps(some, scan)))
  }

  async #read(key: Bytes, recorded: boolean): Promise<Bytes | undefined> {
    checkKey(key)
    if (this.#pace.isTurnOver()) await this.#pace.nextTurn()
    checkRunning(this.#ended)
    const change = this.changes.find(key)
    if (change?.kind === 'put') return change.value
    if (change?.kind === 'delete') return undefined
    const value = this.#view.get(key)
    if (recorded) this.#gets.push({ key, value })
    return change === undefined ? value : encodeCounter(decodeCounter(value) + change.delta)
  }

  #scan(range: Range): RowCursor {
    const scan: Scan = { range, rows: [], last: undefined, complete: false }
    this.#scans.push(scan)
    const merged = new MergingCursor(this.#view.scan(range), this.changes, range, (row) => {
      scan.rows.push(row)
    })
    return {
      next: () => {
        checkRunning(this.#ended)
        const row = merged.next()
        if (row === undefined) scan.complete = true
        else scan.last = row.key
        return row
      },
      close: () => merged.close(),
    }
  }

  #push(change: Change): void {
    checkKey(change.key)
    checkRunning(this.#ended)
    this.changes.push(change)
    const { size, sizeBytes } = this.changes
    if (size > ownLimits.transactionChanges || sizeBytes > ownLimits.transactionBytes) {
      throw new StoreError({ code: 'TransactionTooLarge', rows: size, sizeBytes })
    }
  }
}

/** True when `view` has exactly the rows of `scan` in the interval consumed. */
function sameRows(scan: Scan, view: View): boolean {
  if (!scan.complete && scan.last === undefined) return true
  const cursor = view.scan(scan.range)
  try {
    for (const expected of scan.rows) {
      const row = cursor.next()
      if (row === undefined) return false
      if (!sameValue(row.key, expected.key) || !sameValue(row.value, expected.value)) return false
    }
    const beyond = cursor.next()
    if (beyond === undefined) return true
    if (scan.complete || scan.last === undefined) return false
    const order = Buffer.compare(beyond.key, scan.last)
    return scan.range.reverse === true ? order < 0 : order > 0
  } finally {
    cursor.close()
  }
}

/** True when a change falls within the interval consumed. */
function overlaps(changes: Changes, scan: Scan): boolean {
  if (!scan.complete && scan.last === undefined) return false
  const { start, end, reverse } = scan.range
  const low = !scan.complete && reverse === true ? scan.last : start
  const change = changes.atOrAfter(nameOf(low ?? start), false)
  if (change === undefined) return false
  if (!scan.complete && reverse !== true && scan.last !== undefined) {
    return Buffer.compare(change.key, scan.last) <= 0
  }
  return end === undefined || Buffer.compare(change.key, end) < 0
}

const noRows: RowCursor = { next: () => undefined, close: () => undefined }

/** Reads between two checks of the clock. */
const readsBetweenLooks = 64

/** Milliseconds of reading after which the event loop gets a turn. */
const turnMs = 10

/**
 * Bounds a transaction's time. A timer alone would not do: it never fires while a body awaits only
 * its reads.
 */
class Pace {
  readonly #time: TimeLimit
  #turnBegunMs: number
  #untilLook = readsBetweenLooks

  constructor(time: TimeLimit) {
    this.#time = time
    this.#turnBegunMs = time.openedMs
  }

  /** Counts a read; true when it is time to yield to the event loop. @throws {@link readTooLong} */
  isTurnOver(): boolean {
    if (--this.#untilLook > 0) return false
    this.#untilLook = readsBetweenLooks
    const nowMs = performance.now()
    const { openedMs, limitMs } = this.#time
    if (nowMs - openedMs >= limitMs) throw readTooLong(limitMs)
    return nowMs - this.#turnBegunMs >= turnMs
  }

  /** Counts `reads` made at once. */
  count(reads: number): void {
    this.#untilLook -= reads
  }

  async nextTurn(): Promise<void> {
    await setImmediate()
    this.#turnBegunMs = performance.now()
  }
}

/**
 * Opens a cursor for each iteration, and closes it however the iteration ends. Long iterations
 * yield to the event loop.
 */
function iterable(open: () => RowCursor, pace: Pace): AsyncIterable<Row> {
  return {
    [Symbol.asyncIterator]: (): AsyncIterator<Row> => {
      let cursor: RowCursor | undefined
      let ended = false
      return {
        async next() {
          if (ended) return { done: true, value: undefined }
          if (pace.isTurnOver()) await pace.nextTurn()
          cursor ??= open()
          const row = cursor.next()
          if (row !== undefined) return { done: false, value: row }
          ended = true
          return { done: true, value: undefined }
        },
        async return() {
          if (!ended) cursor?.close()
          ended = true
          return { done: true, value: undefined }
        },
      }
    },
  }
}

/** Rows in the first batch, small for consumers of few rows, and in the largest. */
const [firstBatchRows, mostBatchRows] = [4, 64]
/** Bytes of values that fill a batch. */
const batchBytes = 262_144

/** The rows of a cursor in growing batches. The cursor is closed however the iteration ends. */
async function* batchwise(open: () => RowCursor, pace: Pace): AsyncGenerator<readonly Row[]> {
  let cursor: RowCursor | undefined = open()
  try {
    for (
      let most = firstBatchRows;
      cursor !== undefined;
      most = Math.min(4 * most, mostBatchRows)
    ) {
      if (pace.isTurnOver()) await pace.nextTurn()
      const rows: Row[] = []
      let bytes = 0
      while (rows.length < most && bytes < batchBytes) {
        const row: Row | undefined = cursor.next()
        if (row === undefined) {
          cursor = undefined
          break
        }
        rows.push(row)
        bytes += row.value.byteLength
      }
      pace.count(rows.length)
      if (rows.length > 0) yield rows
    }
  } finally {
    cursor?.close()
  }
}

/** Batches of one row each. */
export async function* singly(rows: AsyncIterable<Row>): AsyncGenerator<readonly Row[]> {
  for await (const row of rows) yield [row]
}

function isEmpty({ start, end }: Range): boolean {
  return end !== undefined && Buffer.compare(start, end) >= 0
}

function checkKey(key: Bytes): void {
  if (key.length > maxKeyBytes) throw keyTooLong(key.length)
  if (key.length === 0) throw new Error('a key must not be empty')
}

function checkRange({ start, end }: Range): void {
  if (start.length > maxKeyBytes) throw keyTooLong(start.length)
  if (end !== undefined && end.length > maxKeyBytes) throw keyTooLong(end.length)
}

function checkRunning(ended: boolean): void {
  if (ended) throw new Error('the transaction is used after its body has ended')
}

/** The error for a read that outlived its snapshot. */
export function readTooLong(limitMs: number): StoreError {
  return new StoreError({ code: 'ReadTooLong', limitMs })
}
