// The client object for a Holdfast server's extensions of S3, used beside the SDK's client.

import type { S3Client } from '@aws-sdk/client-s3'
import type { Clock } from './clock.ts'
import { type Folders, foldersOf } from './folder.ts'
import { type Leases, leasesOf } from './lease.ts'

/** A Holdfast server's extensions, reached through an SDK client. */
export interface Holdfast {
  readonly folders: Folders
  readonly leases: Leases
}

/**
 * Adds folders and leases to an SDK client. Every request goes through that client, with its
 * endpoint, credentials, retries and signatures. Only the SDK's client has to be closed.
 */
export function createHoldfast(s3: S3Client, options: { readonly clock?: Clock } = {}): Holdfast {
  return { folders: foldersOf(s3), leases: leasesOf(s3, options.clock) }
}
