// The summary that `holdfast cp` prints.

import type { Total } from './listing.ts'

/** The source and target of a copy, with counts if known. */
export interface Copied extends Partial<Total> {
  readonly from: string
  readonly to: string
  /** The number of skipped objects or files. */
  readonly skipped?: number
}
