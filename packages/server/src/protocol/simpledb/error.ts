// Errors on SimpleDB's wire: which status and code each reason has, and the XML body that tells of it.
// https://docs.aws.amazon.com/AmazonSimpleDB/latest/DeveloperGuide/APIError.html

import { StoreError, type StoreErrorCode } from '../../base/errors.ts'
import { XmlWriter } from '../xml/write.ts'
import { readableText } from './text.ts'
import { baseUsage, formatUsage, type Usage } from './usage.ts'

interface WireError {
  readonly status: number
  readonly code: string
  /** In place of the error's own message, which may be another protocol's. */
  readonly message?: string | ((error: StoreError) => string)
}

/** The declaration that SimpleDB's documents begin with. */
export const xmlDeclaration = '<?xml version="1.0"?>\n'

const badRequest = (code: string): WireError => ({ status: 400, code })
const conflict = (code: StoreErrorCode): WireError => ({ status: 409, code })

const unavailable: WireError = {
  status: 503,
  code: 'ServiceUnavailable',
  message: 'Service AmazonSimpleDB is currently unavailable. Please try again later',
}

const internal = {
  status: 500,
  code: 'InternalError',
  message: 'Request could not be executed due to an internal service error.',
}

const incompleteSignature: WireError = {
  status: 400,
  code: 'IncompleteSignature',
  message: 'The request signature does not conform to AWS standards.',
}

const invalidRequest: WireError = {
  status: 400,
  code: 'InvalidHttpRequest',
  message: ({ message }) => `The HTTP request is invalid. Reason: ${message}`,
}

const signatureDoesNotMatch: WireError = {
  status: 403,
  code: 'SignatureDoesNotMatch',
  message:
    'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
}

/** Characters of a URI, or form, that a refusal shows. */
const shownUriLength = 1024

/** The form of an Authorization header, as far as it is of Signature Version 4. */
const headerForm =
  'AWS4-HMAC-SHA256 Credential=AccessKeyId/Date/Region/sdb/aws4_request, SignedHeaders=SignedHeaders, Signature=Signature'

const invalidAuthHeader = {
  status: 400,
  code: 'InvalidHTTPAuthHeader',
  message: `The HTTP authorization header is bad, use ${headerForm}.`,
}

const authFailure = {
  status: 403,
  code: 'AuthFailure',
  message: 'AWS was not able to validate the provided access keys.',
}

/** Reasons that no operation on domains has: for them to come here is a mistake of ours. */
const foreignErrors = {
  InvalidRange: internal,
  InvalidDigest: internal,
  BadDigest: internal,
  ChecksumMismatch: internal,
  MissingContentLength: internal,
  MissingRequestBody: internal,
  MalformedXml: internal,
  MalformedTrailer: internal,
  MalformedPostRequest: internal,
  InvalidPolicyDocument: internal,
  MetadataTooLarge: internal,
  EntityTooLarge: internal,
  EntityTooSmall: internal,
  MaxPostPreDataLengthExceeded: internal,
  MethodNotAllowed: internal,
  InvalidBucketName: internal,
  InvalidLocationConstraint: internal,
  InvalidStorageClass: internal,
  BucketAlreadyExists: internal,
  BucketAlreadyOwnedByYou: internal,
  BucketNotEmpty: internal,
  TooManyBuckets: internal,
  NoSuchKey: internal,
  NoSuchVersion: internal,
  PreconditionFailed: internal,
  NotModified: internal,
  ConditionalRequestConflict: internal,
  IdempotencyParameterMismatch: internal,
  NoSuchUpload: internal,
  IllegalLocationConstraint: internal,
  LeaseLost: internal,
  LeaseNotCovering: internal,
  LeaseNotGranted: internal,
  InvalidPart: internal,
  InvalidPartNumber: internal,
  InvalidPartOrder: internal,
} as const

