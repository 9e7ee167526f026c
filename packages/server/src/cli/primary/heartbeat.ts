// When a worker that gives no sign of life is to be killed. A busy one must not be: a long pause of its
// event loop is only slow, while a stopped process may hold the engine's lock and block all others.

/** Milliseconds between two pings. */
export const pingMs = 500

/** Milliseconds of silence after which a process that the system calls stopped is killed. */
const stoppedMs = 2000
/** Milliseconds of silence after which a worker is killed that runs, but does nothing else. */
const hungMs = 20_000
/** Milliseconds that a worker may take to open the store, which may mend it after a crash. */
const startingMs = 120_000

/** Why a worker is to be killed; undefined while it may live. */
export function judge(worker: {
  /** Milliseconds since its last message. */
  readonly silentMs: number
  readonly isReady: boolean
  /** The state letter of proc(5), where the system has it. */
  readonly state: string | undefined
}): string | undefined {
  const { silentMs, isReady, state } = worker
  const isStopped = state === 'T' || state === 't'
  if (isStopped && silentMs >= stoppedMs) return 'a worker was stopped, and is killed'
  if (silentMs >= (isReady ? hungMs : startingMs)) return 'a worker hangs, and is killed'
  return undefined
}
