// Routes every request of a process to the first protocol that claims it, counts and logs the outcome, and
// tracks the requests in progress for shutdown.

import { randomBytes } from 'node:crypto'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Clock } from '../base/clock.ts'
import type { Network } from '../base/network.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { type Circumstances, clientClosedRequest, type ExchangeResult } from './http/exchange.ts'
import { Pipelining } from './http/pipelining.ts'
import type { Protocol } from './http/protocol.ts'
import { type Client, Proxies } from './http/proxy.ts'
import { sendText } from './http/respond.ts'

/** The protocols and services of a router. */
export interface RouterOptions {
  /** In the order in which they are asked. The last one claims every request. */
  readonly protocols: readonly Protocol[]
  readonly log: Log
  readonly metrics: Metrics
  readonly clock: Clock
  /** The networks whose word about their clients is believed; none if left out. */
  readonly trustedProxies?: readonly Network[]
}

/** A request in progress. */
interface Pending {
  readonly response: ServerResponse
  readonly abort: AbortController
}

/** The number of characters of a path in the log. */
const loggedPathLength = 4096

/** Routes the requests of one HTTP server. */
export class Router {
  readonly #options: RouterOptions
  readonly #proxies: Proxies
  readonly #requestIds = new RequestIds()
  readonly #turns = new Pipelining()
  readonly #pending = new Set<Pending>()
  readonly #stopping = new AbortController()
  #drained: (() => void) | undefined
  #server: Server | undefined

  constructor(options: RouterOptions) {
    this.#options = options
    this.#proxies = new Proxies(options.trustedProxies ?? [])
  }

  /** The number of requests in progress, without administrative ones. */
  get pendingCount(): number {
    return this.#pending.size
  }

  /** Begins to answer the requests of `server`. */
  attach(server: Server): void {
    this.#server = server
    server.on('request', (request, response) => void this.#answer(request, response, false))
    server.on('checkContinue', (request, response) => void this.#answer(request, response, true))
    // S3 ignores other expectations. By default, node:http would answer 417.
    server.on(
      'checkExpectation',
      (request, response) => void this.#answer(request, response, false),
    )
  }

  /**
   * Shuts down: from now on, `/_/health` and new requests are answered with 503. Requests in progress may
   * continue for `graceMs`; then the server is closed. False if some were cut off.
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
    const { clock } = this.#options
    const started = clock.monotonicMs()
    const requestId = this.#requestIds.next()
    const protocol = this.#protocolOf(request)
    const turn = this.#turns.take(request, response)
    if (turn !== undefined && !(await turn)) return
    const client = this.#proxies.clientOf(request)
    const circumstances = { requestId, isContinueExpected, client }
    const result = await this.#exchange(protocol, request, response, circumstances)
    const durationMs = clock.monotonicMs() - started
    this.#record(request, result, { requestId, protocol, durationMs, client })
  }

  #protocolOf(request: IncomingMessage): Protocol {
    for (const protocol of this.#options.protocols) if (protocol.speaks(request)) return protocol
    throw new Error('no protocol speaks this request')
  }

  async #exchange(
    protocol: Protocol,
    request: IncomingMessage,
    response: ServerResponse,
    given: Pick<Circumstances, 'requestId' | 'isContinueExpected' | 'client'>,
  ): Promise<ExchangeResult> {
    const isStopping = this.#drained !== undefined
    const pending: Pending = { response, abort: new AbortController() }
    if (!isStopping && protocol.isAdministrative !== true) this.#pending.add(pending)
    response.once('close', () => {
      this.#pending.delete(pending)
      if (!response.writableFinished) pending.abort.abort(new Error('the client has gone'))
      if (this.#drained !== undefined && this.#pending.size === 0) this.#drained()
    })
    const { signal } = pending.abort
    const stopping = this.#stopping.signal
    const circumstances = { ...given, signal, stopping }
    try {
      return isStopping
        ? await protocol.serveStopping(request, response, circumstances)
        : await protocol.serve(request, response, circumstances)
    } catch (error) {
      const { requestId } = given
      this.#options.log.error('a request got no response', { requestId, error })
      const text = `error ${requestId}\n`
      if (response.headersSent) response.destroy()
      else sendText(response, { status: 500, type: 'text/plain', text })
      const status = signal.aborted ? clientClosedRequest : 500
      return { operation: 'Unknown', status, bytesIn: 0, bytesOut: 0 }
    }
  }

  #record(
    request: IncomingMessage,
    result: ExchangeResult,
    facts: {
      readonly requestId: string
      readonly protocol: Protocol
      readonly durationMs: number
      readonly client: Client
    },
  ): void {
    const { log, metrics } = this.#options
    const { operation, status, bytesIn, bytesOut } = result
    const { requestId, protocol, durationMs, client } = facts
    metrics.request({
      protocol: protocol.name,
      operation,
      status,
      durationSeconds: durationMs / 1000,
      bytesIn,
      bytesOut,
    })
    const { url = '/' } = request
    const mark = url.indexOf('?')
    const fields = {
      requestId,
      method: request.method,
      // Without the query, since a valid presigned query is a secret.
      // The limit is enough for any escaped key.
      path: url.slice(0, Math.min(mark < 0 ? url.length : mark, loggedPathLength)),
      operation,
      status,
      durationMs: Math.round(durationMs * 1000) / 1000,
      bytesIn,
      bytesOut,
      remote: client.sourceIp,
      accessKeyId: result.accessKeyId,
    }
    if (protocol.isAdministrative === true) log.debug('request', fields)
    else log.info('request', fields)
  }
}

/** Request ids: unique, short, and cheap. */
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
