// Chooses the engine of a data folder. LMDB is the only one so far.

import { join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import type { CrashHook } from '../base/crash-point.ts'
import type { Engine } from './engine.ts'
import { openLmdb } from './lmdb.ts'

/** How to open the engine of a data folder. */
export interface EngineOptions {
  /**
   * The longest time in milliseconds that a read may hold its snapshot; `ownLimits.engineReadMs` by
   * default.
   */
  readonly readMs?: number
  /** For tests. */
  readonly onCrashPoint?: CrashHook | undefined
  /** Age in milliseconds up to which stale snapshots are kept; by default none are. */
  readonly keptMs?: number
  /** Tells the age of stale snapshots; the machine's clock by default. */
  readonly clock?: Clock
}

/**
 * Opens the engine in `dataFolder`, or creates it there. Several processes may open it at once.
 * @throws Error when a newer version wrote it, or it can't be opened.
 */
export async function openEngine(dataFolder: string, options: EngineOptions = {}): Promise<Engine> {
  return openLmdb({ ...options, path: join(dataFolder, 'engine') })
}
