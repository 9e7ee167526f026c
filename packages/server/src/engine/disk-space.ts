// How much may still be stored. A store that is nearly full takes nothing more, while removals go on:
// LMDB needs fresh pages for them too, since it never overwrites a page that a reader may see.

import { statfsSync } from 'node:fs'
import { StoreError } from '../base/errors.ts'
import { ownLimits } from '../base/limits.ts'

/** Bytes to spare, and milliseconds in which no disk takes so many. */
const plenty = { bytes: 1_073_741_824, ms: 20 }

/**
 * Asked before each addition. It looks at the disk itself, since what other processes just wrote counts;
 * every time, unless there was plenty a moment ago.
 */
export class DiskSpace {
  readonly #folder: string
  readonly #reusableBytes: () => number
  readonly #nowMs: () => number
  #plentyUntilMs = 0

  /**
   * @param reusableBytes tells how much of the store's file holds nothing; asked only when it matters
   * @param nowMs a clock that only goes forward
   */
  constructor(
    folder: string,
    reusableBytes: () => number,
    nowMs: () => number = () => performance.now(),
  ) {
    this.#folder = folder
    this.#reusableBytes = reusableBytes
    this.#nowMs = nowMs
  }

  /** @throws StoreError `InsufficientStorage` if `bytes` more would leave less than the reserve. */
  check(bytes: number): void {
    const nowMs = this.#nowMs()
    if (nowMs < this.#plentyUntilMs && bytes < plenty.bytes / 2) return
    const { bavail, bsize, blocks } = statfsSync(this.#folder)
    const needed = bytes + reserveOf(blocks * bsize)
    const free = bavail * bsize
    this.#plentyUntilMs = free >= needed + plenty.bytes ? nowMs + plenty.ms : 0
    if (free >= needed || free + this.#reusableBytes() >= needed) return
    throw new StoreError('InsufficientStorage', 'The disk is nearly full; only removals go on.')
  }
}

/** Bytes that are kept for removals on a disk of `diskBytes`. */
export function reserveOf(diskBytes: number): number {
  return Math.min(ownLimits.reserveBytes, diskBytes / 8)
}
