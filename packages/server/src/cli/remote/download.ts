// Objects of a bucket to this machine.

import { utimes } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { GetObjectCommand, type GetObjectCommandOutput } from '@aws-sdk/client-s3'
import { forEachConcurrently } from 'holdfast-client'
import { CommandError, systemCode } from '../exit.ts'
import type { CopyConfig } from './config.ts'
import type { Copied } from './copied.ts'
import { printable } from './format.ts'
import { slashHint } from './hint.ts'
import { countObjects, listObjects } from './listing.ts'
import { pathOf, writeFileWhole } from './local.ts'
import { type LocalName, lastName, type RemoteName, show } from './name.ts'
import { Progress } from './progress.ts'
import type { Session } from './session.ts'

const filesAtOnce = 8

/** Downloads an object. */
export async function download(
  session: Session,
  { isCareful }: CopyConfig,
  { from, to }: { readonly from: RemoteName; readonly to: LocalName },
): Promise<Copied> {
  const path = /(^|\/)\.{0,2}$/.test(to.path) ? join(to.path, lastName(from.key)) : to.path
  const progress = new Progress()
  let bytes = 0
  const onBytes = (more: number, bytesTotal: number): void => {
    bytes += more
    progress.show({ what: basename(path), bytes, bytesTotal })
  }
  await fetch(session, { from, path, isCareful, onBytes }).finally(() => progress.clear())
  return { from: show(from), to: path, objects: 1, bytes }
}

/** Downloads every object below a folder, each as it is when its turn comes. */
export async function downloadFolder(
  session: Session,
  { isCareful }: CopyConfig,
  { from, to }: { readonly from: RemoteName; readonly to: LocalName },
): Promise<Copied> {
  const { objects: objectsTotal, bytes: bytesTotal } = await countObjects(session, from)
  if (objectsTotal === 0) throw new CommandError(`there is nothing under ${show(from)}`)
  const progress = new Progress()
  const done = { objects: 0, bytes: 0 }
  const report = (): void => {
    progress.show({ what: 'downloading', ...done, objectsTotal, bytesTotal })
  }
  let skipped = 0
  const skip = (key: string, why: string): void => {
    skipped += 1
    progress.clear()
    console.error(`holdfast: skipped ${printable(key)}: ${why}`)
  }
  const atOnce = { limit: filesAtOnce, signal: session.signal }
  await forEachConcurrently(listObjects(session, from), atOnce, async ({ key }, signal) => {
    // A folder's own object has no place of its own here.
    if (key === from.key) return
    const path = pathOf(to.path, key.slice(from.key.length))
    if (path === undefined) {
      if (!key.endsWith('/')) skip(key, 'no path on this machine can stand for it')
      return
    }
    const name = { bucket: from.bucket, key }
    const onBytes = (more: number): void => {
      done.bytes += more
      report()
    }
    try {
      await fetch({ ...session, signal }, { from: name, path, isCareful, onBytes })
      done.objects += 1
    } catch (error) {
      if (!nameClashes.has(systemCode(error) ?? '')) throw error
      skip(key, 'a file and a folder can not have one name here')
    }
    report()
  }).finally(() => progress.clear())
  if (skipped > 0) throw new CommandError(`${skipped} of ${objectsTotal} objects were not copied`)
  return { from: show(from), to: to.path, ...done }
}

const nameClashes: ReadonlySet<string> = new Set(['EISDIR', 'ENOTDIR', 'EEXIST', 'ENOTEMPTY'])

/** Writes an object to standard output. */
export async function downloadStream(session: Session, from: RemoteName): Promise<Copied> {
  const { body, sizeBytes } = await get(session, from)
  await pipeline(body, process.stdout, { signal: session.signal, end: false })
  return { from: show(from), to: '-', objects: 1, bytes: sizeBytes }
}

interface Fetching {
  readonly from: RemoteName
  readonly path: string
  readonly isCareful: boolean
  readonly onBytes: (more: number, total: number) => void
}

async function fetch(
  session: Session,
  { from, path, isCareful, onBytes }: Fetching,
): Promise<void> {
  const { body, sizeBytes, modified } = await get(session, from)
  let received = 0
  await writeFileWhole(path, body, {
    isCareful,
    signal: session.signal,
    onBytes(more) {
      received += more
      onBytes(more, sizeBytes)
    },
  })
  if (received !== sizeBytes) {
    throw new CommandError(`${show(from)} broke off after ${received} of ${sizeBytes} bytes`)
  }
  if (modified !== undefined) await utimes(path, modified, modified)
}

interface Got {
  readonly body: AsyncIterable<Uint8Array>
  readonly sizeBytes: number
  readonly modified: Date | undefined
}

async function get(session: Session, name: RemoteName): Promise<Got> {
  const { s3, signal } = session
  let found: GetObjectCommandOutput
  try {
    found = await s3.send(new GetObjectCommand({ Bucket: name.bucket, Key: name.key }), {
      abortSignal: signal,
    })
  } catch (cause) {
    if (!(cause instanceof Error) || cause.name !== 'NoSuchKey') throw cause
    const hint = await slashHint(session, name)
    throw new CommandError(`there is no object ${show(name)}${hint}`, { cause })
  }
  const { Body, ContentLength = 0, LastModified } = found
  if (Body === undefined) throw new Error('an answer to GetObject has no body')
  const body: AsyncIterable<Uint8Array> = Body.transformToWebStream()
  return { body, sizeBytes: ContentLength, modified: LastModified }
}
