// The engine's contract: ordered byte keys under serializable, durable transactions. The server
// keeps all its state, except large bodies, as rows behind this interface.

import type { Bytes } from '../base/bytes.ts'

/** One row. The receiver must not modify either array. */
export interface Row {
  readonly key: Bytes
  readonly value: Bytes
}

/**
 * The keys `start <= key < end`, ascending, or descending with `reverse`. No `end` means no upper
 * bound.
 */
export interface Range {
  readonly start: Bytes
  readonly end?: Bytes | undefined
  readonly reverse?: boolean
}

/** Reads of one snapshot. Valid only until the body that received it has ended. */
export interface ReadTransaction {
  /** The value of `key`, or undefined. In a write, the read is recorded and validated at commit. */
  get(key: Bytes): Promise<Bytes | undefined>
  /** The values of `keys`, in their order: {@link get} for each, at once where the store is remote. */
  getMany(keys: readonly Bytes[]): Promise<readonly (Bytes | undefined)[]>
  /**
   * The rows of `range` in order. A write records exactly the interval consumed: up to the last row
   * received if the consumer stops early, else the whole range.
   */
  range(range: Range): AsyncIterable<Row>
  /**
   * Like `range`, but several rows at a time, which is cheaper for many rows. In a write each batch
   * has one row, because every row received counts as consumed. May be iterated once.
   */
  batches(range: Range): AsyncIterable<readonly Row[]>
  /**
   * A read that is not recorded or validated: for caches, statistics, and quotas that may be
   * exceeded.
   */
  peek(key: Bytes): Promise<Bytes | undefined>
}

/** Reads, and writes that are buffered until commit. A transaction reads its own writes. */
export interface WriteTransaction extends ReadTransaction {
  put(key: Bytes, value: Bytes): void
  delete(key: Bytes): void
  /**
   * Adds `delta` to the 64-bit signed counter at `key` without reading it, so two additions never
   * conflict. An absent row counts as 0. `tuple.ts` has the encoding.
   */
  add(key: Bytes, delta: bigint): void
}

/** Counters since the engine was opened, for metrics. All but the last two only grow. */
export interface EngineStatistics {
  readonly reads: number
  /** Committed transactions. */
  readonly transactions: number
  readonly conflicts: number
  readonly retries: number
  readonly batches: number
  /** Transactions in the last committed batch. */
  readonly lastBatchSize: number
  /** Size of the store on disk in bytes. */
  readonly sizeBytes: number
}

/**
 * A transactional store of rows. Every engine passes `engine.suite.ts`.
 *
 * - Serializable: a commit validates the value of every key read and every interval scanned.
 * - Durable before visible: a value that any reader has seen survives a power loss.
 * - Fresh: a read that starts after a write resolved sees it, in every process.
 */
export interface Engine {
  /**
   * Runs `body` on one fresh snapshot. The snapshot is closed after `ownLimits.engineReadMs`; every
   * use of it after that throws. With `maxStalenessMs`, a snapshot up to that old may be used
   * instead.
   * @throws StoreError `ReadTooLong` when the snapshot was held too long, `StoreClosed`
   */
  read<T>(
    body: (tx: ReadTransaction) => Promise<T>,
    options?: { readonly maxStalenessMs?: number },
  ): Promise<T>
  /**
   * Runs `body` and commits its writes in one serializable step; resolves when they are durable.
   * `body` may run several times. It must have no effects outside its transaction and await nothing
   * but the transaction. If it throws, nothing is written and its error is passed on; its reads
   * were of the newest state. A body that writes nothing costs no commit.
   *
   * @throws StoreError
   * - `SlowDown`: it lost too many races, or too many transactions wait
   * - `InsufficientStorage`: the disk is full
   * - `RowKeyTooLong`: a key can't be stored
   * - `TransactionTooLarge`: it changes more than `ownLimits.transactionChanges` rows or
   *   `transactionBytes`
   * - `ReadTooLong`: it ran too long
   * - `StoreClosed`
   * - `CommitFailed`, `StoreFailed`
   */
  write<T>(body: (tx: WriteTransaction) => Promise<T>): Promise<T>
  /**
   * Resolves as soon as the value of `key` differs from `seen`; rejects with the signal's reason.
   * `mark` is a key whose value changes, to one that it never had, in every commit that changes `key`.
   * While the mark stays the same, any number of watches with that mark cost one read of it.
   */
  watch(key: Bytes, seen: Bytes | undefined, signal: AbortSignal, mark?: Bytes): Promise<void>
  /**
   * Call this before adding `bytes` to the engine, or beside it on the same disk. Don't call it
   * before removals: the reserve exists for them.
   * @throws StoreError `InsufficientStorage` if the addition would leave less than the reserve.
   */
  checkRoom(bytes: number): void
  statistics(): EngineStatistics
  /** Waits for running transactions to end, then closes the store. Later calls reject. */
  close(): Promise<void>
}

/** The store has a newer format than this version reads. The message says what to do. */
export class FormatError extends Error {
  override readonly name = 'FormatError'
}

/** The data file is corrupt. The message says what to do. */
export class DamageError extends Error {
  override readonly name = 'DamageError'
}
