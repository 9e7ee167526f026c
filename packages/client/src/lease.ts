// Leases: locks on paths of a bucket that the server keeps, across processes and machines. What is
// taken here renews itself; what the server refuses for now is waited for in a queue.

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
 * The paths that one task needs at the same time: keys of a bucket, where one that ends in `/` is the
 * folder with all below it, and the empty one the whole bucket.
 */
export interface LeaseRequest {
  readonly bucket: string
  readonly read?: (Iterable<string> & object) | undefined
  readonly write?: (Iterable<string> & object) | undefined
}

/** How a lease is taken. */
export interface LeaseOptions {
  /** Milliseconds that it lives without a renewal, 1,000 to 3,600,000; 30,000 if left out. */
  readonly ttlMs?: number | undefined
  /**
   * Milliseconds to wait for those before it; 0 takes it now or not at all. Not limited if left out
   * or Infinity.
   */
  readonly waitMs?: number | undefined
  /** A name for people who look at `list` and at refusals; at most 256 characters. */
  readonly label?: string | undefined
  /** Ends the wait and leaves the queue. Has no effect once the lease is granted. */
  readonly signal?: AbortSignal | undefined
}

/** What a Holdfast server does with leases. */
export interface Leases {
  /**
   * Waits for the paths of a request, all at once, behind those who asked earlier.
   * @throws LeaseNotGrantedError, the reason of `signal`, NotHoldfastError, or an error of the SDK
   */
  acquire(request: LeaseRequest, options?: LeaseOptions): Promise<LeaseHandle>
  /** Runs `body` under a lease and gives it back when the body has ended, however it ends. */
  run<T>(
    request: LeaseRequest,
    body: (handle: LeaseHandle) => T | PromiseLike<T>,
    options?: LeaseOptions,
  ): Promise<T>
  /** Everybody's leases on a bucket, held and waiting, by ticket. */
  list(
    bucket: string,
    options?: { readonly signal?: AbortSignal | undefined },
  ): AsyncIterable<LeaseInfo>
  /** Ends a lease, or a place in the queue, by its ticket, whoever has it; one that has ended is no error. */
  release(lease: LeaseName, options?: { readonly signal?: AbortSignal | undefined }): Promise<void>
}

const defaultTtlMs = 30_000
/** The longest that one request waits: below what proxies take for a dead connection. */
const pollMs = 20_000
/** The longest that leaving the queue may hold up who gave up waiting. */
const leaveMs = 2000

/** The leases of the server behind `s3`. */
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
  // Granted some time during the wait, but when is the server's secret.
  if (context.clock.now() - confirmedAt > ttlMs / 3) await handle.renew()
  return handle
}

type QueuedTerms = Omit<LeaseTerms, 'waitMs'> & { readonly bucket: string }

/** Asks again and again, which keeps the place in the queue. */
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

/** Gives up a place in the queue; without that it goes by itself, but stands in others' way until then. */
async function leave(
  s3: S3Client,
  terms: QueuedTerms,
  { place, isUnknown }: { readonly place: bigint | undefined; readonly isUnknown: boolean },
): Promise<void> {
  const { bucket } = terms
  const signal = AbortSignal.timeout(leaveMs)
  try {
    // A request that was broken off has a place that nobody told us, or has been granted since.
    const ticket = place ?? (isUnknown ? await placeOf(s3, terms, signal) : undefined)
    if (ticket !== undefined) await releaseLease(s3, { bucket, ticket }, signal)
  } catch {
    // The error that ended the wait is the one to tell.
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
