// Transfers an object from one S3 server to another, with its metadata and tags, in its original parts, so that the
// ETag stays the same.

import { Readable } from 'node:stream'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { CommandError } from '../../base/exit.ts'
import { type RemoteName, show } from './name.ts'

/** The two servers, and the signal that ends the work. */
export interface Route {
  readonly source: S3Client
  readonly target: S3Client
  readonly signal: AbortSignal
}

/** An object to transfer. */
export interface Transfer {
  readonly from: RemoteName
  readonly to: RemoteName
  readonly onBytes: (bytes: number) => void
}

/** `exact`: the ETags are equal. `size`: the source's ETag can't be compared, for example under SSE-KMS. */
export type Verified = 'exact' | 'size'

/**
 * Copies an object, and verifies the copy.
 * @throws CommandError if the object changed meanwhile, or the copy differs; errors of the SDK
 */
export async function transfer(route: Route, { from, to, onBytes }: Transfer): Promise<Verified> {
  const { source, signal } = route
  const address = { Bucket: from.bucket, Key: from.key }
  const head = await source.send(new HeadObjectCommand(address), { abortSignal: signal })
  const settings = { ...settingsOf(head), ...(await tagsOf(route, from, head)) }
  const parts = partCount(head)
  const copying = { route, from, to, head, settings, onBytes }
  const etag = parts === undefined ? await copyWhole(copying) : await copyParts(copying, parts)
  if (etag === head.ETag) return 'exact'
  if (!hasComparableEtag(head)) return 'size'
  throw new CommandError(
    `the copy ${show(to)} has the ETag ${etag}, and not the source's ${head.ETag}`,
  )
}

/** True if an object's ETag depends only on its bytes and parts. */
export function hasComparableEtag({
  ServerSideEncryption,
  SSECustomerAlgorithm,
}: {
  readonly ServerSideEncryption?: string | undefined
  readonly SSECustomerAlgorithm?: string | undefined
}): boolean {
  const isOpaque = ServerSideEncryption?.startsWith('aws:kms') === true
  return !isOpaque && SSECustomerAlgorithm === undefined
}

interface Copying extends Transfer {
  readonly route: Route
  readonly head: HeadObjectCommandOutput
  readonly settings: object
}

async function copyWhole({ route, from, to, head, settings, onBytes }: Copying): Promise<string> {
  const { source, target, signal } = route
  const got = await source.send(
    new GetObjectCommand({ Bucket: from.bucket, Key: from.key, IfMatch: head.ETag }),
    { abortSignal: signal },
  )
  const { ETag = '' } = await target.send(
    new PutObjectCommand({
      Bucket: to.bucket,
      Key: to.key,
      ...settings,
      Body: counted(got, onBytes),
      ContentLength: head.ContentLength,
    }),
    { abortSignal: signal },
  )
  return ETag
}

async function copyParts(copying: Copying, count: number): Promise<string> {
  const { route, from, to, head, settings, onBytes } = copying
  const { source, target, signal } = route
  const send = { abortSignal: signal }
  const address = { Bucket: to.bucket, Key: to.key }
  const created = await target.send(
    new CreateMultipartUploadCommand({ ...address, ...settings }),
    send,
  )
  const upload = { ...address, UploadId: created.UploadId }
  try {
    const Parts: { PartNumber: number; ETag: string | undefined }[] = []
    for (let PartNumber = 1; PartNumber <= count; PartNumber++) {
      const get = { Bucket: from.bucket, Key: from.key, IfMatch: head.ETag, PartNumber }
      const got = await source.send(new GetObjectCommand(get), send)
      if (got.PartsCount !== undefined && got.PartsCount !== count) throw changed(from)
      const { ETag } = await target.send(
        new UploadPartCommand({
          ...upload,
          PartNumber,
          Body: counted(got, onBytes),
          ContentLength: got.ContentLength,
        }),
        send,
      )
      Parts.push({ PartNumber, ETag })
    }
    const command = new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } })
    return (await target.send(command, send)).ETag ?? ''
  } catch (error) {
    // An error here must not hide the original one.
    await target.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined)
    throw error
  }
}

/** The number of parts of an object's upload; undefined for an object without parts. */
function partCount({ ETag = '' }: HeadObjectCommandOutput): number | undefined {
  const [, count] = /-(\d{1,5})"?$/.exec(ETag) ?? []
  return count === undefined ? undefined : Number(count)
}

function changed(name: RemoteName): CommandError {
  return new CommandError(`${show(name)} was changed while it was copied`)
}

/** The body, with its bytes counted. */
function counted({ Body }: GetObjectCommandOutput, onBytes: (bytes: number) => void): Readable {
  if (Body === undefined) throw new Error('an answer to GetObject has no body')
  const chunks: AsyncIterable<Uint8Array> = Body.transformToWebStream()
  const pass = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      onBytes(chunk.byteLength)
      yield chunk
    }
  }
  return Readable.from(pass(), { objectMode: false })
}

async function tagsOf(
  { source, signal }: Route,
  { bucket, key }: RemoteName,
  head: HeadObjectCommandOutput,
): Promise<{ readonly Tagging?: string }> {
  if (tagCount(head) === 0) return {}
  const { TagSet = [] } = await source.send(
    new GetObjectTaggingCommand({ Bucket: bucket, Key: key }),
    { abortSignal: signal },
  )
  const pairs = TagSet.map(({ Key = '', Value = '' }) =>
    [Key, Value].map(encodeURIComponent).join('='),
  )
  return { Tagging: pairs.join('&') }
}

function tagCount({ TagCount = 0 }: HeadObjectCommandOutput): number {
  return TagCount
}

/** The settings of an object, as parameters of its upload. */
function settingsOf(head: HeadObjectCommandOutput): object {
  const settings = {
    ContentType: head.ContentType,
    CacheControl: head.CacheControl,
    ContentDisposition: head.ContentDisposition,
    ContentEncoding: head.ContentEncoding,
    ContentLanguage: head.ContentLanguage,
    Metadata: head.Metadata,
    WebsiteRedirectLocation: head.WebsiteRedirectLocation,
    Expires: head.ExpiresString === undefined ? undefined : new Date(head.ExpiresString),
  }
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined))
}
