// An S3 request for the decoders: the address is parsed, the signature verified, and the body not yet read.

import type { SignatureFacts } from '../../access/context.ts'
import type { OwnerLookup } from '../../access/key.ts'
import type { Principal } from '../../access/principal.ts'
import type { ByteBudget } from '../../base/budget.ts'
import type { FairQueue } from '../../base/fair-queue.ts'
import { asLeaseTicket, type LeaseTicket } from '../../base/terms.ts'
import type { RequestBody } from '../http/body.ts'
import { Query } from '../http/request.ts'
import { type Payload, type VerifiedBody, verifiedBody } from '../sign/payload.ts'
import type { Address } from './address.ts'
import { invalidArgument } from './error.ts'

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>

/** One request. */
export interface S3Request extends Address {
  readonly method: string
  readonly query: Query
  /** By name in lower case. Includes the parameters of a presigned URL that act as headers. */
  readonly headers: Headers
  /** Undefined for a request without credentials. */
  readonly principal: Principal | undefined
  readonly signature: SignatureFacts | undefined
  readonly payload: Payload
  readonly body: RequestBody
  /** Refuses an anonymous request for a bucket that can't admit any. @throws StoreError `AccessDenied` */
  checkAdmission(): Promise<void>
  /** Finds the owners of access keys, for grants that name them. */
  readonly findOwner: OwnerLookup
  /** The memory that the documents of all requests may hold at once, and those of one owner. */
  readonly documents: ByteBudget
  /** The queue for parsing large documents. */
  readonly parsing: FairQueue
  /** The scheme and host that the client used, such as `http://localhost:9000`. */
  readonly origin: string
}

/** The value of a header; undefined without the header. */
export function headerOf(
  { headers }: Pick<S3Request, 'headers'>,
  name: string,
): string | undefined {
  const value = headers[name]
  return typeof value === 'string' || value === undefined ? value : value.join(',')
}

/** Refuses the version id of a write, which can't address an existing version. @throws S3Error `InvalidArgument` */
export function refuseVersion({ query }: Pick<S3Request, 'query'>): void {
  const versionId = query.get('versionId')
  if (versionId === undefined) return
  const message = 'This operation does not accept a version-id.'
  throw invalidArgument(message, 'versionId', versionId)
}

const tokenHeader = 'x-amz-client-token'

/** The token that makes a request idempotent. @throws S3Error `InvalidArgument` */
export function clientTokenOf(request: Pick<S3Request, 'headers'>): string | undefined {
  const token = headerOf(request, tokenHeader)
  if (token === undefined || /^[!-~]{1,64}$/.test(token)) return token
  throw invalidArgument('A client token has 1 to 64 visible ASCII characters.', tokenHeader, token)
}

/** The header with the ticket of the lease that a write is made under. */
export const leaseHeader = 'x-holdfast-lease'

/** The ticket in {@link leaseHeader}. @throws S3Error `InvalidArgument` */
export function leaseTicketOf(request: Pick<S3Request, 'headers'>): LeaseTicket | undefined {
  const text = headerOf(request, leaseHeader)
  return text === undefined ? undefined : parseTicket(leaseHeader, text)
}

/** @throws S3Error `InvalidArgument` */
export function parseTicket(name: string, text: string): LeaseTicket {
  if (/^[1-9]\d{0,14}$/.test(text)) return asLeaseTicket(Number(text))
  throw invalidArgument("A lease's ticket is a whole number.", name, text)
}

/** The request's body without framing, verified while it is read. */
export function contentOf(request: S3Request): VerifiedBody {
  return verifiedBody(request.body, request.payload, request.headers)
}

/** The range of a whole number, and the error for others. */
export interface NumberRule {
  readonly minimum: number
  readonly maximum: number
  readonly message?: string
}

/**
 * Parses the whole number in a parameter or header; undefined without one.
 * @throws S3Error `InvalidArgument`
 */
export function wholeNumber(
  name: string,
  text: string | undefined,
  rule: NumberRule,
): number | undefined {
  if (text === undefined) return undefined
  const number = /^[+-]?\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (number >= rule.minimum && number <= rule.maximum) return number
  throw invalidArgument(rule.message ?? numberProblem(name, number, rule), name, text)
}

function numberProblem(name: string, number: number, { minimum, maximum }: NumberRule): string {
  if (Number.isNaN(number)) return `Provided ${name} not an integer or within integer range`
  return `Argument ${name} must be an integer between ${minimum} and ${maximum}`
}

/** An empty query. */
export const noQuery: Query = new Query([])
