// Errors on S3's wire: which status and code each reason has, and the XML body that tells of it.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html

import { StoreError, type StoreErrorCode } from '../../base/errors.ts'
import { XmlWriter } from '../xml/write.ts'

interface WireError {
  readonly status: number
  readonly code: string
}

/** Reasons that no operation of S3 has. */
const foreignErrors = {
  MissingAuthentication: { status: 403, code: 'AccessDenied' },
  IncompleteSignature: { status: 400, code: 'IncompleteSignature' },
  MissingParameter: { status: 400, code: 'MissingParameter' },
  InvalidParameterCombination: { status: 400, code: 'InvalidParameterCombination' },
  NoSuchDomain: { status: 400, code: 'NoSuchDomain' },
  DuplicateItemName: { status: 400, code: 'DuplicateItemName' },
  NumberDomainsExceeded: { status: 400, code: 'NumberDomainsExceeded' },
  NumberDomainBytesExceeded: { status: 400, code: 'NumberDomainBytesExceeded' },
  NumberDomainAttributesExceeded: { status: 400, code: 'NumberDomainAttributesExceeded' },
  NumberItemAttributesExceeded: { status: 400, code: 'NumberItemAttributesExceeded' },
  NumberSubmittedAttributesExceeded: { status: 400, code: 'NumberSubmittedAttributesExceeded' },
  NumberSubmittedItemsExceeded: { status: 400, code: 'NumberSubmittedItemsExceeded' },
  AttributeDoesNotExist: { status: 400, code: 'AttributeDoesNotExist' },
  MultiValuedAttribute: { status: 400, code: 'MultiValuedAttribute' },
  ConditionalCheckFailed: { status: 400, code: 'ConditionalCheckFailed' },
  DomainInExport: { status: 400, code: 'DomainInExport' },
  NoSuchExport: { status: 400, code: 'NoSuchExport' },
  ExportConflict: { status: 400, code: 'ExportConflict' },
  NumberExportsExceeded: { status: 400, code: 'NumberExportsExceeded' },
}

const wireErrors: Readonly<Record<StoreErrorCode, WireError>> = {
  AccessDenied: { status: 403, code: 'AccessDenied' },
  InvalidAccessKeyId: { status: 403, code: 'InvalidAccessKeyId' },
  SignatureDoesNotMatch: { status: 403, code: 'SignatureDoesNotMatch' },
  RequestTimeTooSkewed: { status: 403, code: 'RequestTimeTooSkewed' },
  AuthorizationHeaderMalformed: { status: 400, code: 'AuthorizationHeaderMalformed' },
  AuthorizationQueryParametersError: { status: 400, code: 'AuthorizationQueryParametersError' },
  InvalidToken: { status: 400, code: 'InvalidToken' },
  ContentSha256Mismatch: { status: 400, code: 'XAmzContentSHA256Mismatch' },
  InvalidArgument: { status: 400, code: 'InvalidArgument' },
  InvalidRequest: { status: 400, code: 'InvalidRequest' },
  InvalidUri: { status: 400, code: 'InvalidURI' },
  HeaderSectionTooLarge: { status: 400, code: 'RequestHeaderSectionTooLarge' },
  InvalidRange: { status: 416, code: 'InvalidRange' },
  InvalidDigest: { status: 400, code: 'InvalidDigest' },
  BadDigest: { status: 400, code: 'BadDigest' },
  ChecksumMismatch: { status: 400, code: 'BadDigest' },
  IncompleteBody: { status: 400, code: 'IncompleteBody' },
  MissingContentLength: { status: 411, code: 'MissingContentLength' },
  MissingRequestBody: { status: 400, code: 'MissingRequestBodyError' },
  MalformedXml: { status: 400, code: 'MalformedXML' },
  MalformedTrailer: { status: 400, code: 'MalformedTrailerError' },
  MalformedPostRequest: { status: 400, code: 'MalformedPOSTRequest' },
  InvalidPolicyDocument: { status: 400, code: 'InvalidPolicyDocument' },
  RequestTimeout: { status: 400, code: 'RequestTimeout' },
  MetadataTooLarge: { status: 400, code: 'MetadataTooLarge' },
  KeyTooLong: { status: 400, code: 'KeyTooLongError' },
  EntityTooLarge: { status: 400, code: 'EntityTooLarge' },
  EntityTooSmall: { status: 400, code: 'EntityTooSmall' },
  MaxMessageLengthExceeded: { status: 400, code: 'MaxMessageLengthExceeded' },
  MaxPostPreDataLengthExceeded: { status: 400, code: 'MaxPostPreDataLengthExceeded' },
  MethodNotAllowed: { status: 405, code: 'MethodNotAllowed' },
  NotImplemented: { status: 501, code: 'NotImplemented' },
  InvalidBucketName: { status: 400, code: 'InvalidBucketName' },
  InvalidLocationConstraint: { status: 400, code: 'InvalidLocationConstraint' },
  IllegalLocationConstraint: { status: 400, code: 'IllegalLocationConstraintException' },
  InvalidStorageClass: { status: 400, code: 'InvalidStorageClass' },
  NoSuchBucket: { status: 404, code: 'NoSuchBucket' },
  BucketAlreadyExists: { status: 409, code: 'BucketAlreadyExists' },
  BucketAlreadyOwnedByYou: { status: 409, code: 'BucketAlreadyOwnedByYou' },
  BucketNotEmpty: { status: 409, code: 'BucketNotEmpty' },
  TooManyBuckets: { status: 400, code: 'TooManyBuckets' },
  NoSuchKey: { status: 404, code: 'NoSuchKey' },
  NoSuchVersion: { status: 404, code: 'NoSuchVersion' },
  PreconditionFailed: { status: 412, code: 'PreconditionFailed' },
  NotModified: { status: 304, code: 'NotModified' },
  IdempotencyParameterMismatch: { status: 400, code: 'IdempotencyParameterMismatch' },
  ConditionalRequestConflict: { status: 409, code: 'ConditionalRequestConflict' },
  // Leases are not one of S3's: the first and the last of these the SDKs don't retry, as they must not.
  LeaseLost: { status: 409, code: 'LeaseLost' },
  LeaseNotCovering: { status: 403, code: 'LeaseNotCovering' },
  LeaseNotGranted: { status: 409, code: 'LeaseNotGranted' },
  NoSuchUpload: { status: 404, code: 'NoSuchUpload' },
  InvalidPart: { status: 400, code: 'InvalidPart' },
  InvalidPartNumber: { status: 416, code: 'InvalidPartNumber' },
  InvalidPartOrder: { status: 400, code: 'InvalidPartOrder' },
  ...foreignErrors,
  // Queries are SimpleDB's; no operation of S3 fails so.
  InvalidQueryExpression: { status: 400, code: 'InvalidQueryExpression' },
  InvalidLiteral: { status: 400, code: 'InvalidLiteral' },
  QueryTimeout: { status: 408, code: 'QueryTimeout' },
  InvalidNumberPredicates: { status: 400, code: 'InvalidNumberPredicates' },
  InvalidNumberValueTests: { status: 400, code: 'InvalidNumberValueTests' },
  TooManyRequestedAttributes: { status: 400, code: 'TooManyRequestedAttributes' },
  InvalidSortExpression: { status: 400, code: 'InvalidSortExpression' },
  InvalidNextToken: { status: 400, code: 'InvalidNextToken' },
  UnsupportedNextToken: { status: 400, code: 'UnsupportedNextToken' },
  InvalidParameterValue: { status: 400, code: 'InvalidParameterValue' },
  SlowDown: { status: 503, code: 'SlowDown' },
  ServiceUnavailable: { status: 503, code: 'ServiceUnavailable' },
  // Not one of S3's: its disks are never full. The SDKs don't retry a 507, which would be in vain.
  InsufficientStorage: { status: 507, code: 'InsufficientStorage' },
  Internal: { status: 500, code: 'InternalError' },
}

