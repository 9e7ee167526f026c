// How the commands end: the exit codes, which scripts rely on, and the failures that lead to them.

/** Exit codes of every command; documented in docs/command-line.md. */
export const exitCodes = {
  ok: 0,
  /** It didn't work; the last line on standard error says why. */
  failure: 1,
  /** The command line can't be understood. */
  usage: 2,
  /** The data folder is in use by another server, or must not be opened by this one. */
  refused: 3,
  /** `fsck` found something. */
  findings: 4,
  /** A lease was not granted in the time given, or was lost. */
  busy: 5,
} as const

/** A failure with a message for the user of the command, shown without a stack. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly exitCode: number

  constructor(
    message: string,
    options: { readonly exitCode?: number; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.exitCode = options.exitCode ?? exitCodes.failure
  }
}

/** The system's code of an error, such as `ENOENT`. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** True for signals that mean a crash. */
export function isCrash(signal: string | null): signal is string {
  return signal !== null && ['SIGSEGV', 'SIGBUS', 'SIGABRT', 'SIGILL', 'SIGFPE'].includes(signal)
}
