// Lease requests and their decoded responses. The SDK has no command for them. They are sent as
// HeadBucket, which names the bucket and has no side effects if anything goes wrong.

import { HeadBucketCommand, type S3Client } from '@aws-sdk/client-s3'
import { codeOf, LeaseLostError, LeaseNotGrantedError, NotHoldfastError } from './errors.ts'
import { onAnswer, onRequest, sendOptions, takeJson } from './request.ts'

/** The identity of a lease. */
export interface LeaseName {
  readonly bucket: string
  /** Greater than the ticket of every lease granted earlier, in any bucket: a fencing token. */
  readonly ticket: bigint
}

/** The parameters of a lease request. */
export interface LeaseTerms {
  readonly read: readonly string[]
  readonly write: readonly string[]
  readonly ttlMs: number
  readonly waitMs: number
  readonly label: string | undefined
  readonly clientToken: string
}

/** A lease in the server's listing. */
export interface LeaseInfo {
  readonly ticket: bigint
  readonly state: 'held' | 'waiting'
  readonly read: readonly string[]
  readonly write: readonly string[]
  /** Empty if it has none. */
  readonly label: string
  readonly ttlMs: number
  /**
   * By the server's clock. For a waiting lease: when its place in the queue expires unless the
   * client asks again.
   */
  readonly expiresAt: Date
  readonly createdAt: Date
  /** For a waiting lease: the tickets of its blockers, the latest of each kind. */
  readonly blockedBy: readonly bigint[]
}

/** The outcome of a lease request. */
export type Attempt =
  | { readonly ticket: bigint }
  | { readonly refusal: LeaseNotGrantedError; readonly place: bigint | undefined }

/** Sends one lease request. Requests with the same token keep their place in the queue. */
export async function requestLease(
  s3: S3Client,
  { bucket, clientToken, ...terms }: LeaseTerms & { readonly bucket: string },
  signal: AbortSignal | undefined,
): Promise<Attempt> {
  try {
    const answer = await sendLease(s3, {
      method: 'POST',
      bucket,
      query: { lease: '' },
      headers: { 'x-amz-client-token': clientToken },
      body: terms,
      signal,
    })
    return { ticket: ticketOf(recordOf(answer)['ticket']) }
  } catch (error) {
    if (codeOf(error) !== 'LeaseNotGranted' || !(error instanceof Error)) throw error
    const place = 'Ticket' in error ? ticketOf(error['Ticket']) : undefined
    return { refusal: new LeaseNotGrantedError(describeRefusal(error), { cause: error }), place }
  }
}

/** Restarts the lease's time to live. @throws LeaseLostError */
export async function renewLease(
  s3: S3Client,
  lease: LeaseName,
  signal?: AbortSignal,
): Promise<void> {
  await sendLease(s3, { method: 'PUT', ...named(lease), body: {}, signal })
}

/** Releases a lease or a place in the queue. Idempotent. */
export async function releaseLease(
  s3: S3Client,
  lease: LeaseName,
  signal?: AbortSignal,
): Promise<void> {
  try {
    await sendLease(s3, { method: 'DELETE', ...named(lease), signal })
  } catch (error) {
    if (!(error instanceof LeaseLostError)) throw error
    // Lost or released: it has ended either way.
  }
}

/** All leases of a bucket, held and waiting, by ticket. */
export async function* listLeases(
  s3: S3Client,
  bucket: string,
  signal?: AbortSignal,
): AsyncGenerator<LeaseInfo> {
  let after: string | undefined
  do {
    const query = { lease: '', ...(after === undefined ? {} : { after }) }
    const answer = recordOf(await sendLease(s3, { method: 'GET', bucket, query, signal }))
    for (const lease of listOf(answer['leases'])) yield infoOf(recordOf(lease))
    const next = answer['nextAfter']
    after = next === undefined || next === null ? undefined : String(next)
  } while (after !== undefined)
}

interface LeaseRequest {
  readonly method: 'POST' | 'PUT' | 'DELETE' | 'GET'
  readonly bucket: string
  readonly query: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: object
  readonly signal: AbortSignal | undefined
}

function named({ bucket, ticket }: LeaseName): Pick<LeaseRequest, 'bucket' | 'query'> {
  return { bucket, query: { lease: String(ticket) } }
}

async function sendLease(s3: S3Client, wanted: LeaseRequest): Promise<unknown> {
  const { method, bucket, query, headers, body, signal } = wanted
  const command = new HeadBucketCommand({ Bucket: bucket })
  onRequest(command.middlewareStack, (request) => {
    request.method = method
    Object.assign(request.query, query)
    Object.assign(request.headers, headers)
    if (body === undefined) return
    request.headers['content-type'] = 'application/json'
    request.body = JSON.stringify(body)
  })
  let json: unknown
  onAnswer(command.middlewareStack, async (answer) => {
    if (answer.statusCode === 200) json = await takeJson(s3, answer)
  })
  try {
    await s3.send(command, sendOptions(signal))
  } catch (cause) {
    signal?.throwIfAborted()
    if (codeOf(cause) !== 'LeaseLost' || !(cause instanceof Error)) throw cause
    throw new LeaseLostError(cause.message, { cause })
  }
  return json
}

function describeRefusal(error: Error): string {
  const { BlockedBy, BlockedByLabel, BlockedByExpiresAt } = recordOf({ ...error })
  if (BlockedBy === undefined) return error.message
  const label = typeof BlockedByLabel === 'string' && BlockedByLabel !== '' ? BlockedByLabel : ''
  return (
    `Lease ${String(BlockedBy)}${label === '' ? '' : ` (${label})`} is before this one` +
    (BlockedByExpiresAt === undefined
      ? ''
      : `; it ends at ${String(BlockedByExpiresAt)} at the latest, unless renewed`)
  )
}

function infoOf(lease: Readonly<Record<string, unknown>>): LeaseInfo {
  const { state, label, ttlMs, expiresAt, createdAt } = lease
  if (state !== 'held' && state !== 'waiting') throw malformedResponse(state)
  return {
    ticket: ticketOf(lease['ticket']),
    state,
    read: listOf(lease['read']).map(String),
    write: listOf(lease['write']).map(String),
    label: label === undefined ? '' : String(label),
    ttlMs: Number(ttlMs),
    expiresAt: new Date(String(expiresAt)),
    createdAt: new Date(String(createdAt)),
    blockedBy: listOf(lease['blockedBy']).map(ticketOf),
  }
}

function ticketOf(value: unknown): bigint {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value)
  if (typeof value === 'string' && /^\d+$/.test(value)) return BigInt(value)
  throw malformedResponse(value)
}

function listOf(value: unknown): readonly unknown[] {
  if (value === undefined) return []
  if (Array.isArray(value)) return value
  throw malformedResponse(value)
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null) return { ...value }
  throw malformedResponse(value)
}

function malformedResponse(value: unknown): NotHoldfastError {
  return new NotHoldfastError(`Malformed lease response: ${String(value)}`)
}
