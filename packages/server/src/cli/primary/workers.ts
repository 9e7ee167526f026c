// The worker processes, for the primary: starts and watches them, replaces dead ones, kills hung ones, collects their
// metrics, and hands connections to them.

import cluster, { type Worker as ClusterWorker } from 'node:cluster'
import { readFileSync } from 'node:fs'
import { getCompileCacheDir } from 'node:module'
import type { Socket } from 'node:net'
import { dirname } from 'node:path'
import type { AccessKey } from '../../access/key.ts'
import type { Clock } from '../../base/clock.ts'
import { CommandError, isCrash } from '../../base/exit.ts'
import { livenessOf } from '../../base/liveness.ts'
import type { Log } from '../../observe/log.ts'
import type { MetricsSnapshot } from '../../observe/prometheus.ts'
import { Scrape } from '../../observe/scrape.ts'
import type { TlsTexts, ToPrimary, ToWorker, WorkerSetup } from '../message.ts'
import type { AggregateMetrics } from './aggregate-metrics.ts'
import type { Connections, Taker } from './connections.ts'
import { judge, pingMs } from './heartbeat.ts'

/** The settings of the workers, and the log of their supervision. */
export interface Service {
  readonly setup: Omit<WorkerSetup, 'name'>
  readonly log: Log
}

/** The options of the workers. */
export interface WorkersOptions {
  readonly count: number
  readonly connections: Connections
  readonly clock: Clock
}

/** The lifetime in milliseconds after which a death counts as unrelated to the start. */
const soundMs = 10_000
/** The first and the longest delay before a repeatedly dying worker is restarted. */
const [firstDelayMs, longestDelayMs] = [50, 5000]
/** The number of failed starts after which the server gives up. */
const startAttempts = 5
/** Milliseconds in which the workers must return their metrics. */
const countMs = 1000
/** Milliseconds, after the time for requests, in which a worker must close the store. */
const closeMs = 5000

/** The place of a worker. It always has a process, or a timer that starts one. */
interface Place extends Taker {
  readonly name: string
  process: ClusterWorker | undefined
  token: string | undefined
  isReady: boolean
  startedAt: number
  /** The time of the last sign of life. */
  heardAt: number
  /** The number of consecutive deaths, each soon after the start. */
  deaths: number
  timer: NodeJS.Timeout | undefined
  /** The last collected metrics. */
  metrics: MetricsSnapshot
}

/** The workers of one server. */
export class Workers {
  readonly #options: WorkersOptions
  readonly #places: readonly Place[]
  readonly #started = Promise.withResolvers<void>()
  readonly #counts = new Map<number, (place: Place, metrics: MetricsSnapshot) => void>()
  #service: Service | undefined
  #listener: ((tokens: readonly string[]) => void) | undefined
  #isStarted = false
  #isStopping = false
  #ended: (() => void) | undefined
  #watch: NodeJS.Timeout | undefined
  #lastLook = 0
  #deaths = 0
  /** Loaded after the workers were started. */
  #aggregate: Promise<AggregateMetrics> | undefined
  #nextCount = 0
  /** The collection of metrics, shared by all workers that request them. */
  readonly #metrics: Scrape

  constructor(options: WorkersOptions) {
    this.#options = options
    this.#metrics = new Scrape({ collect: () => this.#collect(), clock: options.clock })
    // The promise may reject before it is awaited.
    this.#started.promise.catch(() => undefined)
    this.#places = Array.from({ length: options.count }, (_, index) => newPlace(String(index + 1)))
  }

  /** The liveness tokens of the current processes. */
  get tokens(): readonly string[] {
    return this.#places.flatMap(({ token }) => (token === undefined ? [] : [token]))
  }

  /** Calls `listener` with the tokens now, and whenever the processes change. */
  onChange(listener: (tokens: readonly string[]) => void): void {
    this.#listener = listener
    listener(this.tokens)
  }

