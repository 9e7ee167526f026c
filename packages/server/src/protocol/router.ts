// Takes every request of a process: answers `/_/…` itself, hands the rest to the protocol, counts and
// logs what became of it, and knows which requests are under way when the server has to stop.

import { randomBytes } from 'node:crypto'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { prometheusType } from '../observe/prometheus.ts'
import { Scrape } from '../observe/scrape.ts'
import { clientClosedRequest, type Exchange, type ExchangeResult } from './http/exchange.ts'
import { checkHead } from './http/head.ts'
import { bucketOfHost } from './http/host.ts'
import { Pipelining } from './http/pipelining.ts'
import { sendFixed } from './http/respond.ts'

/** Answers one request whole; rejects only by a fault of ours. */
export type ExchangeHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  exchange: Exchange,
) => Promise<ExchangeResult>

/** What a router works with. */
export interface RouterOptions {
  /** Answers the requests that are not for the server itself. */
  readonly handler: ExchangeHandler
  /** The server's own names, as the handler knows them: below them, every path is a bucket's. */
  readonly domains: readonly string[]
  readonly log: Log
  readonly metrics: Metrics
  readonly clock: Clock
  /** The text of `/_/metrics`; called for all who ask at once, and not much more often than every 100 ms. */
  readonly exposition: () => Promise<string>
}

/** One request under way. */
interface Pending {
  readonly response: ServerResponse
  readonly abort: AbortController
}

/** Milliseconds between two askings for metrics; the primary makes it fewer collections. */
const scrapeIntervalMs = 100
/** Characters of a path that stand in the log. */
const loggedPathLength = 4096

/** Routes the requests of one HTTP server. */
export class Router {
  readonly #options: RouterOptions
  readonly #requestIds = new RequestIds()
  readonly #turns = new Pipelining()
  readonly #scrape: Scrape
  readonly #pending = new Set<Pending>()
  readonly #stopping = new AbortController()
  #drained: (() => void) | undefined
  #server: Server | undefined

  constructor(options: RouterOptions) {
    this.#options = options
    const { exposition, clock } = options
    this.#scrape = new Scrape({ collect: exposition, clock, intervalMs: scrapeIntervalMs })
  }

  /** Requests under way, those for `/_/…` aside. */
  get pendingCount(): number {
    return this.#pending.size
  }

  /** Begins to answer what `server` receives. */
  attach(server: Server): void {
    this.#server = server
    server.on('request', (request, response) => void this.#answer(request, response, false))
    server.on('checkContinue', (request, response) => void this.#answer(request, response, true))
    // Other expectations are none that S3 knows: it ignores them, where node:http would answer 417.
    server.on(
      'checkExpectation',
      (request, response) => void this.#answer(request, response, false),
    )
  }

  /**
   * Ends the service: from now on `/_/health` and new requests are answered with 503, while those
   * under way may go on for `graceMs`. Then the server is closed. False if some were cut off.
   */
  async stop(graceMs: number): Promise<boolean> {
    const server = this.#server
    if (server === undefined) return true
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#drained = resolve
    this.#stopping.abort()
    for (const { response } of this.#pending) response.shouldKeepAlive = false
    server.closeIdleConnections()
    if (this.#pending.size === 0) resolve()
    const timer = setTimeout(resolve, graceMs)
    await promise
    clearTimeout(timer)
    const isClean = this.#pending.size === 0
    const closed = new Promise<void>((done) => server.close(() => done()))
    for (const { abort } of this.#pending) abort.abort(new Error('the server is stopping'))
    server.closeAllConnections()
    await closed
    return isClean
  }

  async #answer(
    request: IncomingMessage,
    response: ServerResponse,
    isContinueExpected: boolean,
  ): Promise<void> {
    const { clock, domains } = this.#options
    const started = clock.monotonicMs()
    const requestId = this.#requestIds.next()
    const url = request.url ?? '/'
    const isOwn = url.startsWith('/_/') && !bucketOfHost(request.headers.host, domains)
    const turn = this.#turns.take(request, response)
    if (turn !== undefined && !(await turn)) return
    const result = isOwn
      ? await this.#answerOwn(url, request, response)
      : this.#drained !== undefined
        ? refuse(response, requestId)
        : await this.#exchange(request, response, { requestId, isContinueExpected })
    this.#record(request, result, {
      requestId,
      url,
      isOwn,
      durationMs: clock.monotonicMs() - started,
    })
  }

  async #exchange(
    request: IncomingMessage,
    response: ServerResponse,
    circumstances: Pick<Exchange, 'requestId' | 'isContinueExpected'>,
  ): Promise<ExchangeResult> {
    const pending: Pending = { response, abort: new AbortController() }
    this.#pending.add(pending)
    response.once('close', () => {
      this.#pending.delete(pending)
      if (!response.writableFinished) pending.abort.abort(new Error('the client has gone'))
      if (this.#drained !== undefined && this.#pending.size === 0) this.#drained()
    })
    const { signal } = pending.abort
    try {
      return await this.#options.handler(request, response, {
        ...circumstances,
        signal,
        stopping: this.#stopping.signal,
      })
    } catch (error) {
      const { requestId } = circumstances
      this.#options.log.error('a request was left without an answer', { requestId, error })
      if (response.headersSent) response.destroy()
      else sendText(response, { status: 500, type: 'text/plain', text: `error ${requestId}\n` })
      const status = signal.aborted ? clientClosedRequest : 500
      return { operation: 'Unknown', status, bytesIn: 0, bytesOut: 0 }
    }
  }

