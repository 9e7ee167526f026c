// One life of an embedded store: opened, seeded and served until it is replaced or the server ends.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AccessKey, createKeyLookup, createOwnerLookup } from '../access/key.ts'
import { type OpenServices, openMemoryServices } from '../compose.ts'
import { silentLog } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Services } from '../operation/operation.ts'
import type { Protocol } from '../protocol/http/protocol.ts'
import { createProtocols } from '../protocol/protocols.ts'
import { bucketsOf, type EmbedOptions, placeOf } from './options.ts'
import { seedBuckets } from './seed.ts'

/** The options shared by every life of one server. */
export interface LifeOptions {
  readonly options: EmbedOptions
  readonly keys: readonly AccessKey[]
  readonly metrics: Metrics
  readonly exposition: () => Promise<string>
}

/** A store that is being served. */
export interface Life {
  readonly services: Services
  readonly protocols: readonly Protocol[]
  /** Resolves when no request is under way. */
  idle(): Promise<void>
  /** Closes the store, and removes its folder if that was temporary. */
  close(): Promise<void>
}

const defaultMemoryBytes = 1_073_741_824

/** Opens a store as `options` say, with its buckets. */
export async function openLife(of: LifeOptions): Promise<Life> {
  const { options, keys, exposition } = of
  const [root] = keys
  const store = await openStore(of)
  try {
    if (root !== undefined) await seedBuckets(store.services, root, bucketsOf(options))
  } catch (error) {
    await store.close()
    throw error
  }
  const { domains = [], region, acceptsSignatureV2 = true } = options
  const protocols = createProtocols({
    services: store.services,
    lookup: createKeyLookup(keys),
    findOwner: createOwnerLookup(keys),
    websiteDomains: options.websiteDomains ?? [],
    domains,
    acceptsSignatureV2,
    exposition,
    ...(region === undefined ? {} : { requiredRegion: region }),
  })
  return serveCounted(store, protocols)
}

/** Counts the requests under way. */
function serveCounted(store: OpenServices, protocols: readonly Protocol[]): Life {
  let underWay = 0
  let onIdle: (() => void) | undefined
  const counted = async <T>(work: () => Promise<T>): Promise<T> => {
    underWay++
    try {
      return await work()
    } finally {
      underWay--
      if (underWay === 0) onIdle?.()
    }
  }
  return {
    services: store.services,
    protocols: protocols.map((protocol) => ({
      ...protocol,
      serve: (...exchange) => counted(() => protocol.serve(...exchange)),
    })),
    async idle() {
      if (underWay === 0) return
      await new Promise<void>((resolve) => {
        onIdle = resolve
      })
    },
    close: () => store.close(),
  }
}

async function openStore({ options, metrics }: LifeOptions): Promise<OpenServices> {
  const { region, log = silentLog } = options
  const common = {
    region: region ?? 'us-east-1',
    isRegionFixed: region !== undefined,
    bucketDefaults: options.bucketDefaults ?? 'aws',
    accountBlock: options.accountBlock,
    log,
    metrics,
    simpleDbLimits: options.simpleDbLimits ?? {},
    eventualLagMs: options.eventualLagMs ?? 0,
  }
  if ('dataFolder' in options && placeOf(options) === 'folder') {
    const { dataFolder, accepts = [], scrubMibPerSecond, onDeposed } = options
    // Loaded on demand: a store in memory needs neither the lock nor LMDB.
    const { openShared } = await import('../open-shared.ts')
    const deposed = onDeposed === undefined ? {} : { onDeposed }
    return openShared({ ...common, ...deposed, dataFolder, accepts, scrubMibPerSecond })
  }
  if ('memory' in options && options.memory) {
    const { memoryLimitBytes: memoryBytes = defaultMemoryBytes } = options
    return openMemoryServices({ ...common, memoryBytes })
  }
  return openTemporary(common)
}

async function openTemporary(
  common: Omit<Parameters<typeof openMemoryServices>[0], 'memoryBytes'>,
): Promise<OpenServices> {
  const { openShared } = await import('../open-shared.ts')
  const dataFolder = await mkdtemp(join(tmpdir(), 'holdfast-'))
  const remove = (): Promise<void> => rm(dataFolder, { recursive: true, force: true })
  try {
    const store = await openShared({ ...common, dataFolder, scrubMibPerSecond: 0 })
    return {
      ...store,
      async close() {
        await store.close()
        await remove()
      },
    }
  } catch (error) {
    await remove()
    throw error
  }
}
