// `holdfast stat`: prints all facts about an object, a folder or a bucket.

import {
  GetBucketLocationCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
} from '@aws-sdk/client-s3'
import { CommandError, exitCodes } from '../../base/exit.ts'
import { formatCount, formatSize, printable } from './format.ts'
import { bareHint, slashHint } from './hint.ts'
import type { StatConfig } from './inspect-config.ts'
import { countObjects } from './listing.ts'
import { isFolder, type RemoteName, show } from './name.ts'
import { type Session, withServer } from './session.ts'

/** Facts in the order of output. Undefined ones are left out. */
type Facts = Readonly<Record<string, string | number | undefined>>

/** Prints the facts about each name. */
export async function stat(config: StatConfig): Promise<number> {
  await withServer(config.server, async (session) => {
    for (const [index, name] of config.names.entries()) {
      const facts = await factsOf(session, name)
      if (config.isJson) console.log(JSON.stringify({ name: show(name), ...facts }))
      else {
        if (index > 0) console.log('')
        print(name, facts)
      }
    }
  })
  return exitCodes.ok
}

function factsOf(session: Session, name: RemoteName): Promise<Facts> {
  if (name.key === '') return bucketFacts(session, name)
  return isFolder(name) ? folderFacts(session, name) : objectFacts(session, name)
}

async function bucketFacts(session: Session, name: RemoteName): Promise<Facts> {
  const { s3, signal } = session
  const { LocationConstraint = '' } = await s3.send(
    new GetBucketLocationCommand({ Bucket: name.bucket }),
    { abortSignal: signal },
  )
  return {
    type: 'bucket',
    region: LocationConstraint || 'us-east-1',
    ...(await total(session, name)),
  }
}

async function folderFacts(session: Session, name: RemoteName): Promise<Facts> {
  const counted = await total(session, name)
  if (counted.objects === 0) {
    throw new CommandError(`there is nothing under ${show(name)}${await bareHint(session, name)}`)
  }
  return { type: 'folder', ...counted }
}

async function total(
  session: Session,
  name: RemoteName,
): Promise<{ readonly objects: number; readonly bytes: number }> {
  const { objects, bytes } = await countObjects(session, name)
  return { objects, bytes }
}

async function objectFacts(session: Session, name: RemoteName): Promise<Facts> {
  const { s3, signal } = session
  const command = new HeadObjectCommand({
    Bucket: name.bucket,
    Key: name.key,
    ChecksumMode: 'ENABLED',
  })
  try {
    return describe(await s3.send(command, { abortSignal: signal }))
  } catch (cause) {
    if (!(cause instanceof Error) || cause.name !== 'NotFound') throw cause
    throw new CommandError(`there is no object ${show(name)}${await slashHint(session, name)}`, {
      cause,
    })
  }
}

function describe(found: HeadObjectCommandOutput): Facts {
  const metadata = Object.entries(found.Metadata ?? {}).map(
    ([name, value]) => [`x-amz-meta-${name}`, value] as const,
  )
  return {
    type: 'object',
    bytes: found.ContentLength ?? 0,
    modified: found.LastModified?.toISOString(),
    etag: found.ETag,
    version: found.VersionId,
    'content-type': found.ContentType,
    'content-encoding': found.ContentEncoding,
    'content-disposition': found.ContentDisposition,
    'content-language': found.ContentLanguage,
    'cache-control': found.CacheControl,
    expires: found.ExpiresString,
    'storage-class': found.StorageClass,
    encryption: found.ServerSideEncryption,
    tags: found.TagCount,
    ...checksums(found),
    ...Object.fromEntries(metadata),
  }
}

function checksums(found: HeadObjectCommandOutput): Facts {
  return {
    'checksum-type': found.ChecksumType,
    crc64nvme: found.ChecksumCRC64NVME,
    crc32: found.ChecksumCRC32,
    crc32c: found.ChecksumCRC32C,
    sha1: found.ChecksumSHA1,
    sha256: found.ChecksumSHA256,
  }
}

function print(name: RemoteName, facts: Facts): void {
  console.log(printable(show(name)))
  for (const [fact, value] of Object.entries(facts)) {
    if (value !== undefined) console.log(`  ${`${fact}:`.padEnd(21)} ${text(fact, value)}`)
  }
}

function text(fact: string, value: string | number): string {
  if (fact === 'bytes' && typeof value === 'number') {
    return value < 1024 ? String(value) : `${formatCount(value, 'byte')} (${formatSize(value)})`
  }
  return printable(String(value))
}
