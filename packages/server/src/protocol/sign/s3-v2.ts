// S3's Signature Version 2, still the default of some presigning clients. The signature covers neither host nor
// body, nor most of a request: unsigned parts that would change the server's action are refused.
// https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html
import { createHmac } from 'node:crypto'
import { s3Limits } from '../../base/limits.ts'
import {
  isSameSignature,
  RawValues,
  type SignedRequest,
  signedPaths,
  signedValue,
} from './canonical.ts'
import { SignError } from './error.ts'
import { type PostFields, requiredField } from './post.ts'
import { parseDateHeader } from './timestamp.ts'
import { headerText, type VerifyContext } from './v4.ts'

/** The signer. */
export interface SignedV2<P> {
  readonly principal: P
  readonly accessKeyId: string
  /** The value of x-amz-content-sha256; undefined if the body isn't signed. */
  readonly contentSha256: string | undefined
}

/** True for an Authorization header of Version 2. */
export function isAuthorizationV2(authorization: string): boolean {
  return /^AWS(?: |$)/.test(authorization)
}

/**
 * Verifies a request whose Authorization header has `authorization`: `AWS AccessKeyId:Signature`.
 * @throws SignError InvalidArgument, DateRequired, HeadersNotSigned, ParameterNotSigned, InvalidAccessKeyId,
 *   SignatureDoesNotMatch, RequestTimeTooSkewed or InvalidToken
 */
export function verifyHeaderV2<P>(
  request: SignedRequest,
  authorization: string,
  context: VerifyContext<P>,
): SignedV2<P> {
  const { accessKeyId, signature } = parseAuthorization(authorization)
  const amzDate = headerText(request, 'x-amz-date')
  const text = amzDate ?? headerText(request, 'date') ?? ''
  const ms = parseDateHeader(text)
  if (ms === undefined) throw new SignError({ code: 'DateRequired' })
  const amzHeaders = amzHeadersOf(request)
  // The date is signed once: x-amz-date is signed with the other x-amz- headers.
  const date = amzDate === undefined ? text : ''
  const parts = { accessKeyId, signature, date, amzHeaders, isPresigned: false }
  const signed = verifySignature(request, context, parts)
  // Checked last, as in Version 4: only the holder of a key learns that its clock is wrong.
  if (Math.abs(context.nowMs - ms) > s3Limits.clockSkewMs) {
    throw new SignError({
      code: 'RequestTimeTooSkewed',
      requestTime: text,
      nowMs: context.nowMs,
      maximumMs: s3Limits.clockSkewMs,
    })
  }
  return signed
}

/**
 * Verifies a presigned URL: AWSAccessKeyId, Expires (seconds since the Unix epoch) and Signature. The `x-amz-`
 * parameters are signed as the headers that they represent.
 * @throws SignError UrlIncomplete, UrlExpired, UrlExpiryInvalid, HeadersNotSigned, ParameterNotSigned, InvalidArgument,
 *   InvalidAccessKeyId, SignatureDoesNotMatch or InvalidToken
 */
export function verifyQueryV2<P>(request: SignedRequest, context: VerifyContext<P>): SignedV2<P> {
  const accessKeyId = parameterOf(request, 'AWSAccessKeyId')
  const signature = parameterOf(request, 'Signature')
  const expires = parameterOf(request, 'Expires')
  if (!accessKeyId || !signature || !expires) {
    throw new SignError({ code: 'UrlIncomplete' })
  }
  checkLifetime(expires, context.nowMs)
  const amzHeaders = amzHeadersOf(request)
  addAmzParameters(amzHeaders, request)
  const parts = { accessKeyId, signature, date: expires, amzHeaders, isPresigned: true }
  return verifySignature(request, context, parts)
}

/**
 * Verifies the signature of the policy in a form: AWSAccessKeyId, policy, signature.
 * @throws SignError InvalidArgument, InvalidAccessKeyId, SignatureDoesNotMatch or InvalidToken
 */
export function verifyFormV2<P>(
  fields: PostFields,
  { lookup }: VerifyContext<P>,
): { readonly principal: P; readonly accessKeyId: string } {
  const policy = requiredField(fields, 'policy')
  const accessKeyId = requiredField(fields, 'awsaccesskeyid')
  const signature = requiredField(fields, 'signature')
  const token = fields.get('x-amz-security-token')
  if (token !== undefined) throw new SignError({ code: 'InvalidToken', token })
  const found = lookup(accessKeyId)
  if (found === undefined) throw new SignError({ code: 'InvalidAccessKeyId', accessKeyId })
  if (!isSameSignature(sign(found.secretAccessKey, policy), signature)) {
    throw new SignError({
      code: 'SignatureDoesNotMatch',
      accessKeyId,
      stringToSign: policy,
      signature,
    })
  }
  return { principal: found.principal, accessKeyId }
}

