// Uploads local files to a bucket.

import { createReadStream } from 'node:fs'
import { basename } from 'node:path'
import type { Readable } from 'node:stream'
import { Upload } from '@aws-sdk/lib-storage'
import { forEachConcurrently } from 'holdfast-client'
import mime from 'mime'
import { CommandError } from '../../base/exit.ts'
import type { CopyConfig } from './config.ts'
import type { Copied } from './copy-summary.ts'
import { type LocalFile, statFile, walkFiles } from './local.ts'
import { isFolder, type LocalName, type RemoteName, show } from './name.ts'
import { Progress } from './progress.ts'
import type { Session } from './session.ts'
import { Skipped } from './skipping.ts'

/** The size of a part, larger for files that would have more than 10,000 parts. */
const partBytes = 8_388_608
const maximumParts = 10_000
/** The number of concurrent files, and of concurrent parts of each. Parts are held in memory. */
const filesAtOnce = 8
const partsAtOnce = 4
const partsAtOnceOfMany = 2

/** Uploads a file. */
export async function upload(
  session: Session,
  config: CopyConfig,
  { from, to }: { readonly from: LocalName; readonly to: RemoteName },
): Promise<Copied> {
  const { path } = from
  const { sizeBytes } = await statFile(path)
  const name = basename(path)
  const target = isFolder(to) ? { bucket: to.bucket, key: to.key + name } : to
  const progress = new Progress()
  await send(session, config, {
    body: createReadStream(path),
    sizeBytes,
    target,
    queueSize: partsAtOnce,
    onBytes: (bytes) => progress.show({ what: name, bytes, bytesTotal: sizeBytes }),
  }).finally(() => progress.clear())
  return { from: path, to: show(target), objects: 1, bytes: sizeBytes }
}

/** Uploads every file below a folder. Skips files whose failure is not general. */
export async function uploadFolder(
  session: Session,
  config: CopyConfig,
  { from, to }: { readonly from: LocalName; readonly to: RemoteName },
): Promise<Copied> {
  const progress = new Progress()
  const skipped = new Skipped(progress)
  const total = { objects: 0, bytes: 0 }
  const files: LocalFile[] = []
  const told = {
    onOther: (path: string): void => skipped.note(path, 'no file'),
    onSkipped: (path: string, why: string): void => skipped.skip(path, why),
  }
  for await (const file of walkFiles(from.path, told)) {
    files.push(file)
    total.objects += 1
    total.bytes += file.sizeBytes
  }
  const done = { objects: 0, bytes: 0 }
  const report = (): void => {
    const totals = { objectsTotal: total.objects, bytesTotal: total.bytes }
    progress.show({ what: 'uploading', ...done, ...totals })
  }
  const atOnce = { limit: filesAtOnce, signal: session.signal }
  await forEachConcurrently(files, atOnce, async (file, signal) => {
    let sent = 0
    const onBytes = (bytes: number): void => {
      done.bytes += bytes - sent
      sent = bytes
      report()
    }
    const target = { bucket: to.bucket, key: to.key + file.name }
    const { path, sizeBytes } = file
    const isCopied = await skipped.orSkip(path, signal, async () => {
      const body = createReadStream(path)
      const sending = { body, sizeBytes, target, queueSize: partsAtOnceOfMany, onBytes }
      await send({ ...session, signal }, config, sending)
    })
    if (isCopied) done.objects += 1
    else done.bytes -= sent
    report()
  }).finally(() => progress.clear())
  const counted = skipped.count > 0 ? { ...done, skipped: skipped.count } : total
  return { from: from.path, to: show(to), ...counted }
}

/** Uploads standard input, whose length is unknown. */
export async function uploadStream(
  session: Session,
  config: CopyConfig,
  to: RemoteName,
): Promise<Copied> {
  const progress = new Progress()
  let bytes = 0
  await send(session, config, {
    body: process.stdin,
    sizeBytes: undefined,
    target: to,
    queueSize: partsAtOnce,
    onBytes(sent) {
      bytes = sent
      progress.show({ what: 'uploading', bytes })
    },
  }).finally(() => progress.clear())
  return { from: '-', to: show(to), objects: 1, bytes }
}

/** One upload. */
export interface Sending {
  readonly body: Readable
  readonly sizeBytes: number | undefined
  readonly target: RemoteName
  readonly queueSize: number
  readonly onBytes: (bytes: number) => void
}

/** Uploads a stream, in parts if it is large. @throws CommandError if an object exists and must not be overwritten */
export async function send(
  { s3, signal }: Session,
  { isCareful, contentType }: Pick<CopyConfig, 'isCareful' | 'contentType'>,
  { body, sizeBytes, target, queueSize, onBytes }: Sending,
): Promise<void> {
  signal.throwIfAborted()
  const type = contentType ?? mime.getType(target.key)
  const sending = new Upload({
    client: s3,
    queueSize,
    // For a stream of unknown length: 10,000 parts of 64 MiB are 625 GiB. The limit of S3, 5 TiB, would need 512 MiB.
    partSize:
      sizeBytes === undefined
        ? 8 * partBytes
        : Math.max(partBytes, Math.ceil(sizeBytes / maximumParts)),
    params: {
      Bucket: target.bucket,
      Key: target.key,
      Body: body,
      ...(type === null ? {} : { ContentType: type }),
      ...(isCareful ? { IfNoneMatch: '*' } : {}),
    },
  })
  sending.on('httpUploadProgress', ({ loaded = 0 }) => onBytes(loaded))
  // An error of the source makes the SDK remove the uploaded parts. On abort, the SDK wouldn't wait for their removal.
  const abort = (): void => void body.destroy(new Error('stopped'))
  signal.addEventListener('abort', abort)
  try {
    await sending.done()
  } catch (cause) {
    signal.throwIfAborted()
    if (!(cause instanceof Error) || cause.name !== 'PreconditionFailed') throw cause
    throw new CommandError(`there is an object ${show(target)} already`, { cause })
  } finally {
    signal.removeEventListener('abort', abort)
    body.destroy()
  }
}
