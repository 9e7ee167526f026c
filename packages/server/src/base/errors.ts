// The one error class for refusals and callers' mistakes, with a closed set of codes. No wire name
// and no HTTP status stands here: each protocol maps the codes to its wire in one complete table.

/** Every reason for which the server refuses or fails a request on purpose. */
export type StoreErrorCode =
  // access
  | 'AccessDenied'
  | 'InvalidAccessKeyId'
  | 'SignatureDoesNotMatch'
  | 'RequestTimeTooSkewed'
  | 'AuthorizationHeaderMalformed'
  | 'AuthorizationQueryParametersError'
  | 'InvalidToken'
  | 'ContentSha256Mismatch'
  | 'MissingAuthentication'
  | 'IncompleteSignature'
  // the request
  | 'InvalidArgument'
  | 'InvalidRequest'
  | 'InvalidUri'
  | 'HeaderSectionTooLarge'
  | 'InvalidRange'
  | 'InvalidDigest'
  | 'BadDigest'
  | 'ChecksumMismatch'
  | 'IncompleteBody'
  | 'MissingContentLength'
  | 'MissingRequestBody'
  | 'MalformedXml'
  | 'MalformedTrailer'
  | 'MalformedPostRequest'
  | 'InvalidPolicyDocument'
  | 'RequestTimeout'
  | 'MetadataTooLarge'
  | 'KeyTooLong'
  | 'EntityTooLarge'
  | 'EntityTooSmall'
  | 'MaxMessageLengthExceeded'
  | 'MaxPostPreDataLengthExceeded'
  | 'MethodNotAllowed'
  | 'NotImplemented'
  // buckets and objects
  | 'InvalidBucketName'
  | 'InvalidLocationConstraint'
  | 'IllegalLocationConstraint'
  | 'InvalidStorageClass'
  | 'NoSuchBucket'
  | 'BucketAlreadyExists'
  | 'BucketAlreadyOwnedByYou'
  | 'BucketNotEmpty'
  | 'TooManyBuckets'
  | 'NoSuchKey'
  | 'NoSuchVersion'
  | 'PreconditionFailed'
  | 'NotModified'
  | 'ConditionalRequestConflict'
  | 'IdempotencyParameterMismatch'
  // leases
  | 'LeaseLost'
  | 'LeaseNotCovering'
  | 'LeaseNotGranted'
  // multipart uploads
  | 'NoSuchUpload'
  | 'InvalidPart'
  | 'InvalidPartNumber'
  | 'InvalidPartOrder'
  // domains and items
  | 'NoSuchDomain'
  | 'MissingParameter'
  | 'InvalidParameterCombination'
  | 'DuplicateItemName'
  | 'NumberDomainsExceeded'
  | 'NumberDomainBytesExceeded'
  | 'NumberDomainAttributesExceeded'
  | 'NumberItemAttributesExceeded'
  | 'NumberSubmittedAttributesExceeded'
  | 'NumberSubmittedItemsExceeded'
  | 'AttributeDoesNotExist'
  | 'MultiValuedAttribute'
  | 'ConditionalCheckFailed'
  | 'DomainInExport'
  | 'NoSuchExport'
  | 'ExportConflict'
  | 'NumberExportsExceeded'
  // queries
  | 'InvalidQueryExpression'
  | 'InvalidLiteral'
  | 'QueryTimeout'
  | 'InvalidNumberPredicates'
  | 'InvalidNumberValueTests'
  | 'TooManyRequestedAttributes'
  | 'InvalidSortExpression'
  | 'InvalidNextToken'
  | 'UnsupportedNextToken'
  | 'InvalidParameterValue'
  // the server's state
  | 'SlowDown'
  | 'ServiceUnavailable'
  | 'InsufficientStorage'
  | 'Internal'

/** What an error may carry besides its code: shown to the client by the protocols. */
export interface ErrorDetail {
  /** Name and value pairs that a protocol may add to its error body, such as `{Condition: 'If-Match'}`. */
  readonly fields?: Readonly<Record<string, string>>
  readonly cause?: unknown
}

/** A refusal or a caller's mistake. `message` is safe to show to the client: no path, no secret. */
export class StoreError extends Error {
  readonly code: StoreErrorCode
  readonly fields: Readonly<Record<string, string>>

  constructor(code: StoreErrorCode, message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause })
    this.name = 'StoreError'
    this.code = code
    this.fields = detail.fields ?? {}
  }
}

/** True for a {@link StoreError}, of the given code if one is given. */
export function isStoreError(error: unknown, code?: StoreErrorCode): error is StoreError {
  return error instanceof StoreError && (code === undefined || error.code === code)
}

/** That there is no object, or folder, of that key. */
export function noSuchKey(key: string): StoreError {
  return new StoreError('NoSuchKey', 'The specified key does not exist.', { fields: { Key: key } })
}
