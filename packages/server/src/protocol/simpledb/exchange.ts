// The exchange of one SimpleDB request: parameters, signature, action, answer. The answer is XML, or JSON for exports.

import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Principal } from '../../access/principal.ts'
import { StoreError } from '../../base/errors.ts'
import { FairQueue } from '../../base/fair-queue.ts'
import { ownLimits } from '../../base/limits.ts'
import type { Services } from '../../operation/operation.ts'
import { RequestBody } from '../http/body.ts'
import { type Circumstances, Exchange, type ExchangeResult } from '../http/exchange.ts'
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
import { uriMessage } from './overflow.ts'
import { Parameters } from './parameters.ts'
import { findRoute } from './table.ts'
import type { Usage } from './usage.ts'

/** The services and settings of the protocol. */
export interface SimpleDbOptions {
  readonly services: Services
  /** Finds the secret and the principal of an access key. */
  readonly lookup: SecretLookup<Principal>
  /** The only region accepted in signatures; default: any. */
  readonly requiredRegion?: string
  /** True if Signature Version 1 is accepted; default false. */
  readonly allowsSignatureV1?: boolean
}

/** The state that all exchanges share: derived signing keys, and the memory accounted to forms. */
export class SimpleDbContext {
  readonly services: Services
  readonly authenticator: Authenticator
  readonly forms: Forms
  /** The queue for parsing large forms. */
  readonly parsing: FairQueue = new FairQueue()
  readonly lookup: SecretLookup<Principal>
  /** The second half of request ids, which have the form of UUIDs. */
  readonly processId: string = randomBytes(8).toString('hex')

  constructor({ services, lookup, requiredRegion, allowsSignatureV1 = false }: SimpleDbOptions) {
    const { clock } = services
    this.services = services
    this.lookup = lookup
    this.authenticator = new Authenticator({
      lookup,
      clock,
      requiredRegion,
      allowsVersion1: allowsSignatureV1,
    })
    this.forms = new Forms({ isKnown: (accessKeyId) => lookup(accessKeyId) !== undefined, clock })
  }
}

interface Answer {
  readonly status: number
  readonly text: string
}

/** The exchange of one request. */
export class SimpleDbExchange extends Exchange<Answer, ErrorReport> {
  readonly #context: SimpleDbContext
  readonly #requestId: string
  #form: ReceivedForm | undefined
  /** True for the export API. */
  readonly #isJson: boolean
  /** The box usage for an error; undefined before an action has begun. */
  #usage: Usage | undefined

  constructor(
    context: SimpleDbContext,
    request: IncomingMessage,
    response: ServerResponse,
    circumstances: Circumstances,
  ) {
    super(request, response, circumstances, context.services.log)
    this.#context = context
    this.#requestId = uuidOf(circumstances.requestId, context.processId)
    this.#isJson = request.url?.startsWith(exportPath) === true
  }

  /** Asks the client to retry, without parsing the request. */
  refuse(): ExchangeResult {
    this.response.shouldKeepAlive = false
    const bytesOut = this.sendError(unavailable)
    return { operation: this.operation, status: unavailable.status, bytesIn: 0, bytesOut }
  }

  protected async answer(): Promise<Answer> {
    try {
      const text = this.#isJson ? await this.#answerExport() : await this.#answerQuery()
      return { status: 200, text }
    } finally {
      this.#form?.release()
    }
  }

