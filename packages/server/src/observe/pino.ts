// The pino logger: JSON lines on standard output, or coloured lines on a terminal. Lines are
// written asynchronously; `flush` writes the rest synchronously.

import { createRequire } from 'node:module'
import { type DestinationStream, pino, stdSerializers } from 'pino'
import type { LogFormat, LogLevel } from './level.ts'
import { LineWriter } from './line-writer.ts'
import type { Log, LogFields } from './log.ts'

/** A log that can be flushed synchronously. */
export interface ProcessLog extends Log {
  flush(): void
}

export interface ProcessLogOptions {
  readonly level: LogLevel
  readonly format: LogFormat
  /** Fields in every line, such as the worker's number. */
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

/** The time in pino's format, cached for each millisecond. */
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
  // Loaded on demand, because a server under a service manager never needs it.
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
