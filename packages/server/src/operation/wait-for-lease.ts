// Waiting for what keeps a commit from being done: trying, watching the row that is in the way, and
// trying again, for as long as the request may wait. Between two tries a request costs a watch, which
// it shares with the others of its bucket, and a timer.

import type { Clock } from '../base/clock.ts'
import type { Engine } from '../engine/engine.ts'
import { Blocker } from '../store/lease/blocker.ts'
import { renewedUntil } from '../store/lease/lease.ts'
import type { Waiting } from './waiting.ts'

/** What a wait works with. */
export interface LeaseWait {
  readonly engine: Engine
  readonly clock: Clock
  readonly waiting: Waiting
  /** Whose request it is: one owner's requests wait for each other, and for nobody else's. */
  readonly ownerId: string
  readonly signal: AbortSignal
  /** Ends the wait early, with a final attempt. */
  readonly stopping?: AbortSignal | undefined
  readonly waitMs: number
  /** True when the first attempt takes its turn, as all later ones do. */
  readonly takesTurns?: boolean | undefined
}

/** The longest time between two looks, so that a step of the clock is noticed. */
const longestWaitMs = 30_000

/**
 * Makes attempts until one meets no blocker. The last one is final, and may not give a blocker.
 * @throws the signal's reason when it is aborted; StoreError `SlowDown` if too many of the owner wait
 */
export async function untilUnblocked<T>(
  leaseWait: LeaseWait,
  attempt: (isFinal: boolean) => Promise<T | Blocker>,
): Promise<T> {
  const { clock, waiting, ownerId, signal, stopping, waitMs } = leaseWait
  const attemptInTurn = (deadline: number): Promise<T | Blocker> =>
    waiting.inTurn(ownerId, () => {
      signal.throwIfAborted()
      return attempt(stopping?.aborted === true || clock.monotonicMs() >= deadline)
    })
  const isFinal = waitMs <= 0 || stopping?.aborted === true
  const first = await (leaseWait.takesTurns === true
    ? attemptInTurn(isFinal ? -Infinity : Infinity)
    : attempt(isFinal))
  if (!(first instanceof Blocker)) return first
  const leave = waiting.enter(ownerId, first.place)
  try {
    const deadline = clock.monotonicMs() + waitMs
    let blocker = first
    for (;;) {
      await untilGone(leaseWait, blocker, deadline)
      const next = await attemptInTurn(deadline)
      if (!(next instanceof Blocker)) return next
      blocker = next
    }
  } finally {
    leave()
  }
}

/** Waits until a blocker may have gone, or there is no time left to wait. */
async function untilGone(
  { engine, clock, signal, stopping }: LeaseWait,
  blocker: Blocker,
  deadline: number,
): Promise<void> {
  let until: number | undefined = blocker.until
  while (until !== undefined) {
    const leftMs = Math.max(deadline - clock.monotonicMs(), 0)
    const expiryMs = Math.max(until - clock.now(), 0)
    const timer = AbortSignal.timeout(Math.ceil(Math.min(leftMs, expiryMs, longestWaitMs)))
    const early = stopping === undefined ? timer : AbortSignal.any([timer, stopping])
    const { row, seen, mark } = blocker
    try {
      await engine.watch(row, seen, AbortSignal.any([signal, early]), mark)
      return
    } catch (error) {
      signal.throwIfAborted()
      if (!early.aborted) throw error
    }
    if (stopping?.aborted === true || clock.monotonicMs() >= deadline) return
    // Much cheaper than an attempt, and nearly always the lease was renewed.
    until = await engine.read((tx) => renewedUntil(tx, blocker, clock.now()))
  }
}
