// `holdfast serve`: the primary process. It checks what it was told, takes the folder's lock, finds
// the access keys, and lets workers serve until it is told to stop. It never opens the store itself.

import { createPrivateKey, X509Certificate } from 'node:crypto'
import { access, constants, readFile } from 'node:fs/promises'
import type { AccessKey } from '../access/key.ts'
import { systemClock } from '../base/clock.ts'
import { ownLiveness } from '../base/liveness.ts'
import { makeFolders } from '../blob/folder.ts'
import type { ServeConfig, TlsFiles } from '../config.ts'
import type { ProcessLog } from '../observe/pino.ts'
import { Workers } from './cluster.ts'
import { Connections, listen } from './connections.ts'
import { type LoadedCredentials, loadCredentials } from './credentials.ts'
import { CommandError, exitCodes, systemCode } from './exit.ts'
import { FolderLock, killSurvivors } from './lock.ts'
import { welcome } from './welcome.ts'

/** Milliseconds that requests under way have to end when the server is stopped. */
const graceMs = 30_000
/** Milliseconds in which a signal counts as the same one: npm passes on what the group got as well. */
const repeatMs = 500

/** Runs the server to its end and returns its exit code. @throws CommandError when it can't start */
export async function serve(config: ServeConfig): Promise<number> {
  const stop = listenToSignals()
  const connections = new Connections()
  const workers = new Workers({ count: config.workers, connections, clock: systemClock })
  // First of all, since they take longest to get ready.
  workers.fork()
  try {
    await prepareFolder(config.dataFolder)
    const lock = FolderLock.take(config.dataFolder)
    const { openProcessLog } = await import('../observe/pino.ts')
    const { logLevel: level, logFormat: format } = config
    const log = openProcessLog({ level, format, base: { worker: 'primary' } })
    try {
      const { server, port } = await listen(connections, config)
      const code = await run({ config, port, lock, log, stop, workers })
      server.close()
      return code
    } finally {
      // In this order: the lock says that nobody else is at work here.
      workers.kill()
      lock.release()
      log.flush()
    }
  } finally {
    workers.kill()
  }
}

interface Run {
  readonly config: ServeConfig
  readonly port: number
  readonly lock: FolderLock
  readonly log: ProcessLog
  readonly stop: StopSignals
  readonly workers: Workers
}

async function run({ config, port, lock, log, stop, workers }: Run): Promise<number> {
  const { dataFolder } = config
  const survivors = killSurvivors(dataFolder)
  if (survivors > 0) log.warn('killed workers that outlived their server', { survivors })
  const credentials = await loadCredentials({ file: config.credentialsFile, dataFolder })
  if (credentials.warning !== undefined) log.warn(credentials.warning)
  const tls = config.tls === undefined ? undefined : await readTls(config.tls)
  const startedAt = new Date().toISOString()
  const token = ownLiveness()
  let endpoint: string | undefined
  const describe = (tokens: readonly string[]): void =>
    lock.describe({ pid: process.pid, token, endpoint, startedAt, workers: tokens })
  workers.onChange(describe)
  void stop.again.then(() => workers.kill())
  const serving = workers.serve({ setup: { config, keys: credentials.keys, tls }, log })
  await Promise.race([serving, stop.first])
  if (!stop.isAsked) {
    endpoint = endpointOf(config, port)
    describe(workers.tokens)
    announce({ config, credentials, endpoint, log })
    stop.onHangup(() => void reload({ config, workers, log }))
    await stop.first
  }
  log.info('stopping')
  await workers.stop(graceMs)
  log.info('stopped')
  if (!stop.isUrgent) return exitCodes.ok
  throw new CommandError('stopped at once, as it was told twice: requests under way were cut off')
}

