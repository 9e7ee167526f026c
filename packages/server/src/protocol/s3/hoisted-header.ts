// All headers with a meaning, and the rules for other places: as a parameter of a presigned URL, to which clients
// move ("hoist") headers, and beside a form upload.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html

import { headerNotImplemented, invalidArgument } from './error.ts'
import { headerOfText, headerToken } from './header-text.ts'

type HeaderValue = string | readonly string[] | undefined
type Headers = Readonly<Record<string, HeaderValue>>

interface Placement {
  /** `signed`: the parameter of a URL is signed, but has no effect, as on S3. */
  readonly inUrl: 'acts' | 'signed'
  /** A form uses fields only, so a header that would be ignored is refused. */
  readonly besideForm: 'acts' | 'refused' | 'ignored'
}

/** Headers that determine the object or the operation. The signer decides them. */
const decided: Placement = { inUrl: 'acts', besideForm: 'refused' }
/** Headers of the body. There is no body when a URL is signed, so clients hoist the checksum of an empty one. */
const ofTheBody: Placement = { inUrl: 'signed', besideForm: 'refused' }
/** Headers of the body's framing. */
const framing: Placement = { inUrl: 'signed', besideForm: 'acts' }
/** Headers of the signature, which are already evaluated. */
const signature: Placement = { inUrl: 'signed', besideForm: 'ignored' }

/** By name in lower case, or by prefix before `*`. A whole name has precedence. */
const placements: Readonly<Record<string, Placement>> = {
  'x-amz-acl': decided,
  'x-amz-algorithm': signature,
  'x-amz-bucket-*': decided,
  'x-amz-checksum-*': ofTheBody,
  'x-amz-checksum-algorithm': decided,
  'x-amz-checksum-mode': decided,
  'x-amz-checksum-type': decided,
  'x-amz-client-token': decided,
  'x-amz-content-sha256': signature,
  'x-amz-copy-source*': decided,
  'x-amz-credential': signature,
  'x-amz-date': signature,
  'x-amz-decoded-content-length': framing,
  'x-amz-expected-bucket-owner': { inUrl: 'acts', besideForm: 'acts' },
  'x-amz-expires': signature,
  'x-amz-grant-*': decided,
  'x-amz-if-match-*': decided,
  'x-amz-max-parts': decided,
  'x-amz-meta-*': decided,
  'x-amz-metadata-directive': decided,
  'x-amz-mp-object-size': decided,
  'x-amz-object-*': decided,
  'x-amz-part-number-marker': decided,
  'x-amz-rename-source*': decided,
  'x-amz-sdk-checksum-algorithm': ofTheBody,
  'x-amz-security-token': { inUrl: 'signed', besideForm: 'refused' },
  'x-amz-server-side-encryption*': decided,
  'x-amz-signature': signature,
  'x-amz-signedheaders': signature,
  'x-amz-source-expected-bucket-owner': decided,
  'x-amz-storage-class': decided,
  'x-amz-tagging': decided,
  'x-amz-tagging-directive': decided,
  'x-amz-trailer': ofTheBody,
  'x-amz-website-redirect-location': decided,
  'x-amz-write-offset-bytes': decided,
  'x-holdfast-*': decided,
}

const wholeNames: ReadonlyMap<string, Placement> = new Map(Object.entries(placements))
const beginnings = Object.entries(placements).flatMap(([name, placement]) =>
  name.endsWith('*') ? [{ start: name.slice(0, -1), placement }] : [],
)

/** The placement of a header; undefined for a header without a meaning. */
function placementOf(header: string): Placement | undefined {
  if (!header.startsWith('x-')) return undefined
  return (
    wholeNames.get(header) ?? beginnings.find(({ start }) => header.startsWith(start))?.placement
  )
}

/**
 * The headers of a presigned request, with the parameters that act as headers. A header has precedence over its
 * parameter.
 * @throws S3Error `InvalidArgument` for a parameter that doesn't fit a header
 */
export function withHoisted(
  headers: Headers,
  parameters: readonly { readonly name: string; readonly value: string }[],
): Headers {
  let merged: Record<string, HeaderValue> | undefined
  for (const { name, value } of parameters) {
    const header = name.toLowerCase()
    if (!/^x-(?:amz|holdfast)-/.test(header)) continue
    if (!headerToken.test(name)) {
      throw invalidArgument('The parameter can not stand for a header.', name, value)
    }
    if (placementOf(header)?.inUrl !== 'acts') continue
    merged ??= { ...headers }
    merged[header] ??= headerOfText(name, value)
  }
  return merged ?? headers
}

/** HTTP's own headers that matter to an upload, each with the values that browsers send with any form. */
const ordinary: ReadonlyMap<string, readonly string[]> = new Map([
  ['cache-control', ['max-age=0', 'no-cache', 'no-store']],
  ['content-disposition', []],
  ['content-encoding', ['aws-chunked', 'identity']],
  ['content-language', []],
  ['content-md5', []],
  ['expires', ['-1', '0']],
  ['if-match', []],
  ['if-modified-since', []],
  ['if-none-match', []],
  ['if-unmodified-since', []],
])

/**
 * Refuses headers beside a form upload that would be ignored, since only fields have an effect.
 * @throws S3Error `NotImplemented`
 */
export function refuseBesideForm(headers: Headers): void {
  for (const name in headers) {
    const value = String(headers[name]).trim().toLowerCase()
    const isIgnored = ordinary.get(name)?.includes(value) === false
    if (isIgnored || placementOf(name)?.besideForm === 'refused') throw headerNotImplemented(name)
  }
}
