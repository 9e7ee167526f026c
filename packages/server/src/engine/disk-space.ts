// Keeps a reserve of free disk space. On a nearly full disk, additions are refused while removals
// still succeed. LMDB needs fresh pages for removals too, since it never overwrites a page that a
// reader may see.

import { statfsSync } from 'node:fs'
import { StoreError } from '../base/errors.ts'
import { ownLimits } from '../base/limits.ts'

/**
 * With this many bytes to spare, the disk is not checked again for this many milliseconds: no disk
 * fills so fast.
 */
const plenty = { bytes: 1_073_741_824, ms: 20 }

/**
 * Checked before each addition. It calls statfs rather than counting, because other processes write
 * to the same disk. The call is skipped if there was plenty of space a moment ago.
 */
export class DiskSpace {
  readonly #folder: string
  readonly #reusableBytes: () => number
  readonly #nowMs: () => number
  #plentyUntilMs = 0

  /**
   * @param reusableBytes returns the number of free bytes inside the data file; called only on a
   *   nearly full disk
   * @param nowMs a monotonic clock
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
    throw new StoreError({ code: 'InsufficientStorage', space: 'reserve' })
  }
}

/** The reserve, in bytes, kept for removals on a disk of `diskBytes`. */
export function reserveOf(diskBytes: number): number {
  return Math.min(ownLimits.reserveBytes, diskBytes / 8)
}
