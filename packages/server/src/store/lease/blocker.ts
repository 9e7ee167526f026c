// What keeps a commit from being done now. It is no error: the commit is tried again when the row has
// changed or the moment has come.

import type { Bytes } from '../../base/bytes.ts'
import type { LeaseTicket } from '../../base/terms.ts'

/** The lease that stands in the way. */
export interface BlockingLease {
  readonly ticket: LeaseTicket
  readonly label: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

/** A waiting lease that has its place in the queue. */
export interface QueuePlace {
  readonly bucketId: number
  readonly ticket: LeaseTicket
}

type Parts = Pick<Blocker, 'bucketId' | 'row' | 'seen' | 'mark' | 'until' | 'lease'> & {
  readonly place?: QueuePlace | undefined
}

/** A reason to wait. */
export class Blocker {
  readonly bucketId: number
  /** The row, and the value that it has as long as the blocker is there. */
  readonly row: Bytes
  readonly seen: Bytes
  /** The row that changes whenever a lease of the bucket ends. */
  readonly mark: Bytes
  /** When to look again in any case, in milliseconds since the epoch. */
  readonly until: number
  readonly lease: BlockingLease
  /** The place to be kept meanwhile, of a request that waits for a lease of its own. */
  readonly place: QueuePlace | undefined

  constructor({ bucketId, row, seen, mark, until, lease, place }: Parts) {
    this.bucketId = bucketId
    this.row = row
    this.seen = seen
    this.mark = mark
    this.until = until
    this.lease = lease
    this.place = place
  }
}
