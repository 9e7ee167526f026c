// Signature Version 2 of the query protocol, and optionally Version 1. The signature is a parameter. It covers the
// method, the host, the path and all other parameters, of query and form.
// https://docs.aws.amazon.com/AmazonSimpleDB/latest/DeveloperGuide/HMACAuth.html
import { timingSafeEqual } from 'node:crypto'
import { runAtOnce, runWithBreaks, type Steps } from '../../base/fair-queue.ts'
import { s3Limits } from '../../base/limits.ts'
import { isInSignedOrder } from './canonical.ts'
import type { SecretLookup } from './credential.ts'
import { SignError } from './error.ts'
import { canonicalPieces, digestInSteps, version1Pieces } from './v2-text.ts'

/** The signed parts of a request, as the HTTP server received them. */
export interface ParameterRequest {
  readonly method: string
  /** The Host header as received; undefined without one. */
  readonly host: string | undefined
  /** The port of the connection, which some clients don't sign. */
  readonly localPort: number | undefined
  /** The path as sent. */
  readonly path: string
  /** The decoded parameters of the query and the form together. */
  readonly parameters: readonly { readonly name: string; readonly value: string }[]
}

/** The parameters of verification besides the request. */
export interface ParameterContext<P> {
  readonly lookup: SecretLookup<P>
  /** Milliseconds since the Unix epoch. */
  readonly nowMs: number
  /** True to accept Version 1, which can be forged by moving characters between names and values. */
  readonly allowsVersion1: boolean
}

/** The signer. */
export interface ParameterSigned<P> {
  readonly principal: P
  readonly accessKeyId: string
}

/**
 * Verifies the signature among a request's parameters, in one go: for few of them.
 * @throws SignError `MissingAuthentication`, `MissingParameter`, `InvalidParameterValue`,
 *   `TimestampAndExpires`, `AmbiguousOrder`, `IncompleteSignature`, `InvalidAccessKeyId`,
 *   `ParameterSignatureMismatch`, `RequestExpired`, `ForeignToken`
 */
export function verifyParameters<P>(
  request: ParameterRequest,
  context: ParameterContext<P>,
): ParameterSigned<P> {
  return runAtOnce(verification(request, context))
}

/** The same with breaks, for any number of parameters. */
export function verifyManyParameters<P>(
  request: ParameterRequest,
  context: ParameterContext<P>,
): Promise<ParameterSigned<P>> {
  return runWithBreaks(verification(request, context))
}

function* verification<P>(
  request: ParameterRequest,
  context: ParameterContext<P>,
): Steps<ParameterSigned<P>> {
  const given = (name: string): string | undefined =>
    request.parameters.find((parameter) => parameter.name === name)?.value
  const accessKeyId = given('AWSAccessKeyId')
  if (accessKeyId === undefined || accessKeyId === '') throw missingAuthentication()
  const version = given('SignatureVersion')
  if (version === undefined) throw missingParameter('SignatureVersion')
  if (version !== '2' && !(version === '1' && context.allowsVersion1)) {
    throw invalidValue(version, 'SignatureVersion')
  }
  const algorithm = version === '1' ? 'sha1' : algorithmOf(given('SignatureMethod'))
  const signature = given('Signature')
  if (signature === undefined || signature === '') throw incompleteSignature()
  const moment = momentOf(given('Timestamp'), given('Expires'))
  const found = context.lookup(accessKeyId)
  if (found === undefined) throw new SignError({ code: 'InvalidAccessKeyId', accessKeyId })
  const key = { algorithm, secret: found.secretAccessKey } as const
  let isSigned = false
  for (const pieces of yield* textsToSign(request, version)) {
    isSigned = isSame(yield* digestInSteps(key, pieces), signature)
    if (isSigned) break
  }
  if (!isSigned) throw new SignError({ code: 'ParameterSignatureMismatch' })
  if (version === '2' && !isInSignedOrder(request.parameters, parameterIdentity)) {
    throw ambiguousOrder()
  }
  // Checked after the signature: only the holder of a key learns that its clock is wrong.
  checkMoment(moment, context.nowMs)
  // Temporary keys don't exist here, so every token is foreign.
  if (given('SecurityToken') !== undefined) {
    throw new SignError({ code: 'ForeignToken' })
  }
  return { principal: found.principal, accessKeyId }
}

