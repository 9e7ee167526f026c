// The protocols behind a real HTTP server, in this process, on a store in a temporary folder. Wire tests thus avoid the
// cost of starting `holdfast serve` for each file.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import type { Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import type { BucketDefaults } from '../../src/access/bucket-defaults.ts'
import { createKeyLookup, createOwnerLookup } from '../../src/access/key.ts'
import type { PublicAccessBlock } from '../../src/access/public-access-block.ts'
import type { Clock } from '../../src/base/clock.ts'
import type { SimpleDbLimits } from '../../src/base/limits.ts'
import type { Network } from '../../src/base/network.ts'
import { type OpenServices, openServices } from '../../src/compose.ts'
import type { Log } from '../../src/observe/log.ts'
import { silentMetrics } from '../../src/observe/metrics.ts'
import { createHttpServer } from '../../src/protocol/http/server.ts'
import { overflowAnswer } from '../../src/protocol/overflow.ts'
import { createProtocols } from '../../src/protocol/protocols.ts'
import { Router } from '../../src/protocol/router.ts'
import { type Credential, randomCredential } from '../harness.ts'
import { type WireAnswer, WireClient, type WireRequest } from '../wire.ts'

/** Options of a test. */
export interface InProcessOptions {
  /** Owners beside the first, each with one key. */
  readonly owners?: number
  /** Those of an earlier server; new ones if left out. */
  readonly credentials?: readonly Credential[]
  /** Domain names, of which a bucket may be a subdomain. */
  readonly domains?: readonly string[]
  /** Names in front of which a bucket's website is served. */
  readonly websiteDomains?: readonly string[]
  readonly requiredRegion?: string
  readonly simpleDbLimits?: Partial<SimpleDbLimits>
  readonly eventualLagMs?: number
  /** Default: the machine's clock. */
  readonly clock?: Clock
  readonly allowsSignatureV1?: boolean
  /** The folder of an earlier server; default: a new one. Removed at the end in any case. */
  readonly dataFolder?: string
  /** Default: true. */
  readonly acceptsSignatureV2?: boolean
  readonly trustedProxies?: readonly Network[]
  /** Default: `aws`. */
  readonly bucketDefaults?: BucketDefaults
  readonly accountBlock?: PublicAccessBlock
}

/** A fault that the server logged. */
export interface LoggedFault {
  readonly message: string
  readonly error: unknown
}

/** A server under test. */
export class InProcessServer implements AsyncDisposable {
  readonly port: number
  readonly endpoint: string
  readonly credentials: readonly Credential[]
  readonly dataFolder: string
  readonly store: OpenServices
  /** The logged errors, for tests to assert. */
  readonly faults: LoggedFault[]
  /** The number of requests whose head was received. */
  received = 0
  readonly #server: Server
  readonly #clients: { destroy(): void }[] = []
  readonly #wires = new Map<number, WireClient>()

  private constructor(parts: {
    server: Server
    port: number
    credentials: readonly Credential[]
    dataFolder: string
    store: OpenServices
    faults: LoggedFault[]
  }) {
    this.#server = parts.server
    this.#server.on('request', () => this.received++)
    this.port = parts.port
    this.endpoint = `http://127.0.0.1:${parts.port}`
    this.credentials = parts.credentials
    this.dataFolder = parts.dataFolder
    this.store = parts.store
    this.faults = parts.faults
  }

  static async start(options: InProcessOptions = {}): Promise<InProcessServer> {
    const dataFolder = options.dataFolder ?? (await mkdtemp(join(tmpdir(), 'holdfast-s3-')))
    const credentials =
      options.credentials ??
      ['first', 'second', 'third']
        .slice(0, 1 + (options.owners ?? 0))
        .map((name) => randomCredential(name))
    const faults: LoggedFault[] = []
    const store = await openServices({
      dataFolder,
      region: options.requiredRegion ?? 'us-east-1',
      isRegionFixed: options.requiredRegion !== undefined,
      bucketDefaults: options.bucketDefaults ?? 'aws',
      accountBlock: options.accountBlock,
      log: faultLog(faults),
      metrics: silentMetrics,
      isSweeping: false,
      simpleDbLimits: options.simpleDbLimits ?? {},
      eventualLagMs: options.eventualLagMs ?? 0,
      ...(options.clock === undefined ? {} : { clock: options.clock }),
    })
    const domains = options.domains ?? []
    const { requiredRegion, acceptsSignatureV2 = true } = options
    const protocols = createProtocols({
      services: store.services,
      lookup: createKeyLookup(credentials),
      findOwner: createOwnerLookup(credentials),
      domains,
      websiteDomains: options.websiteDomains ?? [],
      allowsSignatureV1: options.allowsSignatureV1 ?? false,
      acceptsSignatureV2,
      exposition: async () => '',
      ...(requiredRegion === undefined ? {} : { requiredRegion }),
    })
    const { log, metrics, clock } = store.services
    const trustedProxies = options.trustedProxies ?? []
    const router = new Router({ protocols, log, metrics, clock, trustedProxies })
    const server = createHttpServer({ overflowAnswer })
    router.attach(server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    return new InProcessServer({ server, port, credentials, dataFolder, store, faults })
  }

  /** The credential of an owner, the first if none is named. */
  credential(owner = 0): Credential {
    const credential = this.credentials[owner]
    if (credential === undefined) throw new Error(`there is no owner ${owner}`)
    return credential
  }

  /** An SDK client, path style, without retries. */
  client(owner = 0, overrides: S3ClientConfig = {}): S3Client {
    const { accessKeyId, secretAccessKey } = this.credential(owner)
    const client = new S3Client({
      endpoint: this.endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      maxAttempts: 1,
      credentials: { accessKeyId, secretAccessKey },
      ...overrides,
    })
    this.#clients.push(client)
    return client
  }

  /** A client that sends requests verbatim, signed. */
  wire(owner = 0): WireClient {
    const known = this.#wires.get(owner)
    if (known !== undefined) return known
    const { accessKeyId, secretAccessKey } = this.credential(owner)
    const target = { host: '127.0.0.1', port: this.port, accessKeyId, secretAccessKey }
    const client = new WireClient(target)
    this.#wires.set(owner, client)
    return client
  }

  /** Sends one signed request of an owner. */
  async send(wanted: WireRequest, owner = 0): Promise<WireAnswer> {
    return this.wire(owner).send(wanted)
  }

  /** Open connections. */
  async connections(): Promise<number> {
    return promisify(this.#server.getConnections.bind(this.#server))()
  }

  /** The files that hold blobs. */
  async blobFiles(): Promise<string[]> {
    const folder = join(this.dataFolder, 'blobs')
    const entries = await readdir(folder, { recursive: true, withFileTypes: true })
    return entries.filter((entry) => entry.isFile()).map((entry) => entry.name)
  }

  /** Stops, removes everything, and fails if the server logged a fault. */
  async closeWithoutFaults(): Promise<void> {
    await this.close()
    assert.deepEqual(this.faults, [])
  }

  /** Stops, and removes everything. */
  async close(): Promise<void> {
    for (const client of this.#clients) client.destroy()
    for (const client of this.#wires.values()) client.close()
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
    await this.store.close()
    await rm(this.dataFolder, { recursive: true, force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

function faultLog(faults: LoggedFault[]): Log {
  const nothing = (): void => undefined
  return {
    debug: nothing,
    info: nothing,
    warn: nothing,
    error: (message, fields) => void faults.push({ message, error: fields?.['error'] }),
  }
}
