// Refusals of leases, and of writes because of leases.

import type { LeaseTicket } from '../terms.ts'

/** The lease that a request has to wait for. */
export interface BlockingLease {
  readonly ticket: LeaseTicket
  readonly label: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

export type LeaseRefusal =
  /** It expired, was released, or was never granted. */
  | { readonly code: 'LeaseLost'; readonly ticket: LeaseTicket }
  /** A request names a lease that is still in the queue. */
  | { readonly code: 'LeaseWaiting'; readonly ticket: LeaseTicket }
  | { readonly code: 'LeaseNotCovering'; readonly ticket: LeaseTicket; readonly path: string }
  | {
      readonly code: 'LeaseNotGranted'
      readonly blockedBy: BlockingLease
      /** Of a place that is kept in the queue. */
      readonly ticket?: LeaseTicket | undefined
    }
  /** A write without a lease. */
  | { readonly code: 'BlockedByLease'; readonly ticket: LeaseTicket; readonly label: string }
  /** Requests of one owner that wait for leases. */
  | { readonly code: 'TooManyWaiting'; readonly maximum: number }
  | { readonly code: 'TooManyLeases'; readonly count: number; readonly maximum: number }
  /** Paths and the folders that they are in. */
  | { readonly code: 'TooManyLeaseNodes'; readonly count: number; readonly maximum: number }
  | {
      readonly code: 'LeaseOutOfBounds'
      /** `paths`: their number; `label`: its length. */
      readonly field: 'paths' | 'ttlMs' | 'waitMs' | 'label'
      readonly minimum: number
      readonly maximum: number
      readonly found: number
    }
