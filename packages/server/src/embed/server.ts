// An embedded server: one HTTP server, and behind it the present life of a store. A reset puts a new life
// in its place, while connections stay.

import type { RequestListener, Server } from 'node:http'
import type { AccessKey } from '../access/key.ts'
import { systemClock } from '../base/clock.ts'
import type { Network } from '../base/network.ts'
import { silentLog } from '../observe/log.ts'
import { ProcessMetrics } from '../observe/prometheus.ts'
import type { Protocol } from '../protocol/http/protocol.ts'
import { createHttpServer } from '../protocol/http/server.ts'
import { overflowAnswer } from '../protocol/overflow.ts'
import { Router } from '../protocol/router.ts'
import { type Life, type LifeOptions, openLife } from './life.ts'
import {
  type EmbedOptions,
  type FolderEmbedOptions,
  keysOf,
  type PassingEmbedOptions,
  placeOf,
  proxiesOf,
  regionOf,
  type StorePlace,
} from './options.ts'

/** An access key's id and secret, as the AWS SDK takes them. */
export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** Settings for the clients of the AWS SDK for JavaScript: `new S3Client(server.clientConfig)`. */
export interface ClientConfig {
  readonly endpoint: string
  readonly region: string
  readonly credentials: Credentials
  readonly forcePathStyle: true
}

/** An open store and its server. */
export interface EmbeddedServer extends AsyncDisposable {
  /** Where it listens, such as `http://127.0.0.1:41234`. @throws Error while it listens at nothing */
  readonly endpoint: string
  /** @throws Error while it listens at nothing */
  readonly port: number
  /** The region that clients sign for. */
  readonly region: string
  /** The root's key. */
  readonly credentials: Credentials
  /** @throws Error while it listens at nothing */
  readonly clientConfig: ClientConfig
  /**
   * The same as environment variables that the AWS SDKs, the AWS CLI and `holdfast` understand.
   * @throws Error while it listens at nothing
   */
  readonly environment: Readonly<Record<string, string>>
  /** Serves requests; for `http.createServer`. It doesn't send `100 Continue` itself. */
  readonly handler: RequestListener
  /**
   * Listens, unless it does so already; resolves to the port. Port 0 selects a free one.
   * @throws Error if it listens at another port than the one asked for
   */
  listen(address?: { readonly host?: string; readonly port?: number }): Promise<number>
  /** Finishes the requests under way within `graceMs` (30 s), then closes the store. */
  close(graceMs?: number): Promise<void>
}

/** A server whose store ends with it. */
export interface PassingServer extends EmbeddedServer {
  /**
   * Replaces the store by a new one with the buckets of the options. Address, keys and connections stay. Requests
   * under way end on the old store. Resets asked for at the same time are made one after the other.
   */
  reset(): Promise<void>
}

const defaultGraceMs = 30_000

/**
 * Opens a store for this process, and serves it on a free port of the loopback address unless the options say
 * otherwise.
 * @throws TypeError for options that don't fit; StoreError `InsufficientStorage`; MisfitError if rows and
 *   bodies are of different stores or different moments; Error for a newer format, for a port that is taken,
 *   if a server of an earlier version has the folder, or if it is no data folder and not empty
 */
export function open(options: FolderEmbedOptions): Promise<EmbeddedServer>
export function open(options: PassingEmbedOptions): Promise<PassingServer>
export async function open(options: EmbedOptions): Promise<EmbeddedServer> {
  const place = placeOf(options)
  const server = await Embedded.open(options, place)
  try {
    if (options.listen !== false) await server.listen()
    return server
  } catch (error) {
    await server.close(0)
    throw error
  }
}

class Embedded implements PassingServer {
  readonly credentials: Credentials
  readonly region: string
  readonly handler: RequestListener
  readonly #options: EmbedOptions
  readonly #lives: LifeOptions
  readonly #place: StorePlace
  readonly #http: Server
  readonly #router: Router
  /** Former lives, whose last requests may still be under way. */
  readonly #retiring = new Set<Promise<void>>()
  #life: Life
  #resetting: Promise<void> = Promise.resolve()
  #isClosed = false

