// Time is passed in, so that tests set it.

/** Where the time comes from. */
export interface Clock {
  /** Milliseconds since the Unix epoch, by the wall clock. */
  now(): number
  /** Milliseconds since some fixed moment, never going back: for durations. */
  monotonicMs(): number
}

/** The machine's clocks. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
}
