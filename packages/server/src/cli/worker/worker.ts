// A worker process: opens the store, serves until the primary stops it, and ends at once when the primary has ended.

import cluster from 'node:cluster'
import type { Server } from 'node:http'
import type { Server as TlsServer } from 'node:https'
import type { Socket } from 'node:net'
import { createKeyLookup, createOwnerLookup, type OwnerLookup } from '../../access/key.ts'
import { systemClock } from '../../base/clock.ts'
import { isStoreError } from '../../base/errors.ts'
import { CommandError, exitCodes } from '../../base/exit.ts'
import { type OpenServices, openServices } from '../../compose.ts'
import { DamageError, FormatError } from '../../engine/engine.ts'
import { openProcessLog, type ProcessLog } from '../../observe/pino.ts'
import { ProcessMetrics } from '../../observe/prometheus.ts'
import { MisfitError } from '../../operation/fit.ts'
import { createHttpServer, createHttpsServer } from '../../protocol/http/server.ts'
import { overflowAnswer } from '../../protocol/overflow.ts'
import { createProtocols } from '../../protocol/protocols.ts'
import { Router } from '../../protocol/router.ts'
import type { ToPrimary, ToWorker, WorkerSetup } from '../message.ts'
import { ensureBuckets } from './buckets.ts'
import { optimizeSooner } from './v8-flags.ts'

/** Milliseconds in which the primary must return the metrics of all workers. */
const scrapeMs = 2000
/** Milliseconds in which requests in progress can still be answered before this process ends. */
const deposedMs = 1000
/** Milliseconds over which closed connections are collected for one message to the primary. */
const tellingMs = 20

/** Runs this process as a worker. */
export function runWorker(): void {
  // The primary handles signals: a signal to the whole process group must not cut off requests here.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined)
  cluster.worker?.on('disconnect', () => {
    if (cluster.worker?.exitedAfterDisconnect !== true) endAtOnce()
  })
  const started = Promise.withResolvers<Worker>()
  process.on('message', (message: ToWorker, socket: Socket | undefined) => {
    switch (message.kind) {
      case 'start':
        Worker.start(message.setup).then(started.resolve, fail)
        return
      case 'ping':
        send({ kind: 'pong' })
        return
      case 'connection':
        send({ kind: 'taken' })
        void started.promise.then((worker) => worker.connect(socket))
        return
      default:
        void started.promise.then((worker) => worker.receive(message))
    }
  })
}

function send(message: ToPrimary): void {
  // If the primary has ended, the channel is closed, and this process is about to end.
  if (process.connected) process.send?.(message)
}

/**
 * Ends this process immediately, which is always safe. `process.exit`, which Node calls when the primary has ended, would
 * first wait for the engine's threads, and deadlock if one of them waits for the main thread.
 */
function endAtOnce(): void {
  process.kill(process.pid, 'SIGKILL')
}

/** Reports the failure of a start, and ends the worker. */
function fail(error: unknown): void {
  const { message, exitCode } = explain(error)
  const end = (): void => process.exit(exitCode)
  if (process.connected) process.send?.({ kind: 'failed', message, exitCode }, end)
  else end()
}

