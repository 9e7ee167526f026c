// One request with its response, in any protocol: answer and send, or report and send the error. The subclass
// of a protocol implements these steps; their order, the log and the metrics are common.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { DamagedBody } from '../../base/damaged-body.ts'
import type { Log } from '../../observe/log.ts'
import type { RequestBody } from './body.ts'
import type { Client } from './proxy.ts'

/** The circumstances of one request, from the router. */
export interface Circumstances {
  /** The id of the request in the log, which the client gets too. Unique, and hard to guess. */
  readonly requestId: string
  /** Aborted when the client has disconnected, or the server cancels the request. */
  readonly signal: AbortSignal
  /** Aborted at the beginning of shutdown, which ends requests that only wait. */
  readonly stopping?: AbortSignal
  /** True if the client waits for `100 Continue` before it sends its body. */
  readonly isContinueExpected: boolean
  readonly client: Client
}

/** The outcome of a request, for the log and the metrics. */
export interface ExchangeResult {
  /** The operation's name in the protocol's documentation, or `Unknown`. */
  readonly operation: string
  /** The HTTP status; 499 if the client disconnected before the response. */
  readonly status: number
  /** Bytes of the received body. */
  readonly bytesIn: number
  /** Bytes of the sent body. */
  readonly bytesOut: number
  /** The access key that signed the request, if the signature is valid. */
  readonly accessKeyId?: string | undefined
}

/** The status in logs and metrics of a request whose client disconnected before the response. */
export const clientClosedRequest = 499

/** The fields of an error report that all protocols have. */
export interface Report {
  readonly status: number
  /** True for a fault of the server, which is logged. */
  readonly isFault: boolean
}

/** The facts about a request that its operation and the access decision depend on. */
export interface RequestFacts<Principal> extends Pick<Circumstances, 'requestId' | 'signal'> {
  readonly principal: Principal
  readonly stopping: AbortSignal | undefined
  readonly sourceIp: string | undefined
  readonly isSecure: boolean
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
}

/** The exchange of one request and its response. */
export abstract class Exchange<Answer extends { readonly status: number }, Problem extends Report> {
  protected readonly request: IncomingMessage
  protected readonly response: ServerResponse
  protected readonly circumstances: Circumstances
  readonly #log: Log
  /** The operation's documented name, once it is known. */
  protected operation = 'Unknown'
  /** The access key, once the signature is verified. */
  protected accessKeyId: string | undefined
  /** The request's body, once it may be read. */
  protected body: RequestBody | undefined

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    circumstances: Circumstances,
    log: Log,
  ) {
    this.request = request
    this.response = response
    this.circumstances = circumstances
    this.#log = log
  }

  /** Executes the request. Any error thrown becomes the response. */
  protected abstract answer(): Promise<Answer>

  /** Sends the answer. Returns the bytes of body sent. */
  protected abstract send(answer: Answer): number | Promise<number>

  /** The report of `error` for the client. */
  protected abstract report(error: unknown): Problem

  /** Sends an error in the protocol's form. Returns the bytes of body sent. */
  protected abstract sendError(problem: Problem, error: unknown): number

  /** Answers the request. Rejects only if a fault of the server prevents even an error response. */
  async serve(): Promise<ExchangeResult> {
    const { response } = this
    let status: number
    let bytesOut = 0
    let isCutByUs = false
    try {
      const answer = await this.answer()
      status = answer.status
      bytesOut = await this.send(answer)
    } catch (error) {
      const problem = this.report(error)
      status = problem.status
      isCutByUs = error instanceof DamagedBody
      if (problem.isFault) this.#logFault(error)
      // After a partial body, no error can be sent; the connection is already closed.
      if (!response.headersSent && !response.destroyed) bytesOut = this.sendError(problem, error)
    }
    const isCut = response.destroyed && !response.writableFinished
    if (isCut && !isCutByUs) status = clientClosedRequest
    const bytesIn = this.body?.receivedBytes ?? 0
    return { operation: this.operation, status, bytesIn, bytesOut, accessKeyId: this.accessKeyId }
  }

  /** @param headers the effective headers, some of which a protocol may find elsewhere in the request */
  protected contextOf<Principal>(
    principal: Principal,
    headers: RequestFacts<Principal>['headers'],
  ): RequestFacts<Principal> {
    const { requestId, signal, stopping, client } = this.circumstances
    return {
      principal,
      requestId,
      signal,
      stopping,
      sourceIp: client.sourceIp,
      isSecure: client.isSecure,
      headers,
    }
  }

  #logFault(error: unknown): void {
    const { requestId, signal } = this.circumstances
    const facts = { requestId, operation: this.operation }
    if (error instanceof DamagedBody) {
      // Damage is logged even if the client has disconnected: the server itself cuts that connection.
      const { body, object = '' } = error
      this.#log.error('a damaged body was not given out', { ...facts, body, object, error })
    } else if (!signal.aborted && !this.response.destroyed) {
      this.#log.error('request failed', { ...facts, error })
    }
  }
}
