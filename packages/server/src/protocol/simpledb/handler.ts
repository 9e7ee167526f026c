// SimpleDB's protocols as a handler of HTTP requests: parameters, signature, action, answer, as XML or,
// for exports, as JSON. Every way out of a request goes through here, so that each has its id, its status, and its place in the log.

import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Principal } from '../../access/principal.ts'
import type { Bytes } from '../../base/bytes.ts'
import { StoreError } from '../../base/errors.ts'
import { ownLimits } from '../../base/limits.ts'
import type { Services } from '../../operation/operation.ts'
import { RequestBody, readAll } from '../http/body.ts'
import { clientClosedRequest, type Exchange, type ExchangeResult } from '../http/exchange.ts'
import { parseQuery, parseTarget, type Target } from '../http/request.ts'
import { sendFixed } from '../http/respond.ts'
import type { SecretLookup } from '../sign/credential.ts'
import { answerBody } from './answer.ts'
import { Authenticator } from './authenticate.ts'
import { exportPath } from './detect.ts'
import { type ErrorReport, errorBody, invalidRequest, reportError, SimpleDbError } from './error.ts'
import { exceptionName, findExportAction, parseFields } from './export.ts'
import { Parameters } from './parameters.ts'
import { findRoute } from './table.ts'
import type { Usage } from './usage.ts'

/** What the handler works with. */
export interface SimpleDbHandlerOptions {
  readonly services: Services
  /** Finds the secret and the principal of an access key. */
  readonly lookup: SecretLookup<Principal>
  /** The only region that requests may be signed for; any if left out. */
  readonly requiredRegion?: string
  /** Accepts Signature Version 1; false if left out. */
  readonly allowsSignatureV1?: boolean
}

/** Answers one request, always: it rejects only if the answer can't be sent for a fault of ours. */
export type SimpleDbHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  exchange: Exchange,
) => Promise<ExchangeResult>

/** Makes the handler. It keeps no state but derived signing keys. */
export function createSimpleDbHandler(options: SimpleDbHandlerOptions): SimpleDbHandler {
  const { services, lookup, requiredRegion, allowsSignatureV1 = false } = options
  const context: Context = {
    services,
    authenticator: new Authenticator({
      lookup,
      clock: services.clock,
      requiredRegion,
      allowsVersion1: allowsSignatureV1,
    }),
    processId: randomBytes(8).toString('hex'),
  }
  return (request, response, exchange) =>
    new SimpleDbExchange(context, request, response, exchange).serve()
}

interface Context {
  readonly services: Services
  readonly authenticator: Authenticator
  /** The second half of request ids, which have the form of UUIDs. */
  readonly processId: string
}

/** One request on its way through. */
class SimpleDbExchange {
  readonly #context: Context
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #exchange: Exchange
  readonly #requestId: string
  #body: RequestBody | undefined
  #operation = 'Unknown'
  #accessKeyId: string | undefined
  /** True for the export API. */
  readonly #isJson: boolean
  /** What an error costs, once an action was begun. */
  #usage: Usage | undefined

  constructor(
    context: Context,
    request: IncomingMessage,
    response: ServerResponse,
    exchange: Exchange,
  ) {
    this.#context = context
    this.#request = request
    this.#response = response
    this.#exchange = exchange
    this.#requestId = uuidOf(exchange.requestId, context.processId)
    this.#isJson = request.url?.startsWith(exportPath) === true
  }