  static async open(options: EmbedOptions, place: StorePlace): Promise<Embedded> {
    const keys = keysOf(options, place)
    const trustedProxies = proxiesOf(options)
    regionOf(options)
    const metrics = new ProcessMetrics()
    const exposition = (): Promise<string> => metrics.text()
    const lives: LifeOptions = { options, keys, metrics, exposition }
    const life = await openLife(lives)
    const server = new Embedded({ lives, keys, metrics, trustedProxies, place, life })
    metrics.addEngine(() => server.#life.services.engine.statistics())
    if ('dataFolder' in options) metrics.addDisk(options.dataFolder)
    return server
  }

  private constructor(parts: {
    readonly lives: LifeOptions
    readonly keys: readonly AccessKey[]
    readonly metrics: ProcessMetrics
    readonly trustedProxies: readonly Network[]
    readonly place: StorePlace
    readonly life: Life
  }) {
    const { lives, keys, metrics, trustedProxies, place, life } = parts
    const { options } = lives
    const [root] = keys
    if (root === undefined) throw new Error('an embedded server without a key was accepted')
    const { accessKeyId, secretAccessKey } = root
    this.credentials = { accessKeyId, secretAccessKey }
    this.region = regionOf(options) ?? 'us-east-1'
    this.#options = options
    this.#lives = lives
    this.#place = place
    this.#life = life
    const { log = silentLog } = options
    const protocols = life.protocols.map((first, index) => this.#forward(first, index))
    this.#router = new Router({ protocols, log, metrics, clock: systemClock, trustedProxies })
    this.#http = createHttpServer({ overflowAnswer })
    this.#router.attach(this.#http)
    this.handler = (request, response) => void this.#http.emit('request', request, response)
  }

  get port(): number {
    const address = this.#http.address()
    if (typeof address === 'object' && address !== null) return address.port
    throw new Error('the server listens at nothing: call listen(), or leave out listen: false')
  }

  get endpoint(): string {
    const { host = '127.0.0.1' } = this.#options
    const isAny = host === '0.0.0.0' || host === '::'
    const name = isAny ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host
    return `http://${name}:${this.port}`
  }

  get clientConfig(): ClientConfig {
    const { endpoint, region, credentials } = this
    return { endpoint, region, credentials, forcePathStyle: true }
  }

  get environment(): Readonly<Record<string, string>> {
    const { endpoint, region } = this
    const { accessKeyId, secretAccessKey } = this.credentials
    return {
      AWS_ENDPOINT_URL: endpoint,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_REGION: region,
      AWS_DEFAULT_REGION: region,
    }
  }

  async listen(address: { readonly host?: string; readonly port?: number } = {}): Promise<number> {
    const { host = this.#options.host ?? '127.0.0.1', port = this.#options.port ?? 0 } = address
    if (this.#http.listening) {
      const { port: present } = this
      const { port: wanted = 0 } = address
      if (wanted === 0 || wanted === present) return present
      throw new Error(`the server listens at port ${present} already; open it with port: ${wanted}`)
    }
    await listen(this.#http, host, port)
    return this.port
  }

  reset(): Promise<void> {
    if (this.#place === 'folder') {
      return Promise.reject(
        new Error('a data folder is not reset: only stores that end with their server'),
      )
    }
    const reset = this.#resetting.then(() => this.#replaceLife())
    // The next one is made although this one failed; its caller is told.
    this.#resetting = reset.catch(() => undefined)
    return reset
  }

  async close(graceMs = defaultGraceMs): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#resetting
    await this.#router.stop(graceMs)
    await Promise.all([...this.#retiring, this.#life.close()])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #replaceLife(): Promise<void> {
    if (this.#isClosed) throw new Error('the server is closed')
    const former = this.#life
    this.#life = await openLife(this.#lives)
    const retiring = former.idle().then(() => former.close())
    this.#retiring.add(retiring)
    retiring.then(
      () => this.#retiring.delete(retiring),
      // Kept for `close`, which rejects with it.
      () => undefined,
    )
  }

  /** The protocol at `index` of whatever life is present. */
  #forward(first: Protocol, index: number): Protocol {
    const present = (): Protocol => this.#life.protocols[index] ?? first
    return {
      ...first,
      speaks: (request) => present().speaks(request),
      serve: (...exchange) => present().serve(...exchange),
      serveStopping: (...exchange) => present().serveStopping(...exchange),
    }
  }
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen({ host, port }, resolve)
  await promise
  server.off('error', reject)
}
