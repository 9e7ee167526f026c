// Single objects: get, head, put, delete, and their attributes.

import type { OutgoingHttpHeaders } from 'node:http'
import { s3Limits } from '../../base/limits.ts'
import type { Content } from '../../operation/content.ts'
import { deleteObject } from '../../operation/delete.ts'
import { checkPartNumber } from '../../operation/multipart.ts'
import {
  type GetObjectInput,
  type GetObjectOutput,
  getObject,
  getObjectAttributes,
  headObject,
  type ObjectAttributesInput,
  type ObjectAttributesOutput,
  putObject,
} from '../../operation/object.ts'
import { run } from '../../operation/run.ts'
import {
  type Answer,
  type Call,
  documentAnswer,
  emptyAnswer,
  httpTime,
  quoted,
  type Route,
  route,
} from './answer.ts'
import { putChecksumHeaders, withoutCount, writeChecksum } from './checksum.ts'
import {
  describedObject,
  describeObject,
  responseOverrides,
  storingHeaders,
} from './description.ts'
import { invalidArgument, invalidRequest } from './error.ts'
import { wantedAclOf } from './grant.ts'
import {
  conditionDate,
  parseDate,
  parseEntityTags,
  parseRange,
  readConditions,
  refuseConditions,
  writeConditions,
} from './header.ts'
import { bodyOf } from './payload.ts'
import { headerOf, refuseVersion, type S3Request, wholeNumber } from './request.ts'
import { taggingOf } from './tagging.ts'

/** A read, with overridden response headers. */
interface ReadRequest extends GetObjectInput {
  /** Decoded before the object is opened, so that an invalid value doesn't leave it open. */
  readonly overrides: Readonly<Record<string, string>> | undefined
}

export const getObjectRoute: Route = route(
  getObject,
  decodeRead,
  (output, request, input) => {
    const { status, headers } = encodeHead(output, request, input)
    return { status, headers, body: bodyOfContent(output.content, output.sizeBytes) }
  },
  async ({ content }) => {
    if (content.kind === 'stream') await content.close()
  },
)

export const headObjectRoute: Route = route(headObject, decodeRead, encodeHeadOnly)

/** The facts about a request on which the answer to a GET or HEAD of an object depends. */
export type ReadFacts = Pick<S3Request, 'method' | 'bucket' | 'key' | 'query' | 'headers'>

/** Answers a GET or HEAD of an object for another protocol than S3's. @throws StoreError */
export async function answerRead(request: ReadFacts, { services, caller }: Call): Promise<Answer> {
  const input = decodeRead(request)
  if (request.method === 'HEAD') {
    return encodeHeadOnly(await run(services, caller, headObject, input), request, input)
  }
  const output = await run(services, caller, getObject, input)
  const { status, headers } = encodeHead(output, request, input)
  return { status, headers, body: bodyOfContent(output.content, output.sizeBytes) }
}

function encodeHeadOnly(
  output: Omit<GetObjectOutput, 'content'>,
  request: ReadFacts,
  input: ReadRequest,
): Answer {
  const { status, headers } = encodeHead(output, request, input)
  headers['Content-Length'] = output.sizeBytes
  return { status, headers }
}

function bodyOfContent(content: Content, sizeBytes: number): Answer['body'] {
  return content.kind === 'bytes' ? content.bytes : { content, sizeBytes }
}

function decodeRead(request: ReadFacts): ReadRequest {
  const { bucket, key, query } = request
  const range = parseRange(headerOf(request, 'range'))
  const partNumber = partNumberOf(query.get('partNumber'))
  if (range !== undefined && partNumber !== undefined) {
    throw invalidRequest('Cannot specify both Range header and partNumber query parameter')
  }
  const versionId = versionIdOf(request)
  const conditions = readConditions(request)
  const ifRange = range === undefined ? undefined : rangeCondition(request)
  const overrides = query.parameters.length === 0 ? undefined : responseOverrides(request)
  return { bucket, key, versionId, conditions, range, ifRange, partNumber, overrides }
}

/** The version that is asked for. @throws S3Error `InvalidArgument` for an empty one */
function versionIdOf({ query }: Pick<S3Request, 'query'>): string | undefined {
  const versionId = query.get('versionId')
  if (versionId !== '') return versionId
  throw invalidArgument('Version id cannot be the empty string', 'versionId', '')
}

/** The condition in If-Range: RFC 9110, 13.1.5. A value that is neither a tag nor a date never matches. */
function rangeCondition(request: ReadFacts): GetObjectInput['ifRange'] {
  const text = headerOf(request, 'if-range')
  if (text === undefined) return undefined
  const modifiedAt = parseDate(text)
  if (modifiedAt !== undefined) return { modifiedAt }
  const tags = parseEntityTags(text, 'strong')
  return { etag: tags === '*' ? '' : (tags[0] ?? '') }
}

/** @throws S3Error `InvalidArgument` */
export function partNumberOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const partNumber = /^\d{1,9}$/.test(text) ? Number(text) : 0
  if (partNumber === 0) throw invalidArgument(partNumberRule, 'partNumber', text)
  checkPartNumber(partNumber)
  return partNumber
}

const partNumberRule = 'Part number must be an integer between 1 and 10000, inclusive'

