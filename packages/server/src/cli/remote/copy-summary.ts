// What `holdfast cp` tells when it has copied.

import type { Total } from './listing.ts'

/** What was copied, and how much where it was counted. */
export interface Copied extends Partial<Total> {
  readonly from: string
  readonly to: string
  /** Objects or files that were left out, each of which was named. */
  readonly skipped?: number
}
