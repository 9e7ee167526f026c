// A clock interface, so that tests need not wait.

/** A source of time. */
export interface Clock {
  /** Monotonic time in milliseconds, from an arbitrary origin. */
  now(): number
  /** Calls `run` once after `delayMs`; the returned function cancels the call. */
  after(delayMs: number, run: () => void): () => void
}

/** The system clock. Its timers don't keep a process alive. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs)
    // In browsers a timer is a number.
    if (typeof timer === 'object') timer.unref()
    return () => clearTimeout(timer)
  },
}
