// Operations on single objects over any S3: list, copy, delete.

import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type S3Client,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { forEachConcurrently } from './concurrent.ts'
import { codeOf, SourceChangedError } from './errors.ts'
import { encodeKey, sendOptions } from './request.ts'

/** A bucket with a key or a key prefix. */
export interface Place {
  readonly bucket: string
  readonly key: string
}

/** An object in a listing. */
export interface Listed {
  readonly key: string
  readonly etag: string
  readonly sizeBytes: number
  readonly storageClass: string | undefined
}

/** The client and the abort signal of a step. */
export interface Context {
  readonly s3: S3Client
  readonly signal: AbortSignal
}

/** Size limits of multipart copies. */
export interface PartSizes {
  /** Larger objects are copied in parts; S3 copies at most 5 GiB in one request. */
  readonly wholeBytes: number
  /** From 5 MiB to 5 GiB. Increased if necessary, to stay within 10,000 parts. */
  readonly partBytes: number
}

/** All objects whose keys begin with `place.key`, in the server's order, one page at a time. */
export async function* listObjects({ s3, signal }: Context, place: Place): AsyncGenerator<Listed> {
  let token: string | undefined
  do {
    const page = await s3.send(
      new ListObjectsV2Command({
        Bucket: place.bucket,
        Prefix: place.key,
        // Keys may have characters that XML can't represent.
        EncodingType: 'url',
        ContinuationToken: token,
      }),
      sendOptions(signal),
    )
    const decode = page.EncodingType === 'url' ? decodeListed : (text: string): string => text
    for (const { Key = '', ETag = '', Size = 0, StorageClass } of page.Contents ?? []) {
      yield { key: decode(Key), etag: ETag, sizeBytes: Size, storageClass: StorageClass }
    }
    token = page.IsTruncated === true ? page.NextContinuationToken : undefined
  } while (token !== undefined)
}

/** True if there is an object whose key begins with `place.key`. */
export async function hasObjects({ s3, signal }: Context, place: Place): Promise<boolean> {
  const command = new ListObjectsV2Command({ Bucket: place.bucket, Prefix: place.key, MaxKeys: 1 })
  const { Contents = [] } = await s3.send(command, sendOptions(signal))
  return Contents.length > 0
}

/** Size and ETag of an object; undefined if it doesn't exist. */
export async function statObject(
  { s3, signal }: Context,
  place: Place,
): Promise<{ readonly etag: string; readonly sizeBytes: number } | undefined> {
  try {
    const command = new HeadObjectCommand({ Bucket: place.bucket, Key: place.key })
    const { ETag = '', ContentLength = 0 } = await s3.send(command, sendOptions(signal))
    return { etag: ETag, sizeBytes: ContentLength }
  } catch (error) {
    if (isAbsence(error)) return undefined
    throw error
  }
}

/** True if the error means that the object doesn't exist. */
export function isAbsence(error: unknown): boolean {
  const code = codeOf(error)
  return code === 'NotFound' || code === 'NoSuchKey'
}

/** An object to copy, and its target. */
export interface ObjectCopy {
  readonly source: Place
  /** The object's state in the last listing. */
  readonly listed: Pick<Listed, 'etag' | 'sizeBytes'> & {
    readonly storageClass?: string | undefined
  }
  readonly target: Place
  /** `*`: the target must not exist. */
  readonly ifNoneMatch?: '*' | undefined
}

const gibibyte = 1_073_741_824
/** S3 copies at most 5 GiB in one request. */
export const defaultSizes: PartSizes = { wholeBytes: 5 * gibibyte, partBytes: gibibyte / 2 }

/**
 * Copies an object with its metadata and tags, in parts if it is large.
 * @throws SourceChangedError if it has changed since it was listed, or an error of the SDK, such as
 *   PreconditionFailed for one of the two conditions
 */
export async function copyObject(
  context: Context,
  copy: ObjectCopy,
  sizes: PartSizes = defaultSizes,
): Promise<void> {
  const { source, listed, target } = copy
  try {
    if (listed.sizeBytes > sizes.wholeBytes) await copyInParts(context, copy, sizes)
    else await copyWhole(context, copy)
  } catch (cause) {
    if (codeOf(cause) !== 'PreconditionFailed' && !isAbsence(cause)) throw cause
    const now = await statObject(context, source)
    if (now?.etag === listed.etag) throw cause
    throw new SourceChangedError(
      `${source.key} was changed while ${target.key} was copied from it`,
      {
        cause,
      },
    )
  }
}