const wireErrors: Readonly<Record<StoreErrorCode, WireError>> = {
  ...foreignErrors,
  AccessDenied: {
    status: 403,
    code: 'AccessFailure',
    // Signatures have reasons of their own.
    message: ({ message, fields }) =>
      message === 'Access Denied'
        ? `Access to the resource ${fields['Action'] ?? 'AmazonSimpleDB'} is denied.`
        : message,
  },
  MissingAuthentication: {
    status: 403,
    code: 'AuthMissingFailure',
    message: 'AWS was not able to authenticate the request: access keys are missing.',
  },
  InvalidAccessKeyId: { status: 403, code: 'InvalidClientTokenId' },
  // A token belongs to temporary keys, which nobody could have given.
  InvalidToken: authFailure,
  SignatureDoesNotMatch: signatureDoesNotMatch,
  IncompleteSignature: incompleteSignature,
  AuthorizationHeaderMalformed: invalidAuthHeader,
  AuthorizationQueryParametersError: incompleteSignature,
  RequestTimeTooSkewed: {
    status: 400,
    code: 'RequestExpired',
    message: ({ message, fields }) => {
      const time = fields['RequestTime']
      return time === undefined ? message : `Request has expired. Timestamp date is ${time}.`
    },
  },
  ContentSha256Mismatch: signatureDoesNotMatch,
  InvalidArgument: invalidRequest,
  InvalidRequest: invalidRequest,
  InvalidUri: {
    status: 400,
    code: 'InvalidURI',
    message: ({ fields }) =>
      `The URI ${(fields['URI'] ?? '').slice(0, shownUriLength)} is not valid.`,
  },
  HeaderSectionTooLarge: invalidRequest,
  IncompleteBody: invalidRequest,
  RequestTimeout: { status: 408, code: 'RequestTimeout' },
  KeyTooLong: invalidRequest,
  MaxMessageLengthExceeded: invalidRequest,
  NotImplemented: {
    status: 401,
    code: 'NotYetImplemented',
    message: ({ fields }) =>
      `Feature ${fields['Header'] ?? fields['Parameter'] ?? 'requested'} is not yet available.`,
  },
  NoSuchDomain: badRequest('NoSuchDomain'),
  MissingParameter: badRequest('MissingParameter'),
  InvalidParameterCombination: badRequest('InvalidParameterCombination'),
  InvalidParameterValue: badRequest('InvalidParameterValue'),
  DuplicateItemName: badRequest('DuplicateItemName'),
  NumberDomainsExceeded: conflict('NumberDomainsExceeded'),
  NumberDomainBytesExceeded: conflict('NumberDomainBytesExceeded'),
  NumberDomainAttributesExceeded: conflict('NumberDomainAttributesExceeded'),
  NumberItemAttributesExceeded: conflict('NumberItemAttributesExceeded'),
  NumberSubmittedAttributesExceeded: conflict('NumberSubmittedAttributesExceeded'),
  NumberSubmittedItemsExceeded: conflict('NumberSubmittedItemsExceeded'),
  AttributeDoesNotExist: { status: 404, code: 'AttributeDoesNotExist' },
  MultiValuedAttribute: conflict('MultiValuedAttribute'),
  ConditionalCheckFailed: conflict('ConditionalCheckFailed'),
  // Only exports need a bucket.
  NoSuchBucket: {
    status: 404,
    code: 'S3NoSuchBucket',
    message: 'An error occurred during the export. The specified Amazon S3 bucket does not exist.',
  },
  DomainInExport: { status: 409, code: 'DeleteConflictException' },
  NoSuchExport: { status: 400, code: 'NoSuchExportException' },
  ExportConflict: { status: 409, code: 'ConflictException' },
  NumberExportsExceeded: { status: 409, code: 'NumberExportsLimitExceeded' },
  InvalidQueryExpression: badRequest('InvalidQueryExpression'),
  InvalidLiteral: badRequest('InvalidLiteral'),
  QueryTimeout: {
    status: 408,
    code: 'QueryTimeout',
    message: ({ fields }) =>
      `A timeout occurred when attempting to query domain ${fields['Domain'] ?? ''} with query expression ${fields['Expression'] ?? ''}. BoxUsage [${formatUsage(baseUsage.select)}].`,
  },
  InvalidNumberPredicates: badRequest('InvalidNumberPredicates'),
  InvalidNumberValueTests: badRequest('InvalidNumberValueTests'),
  TooManyRequestedAttributes: badRequest('TooManyRequestedAttributes'),
  InvalidSortExpression: badRequest('InvalidSortExpression'),
  InvalidNextToken: badRequest('InvalidNextToken'),
  UnsupportedNextToken: badRequest('UnsupportedNextToken'),
  SlowDown: unavailable,
  ServiceUnavailable: unavailable,
  // Not one of SimpleDB's: its disks are never full. The SDKs don't retry a 507, which would be in vain.
  InsufficientStorage: { status: 507, code: 'InsufficientStorage' },
  Internal: internal,
}

/** A refusal that only SimpleDB's own surface knows. */
export class SimpleDbError extends Error {
  readonly status: number
  readonly code: string

  constructor(
    wire: { readonly status: number; readonly code: string },
    message: string,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options)
    this.name = 'SimpleDbError'
    this.status = wire.status
    this.code = wire.code
  }
}

/** An error as the client sees it. */
export interface ErrorReport {
  readonly status: number
  readonly code: string
  readonly message: string
  /** True for our own mistakes, which the client learns nothing of. */
  readonly isFault: boolean
}

/** What the client is told of `error`: of anything but a refusal only that it happened. */
export function reportError(error: unknown): ErrorReport {
  if (error instanceof SimpleDbError) {
    const { status, code, message } = error
    return { status, code, message, isFault: false }
  }
  if (!(error instanceof StoreError)) return { ...internal, isFault: true }
  const wire = wireErrors[error.code]
  const { status, code, message = error.message } = wire
  const text = typeof message === 'string' ? message : message(error)
  return { status, code, message: text, isFault: wire === internal }
}

/** The XML body of an error; `usage` is left out where nothing was begun. */
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

/** An Authorization header that is none of Signature Version 4. */
export function invalidAuthorization(): SimpleDbError {
  return new SimpleDbError(invalidAuthHeader, invalidAuthHeader.message)
}

/** Keys that can't be told from each other, or that none can be. */
export function authFailed(): SimpleDbError {
  return new SimpleDbError(authFailure, authFailure.message)
}

/** Parameters that can't stand beside each other. */
export function invalidCombination(one: string, other: string): SimpleDbError {
  return new SimpleDbError(
    { status: 400, code: 'InvalidParameterCombination' },
    `The parameter ${one} cannot be used with the parameter ${other}`,
  )
}
