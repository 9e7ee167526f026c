// Structured logs: the interface that every layer is given. What writes them is made in `compose.ts`.

/** Facts beside a log line; an `error` is written with its stack and its causes. */
export type LogFields = Readonly<Record<string, unknown>>

/** Writes log lines. The message is a fixed phrase; what varies goes into the fields. */
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
