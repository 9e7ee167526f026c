// Multipart uploads: create, upload and copy parts, list them, complete, abort.

import type { OutgoingHttpHeaders } from 'node:http'
import { s3Limits } from '../../base/limits.ts'
import {
  type CompleteUploadInput,
  completeMultipartUpload,
  type ListedPart,
} from '../../operation/complete.ts'
import {
  abortMultipartUpload,
  createMultipartUpload,
  listParts,
  type UploadInput,
  type UploadPartCopyInput,
  uploadPart,
  uploadPartCopy,
} from '../../operation/multipart.ts'
import type { RangeRequest } from '../../operation/object.ts'
import { childrenOf, childText, malformedXml, type XmlElement } from '../xml/parse.ts'
import { documentAnswer, emptyAnswer, isoTime, quoted, type Route, route } from './answer.ts'
import {
  checksumHeader,
  checksumTypeOf,
  putChecksumHeaders,
  readChecksum,
  wantedAlgorithm,
  writeChecksum,
} from './checksum.ts'
import { copySourceOf } from './copy.ts'
import { describedObject, storingHeaders } from './description.ts'
import { invalidArgument } from './error.ts'
import { wantedAclOf } from './grant.ts'
import { conditionDate, writeConditions } from './header.ts'
import { objectUrl } from './location.ts'
import { partNumberOf } from './object.ts'
import { ownerOf, writeOwner } from './owner.ts'
import { bodyOf, documentOf } from './payload.ts'
import { headerOf, type S3Request, wholeNumber } from './request.ts'
import { taggingOf } from './tagging.ts'

function uploadOf({ bucket, key, query }: S3Request): UploadInput {
  const uploadId = query.get('uploadId')
  if (uploadId === undefined) {
    throw invalidArgument(
      'This operation does not accept a partNumber without an uploadId.',
      'uploadId',
      '',
    )
  }
  return { bucket, key, uploadId }
}

function requiredPartNumber({ query }: S3Request): number {
  const partNumber = partNumberOf(query.get('partNumber'))
  if (partNumber !== undefined) return partNumber
  throw invalidArgument(
    'Part number must be an integer between 1 and 10000, inclusive',
    'partNumber',
    '',
  )
}

export const createMultipartUploadRoute: Route = {
  ...route(
    createMultipartUpload,
    (request) => ({
      bucket: request.bucket,
      key: request.key,
      ...describedObject(request),
      tags: taggingOf(request),
      acl: wantedAclOf(request, 'object'),
      checksumAlgorithm: wantedAlgorithm(request),
      checksumType: checksumTypeOf(request),
    }),
    ({ uploadId, checksumAlgorithm, checksumType }, { bucket, key }) => {
      const answer = documentAnswer('InitiateMultipartUploadResult', (xml) => {
        xml.element('Bucket', bucket).element('Key', key).element('UploadId', uploadId)
      })
      if (checksumAlgorithm !== undefined) {
        answer.headers['x-amz-checksum-algorithm'] = checksumAlgorithm
      }
      if (checksumType !== undefined) answer.headers['x-amz-checksum-type'] = checksumType
      return answer
    },
  ),
  accepts: storingHeaders,
}

export const uploadPartRoute: Route = route(
  uploadPart,
  (request) => ({
    ...uploadOf(request),
    partNumber: requiredPartNumber(request),
    body: bodyOf(request),
  }),
  ({ etag, checksum }) => {
    const headers: OutgoingHttpHeaders = { ETag: quoted(etag) }
    putChecksumHeaders(headers, checksum)
    return emptyAnswer(200, headers)
  },
)

export const uploadPartCopyRoute: Route = route(
  uploadPartCopy,
  (request): UploadPartCopyInput => ({
    ...uploadOf(request),
    partNumber: requiredPartNumber(request),
    source: copySourceOf(request),
    range: sourceRangeOf(request),
  }),
  ({ etag, modifiedAt, checksum }) =>
    documentAnswer('CopyPartResult', (xml) => {
      xml.element('LastModified', isoTime(modifiedAt)).element('ETag', quoted(etag))
      writeChecksum(xml, checksum)
    }),
)

