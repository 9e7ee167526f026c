// Recent snapshots for reads that may be stale: a few are opened at regular intervals and kept
// until they are too old. LMDB can't reuse pages freed while they are open. The store therefore
// grows by the volume of writes within the time kept.

import type { Clock } from '../base/clock.ts'
import type { Snapshot } from './backing-store.ts'

/** Number of snapshots kept. A read with the full allowance gets one at least 7/8 of that age. */
const intervals = 8

interface Entry {
  readonly snapshot: Snapshot
  readonly openedMs: number
  /** Reference count: running reads, plus one while the snapshot is kept. */
  uses: number
}

export interface StaleSnapshotOptions {
  readonly open: () => Snapshot
  /** Milliseconds after which a snapshot is no longer used. */
  readonly keptMs: number
  readonly clock: Clock
}

/** A ring of recent snapshots, refreshed by a timer. */
export class StaleSnapshots {
  readonly #options: StaleSnapshotOptions
  readonly #timer: NodeJS.Timeout
  #entries: Entry[] = []

  constructor(options: StaleSnapshotOptions) {
    this.#options = options
    this.#add()
    const interval = Math.max(1, Math.floor(options.keptMs / intervals))
    this.#timer = setInterval(() => this.#add(), interval).unref()
  }

  /** The oldest snapshot not older than `maxStalenessMs`; undefined if there is none. */
  take(maxStalenessMs: number): Snapshot | undefined {
    const oldestMs =
      this.#options.clock.monotonicMs() - Math.min(maxStalenessMs, this.#options.keptMs)
    const entry = this.#entries.find(({ openedMs }) => openedMs >= oldestMs)
    if (entry === undefined) return undefined
    entry.uses++
    let isReleased = false
    return {
      view: entry.snapshot.view,
      state: () => entry.snapshot.state(),
      release() {
        if (isReleased) return
        isReleased = true
        releaseUse(entry)
      },
    }
  }

  /** Releases all snapshots. */
  close(): void {
    clearInterval(this.#timer)
    for (const entry of this.#entries.splice(0)) releaseUse(entry)
  }

  #add(): void {
    const nowMs = this.#options.clock.monotonicMs()
    const isOld = ({ openedMs }: Entry): boolean => openedMs < nowMs - this.#options.keptMs
    for (const entry of this.#entries.filter(isOld)) releaseUse(entry)
    this.#entries = this.#entries.filter((entry) => !isOld(entry))
    this.#entries.push({ snapshot: this.#options.open(), openedMs: nowMs, uses: 1 })
  }
}

function releaseUse(entry: Entry): void {
  entry.uses--
  if (entry.uses === 0) entry.snapshot.release()
}
