// CopyObject, and the headers by which all copies name their source.

import { type CopyObjectInput, type CopySource, copyObject } from '../../operation/copy.ts'
import { websiteRedirectHeader } from '../../operation/object.ts'
import { decodePath } from './address.ts'
import { documentAnswer, isoTime, quoted, type Route, route } from './answer.ts'
import { wantedAlgorithm, writeChecksum } from './checksum.ts'
import { describedObject, storingHeaders } from './description.ts'
import { headerNotImplemented, invalidArgument, type S3Error } from './error.ts'
import { wantedAclOf } from './grant.ts'
import { readConditions, writeConditions } from './header.ts'
import { headerOf, refuseVersion, type S3Request } from './request.ts'
import { taggingOf } from './tagging.ts'

const sourceHeader = 'x-amz-copy-source'

export const copyObjectRoute: Route = {
  ...route(
    copyObject,
    (request): CopyObjectInput => {
      const { bucket, key } = request
      refuseVersion(request)
      refuseSourceRange(request)
      return {
        bucket,
        key,
        source: copySourceOf(request),
        conditions: writeConditions(request),
        description: isReplacing(request) ? describedObject(request) : undefined,
        websiteRedirect: websiteRedirectOf(request),
        tags: isReplacingTags(request) ? (taggingOf(request) ?? []) : undefined,
        acl: wantedAclOf(request, 'object'),
        storageClass: headerOf(request, 'x-amz-storage-class'),
        checksumAlgorithm: wantedAlgorithm(request),
      }
    },
    ({ object }) =>
      documentAnswer('CopyObjectResult', (xml) => {
        xml.element('LastModified', isoTime(object.modifiedAt)).element('ETag', quoted(object.etag))
        writeChecksum(xml, object.checksum)
      }),
  ),
  accepts: storingHeaders,
}

/** The website redirect that a copy gets. @throws S3Error `InvalidRedirectLocation` */
function websiteRedirectOf({ headers }: S3Request): string | undefined {
  const sent = headers[websiteRedirectHeader]
  if (sent === undefined) return undefined
  return describedObject({ headers: { [websiteRedirectHeader]: sent } }).headers[
    websiteRedirectHeader
  ]
}

/** Only UploadPartCopy can copy a range. @throws S3Error `NotImplemented` */
export function refuseSourceRange(request: S3Request): void {
  const name = `${sourceHeader}-range`
  if (headerOf(request, name) !== undefined) throw headerNotImplemented(name)
}

/** True if a copy has a new description. @throws S3Error `InvalidArgument` for an unknown directive */
export function isReplacing(request: S3Request): boolean {
  const directive = headerOf(request, 'x-amz-metadata-directive') ?? 'COPY'
  if (directive === 'COPY') return false
  if (directive === 'REPLACE') return true
  throw invalidArgument('Unknown metadata directive.', 'x-amz-metadata-directive', directive)
}

/** Whether a copy has new tags. @throws S3Error `InvalidArgument` for a directive that isn't one */
export function isReplacingTags(request: S3Request): boolean {
  const directive = headerOf(request, 'x-amz-tagging-directive') ?? 'COPY'
  if (directive === 'COPY') return false
  if (directive === 'REPLACE') return true
  throw invalidArgument('Unknown tagging directive.', 'x-amz-tagging-directive', directive)
}

/**
 * The source that a copy names: `bucket/key`, percent-encoded as in a URL, with or without a slash in front.
 * @throws S3Error `InvalidArgument`
 */
export function copySourceOf(request: S3Request): CopySource {
  const sent = headerOf(request, sourceHeader) ?? ''
  // Access points and buckets of other kinds, which are named so, aren't here.
  if (/^\/?arn(:|%3a)/i.test(sent)) throw headerNotImplemented(sourceHeader)
  const mark = sent.lastIndexOf('?versionId=')
  const path = decodeSource(mark < 0 ? sent : sent.slice(0, mark), sent)
  const start = path.startsWith('/') ? 1 : 0
  const slash = path.indexOf('/', start)
  if (slash <= start || slash === path.length - 1) {
    throw invalidSource(
      'Copy Source must mention the source bucket and key: sourcebucket/sourcekey',
      sent,
    )
  }
  const versionId = mark < 0 ? undefined : decodeSource(sent.slice(mark + 11), sent)
  if (versionId === '') throw invalidSource('Version id cannot be the empty string', sent)
  return {
    bucket: path.slice(start, slash),
    key: path.slice(slash + 1),
    versionId,
    conditions: readConditions(request, `${sourceHeader}-`),
  }
}

function decodeSource(text: string, sent: string): string {
  try {
    return decodePath(text)
  } catch (cause) {
    throw invalidEncoding(sent, cause)
  }
}

/** The error for invalid encoding in the header rather than in the URL. */
function invalidEncoding(sent: string, cause: unknown): S3Error {
  return invalidArgument('Invalid copy source encoding.', sourceHeader, sent, { cause })
}

function invalidSource(message: string, sent: string): S3Error {
  return invalidArgument(message, sourceHeader, sent)
}
