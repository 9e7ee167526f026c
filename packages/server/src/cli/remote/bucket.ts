// `holdfast mb` and `holdfast rb`: creation and removal of buckets.

import {
  AbortMultipartUploadCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  HeadBucketCommand,
  ListMultipartUploadsCommand,
} from '@aws-sdk/client-s3'
import { CommandError, exitCodes } from '../../base/exit.ts'
import type { MakeBucketConfig, RemoveBucketConfig } from './bucket-config.ts'
import { formatCount, formatSize } from './format.ts'
import { countObjects, listEntries } from './listing.ts'
import { type Session, withServer } from './session.ts'

/** Creates buckets, and prints each. */
export async function mb(config: MakeBucketConfig): Promise<number> {
  await withServer(config.server, async (session) => {
    for (const bucket of config.buckets) {
      const isNew = await create(session, bucket, config.isLenient)
      if (config.isJson) console.log(JSON.stringify({ bucket, created: isNew }))
      else console.log(isNew ? `created s3://${bucket}` : `s3://${bucket} exists`)
    }
  })
  return exitCodes.ok
}

/** Creates a bucket; false if it exists and `isLenient`. */
async function create(session: Session, bucket: string, isLenient: boolean): Promise<boolean> {
  const { s3, signal } = session
  try {
    // Without this check, an existing bucket in us-east-1 would appear to be created.
    if (await hasBucket(session, bucket)) {
      if (isLenient) return false
      throw new CommandError(`s3://${bucket} exists already, and is yours`)
    }
    await s3.send(new CreateBucketCommand({ Bucket: bucket }), { abortSignal: signal })
    return true
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause
    if (cause.name === 'BucketAlreadyExists') {
      throw new CommandError(`s3://${bucket} exists already, and belongs to another owner`, {
        cause,
      })
    }
    throw cause
  }
}

/** True for a bucket that the caller may use. */
async function hasBucket({ s3, signal }: Session, bucket: string): Promise<boolean> {
  try {
    await s3.send(new HeadBucketCommand({ Bucket: bucket }), { abortSignal: signal })
    return true
  } catch (error) {
    if (error instanceof Error && ['NotFound', 'Forbidden', '403'].includes(error.name))
      return false
    throw error
  }
}

/** Removes buckets, and prints each. */
export async function rb(config: RemoveBucketConfig): Promise<number> {
  await withServer(config.server, async (session) => {
    for (const bucket of config.buckets) {
      if (config.isDryRun) await announce(session, config, bucket)
      else {
        if (config.isForced) await empty(session, bucket)
        await remove(session, bucket)
        console.log(config.isJson ? JSON.stringify({ removed: bucket }) : `removed s3://${bucket}`)
      }
    }
  })
  return exitCodes.ok
}

async function announce(
  session: Session,
  { isForced, isJson }: RemoveBucketConfig,
  bucket: string,
): Promise<void> {
  const total = await countObjects(session, { bucket, key: '' })
  if (total.objects > 0 && !isForced) throw notEmpty(bucket)
  if (isJson) console.log(JSON.stringify({ wouldRemove: bucket, ...total }))
  else {
    const content = `${formatCount(total.objects, 'object')}, ${formatSize(total.bytes)}`
    console.log(`would remove s3://${bucket} (${content})`)
  }
}

/** Removes all objects, each top-level folder in one step, and aborts unfinished uploads. */
async function empty(session: Session, bucket: string): Promise<void> {
  const { s3, folders, signal } = session
  const send = { abortSignal: signal }
  const entries = listEntries(session, { bucket, key: '' }, { isRecursive: false })
  for await (const { kind, key } of entries) {
    if (kind === 'folder') await folders.remove({ bucket, folder: key }, { signal })
    else await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }), send)
  }
  for (;;) {
    const { Uploads = [] } = await s3.send(
      new ListMultipartUploadsCommand({ Bucket: bucket }),
      send,
    )
    if (Uploads.length === 0) return
    for (const { Key, UploadId } of Uploads) {
      await s3.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }), send)
    }
  }
}

async function remove({ s3, signal }: Session, bucket: string): Promise<void> {
  try {
    await s3.send(new DeleteBucketCommand({ Bucket: bucket }), { abortSignal: signal })
  } catch (cause) {
    if (cause instanceof Error && cause.name === 'BucketNotEmpty') throw notEmpty(bucket, cause)
    throw cause
  }
}

function notEmpty(bucket: string, cause?: unknown): CommandError {
  return new CommandError(`s3://${bucket} is not empty; --force removes its contents, too`, {
    cause,
  })
}
