// The load generator, a separate process with raw sockets. Requests are built and signed before the
// clock starts, and responses are parsed only to find their end. It takes one job at a time from
// its parent and sends back a result.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { bodyOf } from '../test/crash/content.ts'
import { canonicalQuery, type SigningKey, signedHeaders } from '../test/wire.ts'

const headerEnd = Buffer.from('\r\n\r\n')
const writeBytes = 1024 ** 2
const readBytes = 256 * 1024
const maxHeaderBytes = 16 * 1024

/** The requests to send, their target, and the duration. */
export interface Job {
  readonly host: string
  readonly port: number
  readonly method: 'GET' | 'HEAD' | 'PUT'
  /** Used in turn by all connections; encoded. */
  readonly paths: readonly string[]
  readonly query?: Readonly<Record<string, string>>
  readonly bodyBytes: number
  readonly connections: number
  /** Duration in milliseconds; if absent, ends after every path was used once. */
  readonly durationMs?: number
  /** Signs the requests, if given. */
  readonly key?: SigningKey
}

export interface Result {
  readonly requests: number
  readonly perSecond: number
  /** Of request and response bodies, in 10^6 bytes per second. */
  readonly megabytesPerSecond: number
  readonly medianMs: number
  readonly p99Ms: number
  /** Responses other than 200, with an example. */
  readonly failures: number
  readonly example: string
}

/** One connection: sends a request, waits for the complete response, and repeats. */
class Connection {
  readonly #socket: Socket
  readonly #isHead: boolean
  #header = Buffer.alloc(0)
  #bodyLeft = -1
  #status = 0
  #received = 0
  #resolve: (() => void) | undefined
  #reject: ((cause: Error) => void) | undefined
  example = ''

  constructor(job: Job) {
    this.#isHead = job.method === 'HEAD'
    this.#socket = connect({
      host: job.host,
      port: job.port,
      noDelay: true,
      onread: {
        buffer: Buffer.alloc(readBytes),
        callback: (length, buffer) => this.#receive(Buffer.from(buffer.buffer, 0, length)),
      },
    })
    this.#socket.on('error', (cause) => this.#reject?.(cause))
    this.#socket.on('close', () => this.#reject?.(new Error('the connection was closed')))
  }

  async open(): Promise<void> {
    await once(this.#socket, 'connect')
  }

  /** Resolves with the status and the body length when the response is complete. */
  async exchange(head: Buffer, body: Buffer): Promise<{ status: number; bytes: number }> {
    const answered = new Promise<void>((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.#header = Buffer.alloc(0)
    this.#bodyLeft = -1
    this.#received = 0
    if (body.length <= writeBytes) {
      this.#socket.cork()
      this.#socket.write(head)
      if (body.length > 0) this.#socket.write(body)
      this.#socket.uncork()
    } else {
      this.#socket.write(head)
      await this.#writeAll(body)
    }
    await answered
    return { status: this.#status, bytes: this.#received }
  }

  end(): void {
    this.#reject = undefined
    this.#socket.destroy()
  }

  async #writeAll(body: Buffer): Promise<void> {
    for (let at = 0; at < body.length; at += writeBytes) {
      if (!this.#socket.write(body.subarray(at, at + writeBytes))) {
        await once(this.#socket, 'drain')
      }
    }
  }

  #receive(chunk: Buffer): boolean {
    let body = chunk
    if (this.#bodyLeft < 0) {
      this.#header = Buffer.concat([this.#header, chunk])
      const end = this.#header.indexOf(headerEnd)
      if (end < 0) {
        if (this.#header.length > maxHeaderBytes) this.#reject?.(new Error('no end of header'))
        return true
      }
      body = this.#header.subarray(end + headerEnd.length)
      this.#parse(this.#header.toString('latin1', 0, end), body)
    }
    this.#received += body.length
    this.#bodyLeft -= body.length
    if (this.#bodyLeft <= 0) this.#resolve?.()
    return true
  }

  #parse(header: string, body: Buffer): void {
    this.#status = Number(header.slice(9, 12))
    const length = /\r\ncontent-length: *(\d+)/i.exec(header)?.[1]
    if (length === undefined && this.#status !== 204 && !this.#isHead) {
      this.#reject?.(new Error(`an answer without Content-Length:\n${header}`))
    }
    this.#bodyLeft = this.#isHead ? 0 : Number(length ?? 0)
    if (this.#status !== 200) this.example = `${header}\n${body.toString('utf8', 0, 500)}`
  }
}

function buildRequests(job: Job): Buffer[] {
  const host = `${job.host}:${job.port}`
  const query = canonicalQuery(job.query)
  const date = new Date()
  return job.paths.map((path) => {
    const parts = { method: job.method, host, path, date, ...(job.query && { query: job.query }) }
    const headers = job.key === undefined ? { host } : signedHeaders(job.key, parts)
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    if (job.method === 'PUT') lines.push(`content-length: ${job.bodyBytes}\r\n`)
    const target = query === '' ? path : `${path}?${query}`
    return Buffer.from(`${job.method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`)
  })
}

async function perform(job: Job): Promise<Result> {
  const heads = buildRequests(job)
  const body = bodyOf('bench', job.bodyBytes)
  const connections = Array.from({ length: job.connections }, () => new Connection(job))
  await Promise.all(connections.map((connection) => connection.open()))
  const times: number[] = []
  let next = 0
  let bytes = 0
  let failures = 0
  const started = performance.now()
  const deadline = started + (job.durationMs ?? Number.POSITIVE_INFINITY)
  const isOver = (): boolean =>
    job.durationMs === undefined ? next >= heads.length : performance.now() >= deadline
  const run = async (connection: Connection): Promise<void> => {
    while (!isOver()) {
      const head = heads[next % heads.length]
      next += 1
      if (head === undefined) return
      const sent = performance.now()
      const answer = await connection.exchange(head, body)
      times.push(performance.now() - sent)
      bytes += answer.bytes + job.bodyBytes
      if (answer.status !== 200) failures += 1
    }
  }
  await Promise.all(connections.map(run))
  const seconds = (performance.now() - started) / 1e3
  for (const connection of connections) connection.end()
  times.sort((a, b) => a - b)
  return {
    requests: times.length,
    perSecond: times.length / seconds,
    megabytesPerSecond: bytes / 1e6 / seconds,
    medianMs: times[Math.floor(times.length / 2)] ?? Number.NaN,
    p99Ms: times[Math.floor(times.length * 0.99)] ?? Number.NaN,
    failures,
    example: connections.map(({ example }) => example).find((text) => text !== '') ?? '',
  }
}

process.on('message', (job: Job) => {
  perform(job).then(
    (result) => process.send?.(result),
    (cause: unknown) => process.send?.({ error: String(cause) }),
  )
})
