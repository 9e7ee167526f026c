// The exchange of one S3 request: address, signature, route, answer.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Principal } from '../../access/principal.ts'
import type { ByteBudget } from '../../base/budget.ts'
import { StoreError } from '../../base/errors.ts'
import type { FairQueue } from '../../base/fair-queue.ts'
import type { Services } from '../../operation/operation.ts'
import { RequestBody } from '../http/body.ts'
import { type Circumstances, Exchange } from '../http/exchange.ts'
import { checkHead } from '../http/head.ts'
import { hostOf } from '../http/host.ts'
import { parseTarget, type Target } from '../http/request.ts'
import { sendFixed, sendStream } from '../http/respond.ts'
import { isInSignedOrder } from '../sign/canonical.ts'
import type { Verifier } from '../sign/verifier.ts'
import { addressOf } from './address.ts'
import type { Answer, Call } from './answer.ts'
import { httpTime, quoted } from './answer.ts'
import { allowedMethods, detect, refuseDemands } from './detect.ts'
import { type ErrorReport, errorBody, invalidRequest, reportError, S3Error } from './error.ts'
import { withHoisted } from './hoisted-header.ts'
import { checkBucketOwner } from './owner.ts'
import { answerFormUpload, isFormUpload, postObjectName } from './post.ts'
import { leaseTicketOf, type S3Request } from './request.ts'

/** The state that all exchanges share. */
export interface S3Context {
  readonly services: Services
  /** Domain names in lower case, of which a bucket may be a subdomain. */
  readonly domains: readonly string[]
  readonly verifier: Verifier<Principal>
  /** Identifies the answering process, in `x-amz-id-2`. */
  readonly hostId: string
  readonly documents: ByteBudget
  readonly parsing: FairQueue
}

/** The exchange of one request. */
export class S3Exchange extends Exchange<Answer, ErrorReport> {
  readonly #context: S3Context
  #resource: string

  constructor(
    context: S3Context,
    request: IncomingMessage,
    response: ServerResponse,
    circumstances: Circumstances,
  ) {
    super(request, response, circumstances, context.services.log)
    this.#context = context
    this.#resource = request.url ?? '/'
  }

  protected async answer(): Promise<Answer> {
    const { isContinueExpected } = this.circumstances
    const sendContinue = (): void => this.response.writeContinue()
    this.body = new RequestBody(this.request, isContinueExpected ? { sendContinue } : {})
    checkHead(this.request, this.response)
    const { services, verifier } = this.#context
    const target = parseTarget(this.request.url ?? '')
    this.#resource = target.path
    if (this.request.method === 'OPTIONS') throw this.#corsRefusal()
    const request = this.#read(target, this.body)
    const call: Call = { services, caller: this.contextOf(request.principal, request.headers) }
    if (isFormUpload(request)) {
      this.operation = postObjectName
      return answerFormUpload(request, verifier, call)
    }
    const route = detect(request)
    this.operation = route.name
    refuseDemands(request.headers, route, request.principal?.owner.id)
    checkBucketOwner(request)
    const lease = leaseTicketOf(request)
    if (lease === undefined) return route.answer(request, call)
    return route.answer(request, { ...call, caller: { ...call.caller, lease } })
  }

  /** Parses the request's address, and verifies its signature. */
  #read(target: Target, body: RequestBody): S3Request {
    const { domains, verifier } = this.#context
    const { headers, rawHeaders } = this.request
    const method = this.request.method ?? ''
    const { path, query } = target
    const host = hostOf(target.authority, headers.host)
    const address = addressOf(path, host, domains)
    const { parameters } = query
    const hostBucket = address.isVirtualHost ? address.bucket : undefined
    const signed = { method, path, hostBucket, parameters, headers, rawHeaders }
    const verified = verifier.verify(signed)
    this.accessKeyId = verified.accessKeyId
    if (!isInSignedOrder(parameters)) {
      throw invalidRequest(
        'A query parameter is repeated, in an order that no signature covers. Send each one once.',
      )
    }
    const scheme = this.circumstances.client.isSecure ? 'https' : 'http'
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
    const { headers } = this.request
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

  protected async send(answer: Answer): Promise<number> {
    const { status, headers, body } = answer
    this.#identify(headers)
    if (typeof body !== 'object' || body instanceof Uint8Array) {
      return sendFixed(this.response, { status, headers }, body, this.body)
    }
    const { content, sizeBytes } = body
    try {
      const { signal } = this.circumstances
      const options = { length: sizeBytes, signal }
      return await sendStream(this.response, { status, headers }, content.source, options)
    } finally {
      await content.close()
    }
  }

  #identify(headers: Answer['headers']): void {
    headers['x-amz-request-id'] = this.circumstances.requestId
    headers['x-amz-id-2'] = this.#context.hostId
    headers['Server'] = 'Holdfast'
  }

  protected report(error: unknown): ErrorReport {
    return reportError(error)
  }

  protected sendError(report: ErrorReport, error: unknown): number {
    const { status } = report
    const headers: Answer['headers'] = {}
    this.#identify(headers)
    if (status === 304) {
      headers['ETag'] = quoted(report.fields['ETag'] ?? '')
      headers['Last-Modified'] = httpTime(Number(report.fields['LastModified']))
      return sendFixed(this.response, { status, headers }, undefined, this.body)
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
    const { requestId } = this.circumstances
    const { hostId } = this.#context
    const text = errorBody(report, { resource: this.#resource, requestId, hostId })
    return sendFixed(this.response, { status, headers }, text, this.body)
  }
}
