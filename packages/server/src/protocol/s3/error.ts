// Errors of S3: the tables of refusals with their codes and sentences, and the XML body.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html

import { type Refusal, StoreError } from '../../base/errors.ts'
import type { S3Refusal } from '../../base/refusal/s3.ts'
import type { SharedRefusal } from '../../base/refusal/shared.ts'
import { tell } from '../../base/refusal/tell.ts'
import { SignError } from '../sign/error.ts'
import { type QuerySignCode, type SignCode, wordsOf } from '../sign/wording.ts'
import { XmlWriter } from '../xml/write.ts'
import { accessErrors } from './error/access.ts'
import { leaseErrors } from './error/lease.ts'
import { objectErrors } from './error/object.ts'
import { sharedErrors } from './error/shared.ts'
import { uploadErrors } from './error/upload.ts'
import {
  argumentError,
  internalError,
  requestError,
  type WireError,
  type WireTable,
} from './error/wire.ts'

type ToldRefusal = SharedRefusal | S3Refusal

const wireErrors: WireTable<ToldRefusal> = {
  ...sharedErrors,
  ...objectErrors,
  ...uploadErrors,
  ...leaseErrors,
  ...accessErrors,
}

/** The statuses of refused signatures, and the codes that only S3 has. */
const signErrors: Readonly<
  Record<Exclude<SignCode, QuerySignCode>, { readonly status: number; readonly code?: string }>
> = {
  AccessDenied: { status: 403 },
  AuthorizationHeaderMalformed: { status: 400 },
  AuthorizationQueryParametersError: { status: 400 },
  ContentSha256Mismatch: { status: 400, code: 'XAmzContentSHA256Mismatch' },
  ExpiredUrl: { status: 403, code: 'AccessDenied' },
  InvalidAccessKeyId: { status: 403 },
  InvalidArgument: { status: 400 },
  InvalidPolicyDocument: { status: 400 },
  InvalidRequest: { status: 400 },
  InvalidToken: { status: 400 },
  InvalidChunkSizeError: { status: 403 },
  MalformedTrailer: { status: 400, code: 'MalformedTrailerError' },
  MissingContentLength: { status: 411 },
  RequestTimeTooSkewed: { status: 403 },
  SignatureDoesNotMatch: { status: 403 },
}

/** A refusal that arises in the S3 protocol itself, such as for an unimplemented setting. */
export class S3Error extends Error {
  readonly wire: WireError
  readonly code: string

  constructor(wire: WireError, options?: ErrorOptions) {
    super(wire.message, options)
    this.name = 'S3Error'
    this.wire = wire
    this.code = wire.code
  }
}

/** An error as the client sees it. */
export interface ErrorReport {
  readonly status: number
  readonly code: string
  readonly message: string
  readonly fields: Readonly<Record<string, string>>
  /** True for faults of the server, whose details are withheld from the client. */
  readonly isFault: boolean
}

/** The report of `error` for the client. Faults of the server have no details. */
export function reportError(error: unknown): ErrorReport {
  const wire = wireErrorOf(error)
  const fields: Record<string, string> = {}
  for (const [name, value] of Object.entries(wire.fields ?? {})) {
    if (value !== undefined) fields[name] = value
  }
  return { ...wire, fields, isFault: wire === internalError }
}

function wireErrorOf(error: unknown): WireError {
  if (error instanceof S3Error) return error.wire
  if (error instanceof SignError) return signErrorOf(error)
  if (!(error instanceof StoreError)) return internalError
  const { refusal } = error
  // A refusal of another protocol is a fault of the server.
  return isTold(refusal) ? tell(wireErrors, refusal.code, refusal) : internalError
}

function signErrorOf({ refusal }: SignError): WireError {
  const { code, message, fields } = wordsOf(refusal)
  return isS3Sign(code) ? { code, ...signErrors[code], message, fields } : internalError
}

function isS3Sign(code: SignCode): code is keyof typeof signErrors {
  return Object.hasOwn(signErrors, code)
}

function isTold(refusal: Refusal): refusal is ToldRefusal {
  return Object.hasOwn(wireErrors, refusal.code)
}

/** The XML body of an error. */
export function errorBody(
  { code, message, fields }: ErrorReport,
  context: { readonly resource: string; readonly requestId: string; readonly hostId: string },
): string {
  const xml = new XmlWriter().open('Error').message('Code', code).message('Message', message)
  for (const [name, value] of Object.entries(fields)) xml.message(name, value)
  if (fields['Resource'] === undefined) xml.message('Resource', context.resource)
  xml.message('RequestId', context.requestId).message('HostId', context.hostId)
  return xml.close('Error').toString()
}

/** The error for an invalid argument; `name` is S3's name of the argument. */
export function invalidArgument(
  message: string,
  name: string,
  value: string,
  options?: ErrorOptions,
): S3Error {
  return new S3Error(argumentError(message, name, value), options)
}

/** The error for an invalid request, if the reason has no code of its own. */
export function invalidRequest(message: string, options?: ErrorOptions): S3Error {
  return new S3Error(requestError(message), options)
}

/** The error for a header that requests an unimplemented feature. */
export function headerNotImplemented(name: string): S3Error {
  const message = 'A header you provided implies functionality that is not implemented.'
  return new S3Error({ status: 501, code: 'NotImplemented', message, fields: { Header: name } })
}

/** The error for a query parameter that requests an unimplemented feature. */
export function parameterNotImplemented(name: string): S3Error {
  const message = 'A parameter you provided implies functionality that is not implemented.'
  return new S3Error({ status: 501, code: 'NotImplemented', message, fields: { Parameter: name } })
}

/** An operation of S3's, named by a query parameter, that the server doesn't have. */
export function operationNotImplemented(operation: string, parameter: string): S3Error {
  const message = `This server does not implement ${operation}. The request has changed nothing.`
  const fields = { Parameter: parameter }
  return new S3Error({ status: 501, code: 'NotImplemented', message, fields })
}
