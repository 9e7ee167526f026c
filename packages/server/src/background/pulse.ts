// The heartbeats of process starts: this process renews its own, and watches those of others, about
// which the system says nothing: they may be of another machine or PID namespace.

import { setTimeout as wait } from 'node:timers/promises'
import { systemClock } from '../base/clock.ts'
import { ownLimits } from '../base/limits.ts'
import type { Verdict } from '../base/liveness.ts'
import type { Engine } from '../engine/engine.ts'
import type { Log } from '../observe/log.ts'
import type { Presence } from '../store/body/presence.ts'
import { beat, type NumberedStart } from '../store/body/process.ts'

/** Renews the heartbeat of this process until it is closed. */
export class Pulse {
  readonly #options: PulseOptions
  readonly #stop = new AbortController()
  #running: Promise<void> = Promise.resolve()

  constructor(options: PulseOptions) {
    this.#options = options
  }

  start(): void {
    this.#running = this.#run()
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  /** @throws StoreError `ServiceUnavailable` if this start was declared dead */
  async beat(): Promise<void> {
    const { engine, presence } = this.#options
    await engine.write(async (tx) => {
      await presence.confirm(tx)
      // By the machine's clock, as the times of files are, with which it is compared.
      await beat(tx, presence.start, systemClock.now())
    })
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    let isFailing = false
    for (;;) {
      try {
        await wait(ownLimits.heartbeatMs, undefined, { signal, ref: false })
        await this.beat()
        isFailing = false
      } catch (error) {
        const { presence, log } = this.#options
        if (signal.aborted || presence.isDeposed) return
        // On a full disk it fails for a long time; once is enough to know.
        if (!isFailing)
          log.warn('the heartbeat could not be renewed, and is tried again', { error })
        isFailing = true
      }
    }
  }
}

/** What a pulse needs. */
export interface PulseOptions {
  readonly engine: Engine
  readonly presence: Presence
  readonly log: Log
}

/** Beats of one's own heart between which there are at least `ownLimits.heartbeatOverdueMs`. */
const overdueBeats = Math.ceil(ownLimits.heartbeatOverdueMs / ownLimits.heartbeatMs) + 1

/**
 * Tells which starts are dead: those of which the system says so, and those, of which it says nothing,
 * whose heart was seen not to beat for `ownLimits.heartbeatOverdueMs`. That time is counted in beats of
 * one's own heart: while this process sleeps, or the store takes no commits, it doesn't go on, and no
 * clock that is set has a part in it.
 */
export class HeartMonitor {
  /** By the number of a start: its beat, and one's own when that was seen first. */
  readonly #seen = new Map<number, { readonly beat: number; readonly ownBeat: number }>()

  /** Those of `others` that are dead, when one's own heart has beaten `ownBeat` times. */
  dead(
    others: readonly NumberedStart[],
    facts: { readonly ownBeat: number; readonly verdictOn: (liveness: string) => Verdict },
  ): NumberedStart[] {
    const { ownBeat, verdictOn } = facts
    const numbers = new Set(others.map(({ number }) => number))
    for (const number of this.#seen.keys()) if (!numbers.has(number)) this.#seen.delete(number)
    return others.filter((start) => {
      const silentBeats = this.#silence(start, ownBeat)
      const verdict = verdictOn(start.record.liveness)
      return verdict === 'dead' || (verdict === 'unknown' && silentBeats >= overdueBeats)
    })
  }

  /** Beats of one's own heart since that of the start was seen to beat. */
  #silence({ number, record: { beat } }: NumberedStart, ownBeat: number): number {
    const seen = this.#seen.get(number)
    if (seen?.beat === beat) return ownBeat - seen.ownBeat
    this.#seen.set(number, { beat, ownBeat })
    return 0
  }
}
