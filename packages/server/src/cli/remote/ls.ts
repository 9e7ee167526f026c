// `holdfast ls`: lists buckets, or the contents of one, with sizes and counts.

import { ListBucketsCommand } from '@aws-sdk/client-s3'
import { CommandError, exitCodes } from '../../base/exit.ts'
import type { ListConfig } from './config.ts'
import { formatCount, formatSize, formatTime, printable } from './format.ts'
import { bareHint } from './hint.ts'
import { countObjects, type Entry, listEntries, type ObjectEntry, type Total } from './listing.ts'
import { isFolder, type RemoteName, show } from './name.ts'
import { type Session, withServer } from './session.ts'

/** Prints the listing. */
export async function ls(config: ListConfig): Promise<number> {
  await withServer(config.server, (session) =>
    config.name === undefined
      ? listBuckets(session, config)
      : listName(session, config, config.name),
  )
  return exitCodes.ok
}

async function listBuckets({ s3, signal }: Session, { isJson }: ListConfig): Promise<void> {
  let token: string | undefined
  do {
    const page = await s3.send(new ListBucketsCommand({ ContinuationToken: token }), {
      abortSignal: signal,
    })
    if (page.Owner === undefined && page.Buckets === undefined) {
      throw new CommandError('what answers there is no S3 server: name another with --endpoint')
    }
    for (const { Name = '', CreationDate = new Date(0) } of page.Buckets ?? []) {
      console.log(
        isJson
          ? JSON.stringify({ type: 'bucket', bucket: Name, created: CreationDate })
          : `${formatTime(CreationDate)}  ${Name}`,
      )
    }
    token = page.ContinuationToken
  } while (token !== undefined && token !== '')
}

async function listName(session: Session, config: ListConfig, name: RemoteName): Promise<void> {
  const { isJson, isRecursive, hasSizes } = config
  const sum = { folders: 0, objects: 0, bytes: 0 }
  for await (const entry of matching(session, name, isRecursive)) {
    session.signal.throwIfAborted()
    if (entry.kind === 'object') {
      sum.objects += 1
      sum.bytes += entry.sizeBytes
      console.log(isJson ? objectJson(name, entry) : objectLine(name, entry))
      continue
    }
    sum.folders += 1
    const folder = { bucket: name.bucket, key: entry.key }
    const total = hasSizes ? await countObjects(session, folder) : undefined
    console.log(isJson ? folderJson(folder, total) : folderLine(name, entry.key, total))
  }
  if (sum.folders + sum.objects === 0 && name.key !== '') {
    throw new CommandError(`there is nothing at ${show(name)}${await bareHint(session, name)}`)
  }
  if (isJson) console.log(JSON.stringify({ summary: sum }))
  else console.log(`${summarize(sum)}`)
}

/** The contents of a folder, or for a name without a slash, the object and the folder of that name. */
async function* matching(
  session: Session,
  name: RemoteName,
  isRecursive: boolean,
): AsyncGenerator<Entry> {
  if (isFolder(name)) {
    yield* listEntries(session, name, { isRecursive })
    return
  }
  for await (const entry of listEntries(session, name, { isRecursive: false })) {
    if (entry.key === name.key || entry.key === `${name.key}/`) yield entry
    else if (entry.key > `${name.key}/`) return
  }
}

function objectJson({ bucket }: RemoteName, entry: ObjectEntry): string {
  const { key, sizeBytes, modified, etag } = entry
  return JSON.stringify({ type: 'object', bucket, key, sizeBytes, modified, etag })
}

function folderJson({ bucket, key }: RemoteName, total: Total | undefined): string {
  return JSON.stringify({ type: 'folder', bucket, key, ...total })
}

function objectLine(name: RemoteName, { key, sizeBytes, modified }: ObjectEntry): string {
  return line(formatTime(modified), formatSize(sizeBytes), shorten(name, key))
}

function folderLine(name: RemoteName, key: string, total: Total | undefined): string {
  if (total === undefined) return line('', '', shorten(name, key))
  const objects = formatCount(total.objects, 'object')
  return line(objects, formatSize(total.bytes), shorten(name, key))
}

function line(left: string, size: string, key: string): string {
  return `${left.padStart(16)}  ${size.padStart(9)}  ${printable(key)}`
}

/** A key relative to the listed folder. The folder's own marker object keeps its name. */
function shorten(name: RemoteName, key: string): string {
  if (!isFolder(name)) return key
  return key.slice(name.key.length) || '(the folder’s own object)'
}

function summarize(sum: Total & { readonly folders: number }): string {
  const objects = `${formatCount(sum.objects, 'object')}, ${formatSize(sum.bytes)}`
  return sum.folders === 0 ? objects : `${formatCount(sum.folders, 'folder')}, ${objects}`
}
