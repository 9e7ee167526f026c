// The description of an object: system headers, user metadata, storage class. Header values are stored as Latin-1
// text, one character per byte, as in Node; user metadata as decoded text.

import { isUtf8 } from 'node:buffer'
import type { OutgoingHttpHeaders } from 'node:http'
import {
  type ObjectDescription,
  type ObjectHead,
  websiteRedirectHeader,
} from '../../operation/object.ts'
import { withoutAwsChunked } from '../sign/chunked.ts'
import { httpTime, quoted } from './answer.ts'
import { headerNotImplemented, invalidArgument, S3Error } from './error.ts'
import { aclHeaders } from './grant.ts'
import { headerOfText, headerToken, isHeaderValue, isPrintable, unfitValue } from './header-text.ts'
import { headerOf, type S3Request } from './request.ts'

const metadataPrefix = 'x-amz-meta-'

/** The headers whose meaning only routes that store an object know. */
export const storingHeaders: ReadonlySet<string> = new Set([
  'x-amz-tagging',
  websiteRedirectHeader,
  ...aclHeaders,
])

/** The headers that S3 keeps with an object, and the names it answers them by. */
const systemHeaders: Readonly<Record<string, string>> = {
  'cache-control': 'Cache-Control',
  'content-disposition': 'Content-Disposition',
  'content-encoding': 'Content-Encoding',
  'content-language': 'Content-Language',
  'content-type': 'Content-Type',
  expires: 'Expires',
  [websiteRedirectHeader]: websiteRedirectHeader,
}
const systemHeaderNames: readonly string[] = Object.keys(systemHeaders)

/** The content type of objects stored without one, as on S3. */
const defaultContentType = 'binary/octet-stream'

/** True for a header that describes the object to be stored. */
export function describesObject(name: string): boolean {
  if (name === 'x-amz-storage-class' || name.startsWith(metadataPrefix)) return true
  return systemHeaderNames.includes(name)
}

/**
 * The description in a request's headers.
 * @throws S3Error `InvalidArgument` for text that could not be returned in a header
 */
export function describedObject(request: Pick<S3Request, 'headers'>): ObjectDescription {
  const said: SaidHeader[] = []
  for (const name in request.headers) {
    if (describesObject(name)) said.push({ name, value: headerOf(request, name) ?? '' })
  }
  return describe(said)
}

/**
 * The description in a form's fields, which are text.
 * @throws S3Error `InvalidArgument` for text that could not be returned in a header
 */
export function describedInForm(
  fields: readonly { readonly name: string; readonly value: string }[],
): ObjectDescription {
  const said: SaidHeader[] = []
  for (const { name: sentName, value } of fields) {
    const name = sentName.toLowerCase()
    if (!describesObject(name)) continue
    // The check is of the sent name: lower-casing turns some non-ASCII letters into ASCII ones.
    if (!headerToken.test(sentName)) throw invalidName(sentName, value)
    said.push({ name, value: headerOfText(sentName, value) })
  }
  return describe(said)
}

/** A header of a description: lower-case name, Latin-1 value. */
interface SaidHeader {
  readonly name: string
  readonly value: string
}

/** Creates every description. What this function accepts, `describeObject` can write. */
function describe(said: readonly SaidHeader[]): ObjectDescription {
  const headers: Record<string, string> = {}
  const metadata: Record<string, string> = {}
  let storageClass = 'STANDARD'
  for (const { name, value } of said) {
    if (!headerToken.test(name)) throw invalidName(name, value)
    if (!isHeaderValue(value)) throw unfitValue(name, value)
    if (name === websiteRedirectHeader) checkRedirect(value)
    if (name === 'x-amz-storage-class') {
      storageClass = value
    } else if (name.startsWith(metadataPrefix)) {
      metadata[metadataName(name)] = textOfHeader(value)
    } else {
      const kept = name === 'content-encoding' ? withoutAwsChunked(value) : value
      if (kept) headers[name] = kept
    }
  }
  return { headers, metadata, storageClass }
}

/** @throws S3Error `InvalidRedirectLocation` */
function checkRedirect(location: string): void {
  if (/^(?:https?:\/\/|\/)/.test(location)) return
  throw new S3Error({
    status: 400,
    code: 'InvalidRedirectLocation',
    message: "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.",
  })
}

function invalidName(name: string, value: string): S3Error {
  return invalidArgument('The name of a metadata field is not a valid header name.', name, value)
}

/** The stored name of metadata. @throws S3Error for the one reserved name */
function metadataName(header: string): string {
  const name = header.slice(metadataPrefix.length)
  if (name === '__proto__') throw headerNotImplemented(header)
  return name
}

const beyondAscii = /[\u0080-\uffff]/

/** The text of a header: decoded as UTF-8 if valid, else as Latin-1. */
function textOfHeader(value: string): string {
  if (!beyondAscii.test(value)) return value
  const bytes = Buffer.from(value, 'latin1')
  return isUtf8(bytes) ? bytes.toString('utf8') : value
}

/**
 * Adds the headers that describe an object, except its checksum, to an answer. As on S3, metadata that doesn't fit
 * a header is left out and counted. Such metadata may be from a version that didn't check it.
 */
export function describeObject(
  headers: OutgoingHttpHeaders,
  object: Pick<
    ObjectHead,
    'modifiedAt' | 'etag' | 'storageClass' | 'headers' | 'metadata' | 'tags'
  >,
): void {
  headers['Last-Modified'] = httpTime(object.modifiedAt)
  headers['ETag'] = quoted(object.etag)
  headers['Accept-Ranges'] = 'bytes'
  headers['Content-Type'] = defaultContentType
  if (object.tags !== undefined) headers['x-amz-tagging-count'] = object.tags.length
  if (object.storageClass !== 'STANDARD') headers['x-amz-storage-class'] = object.storageClass
  for (const name in object.headers) {
    const value = object.headers[name] ?? ''
    if (isHeaderValue(value)) headers[systemHeaders[name] ?? name] = value
  }
  let missing = 0
  for (const name in object.metadata) {
    const text = object.metadata[name] ?? ''
    const header = metadataPrefix + name
    if (headerToken.test(header) && isPrintable(text)) headers[header] = encodedWord(text)
    else missing += 1
  }
  if (missing > 0) headers['x-amz-missing-meta'] = missing
}

/** Encodes metadata: non-ASCII text as an encoded word (RFC 2047), as on S3. */
function encodedWord(text: string): string {
  if (!beyondAscii.test(text)) return text
  return `=?UTF-8?B?${Buffer.from(text, 'utf8').toString('base64')}?=`
}

/** The parameters of a GET that override headers of the response. */
const overrides: ReadonlyMap<string, string> = new Map([
  ['response-cache-control', 'Cache-Control'],
  ['response-content-disposition', 'Content-Disposition'],
  ['response-content-encoding', 'Content-Encoding'],
  ['response-content-language', 'Content-Language'],
  ['response-content-type', 'Content-Type'],
  ['response-expires', 'Expires'],
])

/**
 * The headers in a GET's `response-` parameters; undefined if there are none.
 * @throws S3Error `InvalidArgument` for a value that doesn't fit a header
 */
export function responseOverrides({
  query,
}: Pick<S3Request, 'query'>): Readonly<Record<string, string>> | undefined {
  let found: Record<string, string> | undefined
  for (const { name, value } of query.parameters) {
    const header = overrides.get(name)
    if (header === undefined) continue
    if (!isHeaderValue(value)) throw unfitValue(name, value)
    found ??= {}
    found[header] = value
  }
  return found
}
