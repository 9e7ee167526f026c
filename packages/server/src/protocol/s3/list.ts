// Listings: objects in S3's three forms, and uploads in progress.

import { s3Limits } from '../../base/limits.ts'
import {
  type ListedObject,
  type ListObjectsInput,
  type ListObjectsOutput,
  listObjectsAs,
} from '../../operation/list.ts'
import { listMultipartUploads } from '../../operation/uploads.ts'
import { escapeXml, type XmlWriter } from '../xml/write.ts'
import { checkKeyLength } from './address.ts'
import { documentAnswer, isoTime, type Route, route } from './answer.ts'
import { invalidArgument } from './error.ts'
import { ownerOf, writeOwner } from './owner.ts'
import { type S3Request, wholeNumber } from './request.ts'

/** The parameters common to all listings. */
interface Page {
  readonly bucket: string
  readonly prefix: string
  readonly delimiter: string | undefined
  readonly limit: number
  /** True if keys and other texts are percent-encoded, since XML can't represent all of them. */
  readonly isEncoded: boolean
}

function pageOf({ bucket, query }: S3Request, limitName: string): Page {
  const encoding = query.get('encoding-type') || undefined
  if (encoding !== undefined && encoding.toLowerCase() !== 'url') {
    throw invalidArgument('Invalid Encoding Method specified in Request', 'encoding-type', encoding)
  }
  const limit = wholeNumber(limitName, query.get(limitName) || undefined, {
    minimum: 0,
    maximum: 2_147_483_647,
  })
  return {
    bucket,
    prefix: boundedText(query.get('prefix')) ?? '',
    delimiter: boundedText(query.get('delimiter')) || undefined,
    limit: Math.min(limit ?? s3Limits.pageEntries, s3Limits.pageEntries),
    isEncoded: encoding !== undefined,
  }
}

/** A parameter that is compared with keys, and has the same limit of length. */
function boundedText(text: string | undefined): string | undefined {
  if (text !== undefined) checkKeyLength(text)
  return text
}

interface ObjectsPage extends Page, ListObjectsInput {
  readonly delimiter: string | undefined
}

export const listObjectsRoute: Route = route(
  listObjectsAs('ListObjects'),
  (request): ObjectsPage & { marker: string } => {
    const marker = boundedText(request.query.get('marker')) ?? ''
    return { ...pageOf(request, 'max-keys'), marker, after: marker || undefined }
  },
  (output, request, page) =>
    documentAnswer('ListBucketResult', (xml) => {
      xml.element('Name', page.bucket).element('Prefix', encoded(page.prefix, page))
      xml.element('Marker', encoded(page.marker, page))
      // Only with a delimiter. Without one, clients continue after the last key.
      if (output.isTruncated && page.delimiter !== undefined) {
        xml.element('NextMarker', encodedOptional(output.last, page))
      }
      writePageEnd(xml, 'MaxKeys', page, output.isTruncated)
      for (const object of output.objects) writeObject(xml, object, page, request)
      writePrefixes(xml, output.commonPrefixes, page)
    }),
)

interface PageV2 extends ObjectsPage {
  readonly startAfter: string | undefined
  readonly hasOwners: boolean
}

export const listObjectsV2Route: Route = route(
  listObjectsAs('ListObjectsV2'),
  (request): PageV2 => {
    const { query } = request
    const listType = query.get('list-type') ?? ''
    if (listType !== '2') {
      throw invalidArgument('Invalid List Type specified in Request', 'list-type', listType)
    }
    const continuationToken = query.get('continuation-token') || undefined
    const startAfter = boundedText(query.get('start-after')) || undefined
    const hasOwners = query.get('fetch-owner')?.toLowerCase() === 'true'
    const page = pageOf(request, 'max-keys')
    return { ...page, startAfter, after: startAfter, continuationToken, hasOwners }
  },
  (output, request, page) =>
    documentAnswer('ListBucketResult', (xml) => {
      xml.element('Name', page.bucket).element('Prefix', encoded(page.prefix, page))
      xml.element('ContinuationToken', page.continuationToken)
      xml.element('NextContinuationToken', output.nextToken)
      xml.element('StartAfter', encodedOptional(page.startAfter, page))
      xml.element('KeyCount', output.objects.length + output.commonPrefixes.length)
      writePageEnd(xml, 'MaxKeys', page, output.isTruncated)
      const shownTo = page.hasOwners ? request : undefined
      for (const object of output.objects) writeObject(xml, object, page, shownTo)
      writePrefixes(xml, output.commonPrefixes, page)
    }),
)

interface VersionsPage extends ObjectsPage {
  readonly keyMarker: string
  readonly versionIdMarker: string | undefined
}

