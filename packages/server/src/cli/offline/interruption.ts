// Long work ends in good order when its command is told to stop.

import { CommandError } from '../../base/exit.ts'

/** Runs `body` with a signal that SIGINT and SIGTERM abort; a second one ends the process. */
export async function untilStopped<T>(
  advice: string,
  body: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const stop = new AbortController()
  const onSignal = (signal: string): void =>
    stop.abort(new CommandError(`stopped by ${signal}; ${advice}`))
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal)
  try {
    return await body(stop.signal)
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
  }
}