  /** Starts the processes, which load the program and wait for their settings. */
  fork(): void {
    for (const place of this.#places) this.#fork(place)
    void this.#loadAggregate()
    this.#lastLook = this.#now()
    this.#watch = setInterval(() => this.#look(), pingMs)
  }

  /**
   * Lets the workers serve. Resolves as soon as one of them does.
   * @throws CommandError if none can
   */
  serve(service: Service): Promise<void> {
    this.#service = service
    for (const place of this.#places) this.#setUp(place)
    return this.#started.promise
  }

  /** Replaces the access keys of the workers. */
  setKeys(keys: readonly AccessKey[]): void {
    this.#change({ keys }, { kind: 'keys', keys })
  }

  /** Gives the workers another certificate for new connections. */
  setTls(tls: TlsTexts): void {
    this.#change({ tls }, { kind: 'tls', tls })
  }

  /** Changes the setup of workers to come, and tells those that are there. */
  #change(setup: Partial<Service['setup']>, message: ToWorker): void {
    const service = this.#service
    if (service === undefined) return
    this.#service = { ...service, setup: { ...service.setup, ...setup } }
    for (const place of this.#places) tell(place, message)
  }

  /** Lets the workers finish their requests within `graceMs`. Resolves when all have ended. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#ended = resolve
    for (const place of this.#places) {
      clearTimeout(place.timer)
      if (place.isReady) tell(place, { kind: 'stop', graceMs })
      else place.process?.process.kill('SIGKILL')
    }
    const timer = setTimeout(() => this.kill(), graceMs + closeMs)
    this.#resolveIfEnded()
    await promise
    clearTimeout(timer)
    clearInterval(this.#watch)
  }

  /** Kills the workers. */
  kill(): void {
    this.#isStopping = true
    for (const place of this.#places) {
      clearTimeout(place.timer)
      place.process?.process.kill('SIGKILL')
    }
  }

  #now(): number {
    return this.#options.clock.monotonicMs()
  }

  #fork(place: Place): void {
    const process = cluster.fork(forkEnvironment())
    place.process = process
    place.token = process.process.pid === undefined ? undefined : livenessOf(process.process.pid)
    place.isReady = false
    place.startedAt = place.heardAt = this.#now()
    process.on('message', (message: ToPrimary) => this.#receive(place, message))
    // A message to a dying worker fails. Its death is reported anyway.
    process.on('error', () => undefined)
    process.once('exit', (code, signal) => this.#onExit(place, { code, signal }))
    this.#setUp(place)
    this.#listener?.(this.tokens)
  }

  #setUp(place: Place): void {
    if (this.#service === undefined) return
    tell(place, { kind: 'start', setup: { ...this.#service.setup, name: place.name } })
  }

  #receive(place: Place, message: ToPrimary): void {
    const { connections } = this.#options
    place.heardAt = this.#now()
    switch (message.kind) {
      case 'ready':
        place.isReady = true
        if (this.#isStopping) tell(place, { kind: 'stop', graceMs: 0 })
        this.#isStarted = true
        this.#acceptNothing()
        this.#started.resolve()
        connections.add(place)
        return
      case 'taken':
        connections.taken(place)
        return
      case 'closed':
        connections.closed(place, message.count)
        return
      case 'failed':
        this.#onFailed(place, message)
        return
      case 'scrape':
        void this.#scrape(place, message.id)
        return
      case 'counted':
        this.#counts.get(message.id)?.(place, message.metrics)
        return
      case 'pong':
        return
    }
  }

  /** Accepts losses only at the first start: a disk that disappears later must be refused. */
  #acceptNothing(): void {
    if (this.#service === undefined) return
    const { setup } = this.#service
    this.#service = {
      ...this.#service,
      setup: { ...setup, config: { ...setup.config, accepts: [] } },
    }
  }

  #onFailed(place: Place, { message, exitCode }: { message: string; exitCode: number }): void {
    if (this.#isStarted) {
      this.#service?.log.error('a worker could not start', { name: place.name, reason: message })
    } else {
      this.#giveUp(new CommandError(message, { exitCode }))
    }
  }

  #giveUp(error: CommandError): void {
    this.#started.reject(error)
    this.kill()
  }

  #onExit(
    place: Place,
    end: { readonly code: number | null; readonly signal: string | null },
  ): void {
    const livedMs = this.#now() - place.startedAt
    this.#options.connections.remove(place)
    place.process = undefined
    place.token = undefined
    place.isReady = false
    const { metrics } = place
    void this.#loadAggregate().then((aggregate) => aggregate.keep(metrics))
    place.metrics = []
    this.#listener?.(this.tokens)
    if (this.#isStopping) {
      this.#resolveIfEnded()
      return
    }
    this.#deaths++
    place.deaths = livedMs > soundMs ? 0 : place.deaths + 1
    if (!this.#isStarted && place.deaths >= startAttempts) {
      this.#giveUp(new CommandError(`the workers die before they can serve${hintOf(end.signal)}`))
      return
    }
    const waitMs =
      place.deaths === 0 ? 0 : Math.min(firstDelayMs * 2 ** (place.deaths - 1), longestDelayMs)
    this.#service?.log.warn('a worker died and is replaced', {
      name: place.name,
      ...end,
      livedMs,
      waitMs,
    })
    place.timer = setTimeout(() => this.#fork(place), waitMs)
  }

