// Checks every request's head first. Headers that determine the effect of a request, or that a signature relies
// on, must not be repeated, since a proxy might use the other value.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { StoreError } from '../../base/errors.ts'
import { ownLimits } from '../../base/limits.ts'

/**
 * Checks a head. After a refusal, the connection carries no other request.
 * @throws StoreError InvalidHost, TransferEncodingInHttp10, RepeatedHeader, HeaderSectionTooLarge
 */
export function checkHead(request: IncomingMessage, response: ServerResponse): void {
  const problem = problemOf(request)
  if (problem === undefined) return
  response.shouldKeepAlive = false
  throw problem
}

function problemOf(request: IncomingMessage): StoreError | undefined {
  const { headers, rawHeaders, httpVersionMajor, httpVersionMinor } = request
  if (isTooLarge(rawHeaders)) {
    return new StoreError({ code: 'HeaderSectionTooLarge', maximumBytes: ownLimits.headerBytes })
  }
  const isVersion10 = httpVersionMajor === 1 && httpVersionMinor === 0
  const { host } = headers
  if (host === undefined ? !isVersion10 : !hostForm.test(host)) {
    return new StoreError({ code: 'InvalidHost' })
  }
  // HTTP/1.0 has no transfer codings. A proxy that forwards such a request may have seen a different body.
  if (isVersion10 && headers['transfer-encoding'] !== undefined) {
    return new StoreError({ code: 'TransferEncodingInHttp10' })
  }
  const repeated = repeatedName(headers, rawHeaders)
  return repeated === undefined
    ? undefined
    : new StoreError({ code: 'RepeatedHeader', name: repeated })
}

function isTooLarge(rawHeaders: readonly string[]): boolean {
  if (rawHeaders.length > 2 * ownLimits.headers) return true
  // Adds a colon, a space, and CRLF for each header.
  let bytes = 2 * rawHeaders.length
  for (const text of rawHeaders) bytes += text.length
  return bytes > ownLimits.headerBytes
}

/** A name, an IPv4 address, or an IPv6 address in brackets, with or without a port (RFC 3986, 3.2.2). */
const hostForm = /^(?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9\-._~%!$&'()*+;=]{1,255})(?::\d{0,5})?$/

/** The first repeated header that may occur only once. */
function repeatedName(
  headers: IncomingMessage['headers'],
  rawHeaders: readonly string[],
): string | undefined {
  let names = 0
  for (const name in headers) if (name !== '') names++
  // Nearly always no header is repeated.
  if (2 * names === rawHeaders.length) return undefined
  const seen = new Set<string>()
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const raw = rawHeaders[i] ?? ''
    const name = raw.toLowerCase()
    const isSingle = singles.has(name) || name.startsWith('x-amz-checksum-')
    if (!isSingle) continue
    if (seen.has(name)) return raw
    seen.add(name)
  }
  return undefined
}

/** Headers that may occur only once. Node would drop the second value of some, and join others by a comma. */
const singles: ReadonlySet<string> = new Set([
  'host',
  'authorization',
  'content-length',
  'transfer-encoding',
  'content-type',
  'content-md5',
  'date',
  'expires',
  'range',
  'if-modified-since',
  'if-unmodified-since',
  'x-amz-date',
  'x-amz-content-sha256',
  'x-amz-decoded-content-length',
  'x-amz-security-token',
  'x-amz-copy-source',
  'x-amz-copy-source-range',
  'x-amz-metadata-directive',
  'x-amz-tagging',
  'x-amz-tagging-directive',
  'x-amz-acl',
  'x-amz-storage-class',
  'x-amz-expected-bucket-owner',
  'x-amz-source-expected-bucket-owner',
  'x-amz-sdk-checksum-algorithm',
  'x-amz-client-token',
  'x-holdfast-lease',
])
