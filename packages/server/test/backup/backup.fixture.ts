// Backups in this process, of a store in which others are at work, and what is in the restored folders.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { after } from 'node:test'
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { Inheritance } from '../../src/backup/base.ts'
import { FolderSink } from '../../src/backup/folder-sink.ts'
import type { BackupSink } from '../../src/backup/sink.ts'
import { type BackupAdvance, type BackupSummary, takeBackup } from '../../src/backup/take.ts'
import { TarSink } from '../../src/backup/tar-sink.ts'
import type { Services } from '../../src/operation/operation.ts'
import { readIdentity } from '../../src/store/body/identity.ts'
import { failure, lines } from '../cli/command-line.ts'
import { runHoldfast } from '../harness.ts'
import { openStore } from '../store.fixture.ts'

/** What a test may choose of a backup. */
export interface TakeOptions {
  readonly signal?: AbortSignal
  readonly onProgress?: (advance: BackupAdvance) => void
  /** Wraps the sink, given the services of the process that backs up. */
  readonly sink?: (sink: BackupSink, services: Services) => BackupSink
}

const scratch = await mkdtemp(join(tmpdir(), 'holdfast-backup-'))
after(() => rm(scratch, { recursive: true, force: true }))
let folders = 0

/** The path of a folder that isn't there. */
export function newPath(): string {
  return join(scratch, String(++folders))
}

/** Backs up into `folder`, on top of the backup in `base` if one is named. */
export async function takeInto(
  folder: string,
  dataFolder: string,
  { base, ...options }: TakeOptions & { readonly base?: string } = {},
): Promise<BackupSummary> {
  return withStore(dataFolder, options, async (store) => {
    await FolderSink.examine(folder, store)
    const inheritance =
      base === undefined ? undefined : await Inheritance.open(base, relative(folder, base), store)
    return { sink: await FolderSink.open(folder), inheritance }
  })
}

/** The bytes of a backup as a stream. */
export async function takeStream(dataFolder: string): Promise<Buffer> {
  const pieces: Buffer[] = []
  const keep = async (bytes: Uint8Array): Promise<void> => void pieces.push(Buffer.from(bytes))
  await withStore(dataFolder, {}, async () => ({ sink: new TarSink(keep, 0) }))
  return Buffer.concat(pieces)
}

async function withStore(
  dataFolder: string,
  options: TakeOptions,
  open: (store: string) => Promise<{ sink: BackupSink; inheritance?: Inheritance | undefined }>,
): Promise<BackupSummary> {
  const { services, close } = await openStore(dataFolder, { readMs: Number.POSITIVE_INFINITY })
  const { signal = new AbortController().signal, onProgress = () => undefined } = options
  try {
    const { sink, inheritance } = await open((await services.engine.read(readIdentity))?.id ?? '')
    return await takeBackup({
      ...services,
      sink: options.sink?.(sink, services) ?? sink,
      inheritance,
      id: randomUUID(),
      version: '0.1.0',
      now: Date.now,
      signal,
      onProgress,
    })
  } finally {
    await close()
  }
}

/** Restores `source` into a new folder, of which fsck finds everything right; returns the folder. */
export async function restored(source: string, ...options: string[]): Promise<string> {
  const folder = newPath()
  await lines('restore', source, '--data', folder, ...options)
  const { exitCode, output } = await runHoldfast(['fsck', '--content', '--data', folder])
  assert.equal(exitCode, 0, output)
  return folder
}

/** The words in which a restore of `source` is refused. */
export async function refusal(source: string, ...options: string[]): Promise<string> {
  return failure(1, 'restore', source, '--data', newPath(), ...options)
}

/** The bytes of an object. */
export async function bodyOf(client: S3Client, Bucket: string, Key: string): Promise<Buffer> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }))
  return Buffer.from((await Body?.transformToByteArray()) ?? [])
}
