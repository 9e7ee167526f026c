// Signature Version 4 in the Authorization header: parsing, checks in AWS's order, verification.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-auth-using-authorization-header.html

import { s3Limits } from '../../base/limits.ts'
import {
  canonicalRequest,
  isSameSignature,
  parseSignedHeaders,
  type SignedRequest,
  sign,
  signedPaths,
  stringToSign,
} from './canonical.ts'
import {
  type CredentialScope,
  parseCredential,
  type ScopeRule,
  type SecretLookup,
  type SigningKeys,
} from './credential.ts'
import { SignError } from './error.ts'
import { type Payload, parsePayloadForm } from './payload.ts'
import type { HeaderFault } from './refusal.ts'
import { formatTimestamp, parseDateHeader, parseTimestamp } from './timestamp.ts'

/** The parameters of verification besides the request. */
export interface VerifyContext<P> extends ScopeRule {
  readonly lookup: SecretLookup<P>
  readonly keys: SigningKeys
  /** Milliseconds since the Unix epoch. */
  readonly nowMs: number
}

/** The signer, and the protection of the body. */
export interface Signed<P> {
  readonly principal: P
  readonly accessKeyId: string
  readonly payload: Payload
}

/**
 * Verifies a request with the Authorization header `authorization`.
 * @throws SignError with a code for each kind of fault
 */
export function verifyHeader<P>(
  request: SignedRequest,
  authorization: string,
  context: VerifyContext<P>,
): Signed<P> {
  const parsed = parseAuthorization(authorization)
  const credential = parseCredential(parsed.credential, context)
  if ('fault' in credential) throw malformed({ kind: 'credential', fault: credential.fault })
  const payloadHash = headerText(request, 'x-amz-content-sha256') ?? request.bodySha256
  if (payloadHash === undefined) {
    throw new SignError({ code: 'PayloadHashRequired' })
  }
  const time = requestTime(request)
  if (time.timestamp.slice(0, 8) !== credential.date) {
    throw malformed({
      kind: 'other day',
      credentialDate: credential.date,
      date: time.timestamp.slice(0, 8),
    })
  }
  const token = headerText(request, 'x-amz-security-token')
  if (token !== undefined) throw new SignError({ code: 'InvalidToken', token })
  const signedHeaders = parseSignedHeaders(parsed.signedHeaders)
  if (signedHeaders === undefined) {
    throw malformed({ kind: 'signed headers' })
  }
  requireSigned(request, signedHeaders)
  const signed = verifySignature(request, context, {
    credential,
    timestamp: time.timestamp,
    signedHeaders,
    signature: parsed.signature,
    payloadHashes: [payloadHash],
    isPresigned: false,
  })
  // Checked last, as on AWS: only the holder of a key learns that its clock is wrong.
  if (Math.abs(context.nowMs - time.ms) > s3Limits.clockSkewMs) {
    throw new SignError({
      code: 'RequestTimeTooSkewed',
      requestTime: time.text,
      nowMs: context.nowMs,
      maximumMs: s3Limits.clockSkewMs,
    })
  }
  return signed
}

/** The parts of a signature in a header, URL or form. */
export interface SignatureParts {
  readonly credential: CredentialScope
  readonly timestamp: string
  /** Distinct names in lower case, in the order sent. */
  readonly signedHeaders: readonly string[]
  readonly signature: string
  /** The candidates for the hash of the body. The first is x-amz-content-sha256, if sent. */
  readonly payloadHashes: readonly string[]
  /** True for a signature in a URL, whose user may not be its signer. */
  readonly isPresigned: boolean
}

/**
 * Looks up the key and compares signatures.
 * @throws SignError InvalidArgument, InvalidAccessKeyId or SignatureDoesNotMatch
 */
export function verifySignature<P>(
  request: SignedRequest,
  { lookup, keys }: VerifyContext<P>,
  parts: SignatureParts,
): Signed<P> {
  const { credential, timestamp, signature, signedHeaders: headers } = parts
  const { accessKeyId, scope } = credential
  const attempts = parts.payloadHashes.flatMap((payload) => {
    const form = parsePayloadForm(payload)
    if (form === undefined) throw invalidPayloadHash(payload)
    const paths = signedPaths(request.path, parts.isPresigned)
    return paths.map((path) => ({ form, signed: { path, headers, payload } }))
  })
  const found = lookup(accessKeyId)
  if (found === undefined) throw new SignError({ code: 'InvalidAccessKeyId', accessKeyId })
  const key = keys.get(credential, found.secretAccessKey)
  const facts: { readonly stringToSign: string; readonly canonicalRequest: string }[] = []
  const match = attempts.find(({ signed }) => {
    const canonical = canonicalRequest(request, signed)
    const text = stringToSign(timestamp, scope, canonical)
    facts.push({ stringToSign: text, canonicalRequest: canonical })
    return isSameSignature(sign(key, text), signature)
  })
  if (match === undefined) {
    const [usual = { stringToSign: '' }] = facts
    throw new SignError({ code: 'SignatureDoesNotMatch', accessKeyId, signature, ...usual })
  }
  const { principal } = found
  const { form } = match
  if (form.kind !== 'chunked') return { principal, accessKeyId, payload: form }
  const signing = form.isSigned
    ? { accessKeyId, key, seed: signature, timestamp, scope }
    : undefined
  const payload: Payload = { kind: 'chunked', signing, hasTrailers: form.hasTrailers }
  return { principal, accessKeyId, payload }
}

