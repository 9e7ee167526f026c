// S3's checksums in headers, trailers, and XML elements.

import type { OutgoingHttpHeaders } from 'node:http'
import type { ChecksumAlgorithm, ChecksumType } from '../../base/terms.ts'
import type { ChecksumRequest } from '../../operation/body.ts'
import type { VerifiedBody } from '../sign/payload.ts'
import { childText, type XmlElement } from '../xml/parse.ts'
import type { XmlWriter } from '../xml/write.ts'
import { invalidRequest, type S3Error } from './error.ts'
import { headerOf, type S3Request } from './request.ts'

/** A checksum with its value, in base64, as sent by the client. */
export interface KnownChecksum {
  readonly algorithm: ChecksumAlgorithm
  readonly value: string
}

interface WireNames {
  readonly header: string
  readonly element: string
  /** The size of the value in bytes. */
  readonly bytes: number
}

const wireNames: Readonly<Record<ChecksumAlgorithm, WireNames>> = {
  CRC32: { header: 'x-amz-checksum-crc32', element: 'ChecksumCRC32', bytes: 4 },
  CRC32C: { header: 'x-amz-checksum-crc32c', element: 'ChecksumCRC32C', bytes: 4 },
  CRC64NVME: { header: 'x-amz-checksum-crc64nvme', element: 'ChecksumCRC64NVME', bytes: 8 },
  SHA1: { header: 'x-amz-checksum-sha1', element: 'ChecksumSHA1', bytes: 20 },
  SHA256: { header: 'x-amz-checksum-sha256', element: 'ChecksumSHA256', bytes: 32 },
  SHA512: { header: 'x-amz-checksum-sha512', element: 'ChecksumSHA512', bytes: 64 },
  MD5: { header: 'x-amz-checksum-md5', element: 'ChecksumMD5', bytes: 16 },
  XXHASH64: { header: 'x-amz-checksum-xxhash64', element: 'ChecksumXXHASH64', bytes: 8 },
  XXHASH3: { header: 'x-amz-checksum-xxhash3', element: 'ChecksumXXHASH3', bytes: 8 },
  XXHASH128: { header: 'x-amz-checksum-xxhash128', element: 'ChecksumXXHASH128', bytes: 16 },
}
const algorithms: readonly ChecksumAlgorithm[] = [
  'CRC32',
  'CRC32C',
  'CRC64NVME',
  'SHA1',
  'SHA256',
  'SHA512',
  'MD5',
  'XXHASH64',
  'XXHASH3',
  'XXHASH128',
]

const valuePrefix = 'x-amz-checksum-'
/** Headers that begin like a header with a checksum, but have none. */
const notValues: ReadonlySet<string> = new Set([
  'x-amz-checksum-mode',
  'x-amz-checksum-algorithm',
  'x-amz-checksum-type',
])

/**
 * The checksum of a body, in a header or announced for a trailer; undefined if there is none.
 * @throws S3Error `InvalidRequest`
 */
export function announcedChecksum(
  request: S3Request,
  content: VerifiedBody,
): ChecksumRequest | undefined {
  const known = checksumHeader(request)
  const trailer = checksumTrailer(request)
  if (known !== undefined && trailer !== undefined) throw severalChecksums()
  const named = headerOf(request, 'x-amz-sdk-checksum-algorithm')
  const algorithm = known?.algorithm ?? trailer
  if (named !== undefined) checkNamedAlgorithm(named, algorithm)
  if (known !== undefined) return { algorithm: known.algorithm, expected: () => known.value }
  if (trailer === undefined) return undefined
  const { header } = wireNames[trailer]
  return { algorithm: trailer, expected: () => content.trailers()[header] }
}

function checkNamedAlgorithm(named: string, sent: ChecksumAlgorithm | undefined): void {
  const algorithm = parseAlgorithm(named)
  if (sent === undefined) {
    throw invalidRequest(
      'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.',
    )
  }
  if (algorithm !== sent) {
    throw invalidRequest('Value for x-amz-sdk-checksum-algorithm header is invalid.')
  }
}

/**
 * The checksum in a header; undefined if there is none.
 * @throws S3Error `InvalidRequest` for several, or an invalid value
 */
export function checksumHeader(request: Pick<S3Request, 'headers'>): KnownChecksum | undefined {
  let found: KnownChecksum | undefined
  for (const name in request.headers) {
    if (!name.startsWith(valuePrefix) || notValues.has(name)) continue
    const algorithm = algorithmOfHeader(name)
    const value = headerOf(request, name) ?? ''
    if (!isChecksumValue(algorithm, value)) {
      throw invalidRequest(`Value for ${name} header is invalid.`)
    }
    if (found !== undefined) throw severalChecksums()
    found = { algorithm, value }
  }
  return found
}

