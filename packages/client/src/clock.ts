// Time, passed in so that tests need not wait.

/** Where time comes from. */
export interface Clock {
  /** Milliseconds since some moment; never goes back. */
  now(): number
  /** Calls `run` once, `delayMs` from now; what it returns calls that off. */
  after(delayMs: number, run: () => void): () => void
}

/** The time of this machine. Its timers keep no process alive. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs)
    // A browser's is a number.
    if (typeof timer === 'object') timer.unref()
    return () => clearTimeout(timer)
  },
}
