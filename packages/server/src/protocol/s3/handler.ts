// The S3 protocol as a handler of HTTP requests: address, signature, route, answer. Every way out of a
// request goes through here, so that each has its id, its status, and its place in the log.

import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Principal } from '../../access/principal.ts'
import { ByteBudget } from '../../base/budget.ts'
import { DamagedBody } from '../../base/damaged-body.ts'
import { StoreError } from '../../base/errors.ts'
import { FairQueue } from '../../base/fair-queue.ts'
import { ownLimits } from '../../base/limits.ts'
import type { Services } from '../../operation/operation.ts'
import { RequestBody } from '../http/body.ts'
import { clientClosedRequest, type Exchange, type ExchangeResult } from '../http/exchange.ts'
import { checkHead } from '../http/head.ts'
import { hostOf } from '../http/host.ts'
import { parseTarget, type Target } from '../http/request.ts'
import { sendFixed, sendStream } from '../http/respond.ts'
import { isInSignedOrder } from '../sign/canonical.ts'
import type { SecretLookup } from '../sign/credential.ts'
import { Verifier } from '../sign/verifier.ts'
import { addressOf } from './address.ts'
import type { Answer, Call } from './answer.ts'
import { httpTime, quoted } from './answer.ts'
import { allowedMethods, detect, refuseDemands } from './detect.ts'
import { type ErrorReport, errorBody, invalidRequest, reportError, S3Error } from './error.ts'
import { withHoisted } from './hoist.ts'
import { checkBucketOwner } from './owner.ts'
import { answerFormUpload, isFormUpload, postObjectName } from './post.ts'
import { leaseTicketOf, type S3Request } from './request.ts'

/** What the handler works with. */
export interface S3HandlerOptions {
  readonly services: Services
  /** Finds the secret and the principal of an access key. */
  readonly lookup: SecretLookup<Principal>
  /** Lower-case domain names in front of which a bucket may stand. */
  readonly domains: readonly string[]
  /** The only region that requests may be signed for; any if left out. */
  readonly requiredRegion?: string
  /** Whether Signature Version 2 is accepted beside Version 4; true if left out. */
  readonly acceptsSignatureV2?: boolean
}

/** Answers one request, always: it rejects only if the answer can't be sent for a fault of ours. */
export type S3Handler = (
  request: IncomingMessage,
  response: ServerResponse,
  exchange: Exchange,
) => Promise<ExchangeResult>

/** Makes the handler. It keeps no state but derived signing keys, and what documents hold. */
export function createS3Handler(options: S3HandlerOptions): S3Handler {
  const { services, lookup, requiredRegion, acceptsSignatureV2 = true } = options
  const verifier = new Verifier<Principal>({
    lookup,
    clock: services.clock,
    acceptsVersion2: acceptsSignatureV2,
    ...(requiredRegion === undefined ? {} : { region: requiredRegion }),
  })
  const hostId = randomBytes(48).toString('base64')
  const documents = new ByteBudget(ownLimits.documentBytes, ownLimits.documentBytes / 4)
  const context = { options, verifier, hostId, documents, parsing: new FairQueue() }
  return (request, response, exchange) =>
    new S3Exchange(context, request, response, exchange).serve()
}

interface Context {
  readonly options: S3HandlerOptions
  readonly verifier: Verifier<Principal>
  /** Tells the process that answered, in `x-amz-id-2`. */
  readonly hostId: string
  readonly documents: ByteBudget
  readonly parsing: FairQueue
}

