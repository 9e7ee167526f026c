// The errors that a lock rejects with, beside the reason of an aborted signal and the TypeError or
// RangeError of a caller's mistake. After each of them nothing is held and nothing waits.

/**
 * The lock wasn't granted within `timeoutMs`. May be retried; the retry queues behind those who
 * wait by then.
 */
export class LockTimeoutError extends Error {
  override readonly name = 'LockTimeoutError'
  readonly timeoutMs: number
  /** The tickets of the claims that were waited for when the time was up; see `PathLock.query`. */
  readonly blockedBy: readonly bigint[]

  constructor(message: string, timeoutMs: number, blockedBy: readonly bigint[]) {
    super(message)
    this.timeoutMs = timeoutMs
    this.blockedBy = blockedBy
  }
}

/** As many requests wait as the lock was made to let wait (`maxPending`). May be retried later. */
export class LockQueueFullError extends Error {
  override readonly name = 'LockQueueFullError'
}

/** What only the holder may do was tried with a handle that holds nothing (any more). */
export class LockLostError extends Error {
  override readonly name = 'LockLostError'
}
