// Opens an engine by its URL. LMDB, at `file:` URLs, is the only one so far.

import type { Clock } from '../base/clock.ts'
import type { CrashHook } from '../base/crash-point.ts'
import type { Engine } from './engine.ts'
import { engineFolder } from './location.ts'

/** How to open an engine. */
export interface EngineOptions {
  /**
   * The longest time in milliseconds that a read may hold its snapshot; `ownLimits.engineReadMs` by
   * default.
   */
  readonly readMs?: number | undefined
  /** For tests. */
  readonly onCrashPoint?: CrashHook | undefined
  /** Age in milliseconds up to which stale snapshots are kept; by default none are. */
  readonly keptMs?: number
  /** Tells the age of stale snapshots; the machine's clock by default. */
  readonly clock?: Clock
}

/**
 * Opens the engine at `url`, or creates it there. Several processes may open it at once.
 * @throws FormatError when a newer version wrote it; DamageError when it is corrupt; Error when the
 *   scheme is unknown, or it can't be opened.
 */
export async function openEngine(url: URL, options: EngineOptions = {}): Promise<Engine> {
  // Loaded on demand, since a store in memory never needs it.
  const { openLmdb } = await import('./lmdb.ts')
  return openLmdb({ ...options, path: engineFolder(url) })
}
