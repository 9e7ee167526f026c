// Requests of pages from other origins: preflight requests, and the headers that let a browser show an answer to
// such a page. https://docs.aws.amazon.com/AmazonS3/latest/API/RESTOPTIONSobject.html

import type { OutgoingHttpHeaders } from 'node:http'
import {
  type CompiledCors,
  type CorsMatch,
  type CrossOrigin,
  corsMethods,
  matchCors,
} from '../../access/cors.ts'
import { ownLimits } from '../../base/limits.ts'
import { findCors } from '../../operation/cors.ts'
import { run } from '../../operation/run.ts'
import type { Address } from './address.ts'
import { type Answer, type Call, emptyAnswer } from './answer.ts'
import { S3Error } from './error.ts'
import { headerOf, type S3Request } from './request.ts'

/** The name of preflight requests in logs and metrics. */
export const preflightName = 'OptionsObject'

type Asking = Pick<S3Request, 'method' | 'headers'>

/** The request on which an answer depends, so that no cache gives it to other origins. */
const vary = 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method'

/** The headers of an answer, success or error, to a request of another origin; undefined for any other request. */
export async function crossOriginHeaders(
  request: Asking,
  { bucket }: Pick<Address, 'bucket'>,
  { services, caller }: Call,
): Promise<OutgoingHttpHeaders | undefined> {
  const asked = crossOriginOf(request)
  if (asked === undefined || bucket === '') return undefined
  const found = await run(services, caller, findCors, { bucket })
  if (found === 'no bucket' || found.cors === undefined) return undefined
  const match = matchIn(found.cors, asked)
  return match === undefined ? { Vary: vary } : headersOf(match, asked)
}

/**
 * Answers a browser that asks whether a request is allowed.
 * @throws S3Error `BadRequest`, `AccessForbidden`
 */
export async function answerPreflight(
  request: Asking,
  { bucket, key }: Pick<Address, 'bucket' | 'key'>,
  { services, caller }: Call,
): Promise<Answer> {
  const asked = crossOriginOf(request)
  if (asked === undefined) {
    throw badRequest('Insufficient information. Origin request header needed.')
  }
  const forbidden = (message: string): S3Error => {
    const fields = { Method: asked.method, ResourceType: key === '' ? 'BUCKET' : 'OBJECT' }
    return new S3Error({
      ...{ status: 403, code: 'AccessForbidden', fields },
      message: `CORSResponse: ${message}`,
    })
  }
  const found = bucket === '' ? 'no bucket' : await run(services, caller, findCors, { bucket })
  if (found === 'no bucket') throw forbidden('Bucket not found')
  if (found.cors === undefined) throw forbidden('CORS is not enabled for this bucket.')
  const method = headerOf(request, 'access-control-request-method')
  if (!corsMethods.some((candidate) => candidate === method)) {
    throw badRequest(`Invalid Access-Control-Request-Method: ${method ?? 'null'}`)
  }
  const match = matchIn(found.cors, asked)
  if (match === undefined) throw forbidden(notAllowed)
  return emptyAnswer(200, headersOf(match, asked))
}

/** In the words of S3, as clients look for them. */
const notAllowed =
  "This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec."

function badRequest(message: string): S3Error {
  return new S3Error({ status: 400, code: 'BadRequest', message })
}

/** What a request asks for; as on S3, the header of a preflight request counts in any. Undefined without an origin. */
function crossOriginOf(request: Asking): CrossOrigin | undefined {
  const origin = headerOf(request, 'origin')
  if (origin === undefined) return undefined
  const method = headerOf(request, 'access-control-request-method') ?? request.method
  const names = headerOf(request, 'access-control-request-headers')?.split(',') ?? []
  const headers = names.map((name) => name.trim().toLowerCase()).filter((name) => name !== '')
  return { origin, method, headers }
}

/** The rule that allows a request. More headers than any browser asks for would cost too much to compare. */
function matchIn(cors: CompiledCors, asked: CrossOrigin): CorsMatch | undefined {
  return asked.headers.length > ownLimits.preflightHeaders ? undefined : matchCors(cors, asked)
}

function headersOf({ rule, isForAll }: CorsMatch, asked: CrossOrigin): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {
    'Access-Control-Allow-Origin': isForAll ? '*' : asked.origin,
    'Access-Control-Allow-Methods': rule.allowedMethods.join(', '),
    Vary: vary,
  }
  if (asked.headers.length > 0) headers['Access-Control-Allow-Headers'] = asked.headers.join(', ')
  if (rule.exposeHeaders.length > 0) {
    headers['Access-Control-Expose-Headers'] = rule.exposeHeaders.join(', ')
  }
  if (rule.maxAgeSeconds !== undefined) headers['Access-Control-Max-Age'] = rule.maxAgeSeconds
  if (!isForAll) headers['Access-Control-Allow-Credentials'] = 'true'
  return headers
}
