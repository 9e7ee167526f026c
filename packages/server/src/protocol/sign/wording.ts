// The words of refused signatures: code, sentence and elements, as AWS has them for every service. Each protocol
// has its own statuses, and some codes.

import { ownLimits } from '../../base/limits.ts'
import { tell, type WordTable } from '../../base/refusal/tell.ts'
import type {
  ArgumentFault,
  CredentialFault,
  HeaderFault,
  QueryFault,
  SignRefusal,
} from './refusal.ts'
import { isoSeconds } from './timestamp.ts'

/** Codes of every service. */
export type CommonSignCode =
  | 'AccessDenied'
  | 'AuthorizationHeaderMalformed'
  | 'AuthorizationQueryParametersError'
  | 'ContentSha256Mismatch'
  /** Not used by S3, which has no separate code for expired URLs. */
  | 'ExpiredUrl'
  | 'InvalidAccessKeyId'
  | 'InvalidArgument'
  | 'InvalidRequest'
  | 'InvalidToken'
  | 'RequestTimeTooSkewed'
  | 'SignatureDoesNotMatch'

/** Codes of S3's forms and of bodies in chunks. */
export type S3SignCode =
  | 'InvalidChunkSizeError'
  | 'InvalidPolicyDocument'
  | 'MalformedTrailer'
  | 'MissingContentLength'

/** Codes of signatures among the parameters of the query protocol. */
export type QuerySignCode =
  | 'IncompleteSignature'
  | 'InvalidParameterCombination'
  | 'InvalidParameterValue'
  | 'MissingAuthentication'
  | 'MissingParameter'

export type SignCode = CommonSignCode | S3SignCode | QuerySignCode

/** The words of a refused signature. */
export interface SignWords {
  readonly code: SignCode
  readonly message: string
  readonly fields: Readonly<Record<string, string>>
}

const mismatch =
  'The request signature we calculated does not match the signature you provided. Check your key and signing method.'

