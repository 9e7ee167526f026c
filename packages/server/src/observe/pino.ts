// The log as JSON lines on standard output, or as coloured lines on a terminal, by pino. Lines are
// written beside the work, not before it goes on; `flush` writes what is left.

import { createRequire } from 'node:module'
import { type DestinationStream, pino, stdSerializers } from 'pino'
import type { LogFormat, LogLevel } from './level.ts'
import { LineWriter } from './line-writer.ts'
import type { Log, LogFields } from './log.ts'

/** A log, and the way to write at once what was not written yet. */
export interface ProcessLog extends Log {
  flush(): void
}

/** How the log is written. */
export interface ProcessLogOptions {
  readonly level: LogLevel
  readonly format: LogFormat
  /** Facts in every line, such as the worker's number. */
  readonly base: LogFields
}

/** Opens the log of this process. */
export function openProcessLog({ level, format, base }: ProcessLogOptions): ProcessLog {
  const { stream, flush } = format === 'pretty' ? openPretty() : openLines()
  const logger = pino(
    {
      level,
      base,
      messageKey: 'message',
      errorKey: 'error',
      timestamp: createTimestamp(),
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: stdSerializers.errWithCause },
    },
    stream,
  )
  return {
    debug: (message, fields) => logger.debug(fields, message),
    info: (message, fields) => logger.info(fields, message),
    warn: (message, fields) => logger.warn(fields, message),
    error: (message, fields) => logger.error(fields, message),
    flush,
  }
}

interface Opened {
  readonly stream: DestinationStream
  flush(): void
}

function openLines(): Opened {
  const writer = new LineWriter(1)
  return { stream: writer, flush: () => writer.flush() }
}

/** The time as pino wants it; made once for all lines of a millisecond. */
function createTimestamp(): () => string {
  let at = 0
  let text = ''
  return () => {
    const now = Date.now()
    if (now !== at) {
      at = now
      text = `,"time":"${new Date(now).toISOString()}"`
    }
    return text
  }
}

function openPretty(): Opened {
  // Loaded on demand, since a server behind a service manager never needs it.
  const pretty: typeof import('pino-pretty') = createRequire(import.meta.url)('pino-pretty')
  const stream = pretty({
    sync: true,
    messageKey: 'message',
    errorLikeObjectKeys: ['error'],
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'pid,hostname',
    singleLine: true,
  })
  return { stream, flush: () => undefined }
}
