// Runs the real server like a user, for tests over the wire: with a fresh data folder, fresh credentials, and a free
// port. Stops, kills and restarts the server on the same folder, and runs fsck. The server has its own process group,
// so that `kill` kills the workers with the primary.

import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import { plainEnvironment } from './environment.ts'

const serverMain = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url))
const readyTimeoutMs = 30_000
const stopTimeoutMs = 30_000
const answerTimeoutMs = 10_000
const pollMs = 10
const endSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const logTailCharacters = 4_000

/** One entry of the credentials file, in the form that `--credentials` takes. */
export interface Credential {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly owner: { readonly id: string; readonly displayName: string }
}

/** Options of a test. */
export interface ServerOptions {
  /** The number of workers; default: the server's own default. */
  readonly workers?: number
  /** An existing folder, kept at the end; by default a temporary one that `close` removes. */
  readonly dataFolder?: string
  /** Entries of the credentials file; the first is the root. By default one random key. */
  readonly credentials?: readonly Credential[]
  /** More arguments of `holdfast serve`, such as `--domain`. */
  readonly args?: readonly string[]
  /** More environment variables of the server. */
  readonly env?: Readonly<Record<string, string>>
}

/** The output of a command (both streams, in order) and its exit code. */
export interface CommandResult {
  /** `null` when a signal ended it. */
  readonly exitCode: number | null
  readonly output: string
}

/** A random credential of an owner of the given name. */
export function randomCredential(displayName = 'tester'): Credential {
  return {
    accessKeyId: `HF${randomBytes(9).toString('hex').toUpperCase()}`,
    secretAccessKey: randomBytes(30).toString('base64'),
    owner: { id: randomBytes(32).toString('hex'), displayName },
  }
}

/** Starts a server and resolves when `/_/health` answers 200; fails with its log if it doesn't. */
export async function startServer(options: ServerOptions = {}): Promise<TestServer> {
  const scratch = await mkdtemp(join(tmpdir(), 'holdfast-test-'))
  const dataFolder = options.dataFolder ?? join(scratch, 'data')
  await mkdir(dataFolder, { recursive: true })
  const credentials = options.credentials ?? [randomCredential()]
  const credentialsFile = join(scratch, 'credentials.json')
  await writeFile(credentialsFile, JSON.stringify(credentials), { mode: 0o600 })
  const server = new TestServer({
    scratch,
    dataFolder,
    credentials,
    credentialsFile,
    port: await freePort(),
    options,
  })
  try {
    await server.restart()
  } catch (cause) {
    await server.close()
    throw cause
  }
  return server
}

/** The command's entry; `HOLDFAST_TEST_MAIN` puts another build in its place. */
function mainFile(): string {
  const { HOLDFAST_TEST_MAIN = serverMain } = process.env
  return HOLDFAST_TEST_MAIN
}

