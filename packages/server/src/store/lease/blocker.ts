// Blockers: reasons for which a commit has to wait. A blocker isn't an error. The commit is retried when
// the blocker's row changes, or at a given time.

import type { Bytes } from '../../base/bytes.ts'
import type { BucketId, LeaseTicket } from '../../base/terms.ts'

/** The conflicting lease. */
export interface BlockingLease {
  readonly ticket: LeaseTicket
  readonly label: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

/** A waiting lease with a place in the queue. */
export interface QueuePlace {
  readonly bucketId: BucketId
  readonly ticket: LeaseTicket
}

type Parts = Pick<Blocker, 'bucketId' | 'row' | 'seen' | 'mark' | 'until' | 'lease'> & {
  readonly place?: QueuePlace | undefined
}

export class Blocker {
  readonly bucketId: BucketId
  /** The blocker's row, and its value as long as the blocker exists. */
  readonly row: Bytes
  readonly seen: Bytes
  /** A row that changes whenever a lease of the bucket ends. */
  readonly mark: Bytes
  /** The latest time of the retry, in milliseconds since the epoch. */
  readonly until: number
  readonly lease: BlockingLease
  /** The place to keep meanwhile, if the request waits for a lease of its own. */
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
