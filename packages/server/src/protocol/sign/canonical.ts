// Signature Version 4's canonical request and string to sign, in S3's dialect: the path is encoded
// once and not normalized. Strings here are Latin-1: one character per byte of the request.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
import { createHmac, hash, type KeyObject, timingSafeEqual } from 'node:crypto'

/** The signed parts of a request, as the HTTP server received them. */
export interface SignedRequest {
  readonly method: string
  /** The path as sent, not decoded. */
  readonly path: string
  /** The bucket in the host name, which Signature Version 2 puts before the path. */
  readonly hostBucket?: string | undefined
  /** The query's parameters, decoded, in any order. */
  readonly parameters: readonly { readonly name: string; readonly value: string }[]
  /** Node's lower-case headers. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** Node's raw headers: name, value, name, value. */
  readonly rawHeaders: readonly string[]
  /**
   * SHA-256 of the body in hex, for services whose clients sign the hash without sending x-amz-content-sha256. S3's
   * clients must send that header.
   */
  readonly bodySha256?: string
}

/** The canonical request, which error responses show if signatures differ. */
export function canonicalRequest(
  request: SignedRequest,
  signed: { readonly path: string; readonly headers: readonly string[]; readonly payload: string },
): string {
  const rawValues = new RawValues(request.rawHeaders)
  let headers = ''
  for (const name of signed.headers) {
    headers += `${name}:${canonicalValue(signedValue(request, name, rawValues))}\n`
  }
  const query = request.parameters.length === 0 ? '' : canonicalQuery(request.parameters)
  return `${request.method}\n${signed.path}\n${query}\n${headers}\n${signed.headers.join(';')}\n${signed.payload}`
}

const lowerCaseToken = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/

/**
 * The names in a list of signed headers; undefined if one isn't a header name in lower case, or is repeated. A
 * repeated name would multiply its header's value in the hashed text.
 */
export function parseSignedHeaders(list: string): readonly string[] | undefined {
  const names = list.split(';')
  const isDistinct = new Set(names).size === names.length
  return isDistinct && names.every((name) => lowerCaseToken.test(name)) ? names : undefined
}

/** The string to sign of a request at `timestamp` (yyyyMMddTHHmmssZ). */
export function stringToSign(timestamp: string, scope: string, canonical: string): string {
  const digest = hash('sha256', Buffer.from(canonical, 'latin1'), 'hex')
  return `AWS4-HMAC-SHA256\n${timestamp}\n${scope}\n${digest}`
}

/** The signature of a string, in lower-case hex. */
export function sign(key: KeyObject, text: string): string {
  return createHmac('sha256', key).update(text, 'latin1').digest('hex')
}

/** Compares signatures in constant time. */
export function isSameSignature(ours: string, theirs: string): boolean {
  if (ours.length !== theirs.length) return false
  const left = Buffer.from(ours, 'latin1')
  const right = Buffer.from(theirs, 'latin1')
  return left.byteLength === right.byteLength && timingSafeEqual(left, right)
}

const plainPath = /^[A-Za-z0-9\-._~/]*$/

/**
 * The path with everything escaped except unreserved characters and '/', regardless of the client's escaping.
 * @param plus the character for a bare '+', which S3 reads as a space
 */
function canonicalPath(rawPath: string, plus: '%20' | '%2B' = '%20'): string {
  if (plainPath.test(rawPath)) return rawPath
  return rawPath.replaceAll('+', plus).replace(/%[0-9A-Fa-f]{2}|[^A-Za-z0-9\-._~/]/g, escapeOnce)
}

/**
 * The spellings of a path that a signer may have signed, the canonical one first. Some clients sign the path as
 * sent, for example with '%2F' inside a key.
 * @param isPresigned false also accepts a bare '+' signed as '%2B', as by some clients. For a presigned URL, that
 *   would let its holder turn a URL for the key `a+b` into one for `a b`.
 */
export function signedPaths(rawPath: string, isPresigned: boolean): string[] {
  const paths = new Set([canonicalPath(rawPath), rawPath])
  if (!isPresigned && rawPath.includes('+')) paths.add(canonicalPath(rawPath, '%2B'))
  return [...paths]
}