function encodeHead(
  output: Omit<GetObjectOutput, 'content'>,
  request: ReadFacts,
  { overrides }: ReadRequest,
): { readonly status: number; readonly headers: OutgoingHttpHeaders } {
  const { object, range, partsCount } = output
  const headers: OutgoingHttpHeaders = {}
  describeObject(headers, object)
  if (overrides !== undefined) Object.assign(headers, overrides)
  if (partsCount !== undefined) headers['x-amz-mp-parts-count'] = partsCount
  const mode = request.headers['x-amz-checksum-mode']
  if (mode !== undefined && headerOf(request, 'x-amz-checksum-mode')?.toUpperCase() === 'ENABLED') {
    putChecksumHeaders(headers, output.checksum)
  }
  if (range !== undefined) {
    headers['Content-Range'] = `bytes ${range.start}-${range.end}/${object.sizeBytes}`
    return { status: 206, headers }
  }
  return { status: 200, headers }
}

export const putObjectRoute: Route = {
  ...route(
    putObject,
    (request) => {
      const { bucket, key } = request
      refuseVersion(request)
      const body = bodyOf(request)
      return {
        bucket,
        key,
        ...describedObject(request),
        tags: taggingOf(request),
        acl: wantedAclOf(request, 'object'),
        conditions: writeConditions(request),
        body,
      }
    },
    ({ etag, checksum }) => {
      const headers: OutgoingHttpHeaders = { ETag: quoted(etag) }
      putChecksumHeaders(headers, checksum)
      return emptyAnswer(200, headers)
    },
  ),
  accepts: storingHeaders,
}

/** Conditions that S3 doesn't support for deletions. */
export const foreignToDeletion: readonly string[] = [
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
]

export const deleteObjectRoute: Route = route(
  deleteObject,
  (request) => {
    const { bucket, key } = request
    const versionId = versionIdOf(request)
    if (versionId !== undefined && versionId !== 'null') {
      throw invalidArgument('Invalid version id specified', 'versionId', versionId)
    }
    const ifMatch = headerOf(request, 'if-match')
    refuseConditions(request, foreignToDeletion)
    return {
      bucket,
      key,
      versionId,
      conditions: {
        ifMatch: ifMatch === undefined ? undefined : parseEntityTags(ifMatch, 'strong'),
        ifModifiedAt: conditionDate(request, 'x-amz-if-match-last-modified-time'),
        ifSizeBytes: wholeNumber('x-amz-if-match-size', headerOf(request, 'x-amz-if-match-size'), {
          minimum: 0,
          maximum: Number.MAX_SAFE_INTEGER,
        }),
      },
    }
  },
  (_output, _request, { versionId }) =>
    emptyAnswer(204, versionId === 'null' ? { 'x-amz-version-id': versionId } : {}),
)

const attributeNames = ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize'] as const
type AttributeName = (typeof attributeNames)[number]

export const getObjectAttributesRoute: Route = route(
  getObjectAttributes,
  (request): ObjectAttributesInput => {
    const { bucket, key } = request
    const hasParts = attributesOf(request).has('ObjectParts')
    const conditions = readConditions(request)
    const versionId = versionIdOf(request)
    return { bucket, key, versionId, conditions, parts: hasParts ? partsPage(request) : undefined }
  },
  encodeAttributes,
)

function attributesOf(request: S3Request): ReadonlySet<AttributeName> {
  const text = headerOf(request, 'x-amz-object-attributes') ?? ''
  const found = new Set<AttributeName>()
  for (const item of text.split(',')) {
    const wanted = item.trim()
    if (wanted === '') continue
    const name = attributeNames.find((candidate) => candidate === wanted)
    if (name === undefined) {
      throw invalidArgument('Invalid attribute name specified.', 'x-amz-object-attributes', text)
    }
    found.add(name)
  }
  if (found.size > 0) return found
  throw invalidRequest(
    'The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty',
  )
}

function partsPage(request: S3Request): { after: number; limit: number } {
  const limits = { minimum: 0, maximum: Number.MAX_SAFE_INTEGER }
  const marker = headerOf(request, 'x-amz-part-number-marker') || undefined
  const after = wholeNumber('x-amz-part-number-marker', marker, limits) ?? 0
  const maximum = headerOf(request, 'x-amz-max-parts') || undefined
  const limit = wholeNumber('x-amz-max-parts', maximum, limits)
  return { after, limit: Math.min(limit ?? s3Limits.pageEntries, s3Limits.pageEntries) }
}

function encodeAttributes(
  { object, parts }: ObjectAttributesOutput,
  request: S3Request,
  { parts: page }: ObjectAttributesInput,
): Answer {
  const wanted = attributesOf(request)
  const answer = documentAnswer('GetObjectAttributesResponse', (xml) => {
    // Unlike in S3's other documents, this ETag has no quotes.
    if (wanted.has('ETag')) xml.element('ETag', object.etag)
    if (wanted.has('Checksum') && object.checksum !== undefined) {
      xml.open('Checksum')
      writeChecksum(xml, withoutCount(object.checksum))
      xml.close('Checksum')
    }
    if (parts !== undefined && page !== undefined) {
      xml.open('ObjectParts').element('PartsCount', parts.totalCount)
      xml.element('PartNumberMarker', page.after).element('NextPartNumberMarker', parts.nextMarker)
      xml.element('MaxParts', page.limit).element('IsTruncated', parts.isTruncated)
      for (const part of parts.parts) {
        if (part.checksum === undefined || object.checksum === undefined) continue
        xml.open('Part').element('PartNumber', part.number).element('Size', part.sizeBytes)
        writeChecksum(xml, { algorithm: object.checksum.algorithm, value: part.checksum })
        xml.close('Part')
      }
      xml.close('ObjectParts')
    }
    if (wanted.has('StorageClass')) xml.element('StorageClass', object.storageClass)
    if (wanted.has('ObjectSize')) xml.element('ObjectSize', object.sizeBytes)
  })
  answer.headers['Last-Modified'] = httpTime(object.modifiedAt)
  return answer
}
