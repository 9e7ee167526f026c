// Writing under a lease: the SDK's client with a header more on its writes, which the server refuses
// once the lease has ended.

import type { S3Client, ServiceInputTypes, ServiceOutputTypes } from '@aws-sdk/client-s3'
import type { InitializeMiddleware } from '@smithy/types'
import { codeOf, LeaseLostError, LeaseNotCoveringError } from './errors.ts'
import { type LeaseHandle, RenewedLease } from './lease-handle.ts'
import type { LeaseName } from './lease-wire.ts'
import { onRequest } from './request.ts'

const leaseHeader = 'x-holdfast-lease'
/** What leases protect. On other requests the server refuses the header, rather than ignore it. */
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
 * A client like `s3`, which shares its connections and settings, but writes objects of the lease's
 * bucket under the lease. `createHoldfast` of it does folder work under the lease too. Its writes throw
 * LeaseLostError once the lease has ended, and LeaseNotCoveringError for paths it doesn't cover. With
 * a handle, nothing is sent any more once it is known to be lost or was released; with no more than
 * the lease's name, the server alone decides.
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
        throw isUnder(lease, args.input) ? explained(lease, error) : error
      }
    }
  stack.add(explain, { step: 'initialize', priority: 'high' })
  // Caching what a stack was resolved to would give this client's commands the other's stack.
  const config = { ...s3.config, cacheMiddleware: false }
  const view: unknown = Object.create(s3, {
    middlewareStack: { value: stack },
    config: { value: config },
  })
  if (!isClient(view)) throw new TypeError('The SDK has clients of another shape')
  return view
}

function isUnder({ bucket }: LeaseName, input: object): boolean {
  return 'Bucket' in input && input.Bucket === bucket
}

function explained(lease: LeaseHandle | LeaseName, error: unknown): unknown {
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
  return new LeaseLostError(`Lease ${ticket} was given back, or not renewed in time`)
}

function isClient(value: unknown): value is S3Client {
  return (
    typeof value === 'object' && value !== null && 'send' in value && 'middlewareStack' in value
  )
}
