// Composes one process: opens the store's services in a data folder and registers this process's start,
// so that other processes can attribute its blobs.

import { randomBytes, randomUUID } from 'node:crypto'
import type { BucketDefaults } from './access/bucket-defaults.ts'
import type { PublicAccessBlock } from './access/public-access-block.ts'
import type { ExportQueue } from './background/export-queue.ts'
import { Marker } from './background/marker.ts'
import { Pulse } from './background/pulse.ts'
import { Scrubber } from './background/scrub.ts'
import { Sweeper, type SweeperOptions } from './background/sweep.ts'
import { type Clock, systemClock } from './base/clock.ts'
import type { CrashHook } from './base/crash-point.ts'
import { StoreError } from './base/errors.ts'
import { type SimpleDbLimits, simpleDbLimits } from './base/limits.ts'
import { ownLiveness, type Verdict, verdictOnUser } from './base/liveness.ts'
import { MemoryRoom } from './base/memory-room.ts'
import { storeIn } from './base/store-location.ts'
import type { StartId } from './base/terms.ts'
import type { BlobStore } from './blob/blob.ts'
import { openBlobs } from './blob/open.ts'
import type { Engine } from './engine/engine.ts'
import { sharedFileOf } from './engine/location.ts'
import { openEngine } from './engine/open.ts'
import type { Log } from './observe/log.ts'
import type { Metrics } from './observe/metrics.ts'
import type { Acceptance } from './operation/acceptance.ts'
import { createCorsCache } from './operation/cors.ts'
import { ensureFit, noteStart, refuseLostRows } from './operation/fit.ts'
import type { Services } from './operation/operation.ts'
import { policyCache } from './operation/policy.ts'
import { TokenSealer } from './operation/token.ts'
import { Waiting } from './operation/waiting.ts'
import { createWebsiteCache } from './operation/website.ts'
import { QueryPool } from './select-content/pool.ts'
import { Readers } from './store/body/epoch.ts'
import { Presence } from './store/body/presence.ts'
import { endStart, registerStart } from './store/body/process.ts'
import { IdSource } from './store/row/id.ts'
import { ensureSecret } from './store/row/secret.ts'
import { Snapshots } from './store/tree/snapshot.ts'

/** The options of a store wherever it is. */
interface CommonOptions {
  readonly region: string
  /** True if all buckets are in that region, regardless of the region in their creation request. */
  readonly isRegionFixed?: boolean
  readonly log: Log
  readonly metrics: Metrics
  readonly clock?: Clock
  /** The access settings of new buckets; default `aws`. */
  readonly bucketDefaults?: BucketDefaults
  /** Blocks public access to all buckets, in addition to each one's own block; default none. */
  readonly accountBlock?: PublicAccessBlock | undefined
  /** Limits of domains in place of SimpleDB's own. */
  readonly simpleDbLimits?: Partial<SimpleDbLimits>
  /** The lag of item reads without ConsistentRead, in milliseconds; default 0. */
  readonly eventualLagMs?: number
  /**
   * False if this process never collects garbage; default true. The process publishes its epoch in any case, since
   * otherwise no process could collect.
   */
  readonly isSweeping?: boolean
  /**
   * Called once if this process detects that it was declared dead. Its writes fail, and its reads are no longer protected
   * from collection. The process must exit, or close the services and reopen them.
   */
  readonly onDeposed?: () => void
  /** This process's liveness token; default: the system's. */
  readonly liveness?: string
}

/** The options of a store in a data folder. */
export interface ServiceOptions extends CommonOptions {
  /** Created if missing. */
  readonly dataFolder: string
  /** The scrub's read rate in MiB/s; 0 for no scrub; default 8. */
  readonly scrubMibPerSecond?: number | undefined
  /** The accepted mismatches of rows and blobs; default none. */
  readonly accepts?: readonly Acceptance[]
  /** The longest time in milliseconds that a read may hold its snapshot; default `ownLimits.engineReadMs`. */
  readonly readMs?: number | undefined
  /** A hook for tests, which kill the process at crash points. */
  readonly onCrashPoint?: CrashHook
}

/** The options of a store in memory, which ends with the process. */
export interface MemoryServiceOptions extends CommonOptions {
  /** The most memory that rows and bodies may take, in bytes. */
  readonly memoryBytes: number
}

/** The services of one process. Close them when its requests have ended. */
export interface OpenServices {
  readonly services: Services
  /** The number of this start, the first part of its blobs' ids. */
  readonly start: StartId
  close(): Promise<void>
}

/**
 * Opens the store in a data folder for one process. Several processes may have it open.
 * @throws StoreError `InsufficientStorage` if the disk is full and the engine has no free page left to
 *   register the process; usually it has some. MisfitError if the rows and the blobs are of different
 *   stores or different moments.
 */
export async function openServices(options: ServiceOptions): Promise<OpenServices> {
  const { dataFolder, clock = systemClock, onCrashPoint, accepts = [], readMs } = options
  await refuseLostRows({ dataFolder, accepts })
  const keptMs = options.eventualLagMs ?? 0
  const engine = await openEngine(storeIn(dataFolder).engine, {
    keptMs,
    clock,
    onCrashPoint,
    readMs,
  })
  try {
    await ensureFit(engine, { dataFolder, accepts, newId: randomUUID(), log: options.log })
    const rows = sharedFileOf(storeIn(dataFolder).engine)
    return await take(engine, options, {
      openBlobs: (facts) => openOwnBlobs(engine, { dataFolder, onCrashPoint, ...facts }),
      verdictOn: (liveness) => verdictOnUser(liveness, rows),
      scrubMibPerSecond: options.scrubMibPerSecond ?? defaultScrubMibPerSecond,
    })
  } catch (error) {
    await engine.close()
    throw fullDisk(error)
  }
}