function announce(facts: {
  readonly config: ServeConfig
  readonly credentials: LoadedCredentials
  readonly endpoint: string
  readonly log: ProcessLog
}): void {
  const { config, credentials, endpoint, log } = facts
  process.stderr.write(welcome({ ...facts, isTerminal: process.stderr.isTTY === true }))
  const readyMs = Math.round(performance.now())
  log.info('ready', { endpoint, dataFolder: config.dataFolder, workers: config.workers, readyMs })
  log.debug('access keys', { file: credentials.file, count: credentials.keys.length })
  if (!isLoopback(config.host)) {
    const { host } = config
    const isSafe = config.tls !== undefined
    log.warn(
      isSafe
        ? 'other machines can reach this server'
        : 'other machines can reach this server, and without TLS who is between can read along',
      { host },
    )
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host)
}

function endpointOf({ host, tls }: ServeConfig, port: number): string {
  const scheme = tls === undefined ? 'http' : 'https'
  const isAny = host === '0.0.0.0' || host === '::' || host === ''
  const name = isAny ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host
  return `${scheme}://${name}:${port}`
}

async function reload(facts: {
  readonly config: ServeConfig
  readonly workers: Workers
  readonly log: ProcessLog
}): Promise<void> {
  const { config, workers, log } = facts
  let keys: readonly AccessKey[]
  try {
    const { credentialsFile: file, dataFolder } = config
    keys = (await loadCredentials({ file, dataFolder })).keys
  } catch (error) {
    log.error('the access keys could not be read again; those in use stay', { error })
    return
  }
  workers.setKeys(keys)
  log.info('read the access keys again', { count: keys.length })
}

async function prepareFolder(folder: string): Promise<void> {
  try {
    await makeFolders(folder)
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    throw new CommandError(`can't use ${folder} as data folder: ${reasonOf(error)}`, {
      cause: error,
    })
  }
}

function reasonOf(error: unknown): string {
  switch (systemCode(error)) {
    case 'EACCES':
    case 'EPERM':
      return 'this user may not write there'
    case 'ENOTDIR':
    case 'EEXIST':
      return 'it, or something above it, is a file'
    case 'EROFS':
      return 'it is on a read-only file system'
    case 'ENOSPC':
      return 'its disk is full'
    default:
      return error instanceof Error ? error.message : String(error)
  }
}

async function readTls(files: TlsFiles): Promise<{ readonly cert: string; readonly key: string }> {
  const { certificateFile, keyFile } = files
  const cert = await readPem(certificateFile)
  const key = await readPem(keyFile)
  try {
    if (new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) return { cert, key }
  } catch (error) {
    throw new CommandError(
      `${certificateFile} and ${keyFile} must be a certificate and its private key, both PEM: ${error}`,
      { cause: error },
    )
  }
  throw new CommandError(
    `the key in ${keyFile} is not that of the certificate in ${certificateFile}`,
  )
}

async function readPem(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new CommandError(`can't read ${file}: ${systemCode(error) ?? error}`, { cause: error })
  }
}

/** What the signals to this process ask for. */
interface StopSignals {
  /** Resolves when the server is asked to stop. */
  readonly first: Promise<void>
  /** Resolves when it is asked again: it is to stop at once. */
  readonly again: Promise<void>
  readonly isAsked: boolean
  readonly isUrgent: boolean
  /** Sets what SIGHUP does, other than to stop. */
  onHangup(action: () => void): void
}

function listenToSignals(): StopSignals {
  const first = Promise.withResolvers<void>()
  const again = Promise.withResolvers<void>()
  let askedAt: number | undefined
  let isUrgent = false
  let hangup: (() => void) | undefined
  const ask = (): void => {
    const now = performance.now()
    askedAt ??= now
    first.resolve()
    if (now - askedAt < repeatMs) return
    isUrgent = true
    again.resolve()
  }
  process.on('SIGTERM', ask)
  process.on('SIGINT', ask)
  process.on('SIGHUP', () => {
    // To what runs on a terminal it says that the terminal has gone; to a service, to read its files again.
    if (hangup === undefined || process.stderr.isTTY === true) ask()
    else hangup()
  })
  return {
    first: first.promise,
    again: again.promise,
    get isAsked() {
      return askedAt !== undefined
    },
    get isUrgent() {
      return isUrgent
    },
    onHangup(action) {
      hangup = action
    },
  }
}
