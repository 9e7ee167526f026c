// Heartbeats of process starts. A process renews its own and monitors those of starts whose liveness the
// system can't tell. Such starts may be on another machine or in another PID namespace.

import { setTimeout as wait } from 'node:timers/promises'
import { systemClock } from '../base/clock.ts'
import { ownLimits } from '../base/limits.ts'
import type { Verdict } from '../base/liveness.ts'
import type { StartId } from '../base/terms.ts'
import type { Engine } from '../engine/engine.ts'
import type { Log } from '../observe/log.ts'
import type { Presence } from '../store/body/presence.ts'
import { beat, type NumberedStart } from '../store/body/process.ts'

/** Renews this process's heartbeat until closed. */
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
      // The system clock, because file times are compared with this one.
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
        // On a full disk, renewal fails for a long time; one message is enough.
        if (!isFailing) log.warn('could not renew the heartbeat; will retry', { error })
        isFailing = true
      }
    }
  }
}

export interface PulseOptions {
  readonly engine: Engine
  readonly presence: Presence
  readonly log: Log
}

/** Own heartbeats that span at least `ownLimits.heartbeatOverdueMs`. */
const overdueBeats = Math.ceil(ownLimits.heartbeatOverdueMs / ownLimits.heartbeatMs) + 1

/**
 * Tells which starts are dead: those that the system reports dead, and unknown ones without a heartbeat for
 * `ownLimits.heartbeatOverdueMs`. That time is counted in own heartbeats. The count stops while this process
 * is suspended or the store takes no commits, and setting a clock has no effect on it.
 */
export class HeartMonitor {
  /** By start number: its heartbeat, and the own heartbeat at which that was first seen. */
  readonly #seen = new Map<StartId, { readonly beat: number; readonly ownBeat: number }>()

  /** The dead starts among `others`, after `ownBeat` own heartbeats. */
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

  /** Own heartbeats since the start's last heartbeat was seen. */
  #silence({ number, record: { beat } }: NumberedStart, ownBeat: number): number {
    const seen = this.#seen.get(number)
    if (seen?.beat === beat) return ownBeat - seen.ownBeat
    this.#seen.set(number, { beat, ownBeat })
    return 0
  }
}
