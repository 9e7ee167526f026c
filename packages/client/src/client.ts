// What a Holdfast server does beyond S3, as one object beside the SDK's client.

import type { S3Client } from '@aws-sdk/client-s3'
import type { Clock } from './clock.ts'
import { type Folders, foldersOf } from './folder.ts'
import { type Leases, leasesOf } from './lease.ts'

/** A Holdfast server, as an SDK client reaches it. */
export interface Holdfast {
  readonly folders: Folders
  readonly leases: Leases
}

/**
 * Adds folders and leases to an SDK client, through which every request goes: its endpoint,
 * credentials, retries and signatures are used. Nothing has to be closed but the SDK's client.
 */
export function createHoldfast(s3: S3Client, options: { readonly clock?: Clock } = {}): Holdfast {
  return { folders: foldersOf(s3), leases: leasesOf(s3, options.clock) }
}
