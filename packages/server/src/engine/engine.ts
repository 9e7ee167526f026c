// The engine's contract: ordered byte keys under serializable, durable transactions. Everything
// that the server remembers, large bodies aside, is rows behind this interface.

import type { Bytes } from '../base/bytes.ts'

/** One row. Neither array may be changed by who receives it. */
export interface Row {
  readonly key: Bytes
  readonly value: Bytes
}

/** The keys `start <= key < end`, upwards, or downwards with `reverse`; `end` absent means no bound. */
export interface Range {
  readonly start: Bytes
  readonly end?: Bytes | undefined
  readonly reverse?: boolean
}

/** Reads of one snapshot. Valid only until the body that received it has ended. */
export interface ReadTransaction {
  /** The value of `key`, or undefined. In a write, the read is recorded and validated at the commit. */
  get(key: Bytes): Promise<Bytes | undefined>
  /**
   * The rows of `range` in order. In a write, what is recorded is exactly the interval that was
   * consumed: up to the last row received if the consumer stops early, else the whole range.
   */
  range(range: Range): AsyncIterable<Row>
  /**
   * The same, several rows at a time, which costs less where many are wanted. In a write each comes
   * alone, since all that was received counts as consumed. To be iterated once.
   */
  batches(range: Range): AsyncIterable<readonly Row[]>
  /** A read that is not recorded: for caches, statistics and quotas that may be overshot. */
  peek(key: Bytes): Promise<Bytes | undefined>
}

/** Reads, and writes that are buffered until the commit. A transaction reads its own writes. */
export interface WriteTransaction extends ReadTransaction {
  put(key: Bytes, value: Bytes): void
  delete(key: Bytes): void
  /**
   * Adds `delta` to the 64-bit signed counter at `key` (absent counts as 0; see `tuple.ts` for its
   * value's form) without reading it: two additions never conflict.
   */
  add(key: Bytes, delta: bigint): void
}

/** Figures about an engine since it was opened, for the metrics. All but the last two only grow. */
export interface EngineStatistics {
  readonly reads: number
  /** Transactions that were committed. */
  readonly transactions: number
  readonly conflicts: number
  readonly retries: number
  readonly batches: number
  /** Transactions in the last batch that was committed. */
  readonly lastBatchSize: number
  /** Bytes of the store on disk. */
  readonly sizeBytes: number
}

/**
 * A store of rows. Every engine passes `engine.suite.ts`.
 *
 * - Serializable: a commit validates the value of every key read and every interval scanned.
 * - Durable before visible: a value that any reader has seen survives a power loss.
 * - Fresh: a read that starts after a write resolved, in whatever process, sees it.
 */
export interface Engine {
  /**
   * Runs `body` on one fresh snapshot, which must not be held longer than
   * `ownLimits.engineReadMs`: after that it is closed, and every further use of it throws. With
   * `maxStalenessMs`, a snapshot that old may serve.
   * @throws StoreError `ServiceUnavailable` when it was held too long, or the engine is closed.
   */
  read<T>(
    body: (tx: ReadTransaction) => Promise<T>,
    options?: { readonly maxStalenessMs?: number },
  ): Promise<T>
  /**
   * Runs `body` and commits what it wrote in one serializable step; resolves when that is durable.
   * `body` may run several times, so it has no effect except through its transaction, and awaits
   * nothing but it. If it throws, nothing is written and the error is passed on: what it refused on
   * was then the newest state. A body that writes nothing costs no commit.
   * @throws StoreError `SlowDown` when it lost too many races or too many wait, `InsufficientStorage`
   *   on a full disk, `KeyTooLong` when a key can't be stored, `InvalidRequest` when it changes more
   *   than `ownLimits.transactionChanges` rows or `transactionBytes`, `ServiceUnavailable` when it
   *   ran too long or the engine is closed, `Internal` when the store fails.
   */
  write<T>(body: (tx: WriteTransaction) => Promise<T>): Promise<T>
  /**
   * Resolves as soon as the value of `key` is not `seen` any more; rejects with the signal's reason.
   * `mark` is a key whose value changes, to one that it never had, in every commit that changes `key`.
   * While it stays, any number of watches with that mark cost the one look at it.
   */
  watch(key: Bytes, seen: Bytes | undefined, signal: AbortSignal, mark?: Bytes): Promise<void>
  /**
   * To be called before `bytes` are added, to the engine or beside it on its disk; not before what
   * removes, which the reserve is for.
   * @throws StoreError `InsufficientStorage` if that would leave less than the reserve.
   */
  checkRoom(bytes: number): void
  statistics(): EngineStatistics
  /** Ends what is under way and closes the store; later calls reject. */
  close(): Promise<void>
}

/** The store was written by a version that this one can't follow. The message says what to do. */
export class FormatError extends Error {
  override readonly name = 'FormatError'
}

/** The store's file can't be what the engine wrote. The message says what to do. */
export class DamageError extends Error {
  override readonly name = 'DamageError'
}