function explain(cause: unknown): { readonly message: string; readonly exitCode: number } {
  const isWrapped = isStoreError(cause, 'CommitFailed') || isStoreError(cause, 'StoreFailed')
  const error = isWrapped ? (cause.cause ?? cause) : cause
  if (error instanceof CommandError) return error
  if (error instanceof FormatError || error instanceof MisfitError) {
    return { message: error.message, exitCode: exitCodes.refused }
  }
  if (error instanceof DamageError) {
    return { message: error.message, exitCode: exitCodes.failure }
  }
  if (isStoreError(error, 'InsufficientStorage')) {
    return {
      message: 'the disk of the data folder is full: make room, and start again',
      exitCode: exitCodes.failure,
    }
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { message: text, exitCode: exitCodes.failure }
}

class Worker {
  readonly #log: ProcessLog
  readonly #metrics: ProcessMetrics
  readonly #store: OpenServices
  readonly #router: Router
  readonly #scrapes = new Map<number, (text: string) => void>()
  readonly #server: Server
  /** The same server, if it speaks https. */
  readonly #tlsServer: TlsServer | undefined
  #lookup: ReturnType<typeof createKeyLookup>
  #findOwner: OwnerLookup
  #nextScrape = 0
  #closed = 0

  private constructor(parts: {
    readonly setup: WorkerSetup
    readonly log: ProcessLog
    readonly metrics: ProcessMetrics
    readonly store: OpenServices
    readonly server: Server
    readonly tlsServer: TlsServer | undefined
  }) {
    const { setup, log, metrics, store, server } = parts
    this.#server = server
    this.#tlsServer = parts.tlsServer
    this.#log = log
    this.#metrics = metrics
    this.#store = store
    this.#lookup = createKeyLookup(setup.keys)
    this.#findOwner = createOwnerLookup(setup.keys)
    const { domains, websiteDomains, requiredRegion } = setup.config
    const { allowsSignatureV1, acceptsSignatureV2 } = setup.config
    const protocols = createProtocols({
      services: store.services,
      lookup: (accessKeyId) => this.#lookup(accessKeyId),
      findOwner: (id) => this.#findOwner(id),
      domains,
      websiteDomains,
      allowsSignatureV1,
      acceptsSignatureV2,
      exposition: () => this.#scrape(),
      ...(requiredRegion === undefined ? {} : { requiredRegion }),
    })
    const { trustedProxies } = setup.config
    this.#router = new Router({ protocols, log, metrics, clock: systemClock, trustedProxies })
    this.#router.attach(server)
    metrics.addEngine(() => store.services.engine.statistics())
    metrics.addDisk(setup.config.dataFolder)
    metrics.addProcess(setup.name)
    metrics.addWorker(() => this.#router.pendingCount)
    // The server never listens, but Node starts its checks of connections only on this event.
    server.emit('listening')
  }

  static async start(setup: WorkerSetup): Promise<Worker> {
    const { config, tls, name } = setup
    const log = openProcessLog({
      level: config.logLevel,
      format: config.logFormat,
      base: { worker: name },
    })
    dieLoudly(log)
    const metrics = new ProcessMetrics()
    let worker: Worker | undefined
    const store = await openServices({
      dataFolder: config.dataFolder,
      accepts: config.accepts,
      onDeposed: () => void worker?.end(),
      region: config.region,
      simpleDbLimits: config.simpleDbLimits,
      eventualLagMs: config.eventualLagMs,
      isRegionFixed: config.requiredRegion !== undefined,
      bucketDefaults: config.bucketDefaults,
      accountBlock: config.accountBlock,
      scrubMibPerSecond: config.scrubMibPerSecond,
      log,
      metrics,
    })
    await ensureBuckets(store.services, setup.keys[0], config.buckets ?? [])
    const answers = { overflowAnswer }
    const tlsServer = tls === undefined ? undefined : await createHttpsServer(tls, answers)
    const server = tlsServer ?? createHttpServer(answers)
    worker = new Worker({ setup, log, metrics, store, server, tlsServer })
    if (store.services.presence.isDeposed) void worker.end()
    send({ kind: 'ready' })
    optimizeSooner()
    return worker
  }

  /** Serves a connection; undefined if the client has disconnected meanwhile. */
  connect(socket: Socket | undefined): void {
    if (socket === undefined) {
      this.#onClosed()
      return
    }
    socket.once('close', () => this.#onClosed())
    // As for accepted sockets: a client that has closed its side can still read the response.
    socket.allowHalfOpen = true
    this.#server.emit('connection', socket)
  }

  /** Reports closed connections to the primary, several at a time. */
  #onClosed(): void {
    this.#closed++
    if (this.#closed > 1) return
    setTimeout(() => {
      send({ kind: 'closed', count: this.#closed })
      this.#closed = 0
    }, tellingMs).unref()
  }

  async receive(message: ToWorker): Promise<void> {
    switch (message.kind) {
      case 'stop':
        await this.#stop(message.graceMs)
        return
      case 'keys':
        this.#lookup = createKeyLookup(message.keys)
        this.#findOwner = createOwnerLookup(message.keys)
        return
      case 'tls':
        this.#tlsServer?.setSecureContext(message.tls)
        return
      case 'count':
        send({ kind: 'counted', id: message.id, metrics: await this.#metrics.snapshot() })
        return
      case 'exposition':
        this.#scrapes.get(message.id)?.(message.text)
        return
      case 'start':
      case 'ping':
      case 'connection':
        return
    }
  }

  /** Ends this process, which others declared dead. The primary replaces it. */
  async end(): Promise<void> {
    await this.#router.stop(deposedMs)
    this.#log.flush()
    endAtOnce()
  }

  async #stop(graceMs: number): Promise<void> {
    const isClean = await this.#router.stop(graceMs)
    if (!isClean) this.#log.warn('requests were cut off, since they took too long', { graceMs })
    try {
      await this.#store.close()
    } catch (error) {
      // Everything acknowledged is durable, so the store need not be closed.
      this.#log.warn('the store could not be closed', { error })
    }
    this.#log.flush()
    cluster.worker?.disconnect()
    process.exit(exitCodes.ok)
  }

  /** The metrics of the whole server, or only of this worker if the primary doesn't answer. */
  async #scrape(): Promise<string> {
    const id = this.#nextScrape++
    const { promise, resolve } = Promise.withResolvers<string>()
    this.#scrapes.set(id, resolve)
    const timer = setTimeout(() => resolve(this.#metrics.text()), scrapeMs)
    send({ kind: 'scrape', id })
    const text = await promise
    clearTimeout(timer)
    this.#scrapes.delete(id)
    return text
  }
}

/** Ends this worker after an unexpected error, with a log entry. The primary starts another one. */
function dieLoudly(log: ProcessLog): void {
  const die = (error: unknown): void => {
    log.error('unexpected error; the worker ends', { error })
    log.flush()
    endAtOnce()
  }
  process.on('uncaughtException', die)
  process.on('unhandledRejection', die)
  process.removeAllListeners('warning')
  process.on('warning', (error) => log.warn('Node warning', { error }))
}
