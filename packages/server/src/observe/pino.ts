// The log as JSON lines on standard output, or as coloured lines on a terminal, by pino. Lines are
// written beside the work, not before it goes on; `flush` writes what is left.

import { createRequire } from 'node:module'
import { type DestinationStream, destination, pino, stdSerializers } from 'pino'
import type { LogFormat, LogLevel } from './level.ts'
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

/** Bytes of waiting lines after which new ones are dropped: who reads the log has stopped reading. */
const waitingBytes = 16_777_216
/** Bytes of one write: several processes share the stream, and a pipe keeps only this much together. */
const writeBytes = 4096
/** Milliseconds after which lines are written though they are fewer: a write a line costs more than the line. */
const flushMs = 100

/** Opens the log of this process. */
export function openProcessLog({ level, format, base }: ProcessLogOptions): ProcessLog {
  const { stream, flush } = format === 'pretty' ? openPretty() : openLines()
  const logger = pino(
    {
      level,
      base,
      messageKey: 'message',
      errorKey: 'error',
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
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
  const stream = destination({
    fd: 1,
    sync: false,
    minLength: writeBytes - 1,
    maxLength: waitingBytes,
    maxWrite: writeBytes,
  })
  setInterval(() => stream.flush(), flushMs).unref()
  // Nobody reads the log any more (EPIPE), or its disk is full: serving goes on without it.
  stream.on('error', () => undefined)
  return {
    stream,
    flush() {
      try {
        stream.flushSync()
      } catch {
        // As above.
      }
    },
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
