// `holdfast backup`: backs up a data folder as of one moment, to a folder or to standard output. A server
// may be at work in the data folder meanwhile.

import { randomUUID } from 'node:crypto'
import { readFile, realpath, rm, stat } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { Inheritance } from '../../backup/base.ts'
import { BackupError } from '../../backup/error.ts'
import { FolderSink } from '../../backup/folder-sink.ts'
import type { BackupSink } from '../../backup/sink.ts'
import { type BackupAdvance, type BackupSummary, takeBackup } from '../../backup/take.ts'
import { TarSink } from '../../backup/tar-sink.ts'
import type { Bytes } from '../../base/bytes.ts'
import { systemClock } from '../../base/clock.ts'
import { CommandError, exitCodes, systemCode } from '../../base/exit.ts'
import { makeFolders } from '../../base/folder.ts'
import { storeIn } from '../../base/store-location.ts'
import type { OpenServices } from '../../compose.ts'
import type { BackupConfig } from '../../config.ts'
import { DamageError, FormatError } from '../../engine/engine.ts'
import { lookAtEngine, sharedFileOf } from '../../engine/location.ts'
import { silentLog } from '../../observe/log.ts'
import { silentMetrics } from '../../observe/metrics.ts'
import { openShared } from '../../open-shared.ts'
import { MisfitError } from '../../operation/fit.ts'
import { readIdentity } from '../../store/body/identity.ts'
import { examineDataFolder } from '../data-folder.ts'
import { FolderLock } from '../lock.ts'
import { version } from '../version.ts'
import { untilStopped } from './interruption.ts'
import { mebibytes, ProgressLine } from './progress-line.ts'

/** Backs up, and returns the exit code: 1 if bodies are damaged. @throws CommandError */
export async function backUp(config: BackupConfig): Promise<number> {
  const { dataFolder, folder, isJson } = config
  await examineDataFolder(dataFolder)
  if ((await lookAtEngine(storeIn(dataFolder).engine)) === undefined) {
    throw new CommandError(`there is no store in ${dataFolder}; name the data folder with --data`)
  }
  await refuseOtherUser(dataFolder, process.getuid?.())
  if (folder === undefined && process.stdout.isTTY) {
    throw new CommandError('a backup is not written to a terminal: redirect standard output')
  }
  if (folder !== undefined) await refuseInside(folder, dataFolder)
  const startedAt = performance.now()
  const { services, close } = await openStore(dataFolder)
  const advice = folder === undefined ? 'the stream is incomplete' : 'run it again to go on'
  try {
    const summary = await untilStopped(advice, (signal) => take(config, services, signal))
    const seconds = Math.round(performance.now() - startedAt) / 1000
    // Standard output may have the backup itself.
    const print = folder === undefined ? console.error : console.log
    print(isJson ? JSON.stringify({ backup: { ...summary, seconds } }) : conclude(summary, seconds))
    return summary.damaged.length === 0 ? exitCodes.ok : exitCodes.failure
  } catch (error) {
    throw explained(error)
  } finally {
    await close()
  }
}

/**
 * Refuses a user that doesn't own the rows, such as root: files that it made in the data folder could not
 * be read by the server. @throws CommandError
 */
export async function refuseOtherUser(dataFolder: string, user: number | undefined): Promise<void> {
  const { uid } = await stat(sharedFileOf(storeIn(dataFolder).engine))
  if (user === undefined || user === uid) return
  throw new CommandError(
    `${dataFolder} belongs to the user with number ${uid}: run the backup as that user, as the server is`,
    { exitCode: exitCodes.refused },
  )
}

async function take(
  config: BackupConfig,
  services: OpenServices['services'],
  signal: AbortSignal,
): Promise<BackupSummary> {
  const { folder } = config
  const store = (await services.engine.read(readIdentity))?.id ?? ''
  const inheritance = await openBase(config, store)
  const facts = { services, inheritance, signal }
  if (folder === undefined) {
    // A reader that ends early is told by the write that fails.
    process.stdout.on('error', () => undefined)
    const sink = new TarSink((bytes) => writeOut(bytes, signal), systemClock.now())
    return takeInto(sink, config, facts)
  }
  await FolderSink.examine(folder, store)
  const lock = await lockTarget(folder)
  try {
    // Another backup may have ended there before the lock was taken.
    await FolderSink.examine(folder, store)
    const sink = await FolderSink.open(folder)
    const summary = await takeInto(sink, config, facts)
    await rm(join(folder, 'lock'), { force: true })
    return summary
  } finally {
    lock.leave()
  }
}

