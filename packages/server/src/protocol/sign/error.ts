// Refusals of signatures, in AWS's words, which are the same for every service. The statuses are each
// protocol's own.

/** Reasons that requests of every service can have. */
export type CommonSignCode =
  | 'AccessDenied'
  | 'AuthorizationHeaderMalformed'
  | 'AuthorizationQueryParametersError'
  | 'ContentSha256Mismatch'
  /** A presigned URL was used too late. */
  | 'ExpiredUrl'
  | 'InvalidAccessKeyId'
  | 'InvalidArgument'
  | 'InvalidRequest'
  | 'InvalidToken'
  | 'RequestTimeTooSkewed'
  | 'SignatureDoesNotMatch'

/** Reasons of S3's forms and of bodies in signed chunks. */
export type S3SignCode = 'InvalidPolicyDocument' | 'MalformedTrailer' | 'MissingContentLength'

/** Reasons of signatures among the parameters of the query protocol. */
export type QuerySignCode =
  | 'IncompleteSignature'
  | 'InvalidParameterCombination'
  | 'InvalidParameterValue'
  | 'MissingAuthentication'
  | 'MissingParameter'

export type SignCode = CommonSignCode | S3SignCode | QuerySignCode

/** A refused signature. `message` is shown to the client, and holds no secret. */
export class SignError extends Error {
  readonly code: SignCode
  /** Elements of the error's body, in order. */
  readonly fields: Readonly<Record<string, string>>

  constructor(
    code: SignCode,
    message: string,
    detail: {
      readonly fields?: Readonly<Record<string, string>>
      readonly cause?: unknown
    } = {},
  ) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause })
    this.name = 'SignError'
    this.code = code
    this.fields = detail.fields ?? {}
  }
}

/** True for a {@link SignError}, of the given code if one is given. */
export function isSignError(error: unknown, code?: SignCode): error is SignError {
  return error instanceof SignError && (code === undefined || error.code === code)
}
