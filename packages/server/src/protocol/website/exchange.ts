// One visitor's request to a bucket's website: the document, a redirect, or a page that tells of an error. Visitors
// are anonymous, so they see what everyone may read.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/WebsiteHosting.html

import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { isStoreError } from '../../base/errors.ts'
import { headObject } from '../../operation/object.ts'
import type { Services } from '../../operation/operation.ts'
import { run } from '../../operation/run.ts'
import { findWebsite, type Website } from '../../operation/website.ts'
import { RequestBody } from '../http/body.ts'
import { type Circumstances, Exchange } from '../http/exchange.ts'
import { checkHead } from '../http/head.ts'
import { bucketBelow, hostOf } from '../http/host.ts'
import { parseTarget, Query } from '../http/request.ts'
import { sendFixed } from '../http/respond.ts'
import { checkKeyLength, decodePath } from '../s3/address.ts'
import { type Answer, type Call, emptyAnswer, httpTime, quoted } from '../s3/answer.ts'
import { answerPreflight, crossOriginHeaders, preflightName } from '../s3/cross-origin.ts'
import { type ErrorReport, reportError, S3Error } from '../s3/error.ts'
import { answerRead } from '../s3/object.ts'
import { sendAnswer } from '../s3/send.ts'
import { noWebsite } from '../s3/website.ts'
import { errorPage } from './error-page.ts'
import {
  documentKey,
  type Redirection,
  redirectAll,
  redirectByRule,
  redirectToFolder,
  type Visit,
} from './routing.ts'

/** The state that all exchanges share. */
export interface WebsiteContext {
  readonly services: Services
  readonly domains: readonly string[]
  /** Tells the process that answered. */
  readonly hostId: string
}

type Documents = Extract<Website, { readonly kind: 'documents' }>

/** A visitor's request at a bucket. */
interface BucketVisit extends Visit {
  readonly bucket: string
}

/** The name of requests in logs and metrics. */
const operationName = 'WebsiteGetObject'
const redirectHeader = 'x-amz-website-redirect-location'
const noQuery = new Query([])

export class WebsiteExchange extends Exchange<Answer, ErrorReport> {
  readonly #context: WebsiteContext
  #crossOrigin: OutgoingHttpHeaders | undefined
  /** The reason for which the bucket's own error document can't be shown. */
  #documentProblem: ErrorReport | undefined

  constructor(
    context: WebsiteContext,
    request: IncomingMessage,
    response: ServerResponse,
    circumstances: Circumstances,
  ) {
    super(request, response, circumstances, context.services.log)
    this.#context = context
  }

  protected async answer(): Promise<Answer> {
    this.body = new RequestBody(this.request)
    checkHead(this.request, this.response)
    const visit = this.#visit()
    const { method = '', headers } = this.request
    const { services } = this.#context
    const call = { services, caller: this.contextOf(undefined, headers) }
    if (method === 'OPTIONS') {
      this.operation = preflightName
      return answerPreflight({ method, headers }, visit, call)
    }
    this.operation = operationName
    if (headers.origin !== undefined) {
      this.#crossOrigin = await crossOriginHeaders({ method, headers }, visit, call)
    }
    if (method !== 'GET' && method !== 'HEAD') throw methodNotAllowed(method)
    const website = await run(services, call.caller, findWebsite, { bucket: visit.bucket })
    if (website === undefined) throw noWebsite(visit.bucket)
    if (website.kind === 'redirect') return redirected(redirectAll(website, visit))
    return this.#answerFrom(website, visit, call)
  }

  #visit(): BucketVisit {
    const { url = '', headers } = this.request
    const target = parseTarget(url)
    const host = hostOf(target.authority, headers.host) ?? ''
    const key = decodePath(target.path.slice(1))
    checkKeyLength(key)
    const mark = url.indexOf('?')
    return {
      bucket: bucketBelow(host, this.#context.domains) ?? '',
      key,
      query: mark < 0 ? '' : url.slice(mark),
      scheme: this.circumstances.client.isSecure ? 'https' : 'http',
      host,
    }
  }

