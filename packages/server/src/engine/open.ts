// Chooses the engine of a data folder: the embedded one.

import { join } from 'node:path'
import type { CrashHook } from '../base/crash-point.ts'
import type { Engine } from './engine.ts'
import { openLmdb } from './lmdb.ts'

/** How the engine of a data folder is opened. */
export interface EngineOptions {
  /** Milliseconds that a read may hold its snapshot; `ownLimits.engineReadMs` by default. */
  readonly readMs?: number
  /** For tests. */
  readonly onCrashPoint?: CrashHook | undefined
  /** Milliseconds of the past that are kept for reads which may be stale; none by default. */
  readonly keptMs?: number
}

/**
 * Opens the engine in `dataFolder`, or makes it there; several processes may open it at once.
 * @throws Error when it was written by a newer version, or can't be opened.
 */
export async function openEngine(dataFolder: string, options: EngineOptions = {}): Promise<Engine> {
  return openLmdb({ ...options, path: join(dataFolder, 'engine') })
}
