// Waiting for what keeps a commit from being done: trying, watching the row that is in the way, and
// trying again, for as long as the request may wait.

import type { Clock } from '../base/clock.ts'
import type { Engine } from '../engine/engine.ts'
import { Obstacle } from '../store/obstacle.ts'

/** What a wait works with. */
export interface Patience {
  readonly engine: Engine
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly waitMs: number
}

/** The longest time between two looks, so that a step of the clock is noticed. */
const longestWaitMs = 30_000

/**
 * Makes attempts until one meets no obstacle. The last one is final, and may not give an obstacle.
 * @throws the signal's reason when it is aborted
 */
export async function untilClear<T>(
  { engine, clock, signal, waitMs }: Patience,
  attempt: (isFinal: boolean) => Promise<T | Obstacle>,
): Promise<T> {
  let obstacle = await attempt(waitMs <= 0)
  if (!(obstacle instanceof Obstacle)) return obstacle
  const deadline = clock.monotonicMs() + waitMs
  for (;;) {
    const leftMs = Math.max(deadline - clock.monotonicMs(), 0)
    const expiryMs = Math.max(obstacle.until - clock.now(), 0)
    const timer = AbortSignal.timeout(Math.ceil(Math.min(leftMs, expiryMs, longestWaitMs)))
    try {
      await engine.watch(obstacle.row, obstacle.seen, AbortSignal.any([signal, timer]))
    } catch (error) {
      signal.throwIfAborted()
      if (!timer.aborted) throw error
    }
    const next = await attempt(clock.monotonicMs() >= deadline)
    if (!(next instanceof Obstacle)) return next
    obstacle = next
  }
}