async function takeInto(
  sink: BackupSink,
  { dataFolder, hasKey }: BackupConfig,
  facts: {
    readonly services: OpenServices['services']
    readonly inheritance: Inheritance | undefined
    readonly signal: AbortSignal
  },
): Promise<BackupSummary> {
  const { services, inheritance, signal } = facts
  const line = new ProgressLine()
  try {
    return await takeBackup({
      ...services,
      sink,
      id: randomUUID(),
      version: version(),
      inheritance,
      key: hasKey ? await readKey(dataFolder) : undefined,
      now: () => systemClock.now(),
      signal,
      onProgress: (advance) => line.show(() => describe(advance)),
    })
  } finally {
    line.clear()
  }
}

/** The backup to build on. One in a folder is named relative to it, so that both can be moved together. */
async function openBase(
  { folder, base }: BackupConfig,
  store: string,
): Promise<Inheritance | undefined> {
  if (base === undefined) return undefined
  return Inheritance.open(base, folder === undefined ? base : relative(folder, base), store)
}

/** Keeps other backups out of the folder, which is created if missing. */
async function lockTarget(folder: string): Promise<FolderLock> {
  await makeFolders(folder)
  try {
    return FolderLock.take(folder)
  } catch (error) {
    if (!(error instanceof CommandError) || error.exitCode !== exitCodes.refused) throw error
    throw new CommandError(`another backup into ${folder} is under way`, {
      exitCode: exitCodes.refused,
      cause: error,
    })
  }
}

/** Writes to standard output, at the pace of its reader. */
function writeOut(bytes: Bytes, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason)
    if (signal.aborted) return stop()
    signal.addEventListener('abort', stop, { once: true })
    process.stdout.write(bytes, (error) => {
      signal.removeEventListener('abort', stop)
      if (error) reject(new CommandError(`the output can't be written: ${error.message}`))
      else resolve()
    })
  })
}

async function openStore(dataFolder: string): Promise<OpenServices> {
  const facts = { region: 'us-east-1', log: silentLog, metrics: silentMetrics, isSweeping: false }
  try {
    return await openShared({ ...facts, dataFolder, readMs: Number.POSITIVE_INFINITY })
  } catch (error) {
    throw explained(error)
  }
}

/** The root key that a server left in the data folder, as it is; undefined if there is none. */
async function readKey(dataFolder: string): Promise<Bytes | undefined> {
  try {
    return await readFile(join(dataFolder, 'credentials.json'))
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** A folder in the data folder would make it a foreign one to the next server. */
async function refuseInside(folder: string, dataFolder: string): Promise<void> {
  const [inner, outer] = [await realPathOf(folder), await realPathOf(dataFolder)]
  if (inner !== outer && !inner.startsWith(outer + sep)) return
  throw new CommandError(`${folder} is in the data folder: name a folder elsewhere`)
}

/** The path without links, of which the last parts need not exist. */
async function realPathOf(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch (error) {
    const above = dirname(path)
    if (systemCode(error) !== 'ENOENT' || above === path) throw error
    return join(await realPathOf(above), path.slice(above.length))
  }
}

function explained(error: unknown): unknown {
  if (error instanceof CommandError || !(error instanceof Error)) return error
  if (error instanceof MisfitError || error instanceof FormatError) {
    return new CommandError(error.message, { exitCode: exitCodes.refused, cause: error })
  }
  const isKnown = error instanceof BackupError || error instanceof DamageError
  const code = systemCode(error)
  if (!isKnown && error.name !== 'StoreError' && code === undefined) return error
  const reason = code === 'ENOSPC' ? 'the disk is full' : error.message
  return new CommandError(reason, { cause: error })
}

function describe({ rows, rowBytes, blobs, blobsTotal, blobBytes }: BackupAdvance): string {
  if (blobsTotal === 0) return `backing up rows: ${rows}, ${mebibytes(rowBytes)}`
  return `backing up bodies: ${blobs} of ${blobsTotal}, ${mebibytes(blobBytes)}`
}

function conclude(summary: BackupSummary, seconds: number): string {
  const { moment, rows, rowBytes, blobs, blobBytes, inherited, kept, damaged } = summary
  const parts = [`${rows} rows (${mebibytes(rowBytes)})`, `${blobs} large bodies`]
  parts.push(`${mebibytes(blobBytes)} of them in this backup`)
  if (inherited > 0) parts.push(`${inherited} in earlier backups`)
  if (kept > 0) parts.push(`${kept} kept from the interrupted attempt`)
  const lines = damaged.map(({ body, fault, objects }) => {
    const names = objects.map((name) => `\n  read as: ${JSON.stringify(name)}`)
    return `damaged, and not in the backup: ${body}: ${fault}${names.join('')}`
  })
  const outcome = damaged.length === 0 ? 'backed up' : `backed up but for ${damaged.length} bodies`
  return [...lines, `${outcome}, as of ${moment}: ${parts.join(', ')}; ${seconds} s`].join('\n')
}