/** Deletes at most 1,000 objects. @throws Error that names the first one not deleted */
export async function deleteObjects(
  { s3, signal }: Context,
  { bucket, keys }: { readonly bucket: string; readonly keys: readonly string[] },
): Promise<void> {
  if (keys.length === 0) return
  const Objects = keys.map((Key) => ({ Key }))
  const command = new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } })
  const [failed] = (await s3.send(command, sendOptions(signal))).Errors ?? []
  if (failed === undefined) return
  throw new Error(`${failed.Key} was not deleted: ${failed.Code}: ${failed.Message}`)
}

async function copyWhole({ s3, signal }: Context, copy: ObjectCopy): Promise<void> {
  const { source, listed, target, ifNoneMatch } = copy
  await s3.send(
    new CopyObjectCommand({
      Bucket: target.bucket,
      Key: target.key,
      CopySource: sourceOf(source),
      CopySourceIfMatch: listed.etag,
      ...(ifNoneMatch === undefined ? {} : { IfNoneMatch: ifNoneMatch }),
      ...storageClassOf(listed),
    }),
    sendOptions(signal),
  )
}

/** S3's limit. */
const maximumParts = 10_000
const partsAtOnce = 4

async function copyInParts(
  context: Context,
  { source, listed, target, ifNoneMatch }: ObjectCopy,
  { partBytes }: PartSizes,
): Promise<void> {
  const { s3, signal } = context
  const size = Math.max(partBytes, Math.ceil(listed.sizeBytes / maximumParts))
  const { UploadId } = await s3.send(
    new CreateMultipartUploadCommand({
      Bucket: target.bucket,
      Key: target.key,
      ...(await settingsOf(context, source)),
      ...storageClassOf(listed),
    }),
    sendOptions(signal),
  )
  const upload = { Bucket: target.bucket, Key: target.key, UploadId }
  const parts: { PartNumber: number; ETag: string | undefined }[] = []
  try {
    const numbers = Array.from({ length: Math.ceil(listed.sizeBytes / size) }, (_, at) => at)
    await forEachConcurrently(numbers, { limit: partsAtOnce, signal }, async (at, either) => {
      const end = Math.min((at + 1) * size, listed.sizeBytes)
      const command = new UploadPartCopyCommand({
        ...upload,
        PartNumber: at + 1,
        CopySource: sourceOf(source),
        CopySourceRange: `bytes=${at * size}-${end - 1}`,
        CopySourceIfMatch: listed.etag,
      })
      const { CopyPartResult } = await s3.send(command, sendOptions(either))
      parts[at] = { PartNumber: at + 1, ETag: CopyPartResult?.ETag }
    })
    const command = new CompleteMultipartUploadCommand({
      ...upload,
      MultipartUpload: { Parts: parts },
      ...(ifNoneMatch === undefined ? {} : { IfNoneMatch: ifNoneMatch }),
    })
    await s3.send(command, sendOptions(signal))
  } catch (error) {
    // Abandoned parts cost storage, so remove them. An error here must not hide the original one.
    await s3.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined)
    throw error
  }
}

/** The settings that a multipart copy doesn't inherit from its source. */
async function settingsOf({ s3, signal }: Context, place: Place): Promise<object> {
  const address = { Bucket: place.bucket, Key: place.key }
  const head = await s3.send(new HeadObjectCommand(address), sendOptions(signal))
  const { ContentType, CacheControl, ContentDisposition, ContentEncoding, ContentLanguage } = head
  const { Metadata, WebsiteRedirectLocation, ExpiresString, TagCount = 0 } = head
  const tags =
    TagCount === 0
      ? []
      : ((await s3.send(new GetObjectTaggingCommand(address), sendOptions(signal))).TagSet ?? [])
  const settings = {
    ContentType,
    CacheControl,
    ContentDisposition,
    ContentEncoding,
    ContentLanguage,
    Metadata,
    WebsiteRedirectLocation,
    Expires: ExpiresString === undefined ? undefined : new Date(ExpiresString),
    Tagging: tags.length === 0 ? undefined : encodeTags(tags),
  }
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined))
}

function encodeTags(
  tags: readonly { Key?: string | undefined; Value?: string | undefined }[],
): string {
  const pairs = tags.map(({ Key = '', Value = '' }) =>
    [Key, Value].map(encodeURIComponent).join('='),
  )
  return pairs.join('&')
}

function storageClassOf({ storageClass }: ObjectCopy['listed']): object {
  const isDefault = storageClass === undefined || storageClass === 'STANDARD'
  return isDefault ? {} : { StorageClass: storageClass }
}

function sourceOf({ bucket, key }: Place): string {
  return `${bucket}/${encodeKey(key)}`
}

function decodeListed(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '))
}