const wording: WordTable<SignRefusal, SignWords> = {
  MechanismNotSupported: () =>
    words(
      'InvalidRequest',
      'The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.',
    ),
  InvalidAccessKeyId: ({ accessKeyId }) =>
    words(
      'InvalidAccessKeyId',
      'The AWS Access Key Id you provided does not exist in our records.',
      {
        AWSAccessKeyId: accessKeyId,
      },
    ),
  InvalidToken: ({ token }) =>
    words('InvalidToken', 'The provided token is malformed or otherwise invalid.', {
      'Token-0': token,
    }),
  SignatureDoesNotMatch: ({ accessKeyId, signature, stringToSign, canonicalRequest }) =>
    words('SignatureDoesNotMatch', mismatch, {
      AWSAccessKeyId: accessKeyId,
      SignatureProvided: signature,
      ...shown('StringToSign', stringToSign),
      ...shown('CanonicalRequest', canonicalRequest),
    }),
  AuthorizationHeaderMalformed: ({ fault }) =>
    words(
      'AuthorizationHeaderMalformed',
      `The authorization header is malformed; ${headerText(fault)}`,
      fault.kind === 'credential' ? regionFields(fault.fault) : {},
    ),
  AuthorizationQueryParametersError: ({ fault }) =>
    words(
      'AuthorizationQueryParametersError',
      queryText(fault),
      fault.kind === 'credential' ? regionFields(fault.fault) : {},
    ),
  InvalidArgument: ({ argument, value, fault }) => {
    const message =
      fault === 'missing field'
        ? `Bucket POST must contain a field named '${argument}'.  If it is specified, please check the order of the fields.`
        : argumentTexts[fault]
    return argumentError(message, argument, value)
  },
  HeadersNotSigned: ({ names }) =>
    words('AccessDenied', 'There were headers present in the request which were not signed', {
      HeadersNotSigned: names,
    }),
  DateRequired: () =>
    words('AccessDenied', 'AWS authentication requires a valid Date or x-amz-date header'),
  RequestTimeTooSkewed: ({ requestTime, nowMs, maximumMs }) =>
    words(
      'RequestTimeTooSkewed',
      'The difference between the request time and the current time is too large.',
      // The SDKs correct their clocks by ServerTime.
      {
        RequestTime: requestTime,
        ServerTime: isoSeconds(nowMs),
        MaxAllowedSkewMilliseconds: String(maximumMs),
      },
    ),
  UrlNotYetValid: ({ signedAtMs, nowMs }) =>
    words('AccessDenied', 'Request is not valid yet', {
      'X-Amz-Date': isoSeconds(signedAtMs),
      ServerTime: isoSeconds(nowMs),
    }),
  UrlExpired: ({ expiresAtMs, expiresSeconds, nowMs }) =>
    words('ExpiredUrl', 'Request has expired', {
      ...(expiresSeconds === undefined ? {} : { 'X-Amz-Expires': String(expiresSeconds) }),
      Expires: isoSeconds(expiresAtMs),
      ServerTime: isoSeconds(nowMs),
    }),
  PayloadHashRequired: () =>
    words('InvalidRequest', 'Missing required header for this request: x-amz-content-sha256'),
  PayloadHashMismatch: ({ expected, actual }) =>
    words(
      'ContentSha256Mismatch',
      "The provided 'x-amz-content-sha256' header does not match what was computed.",
      { ClientComputedContentSHA256: expected, S3ComputedContentSHA256: actual },
    ),
  DecodedLengthRequired: () =>
    words('MissingContentLength', 'You must provide the Content-Length HTTP header.'),
  InvalidBodyLength: ({ value }) =>
    words('InvalidArgument', 'The length of the body must be a whole number.', {
      ArgumentValue: value,
    }),
  MalformedChunk: () =>
    words('InvalidRequest', 'The aws-chunked framing of the body is not well-formed.'),
  ChunkTooSmall: () =>
    words(
      'InvalidChunkSizeError',
      'Only the last chunk is allowed to have a size less than 8192 bytes',
    ),
  MalformedTrailer: () =>
    words(
      'MalformedTrailer',
      'The request contained trailing data that was not well-formed or did not conform to our published schema.',
    ),
  ChunkSignatureMismatch: ({ accessKeyId, stringToSign, signature }) =>
    words('SignatureDoesNotMatch', mismatch, {
      AWSAccessKeyId: accessKeyId,
      StringToSign: stringToSign,
      SignatureProvided: signature,
    }),
  SignedChunksWithoutKey: () => words('AccessDenied', 'Access Denied'),
  InvalidFormCredential: ({ value, fault }) => {
    const told = argumentError(credentialText(fault), 'x-amz-credential', value)
    return { ...told, fields: { ...told.fields, ...regionFields(fault) } }
  },
  InvalidPolicyDocument: ({ problem }) =>
    words('InvalidPolicyDocument', `Invalid Policy: ${problem}`),
  PolicyNotMet: ({ problem }) => words('AccessDenied', `Invalid according to Policy: ${problem}`),
  UrlIncomplete: () =>
    words(
      'AccessDenied',
      'Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters',
    ),
  UrlExpiryInvalid: ({ expires }) =>
    words('AccessDenied', `Invalid date (should be seconds since epoch): ${expires}`),
  ParameterNotSigned: ({ name }) =>
    words(
      'AccessDenied',
      'There were parameters present in the request which Signature Version 2 does not sign',
      { ParametersNotSigned: name },
    ),
  MissingAuthentication: () =>
    words(
      'MissingAuthentication',
      'AWS was not able to authenticate the request: access keys are missing.',
    ),
  MissingParameter: ({ name }) =>
    words('MissingParameter', `The request must contain the parameter ${name}`),
  InvalidParameterValue: ({ name, value }) =>
    words(
      'InvalidParameterValue',
      `Value (${value}) for parameter ${name} is invalid. ${parameterRules[name]}.`,
    ),
  TimestampAndExpires: () =>
    words(
      'InvalidParameterCombination',
      'The parameter Timestamp cannot be used with the parameter Expires',
    ),
  AmbiguousOrder: () =>
    words(
      'InvalidParameterCombination',
      'A parameter is repeated in an order that the signature does not cover. Number the entries of lists.',
    ),
  IncompleteSignature: () =>
    words('IncompleteSignature', 'The request signature does not conform to AWS standards.'),
  RequestExpired: ({ kind, text }) =>
    words('RequestTimeTooSkewed', `Request has expired. ${kind} date is ${text}.`),
  ForeignToken: () =>
    words('InvalidToken', 'The security token included in the request is invalid.'),
  ParameterSignatureMismatch: () =>
    words(
      'SignatureDoesNotMatch',
      'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
    ),
}