function sourceRangeOf(request: S3Request): RangeRequest | undefined {
  const name = 'x-amz-copy-source-range'
  const text = headerOf(request, name)
  if (text === undefined) return undefined
  const match = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(text)
  const range = { start: Number(match?.[1]), end: Number(match?.[2]) }
  if (match !== null && range.start <= range.end) return range
  throw invalidArgument(
    'The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy',
    name,
    text,
  )
}

export const listPartsRoute: Route = route(
  listParts,
  (request) => {
    const { query } = request
    const rule = { minimum: 0, maximum: 2_147_483_647 }
    const limit = wholeNumber('max-parts', query.get('max-parts') || undefined, rule)
    const after = wholeNumber(
      'part-number-marker',
      query.get('part-number-marker') || undefined,
      rule,
    )
    return {
      ...uploadOf(request),
      after: after ?? 0,
      limit: Math.min(limit ?? s3Limits.pageEntries, s3Limits.pageEntries),
    }
  },
  (output, request, { bucket, key, uploadId, after, limit }) =>
    documentAnswer('ListPartsResult', (xml) => {
      const owner = ownerOf(request, output.ownerId)
      xml.element('Bucket', bucket).element('Key', key).element('UploadId', uploadId)
      writeOwner(xml, 'Initiator', ownerOf(request, output.initiatorId))
      writeOwner(xml, 'Owner', owner)
      xml.element('StorageClass', output.storageClass).element('PartNumberMarker', after)
      xml.element('NextPartNumberMarker', output.parts.at(-1)?.number ?? 0)
      xml.element('MaxParts', limit).element('IsTruncated', output.isTruncated)
      xml.element('ChecksumAlgorithm', output.checksumAlgorithm)
      xml.element('ChecksumType', output.checksumType)
      for (const part of output.parts) {
        xml.open('Part').element('PartNumber', part.number)
        xml.element('LastModified', isoTime(part.modifiedAt)).element('ETag', quoted(part.etag))
        xml.element('Size', part.sizeBytes)
        writeChecksum(xml, part.checksum)
        xml.close('Part')
      }
    }),
)

export const abortMultipartUploadRoute: Route = route(
  abortMultipartUpload,
  (request) => ({
    ...uploadOf(request),
    ifInitiatedAt: conditionDate(request, 'x-amz-if-match-initiated-time'),
  }),
  () => emptyAnswer(204),
)

export const completeMultipartUploadRoute: Route = route(
  completeMultipartUpload,
  decodeComplete,
  ({ etag, checksum }, request, { bucket, key }) =>
    documentAnswer('CompleteMultipartUploadResult', (xml) => {
      xml.element('Location', objectUrl(request, key)).element('Bucket', bucket)
      xml.element('Key', key).element('ETag', quoted(etag))
      writeChecksum(xml, checksum)
    }),
)

async function decodeComplete(request: S3Request): Promise<CompleteUploadInput> {
  const upload = uploadOf(request)
  const conditions = writeConditions(request)
  const checksum = checksumHeader(request)
  const checksumType = checksumTypeOf(request)
  const size = headerOf(request, 'x-amz-mp-object-size')
  const sizeBytes = wholeNumber('x-amz-mp-object-size', size, {
    minimum: 0,
    maximum: s3Limits.objectBytes,
  })
  // The checksum headers of a completion are those of the object.
  const document = await documentOf(request, {
    isRequired: true,
    isList: true,
    ignoresChecksums: true,
  })
  if (document?.name !== 'CompleteMultipartUpload') throw malformedXml()
  const parts = childrenOf(document, 'Part').map(decodePart)
  if (parts.length > s3Limits.parts) throw malformedXml()
  return { ...upload, parts, conditions, checksum, checksumType, sizeBytes }
}

function decodePart(element: XmlElement): ListedPart {
  const number = childText(element, 'PartNumber')?.trim() ?? ''
  const etag = childText(element, 'ETag')
    ?.trim()
    .replace(/^"(.*)"$/, '$1')
  if (!/^\d{1,9}$/.test(number) || etag === undefined || etag === '') throw malformedXml()
  return { number: Number(number), etag, checksum: readChecksum(element) }
}
