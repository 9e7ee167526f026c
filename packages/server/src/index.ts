// Holdfast inside another program: one process, one store, an HTTP server that can be listened with or
// a handler for a server that is there already.

import type { RequestListener, Server } from 'node:http'
import { type AccessKey, createKeyLookup } from './access/key.ts'
import { systemClock } from './base/clock.ts'
import type { SimpleDbLimits } from './base/limits.ts'
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

/** What an embedded server needs. */
export interface EmbedOptions {
  /** Made if it isn't there. Other processes may have it open, `holdfast serve` too. */
  readonly dataFolder: string
  /** At least one; the first one's owner is the root. */
  readonly keys: readonly AccessKey[]
  /** Names in front of which a bucket may stand in the Host header, besides `localhost`. */
  readonly domains?: readonly string[]
  /** The only region that requests may be signed for; any if left out. */
  readonly region?: string
  /** Whether S3's Signature Version 2 is accepted beside Version 4; true if left out. */
  readonly acceptsSignatureV2?: boolean
  readonly log?: Log
  /** Limits of domains in place of SimpleDB's own. */
  readonly simpleDbLimits?: Partial<SimpleDbLimits>
  /** Milliseconds that reads of items without ConsistentRead lag behind; 0 if left out. */
  readonly eventualLagMs?: number
  /** Mebibytes of bodies that the scrub reads in a second; 0 for no scrub; 8 if left out. */
  readonly scrubMibPerSecond?: number
  /**
   * What is accepted of a data folder whose rows (`engine/`) and bodies (`blobs/`) don't fit each other,
   * as `--accept-lost-rows` and `--accept-lost-blobs` of the command do; nothing if left out.
   */
  readonly accepts?: readonly Acceptance[]
  /**
   * Called once if other processes on the data folder took this one for dead, as after it was stopped
   * for more than a minute. It refuses all writes from then on: close it, and open it again.
   */
  readonly onDeposed?: () => void
}

/** An open store and what serves it. */
export interface EmbeddedServer {
  readonly services: Services
  /** Answers requests; for `http.createServer`. It has no `100 Continue` of its own. */
  readonly handler: RequestListener
  /** Listens; resolves to the port, which is a free one for port 0. */
  listen(address?: { readonly host?: string; readonly port?: number }): Promise<number>
  /** Finishes the requests under way within `graceMs` (30 s), then closes the store. */
  close(graceMs?: number): Promise<void>
}

const defaultGraceMs = 30_000

/**
 * Opens a store for this process.
 * @throws StoreError `InsufficientStorage`, MisfitError for rows and bodies that are not of one store and
 *   one moment, Error for a newer format or a server of an earlier version that has the folder
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
    domains,
    acceptsSignatureV2,
    exposition: () => metrics.text(),
    ...(region === undefined ? {} : { requiredRegion: region }),
  })
  const router = new Router({ protocols, log, metrics, clock: systemClock })
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

async function listen(server: Server, host: string, port: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen({ host, port }, resolve)
  await promise
  server.off('error', reject)
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : port
}
