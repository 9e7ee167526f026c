// The summary that `holdfast cp` prints.

import type { Total } from './listing.ts'

/** The source and target of a copy, with counts where they are known. */
export interface Copied extends Partial<Total> {
  readonly from: string
  readonly to: string
  /** Objects or files that were left out, each of which was named. */
  readonly skipped?: number
}
