// Signature Version 4 in the query string: presigned URLs. In S3, `s3/hoisted-header.ts` turns their parameters into headers.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html

import { s3Limits } from '../../base/limits.ts'
import { parseSignedHeaders, type SignedRequest } from './canonical.ts'
import { parseCredential } from './credential.ts'
import { SignError } from './error.ts'
import type { QueryFault } from './refusal.ts'
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
 * @throws SignError AuthorizationQueryParametersError, UrlExpired, UrlNotYetValid, HeadersNotSigned,
 *   InvalidAccessKeyId, SignatureDoesNotMatch and the like
 */
export function verifyQuery<P>(request: SignedRequest, context: VerifyContext<P>): Signed<P> {
  const parameters = presignParameters(request)
  const { timestamp, signature } = parameters
  const credential = parseCredential(parameters.credential, context)
  if ('fault' in credential) throw parametersError({ kind: 'credential', fault: credential.fault })
  const date = timestamp.slice(0, 8)
  if (credential.date !== date) {
    throw parametersError({ kind: 'other day', credentialDate: credential.date, date })
  }
  checkLifetime(parameters, context.nowMs)
  if (parameters.token !== undefined)
    throw new SignError({ code: 'InvalidToken', token: parameters.token })
  const signedHeaders = parseSignedHeaders(parameters.signedHeaders)
  if (signedHeaders === undefined) {
    throw parametersError({ kind: 'signed headers' })
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

/** The payload hashes to try for a URL without one: for services other than S3, the body's hash too. */
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
    // These parameters represent headers, whose names are case-insensitive.
    const header = name.toLowerCase()
    if (headers.has(header)) throw parametersError({ kind: 'repeated parameter', name })
    headers.add(header)
    values.set(header === tokenParameter.toLowerCase() ? tokenParameter : name, value)
  }
  const algorithm = values.get('X-Amz-Algorithm')
  if (algorithm !== undefined && algorithm !== 'AWS4-HMAC-SHA256') {
    if (algorithm.startsWith('AWS4-ECDSA')) throw new SignError({ code: 'MechanismNotSupported' })
    throw parametersError({ kind: 'algorithm' })
  }
  const credential = values.get('X-Amz-Credential')
  const timestamp = values.get('X-Amz-Date')
  const expires = values.get('X-Amz-Expires')
  const signedHeaders = values.get('X-Amz-SignedHeaders')
  const signature = values.get('X-Amz-Signature')
  if (!algorithm || !credential || !timestamp || !expires || !signedHeaders || !signature) {
    throw parametersError({ kind: 'missing parameter' })
  }
  const signedAtMs = parseTimestamp(timestamp)
  if (signedAtMs === undefined) {
    throw parametersError({ kind: 'date' })
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
  if (!/^-?\d{1,15}$/.test(text))
    throw parametersError({ kind: 'expires', problem: 'not a number' })
  const seconds = Number(text)
  if (seconds < 0) throw parametersError({ kind: 'expires', problem: 'negative' })
  if (seconds > s3Limits.presignSeconds) {
    throw parametersError({ kind: 'expires', problem: 'too long' })
  }
  return seconds
}

function checkLifetime({ signedAtMs, expiresSeconds }: PresignParameters, nowMs: number): void {
  const expiresAtMs = signedAtMs + expiresSeconds * 1000
  if (nowMs > expiresAtMs) {
    throw new SignError({ code: 'UrlExpired', expiresAtMs, expiresSeconds, nowMs })
  }
  if (signedAtMs - nowMs > s3Limits.clockSkewMs) {
    throw new SignError({ code: 'UrlNotYetValid', signedAtMs, nowMs })
  }
}

function parametersError(fault: QueryFault): SignError {
  return new SignError({ code: 'AuthorizationQueryParametersError', fault })
}
