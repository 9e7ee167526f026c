// The five operations on folders of an S3 bucket that a path lock makes atomic among the tasks that
// share the lock. Any S3 will do. A folder is a prefix without its last slash: `reports/2026` has
// the objects whose keys begin with `reports/2026/`.

import {
  CopyObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  type S3Client,
} from '@aws-sdk/client-s3'
import type { PathLock } from 'pathlock'

/** Where the folders are, and the one lock that all who work on them share. */
export interface Bucket {
  readonly s3: S3Client
  readonly lock: PathLock
  readonly name: string
}

/** Removes a folder. */
export async function deleteFolder(bucket: Bucket, folder: string): Promise<void> {
  await using _ = await bucket.lock.remove(pathOf(bucket, folder))
  await deleteKeys(bucket, await listKeys(bucket, folder))
}

/** Puts objects into a folder; the names in `files` are relative to it. */
export async function writeFolder(
  bucket: Bucket,
  folder: string,
  files: ReadonlyMap<string, Uint8Array | string>,
): Promise<void> {
  await using _ = await bucket.lock.write(pathOf(bucket, folder))
  for (const [name, body] of files) {
    const put = { Bucket: bucket.name, Key: `${folder}/${name}`, Body: body }
    await bucket.s3.send(new PutObjectCommand(put))
  }
}

/** Moves a folder to a place that lies neither in it nor above it. */
export async function renameFolder(bucket: Bucket, from: string, to: string): Promise<void> {
  if (isWithin(from, to) || isWithin(to, from)) throw new RangeError('One folder is in the other')
  await using _ = await bucket.lock.rename(pathOf(bucket, from), pathOf(bucket, to))
  const keys = await listKeys(bucket, from)
  await copyKeys(bucket, keys, from, to)
  await deleteKeys(bucket, keys)
}

/** Copies a folder, also to a place within itself. */
export async function copyFolder(bucket: Bucket, from: string, to: string): Promise<void> {
  if (isWithin(from, to)) throw new RangeError('A folder can’t be copied over the one it is in')
  await using _ = await bucket.lock.copy(pathOf(bucket, from), pathOf(bucket, to))
  await copyKeys(bucket, await listKeys(bucket, from), from, to)
}

/** Reads all objects of a folder as they were at one time, by their names relative to it. */
export async function readFolder(bucket: Bucket, folder: string): Promise<Map<string, Uint8Array>> {
  await using _ = await bucket.lock.read(pathOf(bucket, folder))
  const files = new Map<string, Uint8Array>()
  for (const key of await listKeys(bucket, folder)) {
    const { Body } = await bucket.s3.send(new GetObjectCommand({ Bucket: bucket.name, Key: key }))
    if (Body) files.set(key.slice(folder.length + 1), await Body.transformToByteArray())
  }
  return files
}

function pathOf({ name }: Bucket, folder: string): string[] {
  return [name, ...folder.split('/')]
}

function isWithin(folder: string, outer: string): boolean {
  return `${folder}/`.startsWith(`${outer}/`)
}

async function listKeys({ s3, name }: Bucket, folder: string): Promise<string[]> {
  const keys: string[] = []
  for await (const page of paginateListObjectsV2(
    { client: s3 },
    { Bucket: name, Prefix: `${folder}/` },
  )) {
    for (const { Key } of page.Contents ?? []) if (Key !== undefined) keys.push(Key)
  }
  return keys
}

async function copyKeys(bucket: Bucket, keys: string[], from: string, to: string): Promise<void> {
  // Longest first: if `to` is in `from`, what a copy overwrites has a longer key and has been
  // copied before.
  for (const key of keys.toSorted((a, b) => b.length - a.length)) {
    const source = [bucket.name, ...key.split('/')].map(encodeURIComponent).join('/')
    const target = `${to}${key.slice(from.length)}`
    const copy = { Bucket: bucket.name, CopySource: source, Key: target }
    await bucket.s3.send(new CopyObjectCommand(copy))
  }
}

async function deleteKeys({ s3, name }: Bucket, keys: readonly string[]): Promise<void> {
  // DeleteObjects takes up to 1,000 keys.
  for (let start = 0; start < keys.length; start += 1_000) {
    const Objects = keys.slice(start, start + 1_000).map((Key) => ({ Key }))
    const answer = await s3.send(
      new DeleteObjectsCommand({ Bucket: name, Delete: { Objects, Quiet: true } }),
    )
    const [failed] = answer.Errors ?? []
    if (failed) throw new Error(`${failed.Key} was not deleted: ${failed.Message}`)
  }
}
