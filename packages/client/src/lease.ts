// Leases: locks on paths of a bucket that the server keeps, across processes and machines. The
// client renews held leases, and queues for those that aren't granted at once.

import type { S3Client } from '@aws-sdk/client-s3'
import { s3Path } from 'pathlock'
import { type Clock, systemClock } from './clock.ts'
import { type LeaseHandle, RenewedLease } from './lease-handle.ts'
import {
  type LeaseInfo,
  type LeaseName,
  type LeaseTerms,
  listLeases,
  releaseLease,
  requestLease,
} from './lease-wire.ts'

/**
 * The paths that one task needs at the same time, as keys of a bucket. A key that ends in `/` means
 * the folder with everything below it, and the empty key means the whole bucket.
 */
export interface LeaseRequest {
  readonly bucket: string
  readonly read?: (Iterable<string> & object) | undefined
  readonly write?: (Iterable<string> & object) | undefined
}

/** Options of a lease. */
export interface LeaseOptions {
  /** Time to live without a renewal in milliseconds, 1,000 to 3,600,000; 30,000 by default. */
  readonly ttlMs?: number | undefined
  /**
   * The longest wait in milliseconds; 0 means not to wait. Unlimited by default or with Infinity.
   */
  readonly waitMs?: number | undefined
  /** A name for diagnostics, in `list` and in errors; at most 256 characters. */
  readonly label?: string | undefined
  /** Ends the wait and leaves the queue. Has no effect once the lease is granted. */
  readonly signal?: AbortSignal | undefined
}

/** The lease operations of a Holdfast server. */
export interface Leases {
  /**
   * Acquires all paths of a request at once, behind earlier requests.
   * @throws LeaseNotGrantedError, the reason of `signal`, NotHoldfastError, or an error of the SDK
   */
  acquire(request: LeaseRequest, options?: LeaseOptions): Promise<LeaseHandle>
  /** Runs `body` under a lease and releases it when the body ends, even by an error. */
  run<T>(
    request: LeaseRequest,
    body: (handle: LeaseHandle) => T | PromiseLike<T>,
    options?: LeaseOptions,
  ): Promise<T>
  /** All leases on a bucket, held and waiting, by ticket. */
  list(
    bucket: string,
    options?: { readonly signal?: AbortSignal | undefined },
  ): AsyncIterable<LeaseInfo>
  /** Ends a lease, or a place in the queue, by its ticket, whoever its owner is. Idempotent. */
  release(lease: LeaseName, options?: { readonly signal?: AbortSignal | undefined }): Promise<void>
}

const defaultTtlMs = 30_000
/** The longest wait of one request. It is below the idle timeouts of common proxies. */
const pollMs = 20_000
/** The longest time that leaving the queue may delay the caller. */
const leaveMs = 2000

/** The lease operations of the server behind `s3`. */
export function leasesOf(s3: S3Client, clock: Clock = systemClock): Leases {
  return {
    acquire: (request, options = {}) => acquire({ s3, clock }, request, options),
    async run(request, body, options = {}) {
      await using handle = await acquire({ s3, clock }, request, options)
      return await body(handle)
    },
    list: (bucket, options = {}) => listLeases(s3, bucket, options.signal),
    release: (lease, options = {}) => releaseLease(s3, lease, options.signal),
  }
}

interface Context {
  readonly s3: S3Client
  readonly clock: Clock
}

async function acquire(
  context: Context,
  { bucket, read = [], write = [] }: LeaseRequest,
  options: LeaseOptions,
): Promise<LeaseHandle> {
  if (typeof read === 'string' || typeof write === 'string') {
    throw new TypeError('read and write are lists of paths, not a path')
  }
  const { ttlMs = defaultTtlMs, waitMs = Number.POSITIVE_INFINITY, label, signal } = options
  if (!(waitMs >= 0)) throw new RangeError(`waitMs is ${waitMs}; it must be 0 or more`)
  signal?.throwIfAborted()
  const paths = { read: [...read], write: [...write] }
  const terms = { bucket, ...paths, ttlMs, label, clientToken: crypto.randomUUID() }
  const { ticket, confirmedAt } = await queue(context, terms, { waitMs, signal })
  const handle = new RenewedLease({
    ...context,
    bucket,
    ticket,
    ttlMs,
    request: { read: paths.read.map(s3Path), write: paths.write.map(s3Path) },
    confirmedAt,
  })
  // The lease was granted at an unknown time during the wait, so renew it if much time has passed.
  if (context.clock.now() - confirmedAt > ttlMs / 3) await handle.renew()
  return handle
}

type QueuedTerms = Omit<LeaseTerms, 'waitMs'> & { readonly bucket: string }

/** Polls until the lease is granted; each request keeps the place in the queue. */
async function queue(
  { s3, clock }: Context,
  terms: QueuedTerms,
  { waitMs, signal }: { readonly waitMs: number; readonly signal: AbortSignal | undefined },
): Promise<{ readonly ticket: bigint; readonly confirmedAt: number }> {
  const deadline = clock.now() + waitMs
  let place: bigint | undefined
  try {
    for (;;) {
      const confirmedAt = clock.now()
      const remainingMs = Math.ceil(Math.max(0, deadline - confirmedAt))
      const attempt = await requestLease(
        s3,
        { ...terms, waitMs: Math.min(remainingMs, pollMs) },
        signal,
      )
      if ('ticket' in attempt) return { ticket: attempt.ticket, confirmedAt }
      place = attempt.place
      if (clock.now() >= deadline) throw attempt.refusal
    }
  } catch (error) {
    await leave(s3, terms, { place, isUnknown: signal?.aborted === true })
    throw error
  }
}

/** Leaves the queue. Otherwise the place would expire by itself, but block others until then. */
async function leave(
  s3: S3Client,
  terms: QueuedTerms,
  { place, isUnknown }: { readonly place: bigint | undefined; readonly isUnknown: boolean },
): Promise<void> {
  const { bucket } = terms
  const signal = AbortSignal.timeout(leaveMs)
  try {
    // An aborted request may have a place that its response would have named, or a granted lease.
    const ticket = place ?? (isUnknown ? await placeOf(s3, terms, signal) : undefined)
    if (ticket !== undefined) await releaseLease(s3, { bucket, ticket }, signal)
  } catch {
    // The error that ended the wait takes precedence.
  }
}

async function placeOf(
  s3: S3Client,
  terms: QueuedTerms,
  signal: AbortSignal,
): Promise<bigint | undefined> {
  const attempt = await requestLease(s3, { ...terms, waitMs: 0 }, signal)
  return 'ticket' in attempt ? attempt.ticket : attempt.place
}
