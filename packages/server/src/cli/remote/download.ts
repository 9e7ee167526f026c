// Downloads objects to this machine.

import { utimes } from 'node:fs/promises'
import { basename } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { GetObjectCommand, type GetObjectCommandOutput } from '@aws-sdk/client-s3'
import { forEachConcurrently } from 'holdfast-client'
import { CommandError, systemCode } from '../../base/exit.ts'
import { makeFolder } from '../../base/make-folder.ts'
import type { CopyConfig } from './config.ts'
import type { Copied } from './copy-summary.ts'
import { slashHint } from './hint.ts'
import { countObjects, listObjects } from './listing.ts'
import { existing, exists, placeOf, writeFileWhole } from './local.ts'
import { type LocalName, lastName, type RemoteName, show } from './name.ts'
import { Progress } from './progress.ts'
import type { Session } from './session.ts'
import { Skipped } from './skipping.ts'
import { Spellings } from './spelling.ts'

const filesAtOnce = 8

/** Downloads an object. */
export async function download(
  session: Session,
  { isCareful }: CopyConfig,
  { from, to }: { readonly from: RemoteName; readonly to: LocalName },
): Promise<Copied> {
  const path = pathFor(from, to)
  const progress = new Progress()
  let bytes = 0
  const onBytes = (more: number, bytesTotal: number): void => {
    bytes += more
    progress.show({ what: basename(path), bytes, bytesTotal })
  }
  await fetch(session, { from, path, isCareful, onBytes }).finally(() => progress.clear())
  return { from: show(from), to: path, objects: 1, bytes }
}

/** The path for an object. @throws CommandError if the object's name is no valid file name */
function pathFor(from: RemoteName, { path }: LocalName): string {
  if (!/(^|\/)\.{0,2}$/.test(path)) return path
  const place = placeOf(path, lastName(from.key))
  if ('path' in place) return place.path
  throw new CommandError(`${show(from)} needs another name here: ${place.why}`)
}

/** Downloads every object below a folder, each in its state at that time. Skips objects whose failure is not general. */
export async function downloadFolder(
  session: Session,
  { isCareful }: CopyConfig,
  { from, to }: { readonly from: RemoteName; readonly to: LocalName },
): Promise<Copied> {
  const { objects: objectsTotal, bytes: bytesTotal } = await countObjects(session, from)
  if (objectsTotal === 0) throw new CommandError(`there is nothing under ${show(from)}`)
  const progress = new Progress()
  const skipped = new Skipped(progress)
  const done = { objects: 0, bytes: 0 }
  const report = (): void => {
    progress.show({ what: 'downloading', ...done, objectsTotal, bytesTotal })
  }
  const spellings = await Spellings.of(to.path)
  const atOnce = { limit: filesAtOnce, signal: session.signal }
  await forEachConcurrently(listObjects(session, from), atOnce, async (entry, signal) => {
    const { key, sizeBytes } = entry
    const name = key.slice(from.key.length)
    // The marker object of a folder has no file; its bytes are not stored.
    const isMark = sizeBytes === 0 && key.endsWith('/')
    const place = isMark && name === '' ? { path: to.path } : placeOf(to.path, trim(name, isMark))
    if (!('path' in place)) return skipped.skip(key, place.why)
    if (!spellings.add(place.path)) {
      return skipped.skip(
        key,
        'here its name differs from that of another one in upper and lower case only',
      )
    }
    let received = 0
    const onBytes = (more: number): void => {
      received += more
      done.bytes += more
      report()
    }
    const isCopied = await skipped.orSkip(key, signal, async () => {
      if (isMark) await makeFolder(place.path, 0o777)
      else {
        const object = { bucket: from.bucket, key }
        await fetch({ ...session, signal }, { from: object, path: place.path, isCareful, onBytes })
      }
    })
    if (isCopied) done.objects += 1
    else done.bytes -= received
    report()
  }).finally(() => progress.clear())
  return {
    from: show(from),
    to: to.path,
    ...done,
    ...(skipped.count > 0 ? { skipped: skipped.count } : {}),
  }
}

/** A name without the slash of a folder's marker. */
function trim(name: string, isMark: boolean): string {
  return isMark ? name.slice(0, -1) : name
}

/** Writes an object to standard output. */
export async function downloadStream(session: Session, from: RemoteName): Promise<Copied> {
  const { signal } = session
  const { body, sizeBytes } = await get(session, from)
  const whole = wholeOf({ body, sizeBytes, name: show(from), signal })
  await pipeline(whole, process.stdout, { signal, end: false })
  return { from: show(from), to: '-', objects: 1, bytes: sizeBytes }
}

/** One download. */
export interface Fetching {
  readonly from: RemoteName
  readonly path: string
  readonly isCareful: boolean
  readonly onBytes: (more: number, total: number) => void
}

/** Writes an object to a file with the object's time. @throws CommandError */
export async function fetch(
  session: Session,
  { from, path, isCareful, onBytes }: Fetching,
): Promise<void> {
  if (isCareful && (await exists(path))) throw existing(path)
  const { signal } = session
  const { body, sizeBytes, modified } = await get(session, from)
  const onMore = (more: number): void => onBytes(more, sizeBytes)
  const whole = wholeOf({ body, sizeBytes, name: show(from), signal })
  await writeFileWhole(path, whole, { isCareful, signal, onBytes: onMore })
  if (modified !== undefined) await utimes(path, modified, modified)
}

/** The body as a stream. @throws CommandError if it is cut off, or differs from its checksum */
async function* wholeOf(source: {
  readonly body: AsyncIterable<Uint8Array>
  readonly sizeBytes: number
  readonly name: string
  readonly signal: AbortSignal
}): AsyncGenerator<Uint8Array> {
  const { body, sizeBytes, name, signal } = source
  let received = 0
  const chunks = body[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await chunks.next().catch((cause: unknown) => {
        signal.throwIfAborted()
        const why = cause instanceof Error ? ` (${systemCode(cause) ?? cause.message})` : ''
        throw brokeOff(name, received, sizeBytes, { why, cause })
      })
      if (next.done === true) break
      received += next.value.byteLength
      yield next.value
    }
  } finally {
    await chunks.return?.().catch(() => undefined)
  }
  if (received !== sizeBytes) throw brokeOff(name, received, sizeBytes, { why: '' })
}

function brokeOff(
  name: string,
  received: number,
  sizeBytes: number,
  { why, cause }: { readonly why: string; readonly cause?: unknown },
): CommandError {
  return new CommandError(`${name} broke off after ${received} of ${sizeBytes} bytes${why}`, {
    cause,
  })
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
