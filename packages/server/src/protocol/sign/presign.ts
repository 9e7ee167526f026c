// Signature Version 4 in the query string: presigned URLs.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html

import { s3Limits } from '../../base/limits.ts'
import { parseSignedHeaders, type SignedRequest } from './canonical.ts'
import { parseCredential } from './credential.ts'
import { SignError } from './error.ts'
import { invalidToken, isoSeconds, mechanismNotSupported } from './refuse.ts'
import { parseTimestamp } from './timestamp.ts'
import {
  headerText,
  requireSigned,
  type Signed,
  type VerifyContext,
  verifySignature,
} from './v4.ts'

/**
 * Verifies a request with an X-Amz-Algorithm parameter.
 * @throws SignError AuthorizationQueryParametersError, AccessDenied (expired, not yet valid, unsigned headers),
 *   InvalidAccessKeyId, SignatureDoesNotMatch and the like
 */
export function verifyQuery<P>(request: SignedRequest, context: VerifyContext<P>): Signed<P> {
  const parameters = presignParameters(request)
  const { timestamp, signature } = parameters
  const credential = parseCredential(parameters.credential, context)
  if ('problem' in credential) {
    throw parametersError(
      `Error parsing the X-Amz-Credential parameter; ${credential.problem}`,
      credential.region,
    )
  }
  if (credential.date !== timestamp.slice(0, 8)) {
    throw parametersError(
      `Invalid credential date "${credential.date}". This date is not the same as X-Amz-Date: "${timestamp.slice(0, 8)}".`,
    )
  }
  checkLifetime(parameters, context.nowMs)
  if (parameters.token !== undefined) throw invalidToken(parameters.token)
  const signedHeaders = parseSignedHeaders(parameters.signedHeaders)
  if (signedHeaders === undefined) {
    throw parametersError('X-Amz-SignedHeaders must be distinct header names in lower case.')
  }
  requireSigned(request, signedHeaders)
  const payloadHash = parameters.contentSha256 ?? headerText(request, 'x-amz-content-sha256')
  return verifySignature(request, context, {
    credential,
    timestamp,
    signedHeaders,
    signature,
    payloadHashes: payloadHash === undefined ? usualHashes(request) : [payloadHash],
    isPresigned: true,
  })
}

/** What stands for the body in a URL that says nothing of it: for services other than S3, the body's hash. */
function usualHashes({ bodySha256 }: SignedRequest): string[] {
  const unsigned = 'UNSIGNED-PAYLOAD'
  return bodySha256 === undefined ? [unsigned] : [bodySha256, unsigned]
}

interface PresignParameters {
  readonly credential: string
  readonly timestamp: string
  readonly signedAtMs: number
  readonly expiresSeconds: number
  readonly signedHeaders: string
  readonly signature: string
  readonly token: string | undefined
  readonly contentSha256: string | undefined
}

const tokenParameter = 'X-Amz-Security-Token'

function presignParameters(request: SignedRequest): PresignParameters {
  const values = new Map<string, string>()
  const headers = new Set<string>()
  for (const { name, value } of request.parameters) {
    if (!/^x-amz-/i.test(name)) continue
    // They stand for headers, whose names have no case.
    const header = name.toLowerCase()
    if (headers.has(header)) throw parametersError(`${name} must be given only once.`)
    headers.add(header)
    values.set(header === tokenParameter.toLowerCase() ? tokenParameter : name, value)
  }
  const algorithm = values.get('X-Amz-Algorithm')
  if (algorithm !== undefined && algorithm !== 'AWS4-HMAC-SHA256') {
    if (algorithm.startsWith('AWS4-ECDSA')) throw mechanismNotSupported()
    throw parametersError('X-Amz-Algorithm only supports "AWS4-HMAC-SHA256"')
  }
  const credential = values.get('X-Amz-Credential')
  const timestamp = values.get('X-Amz-Date')
  const expires = values.get('X-Amz-Expires')
  const signedHeaders = values.get('X-Amz-SignedHeaders')
  const signature = values.get('X-Amz-Signature')
  if (!algorithm || !credential || !timestamp || !expires || !signedHeaders || !signature) {
    throw parametersError(
      'Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.',
    )
  }
  const signedAtMs = parseTimestamp(timestamp)
  if (signedAtMs === undefined) {
    throw parametersError("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
  }
  return {
    credential,
    timestamp,
    signedAtMs,
    expiresSeconds: parseExpires(expires),
    signedHeaders,
    signature,
    token: values.get(tokenParameter),
    contentSha256: values.get('X-Amz-Content-Sha256'),
  }
}

function parseExpires(text: string): number {
  if (!/^-?\d{1,15}$/.test(text)) throw parametersError('X-Amz-Expires should be a number')
  const seconds = Number(text)
  if (seconds < 0) throw parametersError('X-Amz-Expires must be non-negative')
  if (seconds > s3Limits.presignSeconds) {
    throw parametersError(
      'X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds',
    )
  }
  return seconds
}

function checkLifetime({ signedAtMs, expiresSeconds }: PresignParameters, nowMs: number): void {
  const expiresAtMs = signedAtMs + expiresSeconds * 1000
  if (nowMs > expiresAtMs) {
    throw new SignError('ExpiredUrl', 'Request has expired', {
      fields: {
        'X-Amz-Expires': String(expiresSeconds),
        Expires: isoSeconds(expiresAtMs),
        ServerTime: isoSeconds(nowMs),
      },
    })
  }
  if (signedAtMs - nowMs > s3Limits.clockSkewMs) {
    throw new SignError('AccessDenied', 'Request is not valid yet', {
      fields: { 'X-Amz-Date': isoSeconds(signedAtMs), ServerTime: isoSeconds(nowMs) },
    })
  }
}

function parametersError(message: string, region?: string): SignError {
  return new SignError(
    'AuthorizationQueryParametersError',
    message,
    region === undefined ? {} : { fields: { Region: region } },
  )
}
