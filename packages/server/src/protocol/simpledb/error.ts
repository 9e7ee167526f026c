// Errors of SimpleDB: the tables of refusals with their codes and sentences, and the XML body.
// https://docs.aws.amazon.com/AmazonSimpleDB/latest/DeveloperGuide/APIError.html

import { type Refusal, type RefusalOf, StoreError } from '../../base/errors.ts'
import type { SharedRefusal } from '../../base/refusal/shared.ts'
import type { SimpleDbRefusal } from '../../base/refusal/simpledb.ts'
import { tell } from '../../base/refusal/tell.ts'
import { SignError } from '../sign/error.ts'
import type { SignRefusal } from '../sign/refusal.ts'
import { isoSeconds } from '../sign/timestamp.ts'
import { type S3SignCode, type SignCode, wordsOf } from '../sign/wording.ts'
import { XmlWriter } from '../xml/write.ts'
import { domainErrors } from './error/domain.ts'
import { accessFailure, sharedErrors } from './error/shared.ts'
import { httpError, internalError, type WireError, type WireTable } from './error/wire.ts'
import { readableText } from './text.ts'
import { formatUsage, type Usage } from './usage.ts'

/** The declaration that SimpleDB's documents begin with. */
export const xmlDeclaration = '<?xml version="1.0"?>\n'

/** The refusals that SimpleDB reports. `NoSuchBucket` is from exports. */
type ToldRefusal = SharedRefusal | SimpleDbRefusal | RefusalOf<'NoSuchBucket'>

const wireErrors: WireTable<ToldRefusal> = { ...sharedErrors, ...domainErrors }

const authFailure: WireError = {
  status: 403,
  code: 'AuthFailure',
  message: 'AWS was not able to validate the provided access keys.',
}

/** The form of an Authorization header of Signature Version 4. */
const headerForm =
  'AWS4-HMAC-SHA256 Credential=AccessKeyId/Date/Region/sdb/aws4_request, SignedHeaders=SignedHeaders, Signature=Signature'

const invalidAuthHeader: WireError = {
  status: 400,
  code: 'InvalidHTTPAuthHeader',
  message: `The HTTP authorization header is bad, use ${headerForm}.`,
}

const incompleteSignature: WireError = {
  status: 400,
  code: 'IncompleteSignature',
  message: 'The request signature does not conform to AWS standards.',
}

const signatureDoesNotMatch: WireError = {
  status: 403,
  code: 'SignatureDoesNotMatch',
  message:
    'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
}

/** The errors of refused signatures; `message` replaces AWS's usual one. */
const signErrors: Readonly<
  Record<Exclude<SignCode, S3SignCode>, Partial<WireError> & Pick<WireError, 'status'>>
> = {
  AccessDenied: { status: 403, code: 'AccessFailure' },
  AuthorizationHeaderMalformed: invalidAuthHeader,
  AuthorizationQueryParametersError: incompleteSignature,
  ContentSha256Mismatch: signatureDoesNotMatch,
  ExpiredUrl: { status: 400, code: 'RequestExpired' },
  IncompleteSignature: incompleteSignature,
  InvalidAccessKeyId: { status: 403, code: 'InvalidClientTokenId' },
  InvalidArgument: { status: 400, code: 'InvalidHttpRequest' },
  InvalidParameterCombination: { status: 400 },
  InvalidParameterValue: { status: 400 },
  InvalidRequest: { status: 400, code: 'InvalidHttpRequest' },
  // Tokens belong to temporary keys, which don't exist here.
  InvalidToken: authFailure,
  MissingAuthentication: { status: 403, code: 'AuthMissingFailure' },
  MissingParameter: { status: 400 },
  RequestTimeTooSkewed: { status: 400, code: 'RequestExpired' },
  SignatureDoesNotMatch: signatureDoesNotMatch,
}

/** A refusal that arises in the SimpleDB protocol itself. */
export class SimpleDbError extends Error {
  readonly wire: WireError

  constructor(wire: WireError, options?: ErrorOptions) {
    super(wire.message, options)
    this.name = 'SimpleDbError'
    this.wire = wire
  }
}

/** An error as the client sees it. */
export interface ErrorReport {
  readonly status: number
  readonly code: string
  readonly message: string
  /** True for faults of the server, whose details are withheld from the client. */
  readonly isFault: boolean
}

/** The report of `error` for the client. Faults of the server have no details. */
export function reportError(error: unknown): ErrorReport {
  const wire = wireErrorOf(error)
  return { ...wire, isFault: wire === internalError }
}

function wireErrorOf(error: unknown): WireError {
  if (error instanceof SimpleDbError) return error.wire
  if (error instanceof SignError) return signErrorOf(error)
  if (!(error instanceof StoreError)) return internalError
  const { refusal } = error
  // A refusal of another protocol is a fault of the server.
  return isTold(refusal) ? tell(wireErrors, refusal.code, refusal) : internalError
}

function signErrorOf({ refusal }: SignError): WireError {
  const { code, message } = wordsOf(refusal)
  if (!isQuerySign(code)) return internalError
  const wire = signErrors[code]
  if (wire.code === 'InvalidHttpRequest') return httpError(message)
  return { code, message: ownWords(refusal) ?? message, ...wire }
}

/** SimpleDB's own sentence; undefined if it is the same as in other services. */
function ownWords(refusal: SignRefusal): string | undefined {
  switch (refusal.code) {
    case 'UrlExpired':
      return `Request has expired. Expires date is ${isoSeconds(refusal.expiresAtMs)}.`
    case 'RequestTimeTooSkewed':
      return `Request has expired. Timestamp date is ${refusal.requestTime}.`
    case 'SignedChunksWithoutKey':
      return accessFailure(undefined).message
    default:
      return undefined
  }
}

function isQuerySign(code: SignCode): code is keyof typeof signErrors {
  return Object.hasOwn(signErrors, code)
}

function isTold(refusal: Refusal): refusal is ToldRefusal {
  return Object.hasOwn(wireErrors, refusal.code)
}

/** The XML body of an error; `usage` is undefined if no action was begun. */
export function errorBody(
  { code, message }: Pick<ErrorReport, 'code' | 'message'>,
  { requestId, usage }: { readonly requestId: string; readonly usage: Usage | undefined },
): string {
  return new XmlWriter(xmlDeclaration)
    .open('Response')
    .open('Errors')
    .open('Error')
    .element('Code', code)
    .element('Message', readableText(message))
    .element('BoxUsage', usage === undefined ? undefined : formatUsage(usage))
    .close('Error')
    .close('Errors')
    .element('RequestID', requestId)
    .close('Response')
    .toString()
}

/** The error for an Authorization header that isn't of Signature Version 4. */
export function invalidAuthorization(): SimpleDbError {
  return new SimpleDbError(invalidAuthHeader)
}

/** The error for several access key ids, or an id of invalid form. */
export function authFailed(): SimpleDbError {
  return new SimpleDbError(authFailure)
}

/** The error for parameters that exclude each other. */
export function invalidCombination(one: string, other: string): SimpleDbError {
  return new SimpleDbError({
    status: 400,
    code: 'InvalidParameterCombination',
    message: `The parameter ${one} cannot be used with the parameter ${other}`,
  })
}
