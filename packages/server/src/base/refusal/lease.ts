// Refusals of lease requests, and of writes blocked by leases.

import type { LeaseTicket } from '../terms.ts'

/** The lease that a request has to wait for. */
export interface BlockingLease {
  readonly ticket: LeaseTicket
  readonly label: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

export type LeaseRefusal =
  /** The lease expired, was released, or was never granted. */
  | { readonly code: 'LeaseLost'; readonly ticket: LeaseTicket }
  /** A request names a lease that is still in the queue. */
  | { readonly code: 'LeaseWaiting'; readonly ticket: LeaseTicket }
  | { readonly code: 'LeaseNotCovering'; readonly ticket: LeaseTicket; readonly path: string }
  | {
      readonly code: 'LeaseNotGranted'
      readonly blockedBy: BlockingLease
      /** The ticket, if the request keeps a place in the queue. */
      readonly ticket?: LeaseTicket | undefined
    }
  /** A write without a lease. */
  | { readonly code: 'BlockedByLease'; readonly ticket: LeaseTicket; readonly label: string }
  /** One owner has too many requests that wait for leases. */
  | { readonly code: 'TooManyWaiting'; readonly maximum: number }
  | { readonly code: 'TooManyLeases'; readonly count: number; readonly maximum: number }
  /** `count`: the number of paths and of the folders above them. */
  | { readonly code: 'TooManyLeaseNodes'; readonly count: number; readonly maximum: number }
  | {
      readonly code: 'LeaseOutOfBounds'
      /** `paths`: the number of paths; `label`: the label's length. */
      readonly field: 'paths' | 'ttlMs' | 'waitMs' | 'label'
      readonly minimum: number
      readonly maximum: number
      readonly found: number
    }
