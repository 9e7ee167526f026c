// The errors with which a lock rejects. An aborted signal rejects with its own reason, and wrong
// arguments with TypeError or RangeError. After an error the request neither holds nor waits.

/**
 * The lock wasn't granted within `timeoutMs`. May be retried; the retry queues behind all requests
 * that wait by then.
 */
export class LockTimeoutError extends Error {
  override readonly name = 'LockTimeoutError'
  readonly timeoutMs: number
  /** The tickets of the conflicting claims at the time of the timeout; see `PathLock.query`. */
  readonly blockedBy: readonly bigint[]

  constructor(message: string, timeoutMs: number, blockedBy: readonly bigint[]) {
    super(message)
    this.timeoutMs = timeoutMs
    this.blockedBy = blockedBy
  }
}

/** The limit of waiting requests (`maxPending`) is reached. May be retried later. */
export class LockQueueFullError extends Error {
  override readonly name = 'LockQueueFullError'
}

/** A holder's operation was called on a handle that no longer holds its lock. */
export class LockLostError extends Error {
  override readonly name = 'LockLostError'
}
