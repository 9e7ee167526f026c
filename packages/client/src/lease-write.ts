// Writes under a lease: an SDK client that adds a header to its writes. The server refuses them
// once the lease has ended.

import type { S3Client, ServiceInputTypes, ServiceOutputTypes } from '@aws-sdk/client-s3'
import type { InitializeMiddleware } from '@smithy/types'
import { codeOf, LeaseLostError, LeaseNotCoveringError } from './errors.ts'
import { type LeaseHandle, RenewedLease } from './lease-handle.ts'
import type { LeaseName } from './lease-wire.ts'
import { onRequest } from './request.ts'

const leaseHeader = 'x-holdfast-lease'
/**
 * The commands that a lease protects. On other requests the server refuses the header rather than
 * ignoring it.
 */
const writes: ReadonlySet<string | undefined> = new Set([
  'PutObjectCommand',
  'CopyObjectCommand',
  'RenameObjectCommand',
  'DeleteObjectCommand',
  'DeleteObjectsCommand',
  'DeleteBucketCommand',
  'CreateMultipartUploadCommand',
  'UploadPartCommand',
  'UploadPartCopyCommand',
  'CompleteMultipartUploadCommand',
  'AbortMultipartUploadCommand',
])

/**
 * Returns a client that shares the connections and settings of `s3`, but writes objects of the
 * lease's bucket under the lease. With `createHoldfast` on it, folder work runs under the lease
 * too. Writes throw LeaseLostError once the lease has ended, and LeaseNotCoveringError for paths
 * outside it. With a handle, nothing more is sent after a release or a known loss. With only the
 * lease's name, the server alone decides.
 */
export function withLease(s3: S3Client, lease: LeaseHandle | LeaseName): S3Client {
  const stack = s3.middlewareStack.clone()
  onRequest(stack, ({ headers }, input, commandName) => {
    if (!isUnder(lease, input) || !writes.has(commandName)) return
    if ('held' in lease && !lease.held) throw lossOf(lease)
    headers[leaseHeader] = String(lease.ticket)
  })
  const explain: InitializeMiddleware<ServiceInputTypes, ServiceOutputTypes> =
    (next) => async (args) => {
      try {
        return await next(args)
      } catch (error) {
        throw isUnder(lease, args.input) ? translated(lease, error) : error
      }
    }
  stack.add(explain, { step: 'initialize', priority: 'high' })
  // The cache of resolved middleware stacks would give this client's commands the other client's
  // stack.
  const config = { ...s3.config, cacheMiddleware: false }
  const view: unknown = Object.create(s3, {
    middlewareStack: { value: stack },
    config: { value: config },
  })
  if (!isClient(view)) throw new TypeError('Unsupported version of the SDK: unexpected client')
  return view
}

function isUnder({ bucket }: LeaseName, input: object): boolean {
  return 'Bucket' in input && input.Bucket === bucket
}

function translated(lease: LeaseHandle | LeaseName, error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const { message } = error
  switch (codeOf(error)) {
    case 'LeaseLost': {
      const lost = new LeaseLostError(message, { cause: error })
      if (lease instanceof RenewedLease) lease.lose(lost)
      return lost
    }
    case 'LeaseNotCovering':
      return new LeaseNotCoveringError(message, { cause: error })
    default:
      return error
  }
}

function lossOf({ ticket, signal }: LeaseHandle): LeaseLostError {
  const reason: unknown = signal.reason
  if (reason instanceof LeaseLostError) return reason
  return new LeaseLostError(`Lease ${ticket} was released, or not renewed in time`)
}

function isClient(value: unknown): value is S3Client {
  return (
    typeof value === 'object' && value !== null && 'send' in value && 'middlewareStack' in value
  )
}
