// `holdfast serve`: the primary process. The primary checks the configuration, takes the folder's lock, loads the access
// keys, and lets workers serve until it is stopped. It never opens the store itself.

import type { AccessKey } from '../../access/key.ts'
import { systemClock } from '../../base/clock.ts'
import { CommandError, exitCodes } from '../../base/exit.ts'
import { ownLiveness } from '../../base/liveness.ts'
import type { ServeConfig } from '../../config.ts'
import type { ProcessLog } from '../../observe/pino.ts'
import { findCredentials, type LoadedCredentials, loadCredentials } from '../credentials.ts'
import { examineDataFolder, makeDataFolder } from '../data-folder.ts'
import { FolderLock, killSurvivors } from '../lock.ts'
import type { TlsTexts } from '../message.ts'
import { listenToSignals, type StopSignals } from '../signals.ts'
import { readTls } from './certificate.ts'
import { Connections, listen } from './connections.ts'
import { welcome } from './welcome.ts'
import { Workers } from './workers.ts'

/** Milliseconds in which requests in progress must end at shutdown. */
const graceMs = 30_000
/** Milliseconds in which a cancelled start must end. */
const stuckMs = 1000

/** Runs the server to its end. Returns the exit code. @throws CommandError if the server can't start */
export async function serve(config: ServeConfig): Promise<number> {
  const stop = listenToSignals()
  const connections = new Connections()
  const workers = new Workers({ count: config.workers, connections, clock: systemClock })
  // First, since the workers take longest to get ready.
  workers.fork()
  using held = new DisposableStack()
  held.defer(() => workers.kill())
  const preparing = prepare({ config, connections, workers, held })
  const ready = await Promise.race([preparing, stop.first])
  if (ready !== undefined) return await run({ config, stop, workers, ...ready })
  workers.kill()
  const timer = setTimeout(endByDefault, stuckMs)
  await preparing.catch(() => undefined)
  clearTimeout(timer)
  return exitCodes.ok
}

/**
 * Ends this process as by an unhandled signal. `process.exit` would wait for system calls in progress, and a read of a
 * pipe or of a lost disk may never return.
 */
function endByDefault(): void {
  process.removeAllListeners('SIGTERM')
  process.kill(process.pid, 'SIGTERM')
}

/** The resources that a server needs before its workers may open the store. */
interface Ready {
  readonly credentials: LoadedCredentials
  readonly tls: TlsTexts | undefined
  readonly port: number
  readonly lock: FolderLock
  readonly log: ProcessLog
}

/**
 * Reads the named files, then takes the port, and only then creates anything. Resources to be released are added to
 * `held`. @throws CommandError
 */
async function prepare(facts: {
  readonly config: ServeConfig
  readonly connections: Connections
  readonly workers: Workers
  readonly held: DisposableStack
}): Promise<Ready> {
  const { config, connections, workers, held } = facts
  const { dataFolder, credentialsFile: file, rootKey } = config
  const tls = config.tls === undefined ? undefined : await readTls(config.tls)
  const given = [file, config.tls?.certificateFile, config.tls?.keyFile]
  const found = await examineDataFolder(dataFolder, given)
  const known = await findCredentials({ file, dataFolder, rootKey })
  const takeLock = (): FolderLock => {
    const lock = FolderLock.take(dataFolder)
    // The lock is released last, since it excludes other servers.
    held.defer(() => {
      workers.kill()
      lock.release()
    })
    return lock
  }
  // If a server is started twice, the error should name the folder, not the port.
  const early = found === 'ours' ? takeLock() : undefined
  const { server, port } = await listen(connections, config)
  held.defer(() => server.close())
  if (found === 'missing') await makeDataFolder(dataFolder)
  const lock = early ?? takeLock()
  const { openProcessLog } = await import('../../observe/pino.ts')
  const { logLevel: level, logFormat: format } = config
  const log = openProcessLog({ level, format, base: { worker: 'primary' } })
  held.defer(() => log.flush())
  const credentials = known ?? (await loadCredentials({ file, dataFolder, rootKey }))
  return { credentials, tls, port, lock, log }
}

interface Run extends Ready {
  readonly config: ServeConfig
  readonly stop: StopSignals
  readonly workers: Workers
}

async function run({
  config,
  port,
  lock,
  log,
  stop,
  workers,
  credentials,
  tls,
}: Run): Promise<number> {
  const { dataFolder } = config
  const survivors = killSurvivors(dataFolder)
  if (survivors > 0) log.warn('killed workers that outlived their server', { survivors })
  if (credentials.warning !== undefined) log.warn(credentials.warning)
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
  throw new CommandError('stopped at once by a second signal; requests in progress were cut off')
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

interface Reloading {
  readonly config: ServeConfig
  readonly workers: Workers
  readonly log: ProcessLog
}

/** Reads the files again that may change while the server runs. Those that can't be used change nothing. */
async function reload(facts: Reloading): Promise<void> {
  await Promise.all([reloadKeys(facts), reloadCertificate(facts)])
}

async function reloadCertificate({ config, workers, log }: Reloading): Promise<void> {
  if (config.tls === undefined) return
  try {
    workers.setTls(await readTls(config.tls))
    log.info('read the certificate again', { file: config.tls.certificateFile })
  } catch (error) {
    log.error('the certificate could not be read again; the one in use stays', { error })
  }
}

async function reloadKeys({ config, workers, log }: Reloading): Promise<void> {
  let keys: readonly AccessKey[]
  try {
    const { credentialsFile: file, dataFolder, rootKey } = config
    keys = (await loadCredentials({ file, dataFolder, rootKey })).keys
  } catch (error) {
    log.error('could not reload the access keys; the current ones stay in use', { error })
    return
  }
  workers.setKeys(keys)
  log.info('reloaded the access keys', { count: keys.length })
}
