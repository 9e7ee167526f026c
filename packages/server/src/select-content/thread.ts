// The thread in which a query runs. The thread receives and sends bytes only: it has no code by which a query
// could access files or the network.

import { parentPort } from 'node:worker_threads'
import { QueryError } from './error.ts'
import type { ObjectInfo, Order, QueryStats, Report } from './message.ts'
import { type ObjectBytes, rowsOf } from './object-reader.ts'
import { parseQuery } from './parse.ts'
import { QueryRun } from './query.ts'
import type { ChunkSource } from './row-source.ts'

type RunOrder = Extract<Order, { kind: 'run' }>

/** The largest number of unconsumed messages of records. */
const unsentMessages = 4

const progressMs = 1000

if (parentPort === null) throw new Error('this is the main file of a thread')
const port = parentPort

/** Input requested of the process: chunks and objects that a reader waits for. */
class Inbox {
  #chunks: (Uint8Array | undefined)[] = []
  #stream = 0
  #wakeChunk: (() => void) | undefined
  #object: ((object: ObjectInfo | undefined) => void) | undefined
  #waiting = 0
  #wakeSend: (() => void) | undefined

  receive(order: Order): void {
    switch (order.kind) {
      case 'chunk':
        if (order.stream !== this.#stream) return
        this.#chunks.push(order.bytes)
        this.#wakeChunk?.()
        return
      case 'object':
        this.#object?.(order.object)
        return
      case 'taken':
        this.#waiting--
        this.#wakeSend?.()
        return
      case 'run':
        return
    }
  }

  nextObject(): Promise<ObjectInfo | undefined> {
    const { promise, resolve } = Promise.withResolvers<ObjectInfo | undefined>()
    this.#object = resolve
    report({ kind: 'next' })
    return promise
  }

  open(start: number, end: number, count: (bytes: number) => void): ChunkSource {
    const stream = ++this.#stream
    this.#chunks = []
    report({ kind: 'open', stream, span: { start, end } })
    let isEnded = false
    return {
      read: async () => {
        if (isEnded) return undefined
        if (stream !== this.#stream) throw new Error('another stream has been opened')
        while (this.#chunks.length === 0) await this.#chunkCame()
        const bytes = this.#chunks.shift()
        if (bytes === undefined) {
          isEnded = true
          return undefined
        }
        count(bytes.byteLength)
        report({ kind: 'pull', stream })
        return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      },
    }
  }

  /** Resolves when the next message may be made. */
  async sent(): Promise<void> {
    this.#waiting++
    while (this.#waiting >= unsentMessages) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#wakeSend = resolve
      await promise
    }
  }

  #chunkCame(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wakeChunk = resolve
    return promise
  }
}

function report(message: Report, transfer: readonly ArrayBuffer[] = []): void {
  port.postMessage(message, [...transfer])
}

async function runQuery({ request, now }: RunOrder, inbox: Inbox): Promise<void> {
  let scannedBytes = 0
  let processedBytes = 0
  let returnedBytes = 0
  let lastReport = performance.now()
  const stats = (): QueryStats => ({ scannedBytes, processedBytes, returnedBytes })
  const scanned = (bytes: number): void => {
    scannedBytes += bytes
  }
  const processed = (bytes: number): void => {
    processedBytes += bytes
    if (performance.now() - lastReport < progressMs) return
    lastReport = performance.now()
    report({ kind: 'progress', stats: stats() })
  }
  const send = async (records: Buffer): Promise<void> => {
    returnedBytes += records.length
    const { buffer } = records
    if (!(buffer instanceof ArrayBuffer))
      throw new Error('records are not in a buffer of their own')
    report({ kind: 'records', bytes: records, stats: stats() }, [buffer])
    await inbox.sent()
  }
  const query = parseQuery(request.expression)
  const run = new QueryRun(query, request.output, { now, send })
  for (;;) {
    const object = run.isDone ? undefined : await inbox.nextObject()
    if (object === undefined) break
    const bytes: ObjectBytes = {
      sizeBytes: object.sizeBytes,
      open: ({ start, end }) => inbox.open(start, end, scanned),
    }
    await run.readObject(await rowsOf(request, query, bytes, processed), object.key)
  }
  await run.finish()
  report({ kind: 'end', stats: stats() })
}

/** Converts a failure to a report. */
function reportOf(error: unknown): Report {
  if (error instanceof QueryError) {
    return { kind: 'refused', code: error.code, detail: error.detail }
  }
  // A stack overflow, or a text longer than JavaScript allows.
  if (error instanceof RangeError) {
    const detail = 'The query or a value in the object is nested too deeply, or too long.'
    return { kind: 'refused', code: 'UnsupportedSqlStructure', detail }
  }
  return { kind: 'fault', message: error instanceof Error ? String(error.stack) : String(error) }
}

let inbox = new Inbox()

// A library that reads several columns at once may leave a rejected promise behind when another of them has
// failed first. The query fails by that one; the thread must not.
process.on('unhandledRejection', () => undefined)

port.on('message', (order: Order) => {
  if (order.kind !== 'run') {
    inbox.receive(order)
    return
  }
  inbox = new Inbox()
  runQuery(order, inbox).catch((error) => report(reportOf(error)))
})
