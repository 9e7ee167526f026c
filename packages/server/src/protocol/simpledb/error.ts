// Errors on SimpleDB's wire: which status and code each reason has, and the XML body that tells of it.
// https://docs.aws.amazon.com/AmazonSimpleDB/latest/DeveloperGuide/APIError.html

import { StoreError, type StoreErrorCode } from '../../base/errors.ts'
import { XmlWriter } from '../xml/write.ts'
import { readableText } from './text.ts'
import { formatUsage, type Usage } from './usage.ts'

interface WireError {
  readonly status: number
  readonly code: string
  /** In place of the error's own message, which is another protocol's. */
  readonly message?: string
}

/** The declaration that SimpleDB's documents begin with. */
export const xmlDeclaration = '<?xml version="1.0"?>\n'

const badRequest = (code: StoreErrorCode): WireError => ({ status: 400, code })
const conflict = (code: StoreErrorCode): WireError => ({ status: 409, code })

const unavailable: WireError = {
  status: 503,
  code: 'ServiceUnavailable',
  message: 'Service AmazonSimpleDB is currently unavailable. Please try again later',
}

const internal: WireError = {
  status: 500,
  code: 'InternalError',
  message: 'Request could not be executed due to an internal service error.',
}

const incompleteSignature: WireError = { status: 400, code: 'IncompleteSignature' }
const invalidRequest: WireError = { status: 400, code: 'InvalidHttpRequest' }
const expired: WireError = { status: 400, code: 'RequestExpired' }

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
  NoSuchBucket: internal,
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
  AccessDenied: { status: 403, code: 'AccessFailure' },
  MissingAuthentication: { status: 403, code: 'AuthMissingFailure' },
  InvalidAccessKeyId: { status: 403, code: 'InvalidClientTokenId' },
  InvalidToken: { status: 403, code: 'InvalidClientTokenId' },
  SignatureDoesNotMatch: {
    status: 403,
    code: 'SignatureDoesNotMatch',
    message:
      'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
  },
  IncompleteSignature: incompleteSignature,
  AuthorizationHeaderMalformed: incompleteSignature,
  AuthorizationQueryParametersError: incompleteSignature,
  RequestTimeTooSkewed: expired,
  ContentSha256Mismatch: { status: 403, code: 'SignatureDoesNotMatch' },
  InvalidArgument: invalidRequest,
  InvalidRequest: invalidRequest,
  InvalidUri: { status: 400, code: 'InvalidURI' },
  HeaderSectionTooLarge: invalidRequest,
  IncompleteBody: invalidRequest,
  RequestTimeout: { status: 408, code: 'RequestTimeout' },
  KeyTooLong: invalidRequest,
  MaxMessageLengthExceeded: invalidRequest,
  NotImplemented: { status: 401, code: 'NotYetImplemented' },
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
  DomainInExport: { status: 409, code: 'DeleteConflictException' },
  NoSuchExport: { status: 400, code: 'NoSuchExportException' },
  ExportConflict: { status: 409, code: 'ConflictException' },
  NumberExportsExceeded: { status: 409, code: 'NumberExportsLimitExceeded' },
  InvalidQueryExpression: badRequest('InvalidQueryExpression'),
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

  constructor(wire: { readonly status: number; readonly code: string }, message: string) {
    super(message)
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
  const wire = error instanceof StoreError ? wireErrors[error.code] : internal
  const own = error instanceof Error ? error.message : ''
  const message = wire.message ?? messageOf(wire, own)
  return { status: wire.status, code: wire.code, message, isFault: wire === internal }
}

function messageOf(wire: WireError, message: string): string {
  if (wire !== invalidRequest) return message
  return `The HTTP request is invalid. Reason: ${message}`
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

/** Parameters that can't stand beside each other. */
export function invalidCombination(one: string, other: string): SimpleDbError {
  return new SimpleDbError(
    { status: 400, code: 'InvalidParameterCombination' },
    `The parameter ${one} cannot be used with the parameter ${other}`,
  )
}
