// The signals to a server: stop, stop at once, reload files.

/** Milliseconds in which repeated signals are ignored: npm forwards signals that the whole process group received. */
const repeatMs = 500

/** The requests by signals to this process. */
export interface StopSignals {
  /** Resolves at the first request to stop. */
  readonly first: Promise<void>
  /** Resolves at the second request, which means to stop at once. */
  readonly again: Promise<void>
  readonly isAsked: boolean
  readonly isUrgent: boolean
  /** Makes SIGHUP call a function instead of stopping the server. */
  onHangup(action: () => void): void
}

const stopping = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

/** Makes signals end this process with exit code 0, as long as nothing is running. */
export function endWhenAsked(): void {
  for (const signal of stopping) process.on(signal, end)
}

function end(): void {
  process.exit(0)
}

/** Handles the signals instead of `endWhenAsked`. */
export function listenToSignals(): StopSignals {
  const first = Promise.withResolvers<void>()
  const again = Promise.withResolvers<void>()
  let askedAt: number | undefined
  let isUrgent = false
  let hangup: (() => void) | undefined
  const ask = (): void => {
    const now = performance.now()
    askedAt ??= now
    first.resolve()
    if (now - askedAt < repeatMs) return
    isUrgent = true
    again.resolve()
  }
  process.on('SIGTERM', ask)
  process.on('SIGINT', ask)
  process.on('SIGHUP', () => {
    // On a terminal, SIGHUP means that the terminal was closed; for a service, reload.
    if (hangup === undefined || process.stderr.isTTY === true) ask()
    else hangup()
  })
  for (const signal of stopping) process.off(signal, end)
  return {
    first: first.promise,
    again: again.promise,
    get isAsked() {
      return askedAt !== undefined
    },
    get isUrgent() {
      return isUrgent
    },
    onHangup(action) {
      hangup = action
    },
  }
}