interface Parts {
  readonly accessKeyId: string
  readonly signature: string
  /** The fourth line of the string to sign: Date or Expires. */
  readonly date: string
  /** Latin-1 values by name in lower case. */
  readonly amzHeaders: ReadonlyMap<string, string>
  readonly isPresigned: boolean
}

function verifySignature<P>(
  request: SignedRequest,
  { lookup }: VerifyContext<P>,
  { accessKeyId, signature, date, amzHeaders, isPresigned }: Parts,
): SignedV2<P> {
  refuseUnsigned(request)
  const token = amzHeaders.get('x-amz-security-token')
  if (token !== undefined) throw new SignError({ code: 'InvalidToken', token })
  const found = lookup(accessKeyId)
  if (found === undefined) throw new SignError({ code: 'InvalidAccessKeyId', accessKeyId })
  const { secretAccessKey, principal } = found
  const texts = pathsOf(request, isPresigned).map((path) =>
    stringToSign(request, { path, date, amzHeaders }),
  )
  if (!texts.some((text) => isSameSignature(sign(secretAccessKey, text), signature))) {
    throw new SignError({
      code: 'SignatureDoesNotMatch',
      accessKeyId,
      stringToSign: texts[0] ?? '',
      signature,
    })
  }
  return { principal, accessKeyId, contentSha256: amzHeaders.get('x-amz-content-sha256') }
}

/** The spellings of a path that may be signed; first, the path as sent. */
function pathsOf({ path, hostBucket }: SignedRequest, isPresigned: boolean): string[] {
  // Proxies may escape more or less of the path than was signed.
  const paths = signedPaths(path, isPresigned).sort(
    (a, b) => Number(b === path) - Number(a === path),
  )
  // botocore signs the path of a bucket with a trailing slash, and sends it without one.
  if (hostBucket === undefined && path.indexOf('/', 1) < 0) paths.push(`${path}/`)
  return paths
}

function stringToSign(
  request: SignedRequest,
  { path, date, amzHeaders }: Pick<Parts, 'date' | 'amzHeaders'> & { readonly path: string },
): string {
  const contentMd5 = headerText(request, 'content-md5') ?? ''
  const contentType = headerText(request, 'content-type') ?? ''
  let headers = ''
  for (const name of [...amzHeaders.keys()].sort()) headers += `${name}:${amzHeaders.get(name)}\n`
  const resource = canonicalResource(request, path)
  return `${request.method}\n${contentMd5}\n${contentType}\n${date}\n${headers}${resource}`
}

function sign(secretAccessKey: string, text: string): string {
  return createHmac('sha1', secretAccessKey).update(text, 'latin1').digest('base64')
}

/** The signed parameters: those in Amazon's documentation, and later additions of its clients. */
const signedParameters: ReadonlySet<string> = new Set([
  'accelerate',
  'acl',
  'analytics',
  'cors',
  'defaultObjectAcl',
  'delete',
  'inventory',
  'lifecycle',
  'location',
  'logging',
  'metrics',
  'notification',
  'object-lock',
  'partNumber',
  'policy',
  'replication',
  'requestPayment',
  'response-cache-control',
  'response-content-disposition',
  'response-content-encoding',
  'response-content-language',
  'response-content-type',
  'response-expires',
  'restore',
  'select',
  'select-type',
  'storageClass',
  'tagging',
  'torrent',
  'uploadId',
  'uploads',
  'versionId',
  'versioning',
  'versions',
  'website',
])

/** The parameters that needn't be signed: the signature itself, and those that select a part of a listing. */
const freeParameters: ReadonlySet<string> = new Set([
  'AWSAccessKeyId',
  'Expires',
  'Signature',
  'bucket-region',
  'continuation-token',
  'delimiter',
  'encoding-type',
  'fetch-owner',
  'key-marker',
  'list-type',
  'marker',
  'max-buckets',
  'max-keys',
  'max-parts',
  'max-uploads',
  'part-number-marker',
  'prefix',
  'start-after',
  'upload-id-marker',
  'version-id-marker',
])

/**
 * Headers, in any case, that clients repeat as parameters of presigned URLs; the JavaScript SDK repeats all. The
 * parameters aren't signed, and only the headers have an effect.
 */
