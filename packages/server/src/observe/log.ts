// Structured logging: the interface used by every layer. `compose.ts` chooses the implementation.

/** Fields of a log line. An `error` is written with its stack and its causes. */
export type LogFields = Readonly<Record<string, unknown>>

/** Writes log lines. The message is a constant phrase; variable data belongs in the fields. */
export interface Log {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}

/** Discards everything: for tests and for embedding. */
export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}