function severalChecksums(): S3Error {
  return invalidRequest(
    'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
  )
}

/** The suffix of a composite checksum: the number of parts. */
const countSuffix = /-\d{1,5}$/

/** Accepts the composite form too, `value-N`, which a completion may have. */
function isChecksumValue(algorithm: ChecksumAlgorithm, value: string): boolean {
  const base = value.replace(countSuffix, '')
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base) || base.length % 4 !== 0) return false
  return Buffer.from(base, 'base64').byteLength === wireNames[algorithm].bytes
}

function algorithmOfHeader(name: string): ChecksumAlgorithm {
  const algorithm = algorithms.find((candidate) => wireNames[candidate].header === name)
  if (algorithm !== undefined) return algorithm
  throw invalidRequest(`The ${name} header is not a checksum that S3 supports.`)
}

function checksumTrailer(request: S3Request): ChecksumAlgorithm | undefined {
  const named = headerOf(request, 'x-amz-trailer')
  if (named === undefined) return undefined
  const names = named.split(',').map((name) => name.trim().toLowerCase())
  const [name] = names
  if (names.length > 1) throw severalChecksums()
  if (name === undefined || !name.startsWith(valuePrefix) || notValues.has(name)) {
    throw invalidRequest('The value specified in the x-amz-trailer header is not supported')
  }
  const { payload } = request
  if (payload.kind !== 'chunked' || !payload.hasTrailers) {
    throw invalidRequest(
      'The x-amz-trailer header needs a body that is sent with trailers; see x-amz-content-sha256.',
    )
  }
  return algorithmOfHeader(name)
}

/** Parses the name of an algorithm in a header. @throws S3Error `InvalidRequest` */
function parseAlgorithm(text: string): ChecksumAlgorithm {
  const wanted = text.toUpperCase()
  const algorithm = algorithms.find((candidate) => candidate === wanted)
  if (algorithm !== undefined) return algorithm
  throw invalidRequest(
    `Checksum algorithm provided is unsupported. Please try again with any of the valid types: [${algorithms.join(', ')}]`,
  )
}

/** The algorithm in `x-amz-checksum-algorithm`. @throws S3Error `InvalidRequest` */
export function wantedAlgorithm(
  request: Pick<S3Request, 'headers'>,
): ChecksumAlgorithm | undefined {
  const text = headerOf(request, 'x-amz-checksum-algorithm')
  return text === undefined ? undefined : parseAlgorithm(text)
}

/** The `x-amz-checksum-type` of a request. @throws S3Error `InvalidRequest` */
export function checksumTypeOf(request: Pick<S3Request, 'headers'>): ChecksumType | undefined {
  const text = headerOf(request, 'x-amz-checksum-type')
  if (text === undefined || text === 'COMPOSITE' || text === 'FULL_OBJECT') return text
  throw invalidRequest('Value for x-amz-checksum-type header is invalid.')
}

/** Adds a checksum, with its type if it has one, to the headers of an answer. */
export function putChecksumHeaders(
  headers: OutgoingHttpHeaders,
  checksum: (KnownChecksum & { readonly type?: ChecksumType }) | undefined,
): void {
  if (checksum === undefined) return
  headers[wireNames[checksum.algorithm].header] = checksum.value
  if (checksum.type !== undefined) headers['x-amz-checksum-type'] = checksum.type
}

/** A composite checksum without its number of parts, which GetObjectAttributes returns separately. */
export function withoutCount(
  checksum: KnownChecksum & { readonly type: ChecksumType },
): KnownChecksum & { readonly type: ChecksumType } {
  if (checksum.type !== 'COMPOSITE') return checksum
  return { ...checksum, value: checksum.value.replace(countSuffix, '') }
}

/** Writes a checksum, with its type if it has one, as elements. */
export function writeChecksum(
  xml: XmlWriter,
  checksum: (KnownChecksum & { readonly type?: ChecksumType }) | undefined,
): void {
  if (checksum === undefined) return
  xml.element(wireNames[checksum.algorithm].element, checksum.value)
  xml.element('ChecksumType', checksum.type)
}

/** The checksum in the children of an element; undefined if there is none. */
export function readChecksum(element: XmlElement): KnownChecksum | undefined {
  for (const algorithm of algorithms) {
    const value = childText(element, wireNames[algorithm].element)
    if (value !== undefined) return { algorithm, value: value.trim() }
  }
  return undefined
}