/** Runs `holdfast` with the given arguments to its end. */
export async function runHoldfast(args: readonly string[]): Promise<CommandResult> {
  const child = spawn(process.execPath, [mainFile(), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: plainEnvironment(),
  })
  let output = ''
  const keep = (chunk: Buffer): void => {
    output += chunk.toString('utf8')
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  await once(child, 'close')
  return { exitCode: child.exitCode, output }
}

interface Setup {
  readonly scratch: string
  readonly dataFolder: string
  readonly credentials: readonly Credential[]
  readonly credentialsFile: string
  readonly port: number
  readonly options: ServerOptions
}

/** A server under test. Close it (or declare it with `await using`), or its folder stays behind. */
export class TestServer implements AsyncDisposable {
  readonly endpoint: string
  readonly host = '127.0.0.1'
  readonly port: number
  /** The key of root: the first entry of `credentials`. */
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly credentials: readonly Credential[]
  readonly credentialsFile: string
  readonly dataFolder: string
  /** Standard output and error of every start of this server. */
  readonly logFile: string
  readonly #setup: Setup
  readonly #clients: S3Client[] = []
  readonly #killAtExit: () => void
  /** Ends the server if the test process is stopped by a signal. */
  readonly #exitAtSignal = (): void => process.exit(1)
  #process: ChildProcess | undefined
  #readyMs = Number.NaN

  constructor(setup: Setup) {
    const root = setup.credentials[0]
    if (root === undefined) throw new Error('a server needs at least one credential')
    this.#setup = setup
    this.port = setup.port
    this.endpoint = `http://${this.host}:${setup.port}`
    this.accessKeyId = root.accessKeyId
    this.secretAccessKey = root.secretAccessKey
    this.credentials = setup.credentials
    this.credentialsFile = setup.credentialsFile
    this.dataFolder = setup.dataFolder
    this.logFile = join(setup.scratch, 'server.log')
    this.#killAtExit = () => this.#signalGroup('SIGKILL')
    process.on('exit', this.#killAtExit)
    for (const signal of endSignals) process.on(signal, this.#exitAtSignal)
  }

  /** The primary process of the last start. */
  get process(): ChildProcess {
    if (this.#process === undefined) throw new Error('the server was never started')
    return this.#process
  }

  /** Process id of the primary. */
  get pid(): number {
    const { pid } = this.process
    if (pid === undefined) throw new Error('the server could not be executed')
    return pid
  }

  /** Milliseconds from executing the server to its first 200 on `/_/health`, of the last start. */
  get readyMs(): number {
    return this.#readyMs
  }

  /** True until the primary has ended. */
  get isRunning(): boolean {
    const child = this.#process
    return child !== undefined && child.exitCode === null && child.signalCode === null
  }

  /** Process ids of the living cluster workers, ascending; empty if the primary serves by itself. */
  async workers(): Promise<number[]> {
    return this.isRunning ? clusterWorkers(this.pid) : []
  }

  /** The ids of the processes that serve requests: the workers, or the primary if there are none. */
  async serving(): Promise<number[]> {
    const workers = await this.workers()
    return workers.length > 0 ? workers : [this.pid]
  }

  /** Sends SIGTERM and waits for the end; resolves to the exit code, `null` after a signal. */
  async stop(): Promise<number | null> {
    const child = this.process
    if (this.isRunning) {
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      const timer = setTimeout(() => this.#signalGroup('SIGKILL'), stopTimeoutMs)
      await exited
      clearTimeout(timer)
    }
    return child.exitCode
  }

  /** Kills the whole process group with SIGKILL and waits until none of it is left. */
  async kill(): Promise<void> {
    if (this.#process === undefined) return
    const exited = this.isRunning ? once(this.#process, 'exit') : undefined
    this.#signalGroup('SIGKILL')
    await exited
    while (await isGroupAlive(this.pid)) await delay(pollMs)
  }

  /** Starts (again) on the same folder and port; kills first what still runs. */
  async restart(): Promise<void> {
    await this.kill()
    const started = performance.now()
    const log = openSync(this.logFile, 'a')
    const { workers, args = [], env = {} } = this.#setup.options
    this.#process = spawn(
      process.execPath,
      [
        mainFile(),
        'serve',
        ...['--host', this.host, '--port', String(this.port)],
        ...['--data', this.dataFolder, '--credentials', this.credentialsFile],
        ...(workers === undefined ? [] : ['--workers', String(workers)]),
        ...args,
      ],
      { detached: true, stdio: ['ignore', log, log], env: { ...plainEnvironment(), ...env } },
    )
    closeSync(log)
    await this.ready(readyTimeoutMs)
    this.#readyMs = performance.now() - started
  }

  /** Resolves when `/_/health` answers 200; fails with the log after `timeoutMs` or at exit. */
  async ready(timeoutMs: number = readyTimeoutMs): Promise<void> {
    const deadline = performance.now() + timeoutMs
    while ((await healthStatus(this.endpoint)) !== 200) {
      if (!this.isRunning)
        throw new Error(`the server ended while starting:\n${await this.#logTail()}`)
      if (performance.now() > deadline) {
        throw new Error(`not ready within ${timeoutMs} ms:\n${await this.#logTail()}`)
      }
      await delay(pollMs)
    }
  }

  /**
   * Resolves when `count` workers serve; `ready` needs only one. Connections made from then on are
   * spread over all of them.
   */
  async untilServing(count: number, timeoutMs: number = readyTimeoutMs): Promise<void> {
    const deadline = performance.now() + timeoutMs
    for (;;) {
      const metrics = await get(`${this.endpoint}/_/metrics`)
      const [, serving] = /^holdfast_workers (\d+)$/m.exec(metrics?.body ?? '') ?? []
      if (Number(serving) >= count) return
      if (performance.now() > deadline) {
        throw new Error(`${serving} of ${count} workers after ${timeoutMs} ms`)
      }
      await delay(pollMs)
    }
  }

  /** The output of the server, over all its starts. */
  async log(): Promise<string> {
    return readFile(this.logFile, 'utf8')
  }

  /** Runs `holdfast fsck` on the data folder; exit code 0 means clean. */
  async fsck(): Promise<CommandResult> {
    return runHoldfast(['fsck', '--data', this.dataFolder])
  }

  /** An SDK client with the root's key, path style, without retries; `close` ends it too. */
  client(overrides: S3ClientConfig = {}): S3Client {
    const client = new S3Client({
      endpoint: this.endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      maxAttempts: 1,
      credentials: { accessKeyId: this.accessKeyId, secretAccessKey: this.secretAccessKey },
      ...overrides,
    })
    this.#clients.push(client)
    return client
  }

  /** Ends clients and server without grace and removes what `startServer` made. */
  async close(): Promise<void> {
    for (const client of this.#clients) client.destroy()
    await this.kill()
    process.off('exit', this.#killAtExit)
    for (const signal of endSignals) process.off(signal, this.#exitAtSignal)
    await rm(this.#setup.scratch, { recursive: true, force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #logTail(): Promise<string> {
    return (await this.log()).slice(-logTailCharacters)
  }

  #signalGroup(signal: NodeJS.Signals): void {
    const pid = this.#process?.pid
    if (pid === undefined) return
    try {
      process.kill(-pid, signal)
    } catch {
      // The process group has already ended.
    }
  }
}

/**
 * A port that nothing listens on, below the range from which the system takes the local ports of
 * outgoing connections: so that no client's connection can sit on it between two starts.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(12_000, 32_000)
    const probe = createServer()
    const isFree = await new Promise<boolean>((resolve) => {
      probe.once('error', () => resolve(false))
      probe.listen(port, '127.0.0.1', () => resolve(true))
    })
    if (!isFree) continue
    probe.close()
    await once(probe, 'close')
    return port
  }
}

/** Status of `/_/health` over a connection of its own; `undefined` when nothing answers. */
export async function healthStatus(endpoint: string): Promise<number | undefined> {
  return (await get(`${endpoint}/_/health`))?.status
}

interface PlainAnswer {
  readonly status: number | undefined
  readonly body: string
}

/** Gets a URL over a connection of its own, unsigned; `undefined` when nothing answers. */
async function get(url: string): Promise<PlainAnswer | undefined> {
  return new Promise((resolve) => {
    const outgoing = request(url, { agent: false, timeout: answerTimeoutMs }, (answer) => {
      let body = ''
      answer.setEncoding('utf8')
      answer.on('data', (chunk: string) => {
        body += chunk
      })
      answer.once('close', () => resolve({ status: answer.statusCode, body }))
    })
    outgoing.once('timeout', () => outgoing.destroy())
    outgoing.once('error', () => resolve(undefined))
    outgoing.end()
  })
}

interface ProcessStatus {
  readonly pid: number
  readonly parent: number
  readonly group: number
  readonly state: string
}

async function processStatuses(): Promise<ProcessStatus[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(
    pids.map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
      // The name in parentheses may contain spaces, so fields are counted after its end.
      const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
      if (fields === undefined) return undefined
      const [state = '', parent, group] = fields
      return { pid: Number(pid), parent: Number(parent), group: Number(group), state }
    }),
  )
  return found.filter((status) => status !== undefined)
}

/** One letter as in proc(5), such as `R`, `S`, `D`, `T`; `undefined` if it has ended. */
export async function processState(pid: number): Promise<string | undefined> {
  const status = (await processStatuses()).find((one) => one.pid === pid)
  return status === undefined || status.state === 'Z' ? undefined : status.state
}

async function isGroupAlive(group: number): Promise<boolean> {
  return (await processStatuses()).some((p) => p.group === group && p.state !== 'Z')
}

async function clusterWorkers(primary: number): Promise<number[]> {
  const children = (await processStatuses()).filter((p) => p.parent === primary && p.state !== 'Z')
  const workers: number[] = []
  for (const { pid } of children) {
    // node:cluster marks its workers with this variable.
    const environ = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '')
    if (environ.includes('NODE_UNIQUE_ID=')) workers.push(pid)
  }
  return workers.sort((a, b) => a - b)
}
