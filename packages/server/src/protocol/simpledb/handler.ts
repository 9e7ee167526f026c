// SimpleDB's protocols as a handler of HTTP requests: parameters, signature, action, answer, as XML or,
// for exports, as JSON. Every way out of a request goes through here, so that each has its id, its status, and its place in the log.

import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Principal } from '../../access/principal.ts'
import { StoreError } from '../../base/errors.ts'
import { FairQueue } from '../../base/fair-queue.ts'
import { ownLimits } from '../../base/limits.ts'
import type { Services } from '../../operation/operation.ts'
import { RequestBody } from '../http/body.ts'
import { clientClosedRequest, type Exchange, type ExchangeResult } from '../http/exchange.ts'
import { checkHead } from '../http/head.ts'
import { parseTarget, type Target } from '../http/request.ts'
import { sendFixed } from '../http/respond.ts'
import type { SecretLookup } from '../sign/credential.ts'
import { SignError } from '../sign/error.ts'
import type { ParameterSigned } from '../sign/v2.ts'
import { answerBody } from './answer.ts'
import { Authenticator, accessKeyInHead } from './authenticate.ts'
import { exportPath } from './detect.ts'
import { type ErrorReport, errorBody, reportError, SimpleDbError } from './error.ts'
import { exceptionName, findExportAction, parseFields } from './export.ts'
import { Forms, parseForm, type ReceivedForm } from './form.ts'
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

/** Makes the handler. It keeps no state but derived signing keys, and what forms hold. */
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
    forms: new Forms({
      isKnown: (accessKeyId) => lookup(accessKeyId) !== undefined,
      clock: services.clock,
    }),
    parsing: new FairQueue(),
    lookup,
    processId: randomBytes(8).toString('hex'),
  }
  return (request, response, exchange) =>
    new SimpleDbExchange(context, request, response, exchange).serve()
}

interface Context {
  readonly services: Services
  readonly authenticator: Authenticator
  readonly forms: Forms
  /** For what is too large to be parsed in passing. */
  readonly parsing: FairQueue
  readonly lookup: SecretLookup<Principal>
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
  #form: ReceivedForm | undefined
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
    } finally {
      this.#form?.release()
    }
    const bytesOut = this.#send(status, text, code)
    if (this.#response.destroyed && !this.#response.writableFinished) status = clientClosedRequest
    const bytesIn = this.#body?.receivedBytes ?? 0
    const facts = { operation: this.#operation, accessKeyId: this.#accessKeyId }
    return { protocol: 'simpledb', ...facts, status, bytesIn, bytesOut }
  }

  async #answer(): Promise<string> {
    const { services } = this.#context
    const { method = '', url = '' } = this.#request
    checkHead(this.#request, this.#response)
    if (url.length > ownLimits.simpleDbUrlBytes) throw uriTooLong()
    const accessKeyId = this.#keyInHead()
    const target = parseTarget(url, ownLimits.simpleDbUrlBytes)
    if (method !== 'GET' && method !== 'POST') {
      throw new SimpleDbError({
        status: 400,
        code: 'UnsupportedHttpVerb',
        message: `The requested HTTP verb is not supported: ${method}.`,
      })
    }
    const form = await this.#readForm(accessKeyId, ownLimits.formBytes)
    const { parameters, signed } = await this.#understand(target, form)
    this.#accessKeyId = signed.accessKeyId
    const { action, version } = findRoute(parameters)
    this.#operation = action.name
    this.#usage = action.baseUsage
    const { limits } = services.simpleDb
    if (action.name.startsWith('Batch') && form.bytes.length > limits.batchRequestBytes) {
      throw tooLong(limits.batchRequestBytes)
    }
    const { requestId, signal } = this.#exchange
    const caller = { principal: signed.principal, requestId, signal }
    const result = await action.answer({ parameters, limits }, { services, caller })
    return answerBody(result, { action: action.name, version, requestId: this.#requestId })
  }

  async #answerExport(): Promise<string> {
    const { services, authenticator } = this.#context
    checkHead(this.#request, this.#response)
    const target = parseTarget(this.#request.url ?? '')
    const action = findExportAction(this.#request.method === 'POST' ? target.path : '')
    const accessKeyId = this.#keyInHead()
    if (accessKeyId === undefined && this.#request.headers.authorization === undefined) {
      throw new SignError({ code: 'MissingAuthentication' })
    }
    const { bytes: body } = await this.#readForm(accessKeyId, ownLimits.exportBytes)
    const signed = authenticator.byVersion4({ message: this.#request, target, body })
    this.#accessKeyId = signed.accessKeyId
    this.#operation = action.name
    const { requestId, signal } = this.#exchange
    const caller = { principal: signed.principal, requestId, signal }
    const fields = parseFields(body.toString('utf8'))
    return JSON.stringify(await action.answer(fields, { services, caller }))
  }

  #errorText(report: ErrorReport): string {
    if (this.#isJson) return JSON.stringify({ message: report.message })
    return errorBody(report, { requestId: this.#requestId, usage: this.#usage })
  }

  /** The access key that the head names. @throws SignError `InvalidAccessKeyId` before anything else is read */
  #keyInHead(): string | undefined {
    const accessKeyId = accessKeyInHead(this.#request)
    if (accessKeyId === undefined || this.#context.lookup(accessKeyId) !== undefined) {
      return accessKeyId
    }
    throw new SignError({ code: 'InvalidAccessKeyId', accessKeyId })
  }

  async #readForm(accessKeyId: string | undefined, maximumBytes: number): Promise<ReceivedForm> {
    const { isContinueExpected } = this.#exchange
    const sendContinue = (): void => this.#response.writeContinue()
    this.#body = new RequestBody(this.#request, {
      ...(isContinueExpected ? { sendContinue } : {}),
      ...(accessKeyId === undefined ? { idleMs: ownLimits.keylessIdleMs } : {}),
    })
    const origin = { address: this.#request.socket.remoteAddress ?? '', accessKeyId }
    this.#form = await this.#context.forms.receive(this.#body, origin, maximumBytes)
    return this.#form
  }

  /** The parameters of query and form, and whose they are. Much of it waits for its turn. */
  async #understand(
    target: Target,
    form: ReceivedForm,
  ): Promise<{ readonly parameters: Parameters; readonly signed: ParameterSigned<Principal> }> {
    const { authenticator, parsing } = this.#context
    const work = async (): Promise<{
      readonly parameters: Parameters
      readonly signed: ParameterSigned<Principal>
    }> => {
      const inForm = form.bytes.length === 0 ? [] : await parseForm(form.bytes)
      const inQuery = target.query.parameters
      if (inQuery.length + inForm.length > ownLimits.parameters) {
        throw new StoreError({ code: 'TooManyParameters' })
      }
      const parameters = new Parameters([...inQuery, ...inForm])
      const message = { message: this.#request, target, body: form.bytes }
      return { parameters, signed: authenticator.byParameters(message, parameters.all) }
    }
    const bytes = (this.#request.url?.length ?? 0) + form.bytes.length
    return bytes <= ownLimits.quickFormBytes ? work() : parsing.run(form.party, work)
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

function uriTooLong(): SimpleDbError {
  return new SimpleDbError({
    status: 400,
    code: 'URITooLong',
    message: `The URI exceeded the maximum limit of ${ownLimits.simpleDbUrlBytes}.`,
  })
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