  async #answerFrom(website: Documents, visit: BucketVisit, call: Call): Promise<Answer> {
    const ahead = redirectByRule(website, visit)
    if (ahead !== undefined) return redirected(ahead)
    try {
      const key = documentKey(website, visit.key)
      return await this.#document(call, { bucket: visit.bucket, key }, this.request.headers)
    } catch (error) {
      const { status, isFault } = reportError(error)
      if (isFault || status < 400 || status >= 500) throw error
      const instead = await this.#instead(website, visit, { call, status })
      if (instead === undefined) throw error
      return instead
    }
  }

  /** The answer in place of an error of that status; undefined for the error's own page. */
  async #instead(
    website: Documents,
    visit: BucketVisit,
    { call, status }: { readonly call: Call; readonly status: number },
  ): Promise<Answer | undefined> {
    if (await isFolderOf(website, visit, call)) return redirected(redirectToFolder(visit))
    const rule = redirectByRule(website, visit, status)
    if (rule !== undefined) return redirected(rule)
    if (website.errorKey === undefined) return undefined
    try {
      const key = website.errorKey
      return { ...(await this.#document(call, { bucket: visit.bucket, key }, {})), status }
    } catch (error) {
      const problem = reportError(error)
      if (problem.isFault) throw error
      this.#documentProblem = problem
      return undefined
    }
  }

  /** A document of the bucket, or the redirect that it asks for. @throws StoreError */
  async #document(
    call: Call,
    address: { readonly bucket: string; readonly key: string },
    headers: IncomingMessage['headers'],
  ): Promise<Answer> {
    checkKeyLength(address.key)
    const { method = '' } = this.request
    const answer = await answerRead({ ...address, method, headers, query: noQuery }, call)
    const location = answer.headers[redirectHeader]
    if (typeof location !== 'string') return answer
    const { body } = answer
    if (typeof body === 'object' && 'content' in body) await body.content.close()
    return redirected({ status: 301, location })
  }

  protected async send(answer: Answer): Promise<number> {
    this.#identify(answer.headers)
    const { signal } = this.circumstances
    return sendAnswer(this.response, answer, { signal, unread: this.body })
  }

  #identify(headers: OutgoingHttpHeaders): void {
    headers['x-amz-request-id'] = this.circumstances.requestId
    headers['x-amz-id-2'] = this.#context.hostId
    headers['Server'] = 'Holdfast'
    if (this.#crossOrigin !== undefined) Object.assign(headers, this.#crossOrigin)
  }

  protected report(error: unknown): ErrorReport {
    return reportError(error)
  }

  protected sendError(report: ErrorReport): number {
    const { status, code, fields } = report
    const headers: OutgoingHttpHeaders = {}
    this.#identify(headers)
    if (status === 304) {
      headers['ETag'] = quoted(fields['ETag'] ?? '')
      headers['Last-Modified'] = httpTime(Number(fields['LastModified']))
      return sendFixed(this.response, { status, headers }, undefined, this.body)
    }
    headers['Content-Type'] = 'text/html; charset=utf-8'
    headers['x-amz-error-code'] = code
    if (status === 503) headers['Retry-After'] = 1
    if (status === 405) headers['Allow'] = 'GET, HEAD, OPTIONS'
    const page = errorPage(report, {
      requestId: this.circumstances.requestId,
      hostId: this.#context.hostId,
      documentProblem: this.#documentProblem,
    })
    return sendFixed(this.response, { status, headers }, page, this.body)
  }
}

function redirected({ status, location }: Redirection): Answer {
  return emptyAnswer(status, { Location: location })
}

/** True if the visitor left out the '/' at the end of a folder with an index document. */
async function isFolderOf(
  { indexSuffix }: Documents,
  { bucket, key }: BucketVisit,
  { services, caller }: Call,
): Promise<boolean> {
  if (key === '' || key.endsWith('/')) return false
  try {
    const index = `${key}/${indexSuffix}`
    checkKeyLength(index)
    await run(services, caller, headObject, { bucket, key: index, conditions: {} })
    return true
  } catch (error) {
    if (isStoreError(error) && !reportError(error).isFault) return false
    throw error
  }
}

function methodNotAllowed(method: string): S3Error {
  return new S3Error({
    status: 405,
    code: 'MethodNotAllowed',
    message: 'The specified method is not allowed against this resource.',
    fields: { Method: method, ResourceType: 'OBJECT' },
  })
}
