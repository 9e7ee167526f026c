// pathlock: read/write locks on the paths of a tree. A lock on a path covers everything below it.

export { LockLostError, LockQueueFullError, LockTimeoutError } from './errors.ts'
export type { PathLockHandle } from './handle.ts'
export {
  type LockInfo,
  type LockOptions,
  PathLock,
  type PathLockOptions,
  type PendingLockInfo,
} from './lock.ts'
export { conflicts, join, Mode } from './mode.ts'
export {
  type Components,
  coarsePath,
  isAtOrAbove,
  type ParsePath,
  type Path,
  s3Path,
} from './path.ts'
export type { LockRequest, Paths } from './request.ts'
export {
  ancestorReadWrite,
  globalExclusive,
  globalReadWrite,
  hierarchical,
  type Scheme,
} from './scheme.ts'
