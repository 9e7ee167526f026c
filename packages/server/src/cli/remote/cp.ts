// `holdfast cp`: copies from bucket to bucket on the server, and from and to this machine file by file. Folders end in
// `/` on both sides.

import { copyObject } from 'holdfast-client'
import { CommandError, exitCodes } from '../../base/exit.ts'
import { UsageError } from '../../base/options.ts'
import type { CopyConfig } from './config.ts'
import type { Copied } from './copy-summary.ts'
import { download, downloadFolder, downloadStream } from './download.ts'
import { formatCount, formatSize } from './format.ts'
import { explainObject } from './hint.ts'
import { findObject } from './listing.ts'
import { targetOf } from './mv.ts'
import { type AnyName, isFolder, type LocalName, type RemoteName, show } from './name.ts'
import { type Session, withServer } from './session.ts'
import { upload, uploadFolder, uploadStream } from './upload.ts'

/** Copies, and prints a summary. */
export async function cp(config: CopyConfig): Promise<number> {
  const copied = await withServer(config.server, (session) => copyAny(session, config))
  if (config.isJson) {
    // Standard output has the content itself.
    const print = config.to.kind === 'stream' ? console.error : console.log
    print(JSON.stringify({ copied }))
  } else if (config.to.kind !== 'stream') {
    console.log(describe(copied))
  }
  const { skipped = 0, objects = 0 } = copied
  if (skipped === 0) return exitCodes.ok
  const noun = config.from.kind === 'local' ? 'files' : 'objects'
  throw new CommandError(
    `${skipped} of ${skipped + objects} ${noun} were not copied; they are named above`,
  )
}

function describe({ from, to, objects, bytes }: Copied): string {
  const counted =
    objects === undefined || bytes === undefined
      ? ''
      : ` (${formatCount(objects, 'object')}, ${formatSize(bytes)})`
  return `copied ${from} to ${to}${counted}`
}

async function copyAny(session: Session, config: CopyConfig): Promise<Copied> {
  const { from, to, isReplacing } = config
  if (isReplacing && (from.kind !== 'remote' || to.kind !== 'remote')) {
    throw new UsageError('--replace is for folders that are copied on the server')
  }
  switch (from.kind) {
    case 'remote':
      return copyRemote(session, config, from.name, to)
    case 'local':
      return sendFrom(session, config, { from: from.name, to: remoteOf(to) })
    case 'stream':
      return sendIn(session, config, remoteOf(to))
  }
}

async function copyRemote(
  session: Session,
  config: CopyConfig,
  from: RemoteName,
  to: AnyName,
): Promise<Copied> {
  switch (to.kind) {
    case 'remote':
      return copyOnServer(session, config, { from, to: to.name })
    case 'local':
      return fetchTo(session, config, { from, to: to.name })
    case 'stream':
      return fetchOut(session, from)
  }
}

/** @throws UsageError */
function remoteOf(name: AnyName): RemoteName {
  if (name.kind === 'remote') return name.name
  throw new UsageError('one of the two must be in a bucket: s3://bucket/key')
}

async function copyOnServer(
  session: Session,
  { isReplacing, isCareful }: CopyConfig,
  { from, to }: { readonly from: RemoteName; readonly to: RemoteName },
): Promise<Copied> {
  const target = targetOf(from, to)
  const shown = { from: show(from), to: show(target) }
  if (isFolder(from)) {
    if (isReplacing && isCareful) throw new UsageError('--replace or --no-clobber, not both')
    const names = { bucket: from.bucket, from: from.key, to: target.key, toBucket: target.bucket }
    await session.folders.copy(names, { replace: isReplacing, signal: session.signal })
    return shown
  }
  if (isReplacing) throw new UsageError('--replace is for folders; an object is overwritten')
  try {
    const listed = await findObject(session, from)
    if (listed === undefined) throw Object.assign(new Error('absent'), { name: 'NoSuchKey' })
    const ifNoneMatch = isCareful ? ('*' as const) : undefined
    await copyObject(session, { source: from, listed, target, ifNoneMatch })
    return { ...shown, objects: 1, bytes: listed.sizeBytes }
  } catch (cause) {
    throw await explainObject(session, { from, to: target, cause })
  }
}

function fetchOut(session: Session, from: RemoteName): Promise<Copied> {
  if (isFolder(from)) throw new UsageError('a folder goes to standard output with `holdfast zip`')
  return downloadStream(session, from)
}

function fetchTo(
  session: Session,
  config: CopyConfig,
  names: { readonly from: RemoteName; readonly to: LocalName },
): Promise<Copied> {
  if (!isFolder(names.from)) return download(session, config, names)
  if (!names.to.path.endsWith('/')) throw noSlash()
  return downloadFolder(session, config, names)
}

function sendIn(session: Session, config: CopyConfig, to: RemoteName): Promise<Copied> {
  if (isFolder(to)) throw new UsageError('what comes from standard input needs a name')
  return uploadStream(session, config, to)
}

function sendFrom(
  session: Session,
  config: CopyConfig,
  names: { readonly from: LocalName; readonly to: RemoteName },
): Promise<Copied> {
  if (!names.from.path.endsWith('/')) return upload(session, config, names)
  if (!isFolder(names.to)) throw noSlash()
  return uploadFolder(session, config, names)
}

function noSlash(): UsageError {
  return new UsageError("a folder is copied; so the target's name ends in / too")
}
