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
  /** Ends the wait early, with a final attempt. */
  readonly stopping?: AbortSignal | undefined
  readonly waitMs: number
}

/** The longest time between two looks, so that a step of the clock is noticed. */
const longestWaitMs = 30_000

/**
 * Makes attempts until one meets no obstacle. The last one is final, and may not give an obstacle.
 * @throws the signal's reason when it is aborted
 */
export async function untilClear<T>(
  { engine, clock, signal, stopping, waitMs }: Patience,
  attempt: (isFinal: boolean) => Promise<T | Obstacle>,
): Promise<T> {
  let obstacle = await attempt(waitMs <= 0 || stopping?.aborted === true)
  if (!(obstacle instanceof Obstacle)) return obstacle
  const deadline = clock.monotonicMs() + waitMs
  for (;;) {
    const leftMs = Math.max(deadline - clock.monotonicMs(), 0)
    const expiryMs = Math.max(obstacle.until - clock.now(), 0)
    const timer = AbortSignal.timeout(Math.ceil(Math.min(leftMs, expiryMs, longestWaitMs)))
    const early = stopping === undefined ? timer : AbortSignal.any([timer, stopping])
    try {
      await engine.watch(obstacle.row, obstacle.seen, AbortSignal.any([signal, early]))
    } catch (error) {
      signal.throwIfAborted()
      if (!early.aborted) throw error
    }
    const next = await attempt(stopping?.aborted === true || clock.monotonicMs() >= deadline)
    if (!(next instanceof Obstacle)) return next
    obstacle = next
  }
}
