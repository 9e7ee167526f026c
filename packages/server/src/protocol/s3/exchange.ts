// The exchange of one S3 request: address, signature, route, answer.

import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { OwnerLookup } from '../../access/key.ts'
import type { Principal } from '../../access/principal.ts'
import type { ByteBudget } from '../../base/budget.ts'
import { StoreError } from '../../base/errors.ts'
import type { FairQueue } from '../../base/fair-queue.ts'
import { checkAdmission } from '../../operation/admission.ts'
import type { Services } from '../../operation/operation.ts'
import { RequestBody } from '../http/body.ts'
import { type Circumstances, Exchange } from '../http/exchange.ts'
import { checkHead } from '../http/head.ts'
import { hostOf } from '../http/host.ts'
import { parseTarget, type Target } from '../http/request.ts'
import { sendFixed } from '../http/respond.ts'
import { isInSignedOrder } from '../sign/canonical.ts'
import type { Verifier } from '../sign/verifier.ts'
import { type Address, addressOf } from './address.ts'
import type { Answer, Call } from './answer.ts'
import { httpTime, quoted } from './answer.ts'
import { answerPreflight, crossOriginHeaders, preflightName } from './cross-origin.ts'
import { allowedMethods, detect, refuseDemands } from './detect.ts'
import { type ErrorReport, errorBody, invalidRequest, reportError } from './error.ts'
import { withHoisted } from './hoisted-header.ts'
import { expectedOwners } from './owner.ts'
import { answerFormUpload, isFormUpload, postObjectName } from './post.ts'
import { headerOf, leaseTicketOf, type S3Request } from './request.ts'
import { sendAnswer } from './send.ts'
import { signatureOf } from './signature.ts'

/** The state that all exchanges share. */
export interface S3Context {
  readonly services: Services
  readonly findOwner: OwnerLookup
  /** Lower-case domain names in front of which a bucket may stand. */
  readonly domains: readonly string[]
  readonly verifier: Verifier<Principal>
  /** Identifies the answering process, in `x-amz-id-2`. */
  readonly hostId: string
  readonly documents: ByteBudget
  readonly parsing: FairQueue
}

/** A request whose address is known, before its signature is verified. */
interface Addressed {
  readonly target: Target
  readonly host: string | undefined
  readonly address: Address
  readonly body: RequestBody
}

/** One request on its way through. */
export class S3Exchange extends Exchange<Answer, ErrorReport> {
  readonly #context: S3Context
  #resource: string
  /** The headers of an answer to a page of another origin. */
  #crossOrigin: OutgoingHttpHeaders | undefined

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
    const host = hostOf(target.authority, this.request.headers.host)
    const address = addressOf(target.path, host, this.#context.domains)
    if (this.request.method === 'OPTIONS') return this.#answerPreflight(address)
    if (this.request.headers.origin !== undefined) await this.#allowOrigin(address)
    const request = this.#read({ target, host, address, body: this.body })
    const { query, signature } = request
    const expected = expectedOwners(request)
    const facts = this.contextOf(request.principal, request.headers)
    const call: Call = { services, caller: { ...facts, query, signature, expected } }
    if (isFormUpload(request)) {
      this.operation = postObjectName
      return answerFormUpload(request, verifier, call)
    }
    const route = detect(request)
    this.operation = route.name
    refuseDemands(request.headers, route)
    const lease = leaseTicketOf(request)
    if (lease === undefined) return route.answer(request, call)
    return route.answer(request, { ...call, caller: { ...call.caller, lease } })
  }

  /** Preflight requests are never signed. */
  #answerPreflight(address: Address): Promise<Answer> {
    this.operation = preflightName
    return answerPreflight(this.#asked(), address, this.#unsignedCall())
  }

  /** Finds the headers by which a page of another origin may see the answer, be it an error. */
  async #allowOrigin(address: Address): Promise<void> {
    this.#crossOrigin = await crossOriginHeaders(this.#asked(), address, this.#unsignedCall())
  }

  #asked(): Pick<S3Request, 'method' | 'headers'> {
    return { method: this.request.method ?? '', headers: this.request.headers }
  }

  #unsignedCall(): Call {
    const { services } = this.#context
    return { services, caller: this.contextOf(undefined, this.request.headers) }
  }

  /** The request with its address known and its signature verified. */
  #read({ target, host, address, body }: Addressed): S3Request {
    const { verifier } = this.#context
    const { headers, rawHeaders } = this.request
    const method = this.request.method ?? ''
    const { path, query } = target
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
      signature: signatureOf(verified, {
        header: (name) => headerOf({ headers }, name),
        parameter: (name) => query.get(name),
      }),
      checkAdmission: () => checkAdmission(this.#context.services, verified, address.bucket),
      payload: verified.payload,
      body,
      findOwner: this.#context.findOwner,
      documents: this.#context.documents,
      parsing: this.#context.parsing,
      origin: `${scheme}://${host ?? 'localhost'}`,
    }
  }

  protected async send(answer: Answer): Promise<number> {
    this.#identify(answer.headers)
    const { signal } = this.circumstances
    return sendAnswer(this.response, answer, { signal, unread: this.body })
  }

  #identify(headers: Answer['headers']): void {
    headers['x-amz-request-id'] = this.circumstances.requestId
    headers['x-amz-id-2'] = this.#context.hostId
    headers['Server'] = 'Holdfast'
    if (this.#crossOrigin !== undefined) Object.assign(headers, this.#crossOrigin)
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
