// Request bodies: an object's bytes as a stream, or a small document that is read whole.

import { anonymousOwner } from '../../access/principal.ts'
import { StoreError } from '../../base/errors.ts'
import { leaseLimits, ownLimits, s3Limits } from '../../base/limits.ts'
import { type BodyInput, receiveDocument } from '../../operation/body.ts'
import { parseXmlWithBreaks, type XmlElement } from '../xml/parse.ts'
import { announcedChecksum } from './checksum.ts'
import { invalidRequest, S3Error } from './error.ts'
import { contentOf, headerOf, type S3Request } from './request.ts'

/**
 * The body of a request that stores bytes. Nothing has been read yet.
 * @throws S3Error `MissingContentLength`, `InvalidDigest`, and the refusals of checksum headers
 */
export function bodyOf(request: S3Request): BodyInput {
  const content = contentOf(request)
  const isFramed = request.payload.kind === 'chunked'
  const hasLength = request.headers['content-length'] !== undefined
  if (content.decodedBytes === undefined || !(hasLength || isFramed)) {
    throw new S3Error({
      status: 411,
      code: 'MissingContentLength',
      message: 'You must provide the Content-Length HTTP header.',
    })
  }
  return {
    source: content.source,
    sizeBytes: content.decodedBytes,
    md5: contentMd5(request),
    checksum: announcedChecksum(request, content),
  }
}

/** The Content-MD5 header, decoded. @throws S3Error `InvalidDigest` */
export function contentMd5(request: Pick<S3Request, 'headers'>): Buffer | undefined {
  const text = headerOf(request, 'content-md5')
  if (text === undefined) return undefined
  const md5 = /^[A-Za-z0-9+/]{22}==$/.test(text.trim()) ? Buffer.from(text, 'base64') : undefined
  if (md5?.byteLength === 16) return md5
  throw new S3Error({
    status: 400,
    code: 'InvalidDigest',
    message: 'The Content-MD5 you specified is not valid.',
    fields: { 'Content-MD5': text },
  })
}

/** The rules for a document. */
export interface DocumentRule {
  /** True if an empty body is an error. */
  readonly isRequired: boolean
  /** True if Content-MD5 or a checksum is required. */
  readonly isProtected?: boolean
  /** True if the document may be as long as S3's longest lists. */
  readonly isList?: boolean
  /** True if checksum headers refer to something other than the document. */
  readonly ignoresChecksums?: boolean
}

/**
 * The root element of the XML document in a request's body; undefined for an empty body.
 * @throws S3Error `MissingRequestBodyError`, `InvalidRequest`; StoreError `MalformedXml`, `BadDigest`, …
 */
export async function documentOf(
  request: S3Request,
  rule: DocumentRule,
): Promise<XmlElement | undefined> {
  const maximumBytes = rule.isList === true ? s3Limits.xmlBodyBytes : ownLimits.smallXmlBytes
  return readDocument(request, rule, { maximumBytes, parse: parseXmlWithBreaks })
}

/**
 * The JSON value in a request's body; undefined for an empty body.
 * @throws S3Error `MissingRequestBodyError`, `InvalidRequest`; StoreError `MessageTooLong`, `BadDigest`, …
 */
export async function jsonOf(request: S3Request, rule: DocumentRule): Promise<unknown> {
  return readDocument(request, rule, { maximumBytes: leaseLimits.bodyBytes, parse: parseJson })
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw notJson(cause)
  }
}

function notJson(cause: unknown): S3Error {
  return invalidRequest('The request body is not JSON in UTF-8.', { cause })
}

/**
 * The UTF-8 text of a request's body.
 * @throws S3Error `MissingRequestBodyError`, `InvalidRequest`; StoreError `MessageTooLong`, `BadDigest`, …
 */
export async function textOf(request: S3Request): Promise<string> {
  const form = { maximumBytes: ownLimits.smallXmlBytes, parse: decodeText }
  return (await readDocument(request, { isRequired: true }, form)) ?? ''
}

function decodeText(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw invalidRequest('The request body is not text in UTF-8.', { cause })
  }
}

/** The text of a small request body; undefined if it is empty and may be. */
async function readDocument<T>(
  request: S3Request,
  rule: DocumentRule,
  form: { readonly maximumBytes: number; readonly parse: (bytes: Buffer) => T | Promise<T> },
): Promise<T | undefined> {
  const { maximumBytes, parse } = form
  if (request.principal === undefined) await request.checkAdmission()
  const content = contentOf(request)
  const md5 = contentMd5(request)
  const checksum = rule.ignoresChecksums === true ? undefined : announcedChecksum(request, content)
  if (rule.isProtected === true && md5 === undefined && checksum === undefined) {
    throw invalidRequest(
      'Missing required header for this request: Content-MD5 OR x-amz-checksum-*',
    )
  }
  const input = { source: content.source, sizeBytes: content.decodedBytes, md5, checksum }
  const party = request.principal?.owner.id ?? anonymousOwner.id
  if ((content.decodedBytes ?? 0) > maximumBytes) throw tooLong(maximumBytes)
  const held = request.documents.hold(party)
  try {
    const bytes = await receiveDocument(input, { maximumBytes, held })
    if (bytes.byteLength > ownLimits.smallXmlBytes) {
      return await request.parsing.run(party, async () => parse(bytes))
    }
    if (bytes.byteLength > 0) return await parse(bytes)
  } finally {
    held.release()
  }
  if (!rule.isRequired) return undefined
  throw new S3Error({
    status: 400,
    code: 'MissingRequestBodyError',
    message: 'Request Body is empty',
  })
}

function tooLong(maximumBytes: number): StoreError {
  return new StoreError({ code: 'MessageTooLong', maximumBytes })
}