/** The words of a refusal, in AWS's form. */
export function wordsOf(refusal: SignRefusal): SignWords {
  return tell(wording, refusal.code, refusal)
}

function words(
  code: SignCode,
  message: string,
  fields: Readonly<Record<string, string>> = {},
): SignWords {
  return { code, message, fields }
}

function argumentError(message: string, name: string, value: string): SignWords {
  return words('InvalidArgument', message, { ArgumentName: name, ArgumentValue: value })
}

/** A text as elements, verbatim and in hex; none for a text that is too long to be useful. */
function shown(name: string, text: string | undefined): Record<string, string> {
  if (text === undefined || text.length > ownLimits.signatureFactBytes) return {}
  return { [name]: text, [`${name}Bytes`]: hexBytes(text) }
}

function hexBytes(text: string): string {
  return Buffer.from(text, 'latin1')
    .toString('hex')
    .replace(/..(?!$)/g, '$& ')
}

function credentialText(fault: CredentialFault): string {
  switch (fault.kind) {
    case 'form':
      return 'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".'
    case 'date':
      return `incorrect date format "${fault.date}". This date in the credential must be in the format "yyyyMMdd".`
    case 'region':
      return `the region '${fault.region}' is wrong; expecting '${fault.required}'`
    case 'service':
      return `incorrect service "${fault.service}". This endpoint belongs to "${fault.required}".`
    case 'terminal':
      return `incorrect terminal "${fault.terminal}". This endpoint uses "aws4_request".`
  }
}

/** The element with the right region, to which clients resend the request. */
function regionFields(fault: CredentialFault): Readonly<Record<string, string>> {
  return fault.kind === 'region' ? { Region: fault.required } : {}
}

function headerText(fault: HeaderFault): string {
  switch (fault.kind) {
    case 'credential':
      return credentialText(fault.fault)
    case 'other day':
      return otherDayText(fault)
    case 'signed headers':
      return 'SignedHeaders must be distinct header names in lower case.'
    case 'component':
      return `the authorization component "${fault.text}" is malformed.`
    case 'repeated component':
      return `the authorization component "${fault.name}" is repeated.`
    case 'missing component':
      return 'the authorization header requires three components: Credential, SignedHeaders, and Signature.'
  }
}

function queryText(fault: QueryFault): string {
  switch (fault.kind) {
    case 'credential':
      return `Error parsing the X-Amz-Credential parameter; ${credentialText(fault.fault)}`
    case 'other day':
      return otherDayText(fault)
    case 'signed headers':
      return 'X-Amz-SignedHeaders must be distinct header names in lower case.'
    case 'repeated parameter':
      return `${fault.name} must be given only once.`
    case 'missing parameter':
      return 'Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.'
    case 'algorithm':
      return 'X-Amz-Algorithm only supports "AWS4-HMAC-SHA256"'
    case 'date':
      return "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\""
    case 'expires':
      return expiresTexts[fault.problem]
  }
}

function otherDayText(fault: { readonly credentialDate: string; readonly date: string }): string {
  return `Invalid credential date "${fault.credentialDate}". This date is not the same as X-Amz-Date: "${fault.date}".`
}

const expiresTexts = {
  'not a number': 'X-Amz-Expires should be a number',
  negative: 'X-Amz-Expires must be non-negative',
  'too long':
    'X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds',
} as const

const argumentTexts: Readonly<Record<Exclude<ArgumentFault, 'missing field'>, string>> = {
  'authorization type': 'Unsupported Authorization Type',
  'authorization form': "Authorization header is invalid -- one and only one ' ' (space) required.",
  'authorization form of Version 2':
    "Authorization header is invalid -- one and only one ' ' (space) required",
  'access key and signature':
    'AWS authorization header is invalid.  Expected AwsAccessKeyId:signature',
  'two mechanisms':
    'Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified',
  'payload hash':
    'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.',
  'several in one': 'The value can not be told from several parameters.',
  'not a header': 'The parameter can not stand for a header.',
  'form algorithm': 'X-Amz-Algorithm only supports "AWS4-HMAC-SHA256"',
  'form date':
    "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\", on the day of the credential",
}

const parameterRules = {
  SignatureVersion: 'SignatureVersion must be 2',
  SignatureMethod: 'SignatureMethod must be HmacSHA256 or HmacSHA1',
  Timestamp: 'Timestamp must be an ISO 8601 date and time',
  Expires: 'Expires must be an ISO 8601 date and time',
} as const