  async #answerQuery(): Promise<string> {
    const { services } = this.#context
    const { method = '', url = '' } = this.request
    checkHead(this.request, this.response)
    checkUrl(url, ownLimits.simpleDbUrlBytes)
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
    this.accessKeyId = signed.accessKeyId
    const { action, version } = findRoute(parameters)
    this.operation = action.name
    this.#usage = action.baseUsage
    const { limits } = services.simpleDb
    if (action.name.startsWith('Batch') && form.bytes.length > limits.batchRequestBytes) {
      throw tooLong(limits.batchRequestBytes)
    }
    const caller = this.contextOf(signed.principal, this.request.headers)
    const result = await action.answer({ parameters, limits }, { services, caller })
    return answerBody(result, { action: action.name, version, requestId: this.#requestId })
  }

  async #answerExport(): Promise<string> {
    const { services, authenticator } = this.#context
    checkHead(this.request, this.response)
    const { url = '' } = this.request
    checkUrl(url, ownLimits.urlBytes)
    const target = parseTarget(url)
    const action = findExportAction(this.request.method === 'POST' ? target.path : '')
    const accessKeyId = this.#keyInHead()
    if (accessKeyId === undefined && this.request.headers.authorization === undefined) {
      throw new SignError({ code: 'MissingAuthentication' })
    }
    const { bytes: body } = await this.#readForm(accessKeyId, ownLimits.exportBytes)
    const signed = authenticator.byVersion4({ message: this.request, target, body })
    this.accessKeyId = signed.accessKeyId
    this.operation = action.name
    const caller = this.contextOf(signed.principal, this.request.headers)
    const fields = parseFields(body.toString('utf8'))
    return JSON.stringify(await action.answer(fields, { services, caller }))
  }

  #errorText(report: ErrorReport): string {
    if (this.#isJson) return JSON.stringify({ message: report.message })
    return errorBody(report, { requestId: this.#requestId, usage: this.#usage })
  }

  /** The access key in the head. @throws SignError `InvalidAccessKeyId`, before the body is read */
  #keyInHead(): string | undefined {
    const accessKeyId = accessKeyInHead(this.request)
    if (accessKeyId === undefined || this.#context.lookup(accessKeyId) !== undefined) {
      return accessKeyId
    }
    throw new SignError({ code: 'InvalidAccessKeyId', accessKeyId })
  }

  async #readForm(accessKeyId: string | undefined, maximumBytes: number): Promise<ReceivedForm> {
    const { isContinueExpected } = this.circumstances
    const sendContinue = (): void => this.response.writeContinue()
    this.body = new RequestBody(this.request, {
      ...(isContinueExpected ? { sendContinue } : {}),
      idleMs: ownLimits.keylessIdleMs,
    })
    const origin = { address: this.circumstances.client.sourceIp ?? '', accessKeyId }
    this.#form = await this.#context.forms.receive(this.body, origin, maximumBytes)
    return this.#form
  }

  /** Parses the parameters of query and form, and authenticates them. Large forms wait for their turn. */
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
      const message = { message: this.request, target, body: form.bytes }
      return { parameters, signed: await authenticator.byParameters(message, parameters.all) }
    }
    const bytes = (this.request.url?.length ?? 0) + form.bytes.length
    const separators = target.query.parameters.length + form.ampersands
    const isQuick = bytes <= ownLimits.quickFormBytes && separators <= ownLimits.quickFormParameters
    return isQuick ? work() : parsing.run(form.party, work)
  }

  protected report(error: unknown): ErrorReport {
    return reportError(error)
  }

  protected send({ status, text }: Answer): number {
    return this.#send(status, text)
  }

  protected sendError(report: ErrorReport): number {
    const { status, code } = report
    return this.#send(status, this.#errorText(report), exceptionName(code))
  }

  #send(status: number, text: string, code?: string): number {
    if (this.response.destroyed) return 0
    const headers = {
      'Content-Type': this.#isJson ? 'application/json' : 'text/xml',
      ...(this.#isJson && code !== undefined ? { 'x-amzn-ErrorType': code } : {}),
      'x-amzn-RequestId': this.#requestId,
      Server: 'Holdfast',
      ...(status === 503 ? { 'Retry-After': '1' } : {}),
    }
    return sendFixed(this.response, { status, headers }, text, this.body)
  }
}

const unavailable: ErrorReport = {
  status: 503,
  code: 'ServiceUnavailable',
  message: 'Service AmazonSimpleDB is currently unavailable. Please try again later',
  isFault: false,
}

function tooLong(bytes: number): StoreError {
  return new StoreError({ code: 'MessageTooLong', maximumBytes: bytes })
}

/** @throws SimpleDbError `URITooLong` */
function checkUrl(url: string, maximumBytes: number): void {
  if (url.length <= maximumBytes) return
  throw new SimpleDbError({ status: 400, code: 'URITooLong', message: uriMessage(maximumBytes) })
}

/** The request id of the log in the form of a UUID, as SimpleDB's clients expect. */
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