/** A refusal that only S3's own surface knows, such as the lack of a setting that nobody can make yet. */
export class S3Error extends Error {
  readonly status: number
  readonly code: string
  readonly fields: Readonly<Record<string, string>>

  constructor(
    wire: { readonly status: number; readonly code: string },
    message: string,
    fields: Readonly<Record<string, string>> = {},
  ) {
    super(message)
    this.name = 'S3Error'
    this.status = wire.status
    this.code = wire.code
    this.fields = fields
  }
}

/** An error as the client sees it. */
export interface ErrorReport {
  readonly status: number
  readonly code: string
  readonly message: string
  readonly fields: Readonly<Record<string, string>>
  /** True for our own mistakes, which the client learns nothing of. */
  readonly isFault: boolean
}

/** What the client is told of `error`: of anything but a refusal only that it happened. */
export function reportError(error: unknown): ErrorReport {
  if (error instanceof S3Error) {
    const { status, code, message, fields } = error
    return { status, code, message, fields, isFault: false }
  }
  if (error instanceof StoreError && error.code !== 'Internal') {
    const { message, fields } = error
    return { ...wireErrors[error.code], message, fields, isFault: false }
  }
  return {
    ...wireErrors.Internal,
    message: 'We encountered an internal error. Please try again.',
    fields: {},
    isFault: true,
  }
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

/** An argument that S3 refuses, named as S3 names it. */
export function invalidArgument(message: string, name: string, value: string): StoreError {
  return new StoreError('InvalidArgument', message, {
    fields: { ArgumentName: name, ArgumentValue: value },
  })
}

/** A request that S3 refuses for a reason without a code of its own. */
export function invalidRequest(message: string): StoreError {
  return new StoreError('InvalidRequest', message)
}

/** A header that asks for what isn't there: refused, since ignoring it would be a silent lie. */
export function headerNotImplemented(name: string): StoreError {
  return new StoreError(
    'NotImplemented',
    'A header you provided implies functionality that is not implemented.',
    { fields: { Header: name } },
  )
}

/** A query parameter that asks for what isn't there. */
export function parameterNotImplemented(name: string): StoreError {
  return new StoreError(
    'NotImplemented',
    'A parameter you provided implies functionality that is not implemented.',
    { fields: { Parameter: name } },
  )
}
