// Puts the parts of one process together: the store's services in a data folder, with the start of
// this process registered, so that others know whose blobs are whose.

import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { type Clock, systemClock } from './base/clock.ts'
import type { CrashHook } from './base/crash-point.ts'
import { type SimpleDbLimits, simpleDbLimits } from './base/limits.ts'
import { ownLiveness } from './base/liveness.ts'
import { openFileBlobs } from './blob/file.ts'
import type { Engine } from './engine/engine.ts'
import { openEngine } from './engine/open.ts'
import type { Log } from './observe/log.ts'
import type { Metrics } from './observe/metrics.ts'
import type { Services } from './operation/operation.ts'
import { Sweeper } from './operation/sweep.ts'
import { TokenSealer } from './operation/token.ts'
import { QueryPool } from './select-content/pool.ts'
import { Readers } from './store/epoch.ts'
import { IdSource } from './store/id.ts'
import { endStart, registerStart } from './store/process.ts'
import { ensureSecret } from './store/secret.ts'
import { Snapshots } from './store/snapshot.ts'

/** What a process works with, and what it tells others through. */
export interface ServiceOptions {
  /** Made if it isn't there. */
  readonly dataFolder: string
  readonly region: string
  /** True if all buckets are to be in that region, whatever was said when they were created. */
  readonly isRegionFixed?: boolean
  readonly log: Log
  readonly metrics: Metrics
  readonly clock?: Clock
  /** Limits of domains in place of SimpleDB's own. */
  readonly simpleDbLimits?: Partial<SimpleDbLimits>
  /** Milliseconds that reads of items without ConsistentRead lag behind; 0 if left out. */
  readonly eventualLagMs?: number
  /**
   * False if this process never collects what nothing refers to; true if left out. It tells the others
   * how far its readers are in any case, or they could collect nothing.
   */
  readonly isSweeping?: boolean
  /** The token by which others tell whether this process lives; the system's if left out. */
  readonly liveness?: string
  /** For tests, which kill the process there. */
  readonly onCrashPoint?: CrashHook
}

/** The services of one process, to be closed when its requests have ended. */
export interface OpenServices {
  readonly services: Services
  /** The number of this start of a process, which begins the ids of its blobs. */
  readonly start: number
  close(): Promise<void>
}

/**
 * Opens the store in a data folder for one process. Several may have it open.
 * @throws StoreError `InsufficientStorage` when the disk is full and the engine has no free page left
 *   to register the process on; usually it has some.
 */
export async function openServices(options: ServiceOptions): Promise<OpenServices> {
  const { dataFolder, region, log, metrics, clock = systemClock, onCrashPoint } = options
  const { isRegionFixed = false } = options
  const engine = await openEngine(dataFolder, { keptMs: options.eventualLagMs ?? 0, onCrashPoint })
  try {
    const ids = await IdSource.open(engine)
    const random = randomBytes(32)
    const { start, secret } = await engine.write(async (tx) => ({
      start: await registerStart(tx, options.liveness ?? ownLiveness()),
      secret: await ensureSecret(tx, random),
    }))
    const folder = join(dataFolder, 'blobs')
    const checkRoom = (bytes: number): void => engine.checkRoom(bytes)
    const opened = openFileBlobs({ folder, start, checkRoom, onCrashPoint })
    const blobs = await opened.catch(async (error) => {
      await noteEnd(engine, start, log)
      throw error
    })
    const readers = new Readers()
    const snapshots = new Snapshots({ engine, ids, start })
    const tokens = new TokenSealer(secret)
    const simpleDb = {
      limits: { ...simpleDbLimits, ...options.simpleDbLimits },
      eventualLagMs: options.eventualLagMs ?? 0,
    }
    const contentQueries = new QueryPool()
    const stored = { engine, blobs, ids, readers, snapshots, contentQueries }
    const observed = { clock, log, metrics }
    const services = { ...stored, ...observed, simpleDb, tokens, region, isRegionFixed }
    const sweeper = new Sweeper({
      ...services,
      start,
      isCollecting: options.isSweeping !== false,
      async exports(signal) {
        const { runExports } = await import('./operation/run-export.ts')
        await runExports(services, signal)
      },
    })
    sweeper.start()
    return {
      services,
      start,
      async close() {
        await sweeper.close()
        await contentQueries.close()
        await blobs.close()
        await noteEnd(engine, start, log)
        await engine.close()
      },
    }
  } catch (error) {
    await engine.close()
    throw error
  }
}

/** Without it the start would count as alive for as long as this process lives. */
async function noteEnd(engine: Engine, start: number, log: Log): Promise<void> {
  try {
    await engine.write((tx) => endStart(tx, start))
  } catch (error) {
    log.warn('could not note the end of this process; its successor will see it', { error })
  }
}