/** Opens a new, empty store in memory. */
export async function openMemoryServices(options: MemoryServiceOptions): Promise<OpenServices> {
  const { openMemoryEngine } = await import('./engine/memory.ts')
  const { MemoryBlobPlace } = await import('./blob/memory.ts')
  const room = new MemoryRoom(options.memoryBytes)
  const { eventualLagMs: keptMs = 0, clock = systemClock } = options
  const engine = openMemoryEngine({ room, keptMs, clock })
  const blobs = new MemoryBlobPlace(room)
  return take(engine, options, {
    openBlobs: async ({ start }) => blobs.open(start),
    // The only start there is: this process's own.
    verdictOn: () => 'alive',
    scrubMibPerSecond: 0,
  })
}

/** The parts that depend on where a store is. */
interface Place {
  openBlobs(facts: { readonly start: StartId; readonly onChange: () => void }): Promise<BlobStore>
  readonly verdictOn: (liveness: string) => Verdict
  readonly scrubMibPerSecond: number
}

/** Registers this process and begins its work. */
async function take(engine: Engine, options: CommonOptions, place: Place): Promise<OpenServices> {
  const { region, log, metrics, clock = systemClock } = options
  const ids = await IdSource.open(engine)
  const random = randomBytes(32)
  const liveness = options.liveness ?? ownLiveness()
  const { start, secret } = await engine.write(async (tx) => ({
    start: await registerStart(tx, { liveness, beatAt: systemClock.now() }),
    secret: await ensureSecret(tx, random),
  }))
  let marker: Marker | undefined
  const onChange = (): void => marker?.note()
  const blobs = await place.openBlobs({ start, onChange }).catch(async (error) => {
    await noteEnd(engine, start, log)
    throw error
  })
  const presence = new Presence(start, () => {
    log.error(
      'this process was declared dead by another one; it can no longer write, and must end',
      { start },
    )
    options.onDeposed?.()
  })
  const lagMs = options.eventualLagMs ?? 0
  const services: Services = {
    engine,
    blobs,
    ids,
    presence,
    readers: new Readers(),
    snapshots: new Snapshots({ engine, ids, start }),
    tokens: new TokenSealer(secret),
    waiting: new Waiting({ engine, clock, log }),
    contentQueries: new QueryPool(),
    clock,
    log,
    metrics,
    region,
    isRegionFixed: options.isRegionFixed ?? false,
    bucketDefaults: options.bucketDefaults ?? 'aws',
    accountBlock: options.accountBlock,
    policies: policyCache(),
    cors: createCorsCache(),
    websites: createWebsiteCache(),
    simpleDb: { limits: { ...simpleDbLimits, ...options.simpleDbLimits }, eventualLagMs: lagMs },
  }
  marker = new Marker(services)
  const pulse = new Pulse(services)
  const sweeper = createSweeper(services, options, place)
  pulse.start()
  sweeper.start()
  return {
    services,
    start,
    async close() {
      await sweeper.close()
      await services.waiting.close()
      await services.contentQueries.close()
      await blobs.close()
      await marker.close()
      await pulse.close()
      await noteEnd(engine, start, log)
      await engine.close()
    },
  }
}

const defaultScrubMibPerSecond = 8

function createSweeper(services: Services, options: CommonOptions, place: Place): Sweeper {
  let exports: Promise<ExportQueue> | undefined
  return new Sweeper({
    ...services,
    ...scrubOf(services, place.scrubMibPerSecond),
    isCollecting: options.isSweeping !== false,
    verdictOn: place.verdictOn,
    async exports(signal) {
      exports ??= import('./background/export-queue.ts').then(
        (module) => new module.ExportQueue(services),
      )
      await (await exports).run(signal)
    },
  })
}

function scrubOf(services: Services, mibPerSecond: number): Pick<SweeperOptions, 'scrub'> {
  if (mibPerSecond === 0) return {}
  const scrubber = new Scrubber({ ...services, bytesPerSecond: mibPerSecond * 1_048_576 })
  return { scrub: (signal) => scrubber.run(signal) }
}

async function openOwnBlobs(
  engine: Engine,
  facts: {
    readonly dataFolder: string
    readonly start: StartId
    readonly onChange: () => void
    readonly onCrashPoint: CrashHook | undefined
  },
): Promise<BlobStore> {
  const { dataFolder, start, onChange, onCrashPoint } = facts
  try {
    await noteStart(dataFolder, start)
  } catch (error) {
    // The note only serves to detect restored rows. A full disk must not prevent a start, since the
    // sweep frees space.
    if (!isDiskFull(error)) throw error
  }
  const checkRoom = (bytes: number): void => engine.checkRoom(bytes)
  return openBlobs(storeIn(dataFolder).blobs, { start, checkRoom, onChange, onCrashPoint })
}

function isDiskFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^(ENOSPC|EDQUOT)$/.test(String(error.code))
}

function fullDisk(error: unknown): unknown {
  if (!isDiskFull(error)) return error
  return new StoreError({ code: 'InsufficientStorage', space: 'disk' }, { cause: error })
}

/** Marks the start as ended. Otherwise it would count as alive for as long as this process lives. */
async function noteEnd(engine: Engine, start: StartId, log: Log): Promise<void> {
  try {
    await engine.write((tx) => endStart(tx, start))
  } catch (error) {
    log.warn('could not record the end of this process; the next one will detect it', { error })
  }
}
