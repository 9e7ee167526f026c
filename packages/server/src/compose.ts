// Puts the parts of one process together: the store's services in a data folder, with the start of
// this process registered, so that others know whose blobs are whose.

import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { type Clock, systemClock } from './base/clock.ts'
import type { CrashHook } from './base/crash-point.ts'
import { ownLiveness } from './base/liveness.ts'
import { openFileBlobs } from './blob/file.ts'
import { openEngine } from './engine/open.ts'
import type { Log } from './observe/log.ts'
import type { Metrics } from './observe/metrics.ts'
import type { Services } from './operation/operation.ts'
import { Sweeper } from './operation/sweep.ts'
import { TokenSealer } from './operation/token.ts'
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
  readonly log: Log
  readonly metrics: Metrics
  readonly clock?: Clock
  /** False if the caller sweeps, or nobody should; true if left out. */
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
  const engine = await openEngine(dataFolder, { onCrashPoint })
  try {
    const ids = await IdSource.open(engine)
    const random = randomBytes(32)
    const { start, secret } = await engine.write(async (tx) => ({
      start: await registerStart(tx, options.liveness ?? ownLiveness()),
      secret: await ensureSecret(tx, random),
    }))
    const folder = join(dataFolder, 'blobs')
    const checkRoom = (bytes: number): void => engine.checkRoom(bytes)
    const blobs = await openFileBlobs({ folder, start, checkRoom, onCrashPoint })
    const readers = new Readers()
    const snapshots = new Snapshots({ engine, ids, start })
    const tokens = new TokenSealer(secret)
    const stored = { engine, blobs, ids, readers, snapshots }
    const services = { ...stored, tokens, clock, log, metrics, region }
    const sweeper = options.isSweeping === false ? undefined : new Sweeper({ ...services, start })
    sweeper?.start()
    return {
      services,
      start,
      async close() {
        await sweeper?.close()
        await blobs.close()
        // Without it the start would count as alive for as long as this process lives.
        await engine
          .write((tx) => endStart(tx, start))
          .catch((error: unknown) => {
            log.warn('could not note the end of this process; its successor will see it', { error })
          })
        await engine.close()
      },
    }
  } catch (error) {
    await engine.close()
    throw error
  }
}
