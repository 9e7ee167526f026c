// The errors of leases, an extension of S3.

import type { RefusalOf } from '../../../base/errors.ts'
import type { LeaseRefusal } from '../../../base/refusal/lease.ts'
import { argumentError, slowDown, type WireTable } from './wire.ts'

// A lost or refused lease must not be retried; the SDKs don't retry 403 and 409.
export const leaseErrors: WireTable<LeaseRefusal> = {
  LeaseLost: ({ ticket }) => ({
    status: 409,
    code: 'LeaseLost',
    message:
      'The lease has ended: its time was over, it was released, or the bucket never gave it.',
    fields: { Ticket: String(ticket) },
  }),
  LeaseWaiting: ({ ticket }) => ({
    status: 409,
    code: 'LeaseNotGranted',
    message: 'The lease waits and is not granted yet.',
    fields: { Ticket: String(ticket) },
  }),
  LeaseNotCovering: ({ ticket, path }) => ({
    status: 403,
    code: 'LeaseNotCovering',
    message: 'The lease that the request names does not cover the path for writing.',
    fields: { Ticket: String(ticket), Path: path },
  }),
  LeaseNotGranted: ({ blockedBy, ticket }) => ({
    status: 409,
    code: 'LeaseNotGranted',
    message: 'Someone holds or waits for a lease that conflicts with this one.',
    fields: {
      Ticket: ticket?.toString(),
      BlockedBy: String(blockedBy.ticket),
      BlockedByLabel: blockedBy.label,
      BlockedByExpiresAt: new Date(blockedBy.expiresAt).toISOString(),
    },
  }),
  BlockedByLease: ({ ticket, label }) =>
    slowDown('Someone holds a lease that covers what the request writes. Please try again.', {
      BlockedBy: String(ticket),
      BlockedByLabel: label,
    }),
  TooManyWaiting: ({ maximum }) =>
    slowDown(`Too many requests wait for leases to end: ${maximum}.`),
  TooManyLeases: ({ count, maximum }) =>
    slowDown(`The bucket has ${count} leases, held and waiting; it may have ${maximum}.`),
  TooManyLeaseNodes: ({ count, maximum }) => ({
    status: 400,
    code: 'InvalidArgument',
    message: `The paths of a lease and the folders that they are in may be ${maximum} together, not ${count}.`,
  }),
  LeaseOutOfBounds: (refusal) => {
    const { field, found } = refusal
    const name = field === 'paths' ? 'read and write' : field
    const message = `A lease's ${name}: ${boundsText(refusal)}, not ${found}.`
    return argumentError(message, name, String(found))
  },
}

function boundsText({ field, minimum, maximum }: RefusalOf<'LeaseOutOfBounds'>): string {
  if (field === 'label') return `at most ${maximum} characters`
  return `${minimum} to ${maximum}${field === 'paths' ? ' paths' : ''}`
}
