// Clocks are passed in, so that tests can set the time.

/** A source of time. */
export interface Clock {
  /** Milliseconds since the Unix epoch, by the wall clock. */
  now(): number
  /** Milliseconds since an arbitrary moment, monotonic: for durations. */
  monotonicMs(): number
}

/** The machine's clocks. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
}
