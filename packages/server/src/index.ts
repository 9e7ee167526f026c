// Embeds Holdfast in another program: one process and one store, with an HTTP server of its own or a
// handler for an existing server.

import type { RequestListener, Server } from 'node:http'
import type { BucketDefaults } from './access/bucket-defaults.ts'
import { type AccessKey, createKeyLookup, createOwnerLookup } from './access/key.ts'
import type { PublicAccessBlock } from './access/public-access-block.ts'
import { systemClock } from './base/clock.ts'
import type { SimpleDbLimits } from './base/limits.ts'
import { type Network, parseNetwork } from './base/network.ts'
import { type Log, silentLog } from './observe/log.ts'
import { ProcessMetrics } from './observe/prometheus.ts'
import { openShared } from './open-shared.ts'
import type { Acceptance } from './operation/acceptance.ts'
import type { Services } from './operation/operation.ts'
import { createHttpServer } from './protocol/http/server.ts'
import { overflowAnswer } from './protocol/overflow.ts'
import { createProtocols } from './protocol/protocols.ts'
import { Router } from './protocol/router.ts'

export type { AccessKey } from './access/key.ts'
export { parseCredentials } from './access/key.ts'
export { isStoreError, type Refusal, StoreError, type StoreErrorCode } from './base/errors.ts'
export { type Log, silentLog } from './observe/log.ts'
export type { Acceptance } from './operation/acceptance.ts'
export { type Misfit, MisfitError } from './operation/fit.ts'

/** Options of an embedded server. */
export interface EmbedOptions {
  /**
   * Created if missing; otherwise a data folder, or empty. Other processes may have it open, including
   * `holdfast serve`.
   */
  readonly dataFolder: string
  /** At least one; the owner of the first is the root. */
  readonly keys: readonly AccessKey[]
  /** The server's own names besides `localhost`. The Host header may be `bucket.NAME`. */
  readonly domains?: readonly string[]
  /** Names in front of which a bucket's website is served, in lower case. */
  readonly websiteDomains?: readonly string[]
  /** The only region accepted in signatures; default: any. */
  readonly region?: string
  /** Whether S3's Signature Version 2 is accepted beside Version 4; default true. */
  readonly acceptsSignatureV2?: boolean
  /**
   * Networks such as `10.0.0.0/8` whose proxies are believed: the address and scheme of a client are
   * those in their `X-Forwarded-For` and `X-Forwarded-Proto`, or `Forwarded`. None if left out.
   */
  readonly trustedProxies?: readonly string[]
  /** The access settings of new buckets: today's of AWS, or those before 2023; default `aws`. */
  readonly bucketDefaults?: BucketDefaults
  /** Blocks public access to all buckets, in addition to each one's own block; default none. */
  readonly accountBlock?: PublicAccessBlock
  readonly log?: Log
  /** Limits of domains in place of SimpleDB's own. */
  readonly simpleDbLimits?: Partial<SimpleDbLimits>
  /** The lag of item reads without ConsistentRead, in milliseconds; default 0. */
  readonly eventualLagMs?: number
  /** The scrub's read rate in MiB/s; 0 for no scrub; default 8. */
  readonly scrubMibPerSecond?: number
  /**
   * The accepted mismatches of a data folder's rows (`engine/`) and bodies (`blobs/`), as with the
   * command's `--accept-lost-rows` and `--accept-lost-blobs`; default none.
   */
  readonly accepts?: readonly Acceptance[]
  /**
   * Called once if other processes on the data folder declared this one dead, for example after it was
   * stopped for more than a minute. From then on all writes are refused: close the server and reopen it.
   */
  readonly onDeposed?: () => void
}

/** An open store and its server. */
export interface EmbeddedServer {
  readonly services: Services
  /** Serves requests; for `http.createServer`. It doesn't send `100 Continue` itself. */
  readonly handler: RequestListener
  /** Listens; resolves to the port. Port 0 selects a free one. */
  listen(address?: { readonly host?: string; readonly port?: number }): Promise<number>
  /** Finishes the requests under way within `graceMs` (30 s), then closes the store. */
  close(graceMs?: number): Promise<void>
}

const defaultGraceMs = 30_000

/**
 * Opens a store for this process.
 * @throws StoreError `InsufficientStorage`; TypeError for a malformed network; MisfitError if rows and
 *   bodies are of different stores or different moments; Error for a newer format, if a server of an
 *   earlier version has the folder, or if it is no data folder and not empty
 */
export async function open(options: EmbedOptions): Promise<EmbeddedServer> {
  const { dataFolder, keys, domains = [], region, log = silentLog } = options
  const { acceptsSignatureV2 = true } = options
  const metrics = new ProcessMetrics()
  const store = await openShared({
    dataFolder,
    accepts: options.accepts ?? [],
    ...(options.onDeposed === undefined ? {} : { onDeposed: options.onDeposed }),
    region: region ?? 'us-east-1',
    isRegionFixed: region !== undefined,
    bucketDefaults: options.bucketDefaults ?? 'aws',
    accountBlock: options.accountBlock,
    log,
    metrics,
    simpleDbLimits: options.simpleDbLimits ?? {},
    eventualLagMs: options.eventualLagMs ?? 0,
    scrubMibPerSecond: options.scrubMibPerSecond,
  })
  const { services } = store
  metrics.addEngine(() => services.engine.statistics())
  const protocols = createProtocols({
    services,
    lookup: createKeyLookup(keys),
    findOwner: createOwnerLookup(keys),
    domains,
    websiteDomains: options.websiteDomains ?? [],
    acceptsSignatureV2,
    exposition: () => metrics.text(),
    ...(region === undefined ? {} : { requiredRegion: region }),
  })
  const trustedProxies = (options.trustedProxies ?? []).map(networkOf)
  const router = new Router({ protocols, log, metrics, clock: systemClock, trustedProxies })
  const server = createHttpServer({ overflowAnswer })
  router.attach(server)
  return {
    services,
    handler: (request, response) => void server.emit('request', request, response),
    listen: ({ host = '127.0.0.1', port = 0 } = {}) => listen(server, host, port),
    async close(graceMs = defaultGraceMs) {
      await router.stop(graceMs)
      await store.close()
    },
  }
}

function networkOf(text: string): Network {
  const network = parseNetwork(text)
  if (network === undefined) throw new TypeError(`${text} is not a network such as 10.0.0.0/8`)
  return network
}

async function listen(server: Server, host: string, port: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen({ host, port }, resolve)
  await promise
  server.off('error', reject)
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : port
}