/** Without versioning, each key has a single version, the latest, named `null`. */
export const listObjectVersionsRoute: Route = route(
  listObjectsAs('ListObjectVersions'),
  (request): VersionsPage => {
    const { query } = request
    const keyMarker = boundedText(query.get('key-marker')) ?? ''
    const versionIdMarker = query.get('version-id-marker') || undefined
    if (versionIdMarker !== undefined && keyMarker === '') {
      throw invalidArgument(
        'A version-id marker cannot be specified without a key marker.',
        'version-id-marker',
        versionIdMarker,
      )
    }
    const page = pageOf(request, 'max-keys')
    return { ...page, keyMarker, versionIdMarker, after: keyMarker || undefined }
  },
  (output, request, page) =>
    documentAnswer('ListVersionsResult', (xml) => {
      xml.element('Name', page.bucket).element('Prefix', encoded(page.prefix, page))
      xml.element('KeyMarker', encoded(page.keyMarker, page))
      xml.element('VersionIdMarker', page.versionIdMarker ?? '')
      if (output.isTruncated && output.last !== undefined) {
        xml.element('NextKeyMarker', encoded(output.last, page))
        // A common prefix is not a version.
        if (output.last !== output.commonPrefixes.at(-1)) xml.element('NextVersionIdMarker', 'null')
      }
      writePageEnd(xml, 'MaxKeys', page, output.isTruncated)
      for (const object of output.objects) writeVersion(xml, object, page, request)
      writePrefixes(xml, output.commonPrefixes, page)
    }),
)

interface UploadsPage extends Page {
  readonly keyMarker: string
  readonly uploadIdMarker: string | undefined
}

export const listMultipartUploadsRoute: Route = route(
  listMultipartUploads,
  (request): UploadsPage => {
    const { query } = request
    return {
      ...pageOf(request, 'max-uploads'),
      keyMarker: boundedText(query.get('key-marker')) ?? '',
      uploadIdMarker: query.get('upload-id-marker') || undefined,
    }
  },
  (output, request, page) =>
    documentAnswer('ListMultipartUploadsResult', (xml) => {
      xml.element('Bucket', page.bucket).element('KeyMarker', encoded(page.keyMarker, page))
      xml.element('UploadIdMarker', page.uploadIdMarker ?? '')
      xml.element('NextKeyMarker', encoded(output.nextKeyMarker ?? '', page))
      xml.element('NextUploadIdMarker', output.nextUploadIdMarker ?? '')
      xml.element('Prefix', encoded(page.prefix, page))
      writePageEnd(xml, 'MaxUploads', page, output.isTruncated)
      for (const { key, uploadId, upload } of output.uploads) {
        const owner = ownerOf(request, upload.ownerId)
        xml.open('Upload').element('Key', encoded(key, page)).element('UploadId', uploadId)
        writeOwner(xml, 'Initiator', ownerOf(request, upload.initiatorId ?? upload.ownerId))
        writeOwner(xml, 'Owner', owner)
        xml.element('StorageClass', upload.storageClass)
        xml.element('Initiated', isoTime(upload.initiatedAt))
        xml.element('ChecksumAlgorithm', upload.checksumAlgorithm)
        xml.element('ChecksumType', upload.checksumType).close('Upload')
      }
      writePrefixes(xml, output.commonPrefixes, page)
    }),
)

function writePageEnd(
  xml: XmlWriter,
  limitElement: string,
  page: Page,
  isTruncated: boolean,
): void {
  xml.element(limitElement, page.limit).element('Delimiter', encodedOptional(page.delimiter, page))
  xml.element('EncodingType', page.isEncoded ? 'url' : undefined)
  xml.element('IsTruncated', isTruncated)
}

/** @param request the source of the owner's name; undefined if owners aren't listed */
function writeObject(
  xml: XmlWriter,
  { key, object }: ListedObject,
  page: Page,
  request: S3Request | undefined,
): void {
  xml.open('Contents').element('Key', encoded(key, page))
  writeFacts(xml, object)
  if (request !== undefined) writeOwner(xml, 'Owner', ownerOf(request, object.ownerId))
  xml.element('StorageClass', object.storageClass).close('Contents')
}

function writeVersion(
  xml: XmlWriter,
  { key, object }: ListedObject,
  page: Page,
  request: S3Request,
): void {
  xml.open('Version').element('Key', encoded(key, page))
  xml.element('VersionId', 'null').element('IsLatest', true)
  writeFacts(xml, object)
  xml.element('StorageClass', object.storageClass)
  writeOwner(xml, 'Owner', ownerOf(request, object.ownerId))
  xml.close('Version')
}

const escapedQuote = escapeXml('"')

function writeFacts(xml: XmlWriter, object: ListedObject['object']): void {
  // Written without escaping, for speed: a page has thousands of these elements.
  xml
    .plain('LastModified', isoTime(object.modifiedAt))
    .plain('ETag', escapedQuote + object.etag + escapedQuote)
  if (object.checksum !== undefined) {
    xml.plain('ChecksumAlgorithm', object.checksum.algorithm)
    xml.plain('ChecksumType', object.checksum.type)
  }
  xml.plain('Size', object.sizeBytes)
}

function writePrefixes(
  xml: XmlWriter,
  prefixes: ListObjectsOutput['commonPrefixes'],
  page: Page,
): void {
  for (const prefix of prefixes) {
    xml.open('CommonPrefixes').element('Prefix', encoded(prefix, page)).close('CommonPrefixes')
  }
}

const plain = /^[A-Za-z0-9\-_./*]*$/

function encoded(text: string, page: Page): string {
  return page.isEncoded ? encodeListed(text) : text
}

function encodedOptional(text: string | undefined, page: Page): string | undefined {
  return text === undefined ? undefined : encoded(text, page)
}

/**
 * Encodes text for encoding-type=url. S3 escapes all but letters, digits and `-_./*`. A space is `%20`, which
 * decoders of forms and of URLs both understand.
 */
function encodeListed(text: string): string {
  if (plain.test(text)) return text
  return encodeURIComponent(text)
    .replaceAll('%2F', '/')
    .replace(/[!'()~]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
}
