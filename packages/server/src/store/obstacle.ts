// What keeps a commit from being done now. It is no error: the commit is tried again when the row has
// changed or the moment has come.

import type { Bytes } from '../base/bytes.ts'

/** The lease that stands in the way. */
export interface Hindrance {
  readonly ticket: number
  readonly label: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

/** A reason to wait. */
export class Obstacle {
  /** The row, and the value that it has as long as the obstacle is there. */
  readonly row: Bytes
  readonly seen: Bytes
  /** When to look again in any case, in milliseconds since the epoch. */
  readonly until: number
  readonly lease: Hindrance

  constructor(parts: Pick<Obstacle, 'row' | 'seen' | 'until' | 'lease'>) {
    this.row = parts.row
    this.seen = parts.seen
    this.until = parts.until
    this.lease = parts.lease
  }
}
