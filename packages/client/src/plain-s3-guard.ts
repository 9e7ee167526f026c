// Mutual exclusion for folder work: a lock among the tasks of one process, or a lease among all
// clients of one Holdfast server.

import { type PathLock, s3Path } from 'pathlock'
import type { LeaseOptions, Leases } from './lease.ts'
import type { Place } from './plain-s3-object.ts'

/** Held paths, released on disposal. Handles of locks and of leases implement it. */
export interface Holding extends AsyncDisposable {
  readonly held: boolean
  /** Aborted when the paths are lost. */
  readonly signal: AbortSignal
}

/** Acquires folders to read and to write, all at once. */
export type Guard = (
  folders: { readonly read: readonly Place[]; readonly write: readonly Place[] },
  signal: AbortSignal | undefined,
) => Promise<Holding>

/**
 * Excludes other tasks of this process that share `lock`. A folder `a/b/` of a bucket is the path
 * `[bucket, 'a/', 'b/']`; an object `a/c` is `[bucket, 'a/', 'c']`.
 */
export function lockGuard(lock: PathLock): Guard {
  const pathOf = ({ bucket, key }: Place): string[] => [bucket, ...s3Path(key)]
  return ({ read, write }, signal) =>
    lock.acquire({ read: read.map(pathOf), write: write.map(pathOf) }, { signal })
}

/**
 * Excludes all clients that take leases on the same bucket of a Holdfast server. A folder `a/b/` of
 * the bucket `c` is the path `c/a/b/`. The lease bucket may be empty.
 */
export function leaseGuard(
  leases: Leases,
  { bucket, ...options }: { readonly bucket: string } & Omit<LeaseOptions, 'signal'>,
): Guard {
  const pathOf = (place: Place): string => `${place.bucket}/${place.key}`
  return ({ read, write }, signal) =>
    leases.acquire(
      { bucket, read: read.map(pathOf), write: write.map(pathOf) },
      { ...options, signal },
    )
}
