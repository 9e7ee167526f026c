// Listings of a bucket for commands: objects and optionally folders.

import { HeadObjectCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3'
import type { RemoteName } from './name.ts'

/** One line of a listing. */
export type Entry = ObjectEntry | FolderEntry

export interface ObjectEntry {
  readonly kind: 'object'
  readonly key: string
  readonly sizeBytes: number
  readonly modified: Date
  readonly etag: string
}

/** The common prefix of keys up to the next `/`. */
export interface FolderEntry {
  readonly kind: 'folder'
  readonly key: string
}

/** A number of objects, and their total size. */
export interface Total {
  readonly objects: number
  readonly bytes: number
}

/** The client of a listing, and the signal that ends it. */
export interface Asking {
  readonly s3: S3Client
  readonly signal: AbortSignal
}

/** The entries whose keys begin with a name, one level or all levels, in byte order of the keys. */
export async function* listEntries(
  { s3, signal }: Asking,
  name: RemoteName,
  { isRecursive }: { readonly isRecursive: boolean },
): AsyncGenerator<Entry> {
  let token: string | undefined
  do {
    const page = await s3.send(
      new ListObjectsV2Command({
        Bucket: name.bucket,
        Prefix: name.key,
        Delimiter: isRecursive ? undefined : '/',
        EncodingType: 'url',
        ContinuationToken: token,
      }),
      { abortSignal: signal },
    )
    const decode = page.EncodingType === 'url' ? decodeKey : (key: string): string => key
    const objects = (page.Contents ?? []).map(
      ({ Key = '', Size = 0, LastModified = new Date(0), ETag = '' }): Entry => ({
        kind: 'object',
        key: decode(Key),
        sizeBytes: Size,
        modified: LastModified,
        etag: ETag,
      }),
    )
    const folders = (page.CommonPrefixes ?? []).map(
      ({ Prefix = '' }): Entry => ({ kind: 'folder', key: decode(Prefix) }),
    )
    yield* folders.length === 0 ? objects : [...objects, ...folders].sort(byKey)
    token = page.IsTruncated === true ? page.NextContinuationToken : undefined
  } while (token !== undefined)
}

/** All objects at and below a name. */
export async function* listObjects(asking: Asking, name: RemoteName): AsyncGenerator<ObjectEntry> {
  for await (const entry of listEntries(asking, name, { isRecursive: true })) {
    if (entry.kind === 'object') yield entry
  }
}

/** Counts all objects at and below a name. */
export async function countObjects(asking: Asking, name: RemoteName): Promise<Total> {
  const total = { objects: 0, bytes: 0 }
  for await (const { sizeBytes } of listObjects(asking, name)) {
    total.objects += 1
    total.bytes += sizeBytes
  }
  return total
}

/** The object of a name; undefined if there is none. */
export async function findObject(
  { s3, signal }: Asking,
  { bucket, key }: RemoteName,
): Promise<ObjectEntry | undefined> {
  try {
    const found = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key }), {
      abortSignal: signal,
    })
    const { ContentLength = 0, LastModified = new Date(0), ETag = '' } = found
    return { kind: 'object', key, sizeBytes: ContentLength, modified: LastModified, etag: ETag }
  } catch (error) {
    if (error instanceof Error && error.name === 'NotFound') return undefined
    throw error
  }
}

/** True if the name with a slash appended is a non-empty folder. */
export async function isFolderWithoutSlash(asking: Asking, name: RemoteName): Promise<boolean> {
  const folder = { bucket: name.bucket, key: `${name.key}/` }
  for await (const _ of listEntries(asking, folder, { isRecursive: true })) return true
  return false
}

function decodeKey(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '))
}

function byKey(a: Entry, b: Entry): number {
  return Buffer.compare(Buffer.from(a.key), Buffer.from(b.key))
}