/** The error for an invalid value of x-amz-content-sha256. */
export function invalidPayloadHash(value: string): SignError {
  return new SignError({
    code: 'InvalidArgument',
    argument: 'x-amz-content-sha256',
    value,
    fault: 'payload hash',
  })
}

/**
 * Checks that the signature covers `host` and every header that can change what the request does.
 * @throws SignError HeadersNotSigned
 */
export function requireSigned(request: SignedRequest, signedHeaders: readonly string[]): void {
  const names = new Set(signedHeaders)
  let unsigned: string | undefined
  for (const name in request.headers) {
    // Holdfast's own headers change the meaning of a request like Amazon's.
    const matters = name === 'host' || name.startsWith('x-amz-') || name.startsWith('x-holdfast-')
    if (matters && !names.has(name)) unsigned = unsigned ? `${unsigned}, ${name}` : name
  }
  // HTTP/1.0 has no Host; the signature must still bind the request to a host.
  if (!names.has('host') && headerText(request, 'host') === undefined) unsigned ??= 'host'
  if (unsigned !== undefined) {
    throw new SignError({ code: 'HeadersNotSigned', names: unsigned })
  }
}

/** A header that must not be repeated; undefined if absent. */
export function headerText(request: SignedRequest, name: string): string | undefined {
  const value = request.headers[name]
  return typeof value === 'string' ? value : value?.join(',')
}

interface Authorization {
  readonly credential: string
  readonly signedHeaders: string
  readonly signature: string
}

const usualForm =
  /^AWS4-HMAC-SHA256 +Credential=([^, ]+), *SignedHeaders=([^, ]+), *Signature=([0-9a-f]+)$/

function parseAuthorization(header: string): Authorization {
  const match = usualForm.exec(header)
  if (match?.[1] !== undefined && match[2] !== undefined && match[3] !== undefined) {
    return { credential: match[1], signedHeaders: match[2], signature: match[3] }
  }
  return parseUnusual(header)
}

/** Parses components in any order, and finds the precise fault of a malformed Authorization header. */
function parseUnusual(header: string): Authorization {
  const space = header.indexOf(' ')
  const algorithm = space < 0 ? header : header.slice(0, space)
  if (algorithm === 'AWS' || algorithm.startsWith('AWS4-ECDSA'))
    throw new SignError({ code: 'MechanismNotSupported' })
  if (!algorithm.startsWith('AWS4-')) {
    throw new SignError({
      code: 'InvalidArgument',
      argument: 'Authorization',
      value: header,
      fault: 'authorization type',
    })
  }
  if (algorithm !== 'AWS4-HMAC-SHA256') throw new SignError({ code: 'MechanismNotSupported' })
  if (space < 0) {
    throw new SignError({
      code: 'InvalidArgument',
      argument: 'Authorization',
      value: header,
      fault: 'authorization form',
    })
  }
  const found = new Map<string, string>()
  for (const component of header.slice(space + 1).split(',')) {
    const text = component.trim()
    const equals = text.indexOf('=')
    if (equals < 1) throw malformed({ kind: 'component', text })
    const name = text.slice(0, equals)
    if (found.has(name)) throw malformed({ kind: 'repeated component', name })
    found.set(name, text.slice(equals + 1))
  }
  const credential = found.get('Credential')
  const signedHeaders = found.get('SignedHeaders')
  const signature = found.get('Signature')
  if (!credential || !signedHeaders || !signature) {
    throw malformed({ kind: 'missing component' })
  }
  return { credential, signedHeaders, signature }
}

function malformed(fault: HeaderFault): SignError {
  return new SignError({ code: 'AuthorizationHeaderMalformed', fault })
}

/** The signed time: x-amz-date, or else Date. */
function requestTime(request: SignedRequest): { ms: number; timestamp: string; text: string } {
  const amzDate = headerText(request, 'x-amz-date')
  const date = headerText(request, 'date')
  const text = amzDate ?? date ?? ''
  const ms = amzDate === undefined ? parseDateHeader(text) : parseTimestamp(text)
  if (ms === undefined) {
    throw new SignError({ code: 'DateRequired' })
  }
  return { ms, timestamp: amzDate ?? formatTimestamp(ms), text }
}
