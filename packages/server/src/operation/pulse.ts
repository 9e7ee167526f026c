// The heartbeats of process starts: this process renews its own, and watches those of others, about
// which the system says nothing: they may be of another machine or PID namespace.

import { setTimeout as wait } from 'node:timers/promises'
import { ownLimits } from '../base/limits.ts'
import type { Verdict } from '../base/liveness.ts'
import type { Engine } from '../engine/engine.ts'
import type { Log } from '../observe/log.ts'
import type { Presence } from '../store/presence.ts'
import { beat, type NumberedStart } from '../store/process.ts'

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
      await beat(tx, presence.start, Date.now())
    })
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    for (;;) {
      try {
        await wait(ownLimits.heartbeatMs, undefined, { signal, ref: false })
        await this.beat()
      } catch (error) {
        if (signal.aborted || this.#options.presence.isDeposed) return
        this.#options.log.warn('the heartbeat could not be renewed, and is tried again', { error })
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

/**
 * Tells which starts are dead: those of which the system says so, and those whose heart was seen not to
 * beat for `ownLimits.heartbeatOverdueMs`. Only time in which this process itself was awake and looking
 * counts, by its own clock, so that neither a clock that is set nor a machine that slept kills anybody.
 */
export class HeartMonitor {
  readonly #seen = new Map<number, { beat: number; silentMs: number }>()
  #lookedAt: number | undefined

  /** Those of `starts` that are dead at `nowMs` of a clock that never goes back. */
  dead(
    starts: readonly NumberedStart[],
    facts: { readonly nowMs: number; readonly verdictOn: (liveness: string) => Verdict },
  ): NumberedStart[] {
    const { nowMs, verdictOn } = facts
    const elapsedMs = Math.min(nowMs - (this.#lookedAt ?? nowMs), ownLimits.heartbeatMs)
    this.#lookedAt = nowMs
    const numbers = new Set(starts.map(({ number }) => number))
    for (const number of this.#seen.keys()) if (!numbers.has(number)) this.#seen.delete(number)
    return starts.filter((start) => {
      const verdict = verdictOn(start.record.liveness)
      if (verdict !== 'unknown') return verdict === 'dead'
      return this.#silence(start, elapsedMs) >= ownLimits.heartbeatOverdueMs
    })
  }

  /** Milliseconds for which the heart of a start was seen not to beat. */
  #silence({ number, record }: NumberedStart, elapsedMs: number): number {
    const seen = this.#seen.get(number)
    if (seen === undefined || seen.beat !== record.beat) {
      this.#seen.set(number, { beat: record.beat, silentMs: 0 })
      return 0
    }
    seen.silentMs += elapsedMs
    return seen.silentMs
  }
}