/**
 * True if parameters of the same name are in the one accepted order. Signatures cover parameters sorted by name and
 * value, so a different order would have another meaning under the same signature.
 * @param identityOf names with equal results count as the same; undefined for names whose order has no meaning
 */
export function isInSignedOrder(
  parameters: SignedRequest['parameters'],
  identityOf: (name: string) => string | undefined = (name) => name,
): boolean {
  if (parameters.length < 2) return true
  const latest = new Map<string, Parameter>()
  for (const parameter of parameters) {
    const identity = identityOf(parameter.name)
    if (identity === undefined) continue
    const previous = latest.get(identity)
    if (previous !== undefined && !mayPrecede(previous, parameter)) return false
    latest.set(identity, parameter)
  }
  return true
}

type Parameter = SignedRequest['parameters'][number]

/** True if the parameters are in order. Spellings of a name are ordered lower case first, as in Amazon's guides. */
function mayPrecede(first: Parameter, second: Parameter): boolean {
  if (first.name !== second.name) return first.name > second.name
  return first.value <= second.value
}

function escapeOnce(token: string): string {
  const byte = token.length === 3 ? Number.parseInt(token.slice(1), 16) : token.charCodeAt(0)
  const character = String.fromCharCode(byte)
  return plainPath.test(character) ? character : escapeByte(byte)
}

function escapeByte(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
}

function canonicalQuery(parameters: SignedRequest['parameters']): string {
  const pairs: { readonly name: string; readonly value: string }[] = []
  for (const { name, value } of parameters) {
    if (name !== 'X-Amz-Signature') pairs.push({ name: escapeText(name), value: escapeText(value) })
  }
  pairs.sort((a, b) => compare(a.name, b.name) || compare(a.value, b.value))
  return pairs.map(({ name, value }) => `${name}=${value}`).join('&')
}

function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

/** Percent-encodes UTF-8 as AWS does: all but unreserved characters, upper-case hex. */
function escapeText(text: string): string {
  if (/^[A-Za-z0-9\-._~]*$/.test(text)) return text
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => escapeByte(sign.charCodeAt(0)))
}

/** The signed form of a header's values, joined by commas; empty if the header is absent. */
export function signedValue(request: SignedRequest, name: string, rawValues: RawValues): string {
  // A header may have the name of an inherited property, such as `constructor`.
  const value = Object.hasOwn(request.headers, name) ? request.headers[name] : undefined
  if (value === undefined) return ''
  if (typeof value !== 'string') return value.join(',')
  // Node joins repeated headers with ', '. Only the raw headers distinguish that from a comma in a single header.
  if (!value.includes(', ')) return value
  const values = rawValues.of(name)
  return values.length > 1 ? values.map(canonicalValue).join(',') : value
}

/** The values of each raw header, collected on the first access. */
export class RawValues {
  readonly #rawHeaders: readonly string[]
  #values: Map<string, string[]> | undefined

  constructor(rawHeaders: readonly string[]) {
    this.#rawHeaders = rawHeaders
  }

  of(name: string): readonly string[] {
    this.#values ??= sortOut(this.#rawHeaders)
    return this.#values.get(name) ?? []
  }
}

function sortOut(rawHeaders: readonly string[]): Map<string, string[]> {
  const sorted = new Map<string, string[]>()
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]?.toLowerCase() ?? ''
    const values = sorted.get(name)
    const value = rawHeaders[i + 1] ?? ''
    if (values === undefined) sorted.set(name, [value])
    else values.push(value)
  }
  return sorted
}

// Not \s, which would match 0xA0, a byte inside UTF-8 text.
const untidy = /[ \t\r\n\v\f]{2}|[\t\r\n\v\f]|^ | $/

function canonicalValue(value: string): string {
  if (!untidy.test(value)) return value
  return value.replace(/[ \t\r\n\v\f]+/g, ' ').replace(/^ | $/g, '')
}