const repeatedHeaders: ReadonlySet<string> = new Set([
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-length',
  'content-md5',
  'content-type',
])

function canonicalResource(request: SignedRequest, path: string): string {
  const bucket = request.hostBucket === undefined ? '' : `/${request.hostBucket}`
  const signed = request.parameters.filter(({ name }) => signedParameters.has(name))
  if (signed.length === 0) return `${bucket}${path}`
  const query = signed
    .toSorted((a, b) => (a.name === b.name ? 0 : a.name < b.name ? -1 : 1))
    .map(({ name, value }) => (value === '' ? name : `${name}=${bytesOf(value)}`))
  return `${bucket}${path}?${query.join('&')}`
}

/** Refuses Holdfast's own headers, and parameters that may name an operation: Version 2 doesn't sign them. */
function refuseUnsigned(request: SignedRequest): void {
  const headers = Object.keys(request.headers).filter((name) => name.startsWith('x-holdfast-'))
  if (headers.length > 0)
    throw new SignError({ code: 'HeadersNotSigned', names: headers.join(', ') })
  for (const { name, value } of request.parameters) {
    if (freeParameters.has(name) || isAmzName(name)) continue
    if (repeatedHeaders.has(name.toLowerCase())) continue
    if (signedParameters.has(name)) {
      refuseHiddenParameter(name, value)
      continue
    }
    throw new SignError({ code: 'ParameterNotSigned', name })
  }
}

/** Refuses '&' in a value. In the string to sign, it looks like a separator, so a value could hide the next one. */
function refuseHiddenParameter(name: string, value: string): void {
  if (!value.includes('&')) return
  for (const piece of value.split('&').slice(1)) {
    const equals = piece.indexOf('=')
    const hidden = equals < 0 ? piece : piece.slice(0, equals)
    if (!signedParameters.has(hidden)) continue
    throw new SignError({
      code: 'InvalidArgument',
      argument: name,
      value,
      fault: 'several in one',
    })
  }
}

const isAmzName = (name: string): boolean => /^x-amz-/i.test(name)

function amzHeadersOf(request: SignedRequest): Map<string, string> {
  const found = new Map<string, string>()
  const rawValues = new RawValues(request.rawHeaders)
  for (const name in request.headers) {
    if (name.startsWith('x-amz-')) found.set(name, signedValue(request, name, rawValues))
  }
  return found
}

/** Adds parameters that act as headers. A header has precedence over its parameter; only the effective value is signed. */
function addAmzParameters(headers: Map<string, string>, { parameters }: SignedRequest): void {
  for (const { name, value } of parameters) {
    if (!isAmzName(name)) continue
    // In the string to sign, a colon ends a name and a line feed a value. With these characters, one pair could look like two.
    if (!/^[\w-]+$/.test(name) || /[\r\n]/.test(value)) {
      throw new SignError({
        code: 'InvalidArgument',
        argument: name,
        value,
        fault: 'not a header',
      })
    }
    const header = name.toLowerCase()
    if (!headers.has(header)) headers.set(header, bytesOf(value))
  }
}

/** The UTF-8 bytes of a text, as one character per byte. */
function bytesOf(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

function parameterOf({ parameters }: SignedRequest, name: string): string | undefined {
  return parameters.find((parameter) => parameter.name === name)?.value
}

function parseAuthorization(header: string): Pick<Parts, 'accessKeyId' | 'signature'> {
  const [, credentials, ...more] = header.split(' ')
  if (credentials === undefined || more.length > 0) {
    throw new SignError({
      code: 'InvalidArgument',
      argument: 'Authorization',
      value: header,
      fault: 'authorization form of Version 2',
    })
  }
  const match = /^([^:]+):([^:]+)$/.exec(credentials)
  if (match?.[1] === undefined || match[2] === undefined) {
    throw new SignError({
      code: 'InvalidArgument',
      argument: 'Authorization',
      value: header,
      fault: 'access key and signature',
    })
  }
  return { accessKeyId: match[1], signature: match[2] }
}

function checkLifetime(expires: string, nowMs: number): void {
  if (!/^\d{1,12}$/.test(expires)) {
    throw new SignError({ code: 'UrlExpiryInvalid', expires })
  }
  const expiresAtMs = Number(expires) * 1000
  if (nowMs <= expiresAtMs) return
  throw new SignError({ code: 'UrlExpired', expiresAtMs, nowMs })
}
