// The facts of refused signatures. Their words are in `wording.ts`.

/** The faults of a credential such as `AKID/20130524/us-east-1/s3/aws4_request`. */
export type CredentialFault =
  | { readonly kind: 'form' }
  | { readonly kind: 'date'; readonly date: string }
  | { readonly kind: 'region'; readonly region: string; readonly required: string }
  | { readonly kind: 'service'; readonly service: string; readonly required: string }
  | { readonly kind: 'terminal'; readonly terminal: string }

/** The faults of a Version 4 signature's parts, in a header, URL or form. */
type PartFault =
  | { readonly kind: 'credential'; readonly fault: CredentialFault }
  /** The day of the credential differs from that of the signature. */
  | { readonly kind: 'other day'; readonly credentialDate: string; readonly date: string }
  | { readonly kind: 'signed headers' }

export type HeaderFault =
  | PartFault
  | { readonly kind: 'component'; readonly text: string }
  | { readonly kind: 'repeated component'; readonly name: string }
  | { readonly kind: 'missing component' }

export type QueryFault =
  | PartFault
  | { readonly kind: 'repeated parameter'; readonly name: string }
  | { readonly kind: 'missing parameter' }
  | { readonly kind: 'algorithm' | 'date' }
  | { readonly kind: 'expires'; readonly problem: 'not a number' | 'negative' | 'too long' }

export type ArgumentFault =
  /** Faults of the Authorization header. */
  | 'authorization type'
  | 'authorization form'
  | 'authorization form of Version 2'
  | 'access key and signature'
  | 'two mechanisms'
  /** Faults of headers and parameters. */
  | 'payload hash'
  | 'several in one'
  | 'not a header'
  /** Faults of the fields of a form. */
  | 'missing field'
  | 'form algorithm'
  | 'form date'

/** Refusals in every service. Times are milliseconds since the Unix epoch. */
type CommonRefusal =
  | { readonly code: 'MechanismNotSupported' }
  | { readonly code: 'InvalidAccessKeyId'; readonly accessKeyId: string }
  | { readonly code: 'InvalidToken'; readonly token: string }
  | {
      readonly code: 'SignatureDoesNotMatch'
      readonly accessKeyId: string
      readonly signature: string
      readonly stringToSign: string
      readonly canonicalRequest?: string
    }
  | { readonly code: 'AuthorizationHeaderMalformed'; readonly fault: HeaderFault }
  | { readonly code: 'AuthorizationQueryParametersError'; readonly fault: QueryFault }
  | {
      readonly code: 'InvalidArgument'
      readonly argument: string
      readonly value: string
      readonly fault: ArgumentFault
    }
  /** The names, separated by commas. */
  | { readonly code: 'HeadersNotSigned'; readonly names: string }
  | { readonly code: 'DateRequired' }
  | {
      readonly code: 'RequestTimeTooSkewed'
      readonly requestTime: string
      readonly nowMs: number
      readonly maximumMs: number
    }
  | { readonly code: 'UrlNotYetValid'; readonly signedAtMs: number; readonly nowMs: number }
  | {
      readonly code: 'UrlExpired'
      readonly expiresAtMs: number
      /** The lifetime from the time of signing, in Version 4. */
      readonly expiresSeconds?: number
      readonly nowMs: number
    }

/** Refusals of bodies that a signature covers. */
type PayloadRefusal =
  | { readonly code: 'PayloadHashRequired' }
  | { readonly code: 'PayloadHashMismatch'; readonly expected: string; readonly actual: string }
  | { readonly code: 'DecodedLengthRequired' }
  | { readonly code: 'InvalidBodyLength'; readonly value: string }
  | { readonly code: 'MalformedChunk' }
  /** Many chunks other than the last are too small. */
  | { readonly code: 'ChunkTooSmall' }
  | { readonly code: 'MalformedTrailer' }
  | {
      readonly code: 'ChunkSignatureMismatch'
      readonly accessKeyId: string
      readonly signature: string
      readonly stringToSign: string
    }
  | { readonly code: 'SignedChunksWithoutKey' }

/** Refusals of S3's forms and of its Signature Version 2. `problem` is a sentence. */
type S3SignRefusal =
  | {
      readonly code: 'InvalidFormCredential'
      readonly value: string
      readonly fault: CredentialFault
    }
  | { readonly code: 'InvalidPolicyDocument'; readonly problem: string }
  | { readonly code: 'PolicyNotMet'; readonly problem: string }
  | { readonly code: 'UrlIncomplete' }
  | { readonly code: 'UrlExpiryInvalid'; readonly expires: string }
  | { readonly code: 'ParameterNotSigned'; readonly name: string }

/** Refusals of signatures among the parameters of the query protocol. */
type QueryProtocolRefusal =
  | { readonly code: 'MissingAuthentication' }
  | { readonly code: 'MissingParameter'; readonly name: string }
  | {
      readonly code: 'InvalidParameterValue'
      readonly name: 'SignatureVersion' | 'SignatureMethod' | 'Timestamp' | 'Expires'
      readonly value: string
    }
  | { readonly code: 'TimestampAndExpires' }
  | { readonly code: 'AmbiguousOrder' }
  | { readonly code: 'IncompleteSignature' }
  | {
      readonly code: 'RequestExpired'
      readonly kind: 'Timestamp' | 'Expires'
      readonly text: string
    }
  | { readonly code: 'ForeignToken' }
  | { readonly code: 'ParameterSignatureMismatch' }

export type SignRefusal = CommonRefusal | PayloadRefusal | S3SignRefusal | QueryProtocolRefusal
