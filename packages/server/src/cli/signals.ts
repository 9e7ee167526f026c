// The signals to a server: stop, stop at once, reload its files.

/** Milliseconds within which a repeated signal is ignored: npm forwards signals that the whole group got. */
const repeatMs = 500

/** The requests made by signals to this process. */
export interface StopSignals {
  /** Resolves when the server is asked to stop. */
  readonly first: Promise<void>
  /** Resolves when it is asked again: it is to stop at once. */
  readonly again: Promise<void>
  readonly isAsked: boolean
  readonly isUrgent: boolean
  /** Makes SIGHUP call a function instead of stopping the server. */
  onHangup(action: () => void): void
}

const stopping = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

/** Lets this process end with exit code 0 when it is asked to, as long as there is nothing to be ended. */
export function endWhenAsked(): void {
  for (const signal of stopping) process.on(signal, end)
}

function end(): void {
  process.exit(0)
}

/** Listens to the signals in place of `endWhenAsked`. */
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
    // On a terminal, SIGHUP means that the terminal has gone; for a service, it means reload.
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
