// Waits for a commit's blocker: attempts the commit, watches the blocking row, and retries for as long as the
// request may wait. Between two attempts, a request costs a timer, and a watch shared with the other requests
// of its bucket.

import type { Clock } from '../base/clock.ts'
import type { Engine } from '../engine/engine.ts'
import { Blocker } from '../store/lease/blocker.ts'
import { renewedUntil } from '../store/lease/lease.ts'
import type { Waiting } from './waiting.ts'

/** The parameters of a wait. */
export interface LeaseWait {
  readonly engine: Engine
  readonly clock: Clock
  readonly waiting: Waiting
  /** The owner of the request: attempts take turns among one owner's requests only. */
  readonly ownerId: string
  readonly signal: AbortSignal
  /** Ends the wait early, with a final attempt. */
  readonly stopping?: AbortSignal | undefined
  readonly waitMs: number
  /** A bound of the lease nodes that an attempt changes. With it, the first attempt takes its turn too. */
  readonly leaseNodes?: number | undefined
}

/** The longest time between two checks of the blocker, so that a step of the clock is noticed. */
const longestWaitMs = 30_000

/**
 * Makes attempts until one meets no blocker. The last attempt is final, and must not return a blocker.
 * @throws the signal's reason when aborted; StoreError `TooManyWaiting` if too many requests of the owner wait
 */
export async function untilUnblocked<T>(
  leaseWait: LeaseWait,
  attempt: (isFinal: boolean) => Promise<T | Blocker>,
): Promise<T> {
  const { clock, waiting, ownerId, signal, stopping, waitMs, leaseNodes } = leaseWait
  const attemptInTurn = (deadline: number): Promise<T | Blocker> => {
    const attemptNow = (): Promise<T | Blocker> => {
      signal.throwIfAborted()
      return attempt(stopping?.aborted === true || clock.monotonicMs() >= deadline)
    }
    return waiting.inTurn(ownerId, attemptNow, leaseNodes)
  }
  if (leaseNodes !== undefined) waiting.checkTurn(ownerId, leaseNodes)
  const isFinal = waitMs <= 0 || stopping?.aborted === true
  const first = await (leaseNodes === undefined
    ? attempt(isFinal)
    : attemptInTurn(isFinal ? -Infinity : Infinity))
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

/** Waits until a blocker may be gone, or no time to wait is left. */
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
    // Much cheaper than an attempt; nearly always the lease was renewed.
    until = await engine.read((tx) => renewedUntil(tx, blocker, clock.now()))
  }
}
