// One request with its response, whatever protocol it speaks: answer and send, or report and send the error.
// A protocol says in a subclass how it does each of these; the order, the log and the figures are the same for all.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { DamagedBody } from '../../base/damaged-body.ts'
import type { Log } from '../../observe/log.ts'
import type { RequestBody } from './body.ts'
import type { Client } from './proxy.ts'

/** The circumstances of one request, as the router knows them. */
export interface Circumstances {
  /** Unique and unguessable enough to be quoted to support; shown to the client. */
  readonly requestId: string
  /** Aborted when the client has gone or the server gives the request up. */
  readonly signal: AbortSignal
  /** Aborted when the server is told to stop: a request that only waits should end. */
  readonly stopping?: AbortSignal
  /** True when the client waits for `100 Continue` before it sends its body. */
  readonly isContinueExpected: boolean
  readonly client: Client
}

/** The outcome of a request, for the log and the metrics. */
export interface ExchangeResult {
  /** As the protocol documents it, or `Unknown`. */
  readonly operation: string
  /** HTTP status; 499 when the client left before the answer. */
  readonly status: number
  /** Bytes of body that were received. */
  readonly bytesIn: number
  /** Bytes of body that were sent. */
  readonly bytesOut: number
  /** The access key that signed the request, if the signature holds. */
  readonly accessKeyId?: string | undefined
}

/** HTTP status that stands in logs and metrics for a client that left before the answer. */
export const clientClosedRequest = 499

/** The part of an error report that is the same in all protocols. */
export interface Report {
  readonly status: number
  /** True for a fault of the server, which is logged. */
  readonly isFault: boolean
}

/** The facts about a request on which its operation, and the decision about access, depend. */
export interface RequestFacts<Principal> extends Pick<Circumstances, 'requestId' | 'signal'> {
  readonly principal: Principal
  readonly stopping: AbortSignal | undefined
  readonly sourceIp: string | undefined
  readonly isSecure: boolean
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
}

/** One request on its way through a protocol. */
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

  /** Does what the request asks for. Any error that it throws becomes an answer. */
  protected abstract answer(): Promise<Answer>

  /** Sends the answer, and returns the bytes of body sent. */
  protected abstract send(answer: Answer): number | Promise<number>

  /** The report of `error` for the client. */
  protected abstract report(error: unknown): Problem

  /** Sends an error in the protocol's form, and returns the bytes of body sent. */
  protected abstract sendError(problem: Problem, error: unknown): number

  /** Answers the request, always: rejects only if an error can't be sent for a fault of the server. */
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
      // A body that broke off can't be taken back; its connection is closed already.
      if (!response.headersSent && !response.destroyed) bytesOut = this.sendError(problem, error)
    }
    const isCut = response.destroyed && !response.writableFinished
    if (isCut && !isCutByUs) status = clientClosedRequest
    const bytesIn = this.body?.receivedBytes ?? 0
    return { operation: this.operation, status, bytesIn, bytesOut, accessKeyId: this.accessKeyId }
  }

  /** @param headers as the protocol reads them, which may find some elsewhere */
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
      // Damage is logged even if the client has gone: the server itself cuts that connection.
      const { body, object = '' } = error
      this.#log.error('a damaged body was not given out', { ...facts, body, object, error })
    } else if (!signal.aborted && !this.response.destroyed) {
      this.#log.error('request failed', { ...facts, error })
    }
  }
}