/**
 * The identity of a parameter of SimpleDB: names are case-insensitive, and numbers may have leading zeros. Undefined
 * for names whose order has no meaning.
 */
export function parameterIdentity(name: string): string | undefined {
  if (/^AttributeName(?:\.\d+)?$/.test(name)) return undefined
  return name.toLowerCase().replace(/\.0+(?=\d)/g, '.')
}

/** The error for parameters of the same name in an order that the signature doesn't determine. */
export function ambiguousOrder(): SignError {
  return new SignError({ code: 'AmbiguousOrder' })
}

/** The string to sign of Version 2. */
export function stringToSignV2(request: ParameterRequest, host: string): string {
  const canonical = runAtOnce(canonicalPieces(request.parameters))
  return [firstLines(request, host), ...canonical].join('')
}

function firstLines({ method, path }: ParameterRequest, host: string): string {
  return `${method}\n${host.toLowerCase()}\n${path === '' ? '/' : path}\n`
}

/** In pieces, in every form in which clients are known to sign the host: as sent, without port, and with it. */
function* textsToSign(
  request: ParameterRequest,
  version: string,
): Steps<readonly (readonly string[])[]> {
  if (version === '1') return [yield* version1Pieces(request.parameters)]
  const { host = '', localPort } = request
  const bare = host.replace(/:\d+$/, '')
  const hosts = new Set([host, bare, `${bare}:${localPort ?? ''}`])
  const canonical = yield* canonicalPieces(request.parameters)
  return [...hosts].map((one) => [firstLines(request, one), ...canonical])
}

function isSame(digest: Buffer, signature: string): boolean {
  const theirs = Buffer.from(signature, 'base64')
  return theirs.length === digest.length && timingSafeEqual(theirs, digest)
}

function algorithmOf(method: string | undefined): 'sha1' | 'sha256' {
  switch (method) {
    case 'HmacSHA256':
      return 'sha256'
    case 'HmacSHA1':
      return 'sha1'
    case undefined:
      throw missingParameter('SignatureMethod')
    default:
      throw invalidValue(method, 'SignatureMethod')
  }
}

/** The time in a request: Timestamp or Expires. */
interface Moment {
  readonly kind: 'Timestamp' | 'Expires'
  readonly text: string
  readonly ms: number
}

function momentOf(timestamp: string | undefined, expires: string | undefined): Moment {
  if (timestamp !== undefined && expires !== undefined) {
    throw new SignError({ code: 'TimestampAndExpires' })
  }
  const kind = expires === undefined ? 'Timestamp' : 'Expires'
  const text = expires ?? timestamp
  if (text === undefined) throw missingParameter('Timestamp')
  const ms = parseDateTime(text)
  if (ms === undefined) throw invalidValue(text, kind)
  return { kind, text, ms }
}

function checkMoment({ kind, text, ms }: Moment, nowMs: number): void {
  const isValid = kind === 'Expires' ? ms >= nowMs : Math.abs(nowMs - ms) <= s3Limits.clockSkewMs
  if (isValid) return
  throw new SignError({ code: 'RequestExpired', kind, text })
}

const dateTime =
  /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?(?:Z|([+-])(\d\d):?(\d\d))?$/

/** Parses an xsd:dateTime to milliseconds, in UTC if there is no zone; undefined for other texts. */
export function parseDateTime(text: string): number | undefined {
  const match = dateTime.exec(text)
  if (match === null) return undefined
  const [, year, month, day, hour, minute, second, sign, hours, minutes] = match
  const local = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
  )
  // Date.UTC takes 31 June as 1 July.
  if (new Date(local).toISOString().slice(0, 19) !== text.slice(0, 19)) return undefined
  const offsetMs = sign === undefined ? 0 : (Number(hours) * 60 + Number(minutes)) * 60_000
  return sign === '-' ? local + offsetMs : local - offsetMs
}

function missingAuthentication(): SignError {
  return new SignError({ code: 'MissingAuthentication' })
}

function incompleteSignature(): SignError {
  return new SignError({ code: 'IncompleteSignature' })
}

function missingParameter(name: string): SignError {
  return new SignError({ code: 'MissingParameter', name })
}

function invalidValue(
  value: string,
  name: 'SignatureVersion' | 'SignatureMethod' | 'Timestamp' | 'Expires',
): SignError {
  return new SignError({ code: 'InvalidParameterValue', name, value })
}