  async serve(): Promise<ExchangeResult> {
    let status = 200
    let text: string
    let code: string | undefined
    try {
      text = this.#isJson ? await this.#answerExport() : await this.#answer()
    } catch (error) {
      const report = this.#report(error)
      status = report.status
      text = this.#errorText(report)
      code = exceptionName(report.code)
    }
    const bytesOut = this.#send(status, text, code)
    if (this.#response.destroyed && !this.#response.writableFinished) status = clientClosedRequest
    const bytesIn = this.#body?.receivedBytes ?? 0
    const facts = { operation: this.#operation, accessKeyId: this.#accessKeyId }
    return { protocol: 'simpledb', ...facts, status, bytesIn, bytesOut }
  }

  async #answer(): Promise<string> {
    const { services, authenticator } = this.#context
    const { method = '' } = this.#request
    const target = parseTarget(this.#request.url ?? '')
    if (method !== 'GET' && method !== 'POST') {
      throw new SimpleDbError({
        status: 400,
        code: 'UnsupportedHttpVerb',
        message: `The requested HTTP verb is not supported: ${method}.`,
      })
    }
    const body = await this.#readBody()
    const parameters = this.#parameters(target, body)
    const signed = authenticator.byParameters(
      { message: this.#request, target, body },
      parameters.all,
    )
    this.#accessKeyId = signed.accessKeyId
    const { action, version } = findRoute(parameters)
    this.#operation = action.name
    this.#usage = action.baseUsage
    const { limits } = services.simpleDb
    if (action.name.startsWith('Batch') && body.length > limits.batchRequestBytes) {
      throw tooLong(limits.batchRequestBytes)
    }
    const { requestId, signal } = this.#exchange
    const caller = { principal: signed.principal, requestId, signal }
    const result = await action.answer({ parameters, limits }, { services, caller })
    return answerBody(result, { action: action.name, version, requestId: this.#requestId })
  }

  async #answerExport(): Promise<string> {
    const { services, authenticator } = this.#context
    const target = parseTarget(this.#request.url ?? '')
    const action = findExportAction(this.#request.method === 'POST' ? target.path : '')
    const body = await this.#readBody()
    const signed = authenticator.byVersion4({ message: this.#request, target, body })
    this.#accessKeyId = signed.accessKeyId
    this.#operation = action.name
    const { requestId, signal } = this.#exchange
    const caller = { principal: signed.principal, requestId, signal }
    const fields = parseFields(Buffer.from(body).toString('utf8'))
    return JSON.stringify(await action.answer(fields, { services, caller }))
  }

  #errorText(report: ErrorReport): string {
    if (this.#isJson) return JSON.stringify({ message: report.message })
    return errorBody(report, { requestId: this.#requestId, usage: this.#usage })
  }

  async #readBody(): Promise<Bytes> {
    const { isContinueExpected } = this.#exchange
    const sendContinue = (): void => this.#response.writeContinue()
    this.#body = new RequestBody(this.#request, isContinueExpected ? { sendContinue } : {})
    return await readAll(this.#body, ownLimits.formBytes)
  }

  #parameters(target: Target, body: Bytes): Parameters {
    const inQuery = target.query.parameters
    // Node gives headers, and so this body, as the bytes that they are.
    const inForm = parseQuery(Buffer.from(body).toString('latin1')).parameters
    if (inQuery.length + inForm.length > ownLimits.parameters) {
      throw invalidRequest('It has too many parameters.')
    }
    return new Parameters([...inQuery, ...inForm])
  }

  #report(error: unknown): ErrorReport {
    const report = reportError(error)
    const hasLeft = this.#exchange.signal.aborted || this.#response.destroyed
    if (report.isFault && !hasLeft) {
      const { requestId } = this.#exchange
      const fields = { requestId, operation: this.#operation, error }
      this.#context.services.log.error('request failed', fields)
    }
    return report
  }

  #send(status: number, text: string, code: string | undefined): number {
    if (this.#response.destroyed) return 0
    const headers = {
      'Content-Type': this.#isJson ? 'application/json' : 'text/xml',
      ...(this.#isJson && code !== undefined ? { 'x-amzn-ErrorType': code } : {}),
      'x-amzn-RequestId': this.#requestId,
      Server: 'Holdfast',
      ...(status === 503 ? { 'Retry-After': '1' } : {}),
    }
    return sendFixed(this.#response, { status, headers }, text, this.#body)
  }
}

function tooLong(bytes: number): StoreError {
  return new StoreError({ code: 'MessageTooLong', maximumBytes: bytes })
}

/** The request's own id, so that it is found in the log, in the form that clients know. */
function uuidOf(requestId: string, processId: string): string {
  const digits = `${requestId.toLowerCase()}${processId}`
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    digits.slice(12, 16),
    digits.slice(16, 20),
    digits.slice(20, 32),
  ].join('-')
}