  async #answerOwn(
    url: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<ExchangeResult> {
    const mark = url.indexOf('?')
    const path = mark < 0 ? url : url.slice(0, mark)
    try {
      checkHead(request, response)
    } catch (error) {
      const text = `${error instanceof Error ? error.message : 'bad request'}\n`
      return sendText(response, { status: 400, type: 'text/plain', text })
    }
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    if (!isRead) {
      return sendText(response, { status: 405, type: 'text/plain', text: 'only GET\n' })
    }
    switch (path) {
      case '/_/health':
        return this.#answerHealth(response)
      case '/_/metrics': {
        const text = await this.#scrape.text()
        return {
          ...sendText(response, { status: 200, type: prometheusType, text }),
          operation: 'Metrics',
        }
      }
      default:
        return sendText(response, { status: 404, type: 'text/plain', text: 'nothing here\n' })
    }
  }

  #answerHealth(response: ServerResponse): ExchangeResult {
    const isStopping = this.#drained !== undefined
    if (isStopping) response.shouldKeepAlive = false
    const [status, text] = isStopping ? [503, 'stopping\n'] : [200, 'ok\n']
    return { ...sendText(response, { status, type: 'text/plain', text }), operation: 'Health' }
  }

  #record(
    request: IncomingMessage,
    result: ExchangeResult,
    facts: { requestId: string; url: string; isOwn: boolean; durationMs: number },
  ): void {
    const { log, metrics } = this.#options
    const { operation, status, bytesIn, bytesOut } = result
    const durationSeconds = facts.durationMs / 1000
    const protocol = facts.isOwn ? 'admin' : (result.protocol ?? 's3')
    metrics.request({ protocol, operation, status, durationSeconds, bytesIn, bytesOut })
    const mark = facts.url.indexOf('?')
    const fields = {
      requestId: facts.requestId,
      method: request.method,
      // Without the query: a presigned one is a secret for as long as it is valid.
      // At most what a key needs, escaped.
      path: facts.url.slice(0, Math.min(mark < 0 ? facts.url.length : mark, loggedPathLength)),
      operation,
      status,
      durationMs: Math.round(facts.durationMs * 1000) / 1000,
      bytesIn,
      bytesOut,
      remote: request.socket.remoteAddress,
      accessKeyId: result.accessKeyId,
    }
    if (facts.isOwn) log.debug('request', fields)
    else log.info('request', fields)
  }
}

/** Ids of requests: unique, short, and cheap. */
class RequestIds {
  #pool = Buffer.alloc(0)
  #used = 0

  next(): string {
    if (this.#used === this.#pool.length) {
      this.#pool = randomBytes(4096)
      this.#used = 0
    }
    const id = this.#pool.toString('hex', this.#used, this.#used + 8).toUpperCase()
    this.#used += 8
    return id
  }
}

/** A server that stops asks the client to come back, in the form that S3 clients understand. */
function refuse(response: ServerResponse, requestId: string): ExchangeResult {
  response.shouldKeepAlive = false
  response.setHeader('Retry-After', '1')
  response.setHeader('x-amz-request-id', requestId)
  const text =
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>ServiceUnavailable</Code>' +
    '<Message>Service is unable to handle request.</Message>' +
    `<RequestId>${requestId}</RequestId></Error>`
  return sendText(response, { status: 503, type: 'application/xml', text })
}

function sendText(
  response: ServerResponse,
  answer: { readonly status: number; readonly type: string; readonly text: string },
): ExchangeResult {
  const headers = {
    'Content-Type': answer.type,
    'Cache-Control': 'no-store',
    Server: 'Holdfast',
  }
  const bytesOut = sendFixed(response, { status: answer.status, headers }, answer.text)
  return { operation: 'Unknown', status: answer.status, bytesIn: 0, bytesOut }
}
