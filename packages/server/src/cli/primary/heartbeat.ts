// Decides when a silent worker is killed. A busy worker must not be killed: a long pause of its event loop is only slow.
// A stopped process may hold the engine's lock and block all others.

/** Milliseconds between two pings. */
export const pingMs = 500

/** Milliseconds of silence after which a stopped process is killed. */
const stoppedMs = 2000
/** Milliseconds of silence after which a running worker is killed. */
const hungMs = 20_000
/** Milliseconds in which a worker must open the store, including recovery after a crash. */
const startingMs = 120_000

/** The reason to kill a worker; undefined if there is none. */
export function judge(worker: {
  /** Milliseconds since its last message. */
  readonly silentMs: number
  readonly isReady: boolean
  /** The state letter of proc(5), if the system has it. */
  readonly state: string | undefined
}): string | undefined {
  const { silentMs, isReady, state } = worker
  const isStopped = state === 'T' || state === 't'
  if (isStopped && silentMs >= stoppedMs) return 'a worker was stopped, and is killed'
  if (silentMs >= (isReady ? hungMs : startingMs)) return 'a worker hangs, and is killed'
  return undefined
}