  #resolveIfEnded(): void {
    if (this.#places.every(({ process }) => process === undefined)) this.#ended?.()
  }

  /** Pings every worker, and kills those that have been silent for too long. */
  #look(): void {
    const now = this.#now()
    // This process itself was stopped, or the machine suspended, so silence proves nothing.
    const haveSlept = now - this.#lastLook > 3 * pingMs
    this.#lastLook = now
    for (const place of this.#places) {
      const pid = place.process?.process.pid
      if (pid === undefined) continue
      if (haveSlept) place.heardAt = now
      const silentMs = now - place.heardAt
      const verdict = judge({ silentMs, isReady: place.isReady, state: processState(pid) })
      if (verdict !== undefined) {
        this.#service?.log.error(verdict, { name: place.name, pid, silentMs })
        place.process?.process.kill('SIGKILL')
      } else {
        tell(place, { kind: 'ping' })
      }
    }
  }

  /** Sends the metrics of all workers to the worker that requests them. */
  async #scrape(asker: Place, id: number): Promise<void> {
    tell(asker, { kind: 'exposition', id, text: await this.#metrics.text() })
  }

  /** Adds up the metrics of all workers. */
  async #collect(): Promise<string> {
    await this.#count()
    const aggregate = await this.#loadAggregate()
    return aggregate.text(this.#places.map(({ metrics }) => metrics))
  }

  #loadAggregate(): Promise<AggregateMetrics> {
    this.#aggregate ??= import('./aggregate-metrics.ts').then(
      ({ AggregateMetrics }) => new AggregateMetrics(() => this.#deaths),
    )
    return this.#aggregate
  }

  /** Fetches the metrics of every worker that answers in time. The others keep their last ones. */
  async #count(): Promise<void> {
    const id = this.#nextCount++
    const waiting = new Set(this.#places.filter(({ isReady }) => isReady))
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#counts.set(id, (place, metrics) => {
      place.metrics = metrics
      waiting.delete(place)
      if (waiting.size === 0) resolve()
    })
    const timer = setTimeout(resolve, countMs)
    for (const place of waiting) tell(place, { kind: 'count', id })
    if (waiting.size === 0) resolve()
    await promise
    clearTimeout(timer)
    this.#counts.delete(id)
  }
}

/**
 * The environment of a worker: the folder of compiled code, which saves compiling, and the number of threads for files.
 * With Node's default of four, four syncs would block all other files.
 */
function forkEnvironment(): Record<string, string> {
  const folder = getCompileCacheDir()
  // Node appends a folder for its version.
  const cache = folder === undefined ? {} : { NODE_COMPILE_CACHE: dirname(folder) }
  return { UV_THREADPOOL_SIZE: '16', ...cache }
}

/** The likely causes of a death by `signal`. */
function hintOf(signal: string | null): string {
  return isCrash(signal) ? ` (${signal}): the store may be damaged; \`holdfast fsck\` tells` : ''
}

function newPlace(name: string): Place {
  const place: Place = {
    name,
    process: undefined,
    token: undefined,
    isReady: false,
    startedAt: 0,
    heardAt: 0,
    deaths: 0,
    timer: undefined,
    metrics: [],
    take: (socket: Socket) => handOver(place, socket),
  }
  return place
}

function handOver({ process }: Place, socket: Socket): void {
  const message: ToWorker = { kind: 'connection' }
  // With `keepOpen`, since Node would never close a socket whose receiver dies before receiving it.
  if (process?.isConnected())
    process.process.send(message, socket, { keepOpen: true }, () => undefined)
}

function tell(place: Place, message: ToWorker): void {
  const { process } = place
  // With a callback, a failure causes no event. A worker that can't receive is about to be replaced.
  if (process?.isConnected()) process.send(message, () => undefined)
}

/** The state letter of a process (proc(5)), such as `T` for stopped; undefined if unknown. */
function processState(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2)[0]
  } catch {
    return undefined
  }
}