/** One request on its way through. */
class S3Exchange {
  readonly #context: Context
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #exchange: Exchange
  #body: RequestBody | undefined
  #operation = 'Unknown'
  #accessKeyId: string | undefined
  #resource: string

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
    this.#resource = request.url ?? '/'
  }

  async serve(): Promise<ExchangeResult> {
    let status: number
    let bytesOut = 0
    let isCutByUs = false
    try {
      const answer = await this.#answer()
      status = answer.status
      bytesOut = await this.#send(answer)
    } catch (error) {
      const report = this.#report(error)
      status = report.status
      isCutByUs = error instanceof DamagedBody
      bytesOut = this.#sendError(report, error)
    }
    const isCut = this.#response.destroyed && !this.#response.writableFinished
    if (isCut && !isCutByUs) status = clientClosedRequest
    const bytesIn = this.#body?.receivedBytes ?? 0
    return { operation: this.#operation, status, bytesIn, bytesOut, accessKeyId: this.#accessKeyId }
  }

  async #answer(): Promise<Answer> {
    const { isContinueExpected } = this.#exchange
    const sendContinue = (): void => this.#response.writeContinue()
    this.#body = new RequestBody(this.#request, isContinueExpected ? { sendContinue } : {})
    checkHead(this.#request, this.#response)
    const { options, verifier } = this.#context
    const target = parseTarget(this.#request.url ?? '')
    this.#resource = target.path
    if (this.#request.method === 'OPTIONS') throw this.#corsRefusal()
    const request = this.#read(target, this.#body)
    const { requestId, signal, stopping } = this.#exchange
    const call: Call = {
      services: options.services,
      caller: { principal: request.principal, requestId, signal, stopping },
    }
    if (isFormUpload(request)) {
      this.#operation = postObjectName
      return answerFormUpload(request, verifier, call)
    }
    const route = detect(request)
    this.#operation = route.name
    refuseDemands(request.headers, route, request.principal?.owner.id)
    checkBucketOwner(request)
    const lease = leaseTicketOf(request)
    if (lease === undefined) return route.answer(request, call)
    return route.answer(request, { ...call, caller: { ...call.caller, lease } })
  }

  /** The request with its address known and its signature verified. */
  #read(target: Target, body: RequestBody): S3Request {
    const { options, verifier } = this.#context
    const { headers, rawHeaders } = this.#request
    const method = this.#request.method ?? ''
    const { path, query } = target
    const host = hostOf(target.authority, headers.host)
    const address = addressOf(path, host, options.domains)
    const { parameters } = query
    const hostBucket = address.isVirtualHost ? address.bucket : undefined
    const signed = { method, path, hostBucket, parameters, headers, rawHeaders }
    const verified = verifier.verify(signed)
    this.#accessKeyId = verified.accessKeyId
    if (!isInSignedOrder(parameters)) {
      throw invalidRequest(
        'A query parameter is repeated, in an order that no signature covers. Send each one once.',
      )
    }
    const scheme = 'encrypted' in this.#request.socket ? 'https' : 'http'
    return {
      ...address,
      method,
      query,
      headers: verified.method === 'query' ? withHoisted(headers, parameters) : headers,
      principal: verified.principal,
      payload: verified.payload,
      body,
      documents: this.#context.documents,
      parsing: this.#context.parsing,
      origin: `${scheme}://${host ?? 'localhost'}`,
    }
  }

  /** No bucket allows other origins yet. Preflight requests are never signed. */
  #corsRefusal(): S3Error {
    const { headers } = this.#request
    if (headers.origin === undefined) {
      return new S3Error({
        status: 400,
        code: 'BadRequest',
        message: 'Insufficient information. Origin request header needed.',
      })
    }
    return new S3Error({
      status: 403,
      code: 'AccessForbidden',
      message: 'CORSResponse: CORS is not enabled for this bucket.',
      fields: {
        Method: String(headers['access-control-request-method'] ?? ''),
        ResourceType: 'BUCKET',
      },
    })
  }

  async #send(answer: Answer): Promise<number> {
    const { status, headers, body } = answer
    this.#identify(headers)
    if (typeof body !== 'object' || body instanceof Uint8Array) {
      return sendFixed(this.#response, { status, headers }, body, this.#body)
    }
    const { content, sizeBytes } = body
    try {
      const { signal } = this.#exchange
      const options = { length: sizeBytes, signal }
      return await sendStream(this.#response, { status, headers }, content.source, options)
    } finally {
      await content.close()
    }
  }

  #identify(headers: Answer['headers']): void {
    headers['x-amz-request-id'] = this.#exchange.requestId
    headers['x-amz-id-2'] = this.#context.hostId
    headers['Server'] = 'Holdfast'
  }

  #report(error: unknown): ErrorReport {
    const report = reportError(error)
    const hasLeft = this.#exchange.signal.aborted || this.#response.destroyed
    // What is damaged is damaged, whoever has left: the connection that we cut ourselves has, too.
    const damage = error instanceof DamagedBody ? error : undefined
    if (report.isFault && (!hasLeft || damage !== undefined)) {
      const { log } = this.#context.options.services
      const { requestId } = this.#exchange
      const facts = { requestId, operation: this.#operation }
      if (damage === undefined) log.error('request failed', { ...facts, error })
      else log.error('a damaged body was not given out', { ...facts, ...factsOf(damage), error })
    }
    return report
  }

  #sendError(report: ErrorReport, error: unknown): number {
    // A body that broke off can't be taken back; its connection is closed already.
    if (this.#response.headersSent || this.#response.destroyed) return 0
    const { status } = report
    const headers: Answer['headers'] = {}
    this.#identify(headers)
    if (status === 304) {
      headers['ETag'] = quoted(report.fields['ETag'] ?? '')
      headers['Last-Modified'] = httpTime(Number(report.fields['LastModified']))
      return sendFixed(this.#response, { status, headers }, undefined, this.#body)
    }
    headers['Content-Type'] = 'application/xml'
    if (status === 503) headers['Retry-After'] = 1
    if (status === 405) headers['Allow'] = allowedMethods(report.fields['ResourceType'])
    // The client of a HEAD can learn the region here only: the answer has no body.
    const region = report.fields['Region']
    if (region !== undefined) headers['x-amz-bucket-region'] = region
    const size = report.fields['ActualObjectSize']
    if (size !== undefined) headers['Content-Range'] = `bytes */${size}`
    if (error instanceof StoreError && error.code === 'RequestTimeout') {
      headers['Connection'] = 'close'
    }
    const { requestId } = this.#exchange
    const { hostId } = this.#context
    const text = errorBody(report, { resource: this.#resource, requestId, hostId })
    return sendFixed(this.#response, { status, headers }, text, this.#body)
  }
}

function factsOf({ body, object }: DamagedBody): {
  readonly body: string
  readonly object: string
} {
  return { body, object: object ?? '' }
}
