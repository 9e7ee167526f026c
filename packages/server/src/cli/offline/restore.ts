// `holdfast restore`: makes a data folder of a backup, or only checks the backup. The new store has an
// identity of its own, so it never touches the one that was backed up.

import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { RestoredFolder } from '../../backup/data-folder.ts'
import { BackupError } from '../../backup/error.ts'
import {
  nowhere,
  type ReadBackup,
  type RestoreAdvance,
  type RestoreTarget,
  readBackup,
} from '../../backup/read.ts'
import { type BackupFiles, filesOfFolder } from '../../backup/source.ts'
import { filesOfTar } from '../../backup/tar-source.ts'
import { CommandError, exitCodes, systemCode } from '../../base/exit.ts'
import type { RestoreConfig } from '../../config.ts'
import { examineRestoreTarget, makeDataFolder } from '../data-folder.ts'
import { FolderLock } from '../lock.ts'
import { untilStopped } from './interruption.ts'
import { mebibytes, ProgressLine } from './progress-line.ts'

/** Restores or checks, and returns the exit code: 1 if the backup lacks bodies. @throws CommandError */
export async function restore(config: RestoreConfig): Promise<number> {
  const { dataFolder, isCheck, isJson } = config
  const startedAt = performance.now()
  try {
    const found = await untilStopped('nothing was restored', (signal) =>
      isCheck ? read(config, nowhere, signal) : restoreInto(dataFolder, config, signal),
    )
    const seconds = Math.round(performance.now() - startedAt) / 1000
    const summary = summaryOf(found, seconds)
    console.log(isJson ? JSON.stringify({ restore: summary }) : conclude(config, summary))
    return found.end.damaged.length === 0 ? exitCodes.ok : exitCodes.failure
  } catch (error) {
    throw explained(error)
  }
}

async function restoreInto(
  folder: string,
  config: RestoreConfig,
  signal: AbortSignal,
): Promise<ReadBackup> {
  await examineRestoreTarget(folder)
  await makeDataFolder(folder)
  const lock = FolderLock.take(folder)
  try {
    // A server may have made a store there before the lock was taken.
    await examineRestoreTarget(folder)
    const target = await RestoredFolder.begin(folder)
    try {
      const found = await read(config, target, signal)
      await target.finish(randomUUID(), found.key)
      return found
    } catch (error) {
      await target.discard()
      throw error
    }
  } finally {
    lock.leave()
  }
}

async function read(
  config: RestoreConfig,
  target: RestoreTarget,
  signal: AbortSignal,
): Promise<ReadBackup> {
  const { files, folder } = await openSource(config.source)
  const line = new ProgressLine()
  const what = config.isCheck ? 'checking' : 'restoring'
  try {
    return await readBackup({
      files,
      folder,
      bases: config.bases,
      target,
      signal,
      onProgress: (advance) => line.show(() => describe(what, advance)),
    })
  } finally {
    line.clear()
  }
}

async function openSource(
  source: string | undefined,
): Promise<{ readonly files: BackupFiles; readonly folder: string }> {
  if (source === undefined) {
    if (process.stdin.isTTY) throw new CommandError('a backup is not read from a terminal')
    return { files: filesOfTar(process.stdin), folder: process.cwd() }
  }
  const found = await stat(source).catch((error: unknown) => {
    const reason = systemCode(error) === 'ENOENT' ? 'it is not there' : String(error)
    throw new CommandError(`can't read the backup ${source}: ${reason}`, { cause: error })
  })
  if (found.isDirectory()) return { files: filesOfFolder(source), folder: source }
  return { files: filesOfTar(createReadStream(source)), folder: dirname(source) }
}

function explained(error: unknown): unknown {
  if (error instanceof CommandError || !(error instanceof Error)) return error
  const code = systemCode(error)
  const isKnown = error instanceof BackupError || error.name === 'StoreError'
  if (!isKnown && code === undefined) return error
  const reason = code === 'ENOSPC' ? 'the disk is full' : error.message
  return new CommandError(`nothing was restored: ${reason}`, { cause: error })
}

type Summary = ReturnType<typeof summaryOf>

function summaryOf({ head, end, key, advance }: ReadBackup, seconds: number) {
  const { id, version } = head
  const { moment, damaged, lost } = end
  return { id, version, moment, ...advance, hasKey: key !== undefined, damaged, lost, seconds }
}

function describe(what: string, { rows, blobs, blobBytes }: RestoreAdvance): string {
  return `${what}: ${rows} rows, ${blobs} large bodies, ${mebibytes(blobBytes)}`
}

function conclude({ isCheck, dataFolder }: RestoreConfig, summary: Summary): string {
  const { moment, rows, blobs, blobBytes, damaged, hasKey, seconds } = summary
  const lines = damaged.map(({ body, fault, objects }) => {
    const names = objects.map((name) => `\n  read as: ${JSON.stringify(name)}`)
    return `damaged when it was backed up: ${body}: ${fault}${names.join('')}`
  })
  const counts = `${rows} rows, ${blobs} large bodies of ${mebibytes(blobBytes)}; ${seconds} s`
  if (isCheck) lines.push(`the backup is sound, as of ${moment}: ${counts}`)
  else {
    lines.push(`restored into ${dataFolder}, as of ${moment}: ${counts}`)
    if (!hasKey)
      lines.push('The backup has no root key: the first start makes one, unless it is given keys.')
  }
  return lines.join('\n')
}
