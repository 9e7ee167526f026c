// What keeps others out while a folder is worked on: a lock among the tasks of one process, or a lease
// among all that ask one Holdfast server for leases.

import { type PathLock, s3Path } from 'pathlock'
import type { Place } from './foreign-object.ts'
import type { LeaseOptions, Leases } from './lease.ts'

/** Paths that are held, until they are disposed of. Handles of locks and of leases are such. */
export interface Holding extends AsyncDisposable {
  readonly held: boolean
  /** Aborted when what was held is lost. */
  readonly signal: AbortSignal
}

/** Waits for folders, all at once, to read and to write. */
export type Guard = (
  folders: { readonly read: readonly Place[]; readonly write: readonly Place[] },
  signal: AbortSignal | undefined,
) => Promise<Holding>

/**
 * Keeps out the other tasks of this process that share `lock`, where a folder `a/b/` of a bucket is the
 * path `[bucket, 'a/', 'b/']`, and an object `a/c` in it `[bucket, 'a/', 'c']`.
 */
export function lockGuard(lock: PathLock): Guard {
  const pathOf = ({ bucket, key }: Place): string[] => [bucket, ...s3Path(key)]
  return ({ read, write }, signal) =>
    lock.acquire({ read: read.map(pathOf), write: write.map(pathOf) }, { signal })
}

/**
 * Keeps out all who take leases on the same bucket of a Holdfast server, where a folder `a/b/` of the
 * bucket `c` is the path `c/a/b/`. That bucket need not hold anything.
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
