// The store as it was a while ago, for reads that may, or should, be stale: a few snapshots, opened at
// regular intervals and kept until they are too old. While they are open, the pages that commits free
// can't be used again, so the store grows by what is written within the time that is kept.

import type { Snapshot } from './backing-store.ts'

/** Snapshots that the time kept is divided into: what is served is as old as 7/8 of it at least. */
const intervals = 8

interface Entry {
  readonly snapshot: Snapshot
  readonly openedMs: number
  /** Reads that use it, and one for its place among the kept ones. */
  uses: number
}

/** How the past is kept. */
export interface StaleSnapshotOptions {
  readonly open: () => Snapshot
  /** Milliseconds after which a snapshot isn't served any more. */
  readonly keptMs: number
}

/** Snapshots of the last milliseconds. */
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

  /** The oldest snapshot of the last `maxStalenessMs`; undefined if there is none. */
  take(maxStalenessMs: number): Snapshot | undefined {
    const oldestMs = performance.now() - Math.min(maxStalenessMs, this.#options.keptMs)
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
        unuse(entry)
      },
    }
  }

  /** Gives all snapshots up. */
  close(): void {
    clearInterval(this.#timer)
    for (const entry of this.#entries.splice(0)) unuse(entry)
  }

  #add(): void {
    const nowMs = performance.now()
    const isOld = ({ openedMs }: Entry): boolean => openedMs < nowMs - this.#options.keptMs
    for (const entry of this.#entries.filter(isOld)) unuse(entry)
    this.#entries = this.#entries.filter((entry) => !isOld(entry))
    this.#entries.push({ snapshot: this.#options.open(), openedMs: nowMs, uses: 1 })
  }
}

function unuse(entry: Entry): void {
  entry.uses--
  if (entry.uses === 0) entry.snapshot.release()
}
