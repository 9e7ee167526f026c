// holdfast-client: a Holdfast server's extensions of S3 for users of the AWS SDK, and folder work
// over any other S3.

export { createHoldfast, type Holdfast } from './client.ts'
export type { Clock } from './clock.ts'
export { forEachConcurrently } from './concurrent.ts'
export {
  FolderExistsError,
  FolderNotFoundError,
  LeaseLostError,
  LeaseNotCoveringError,
  LeaseNotGrantedError,
  NotHoldfastError,
  SourceChangedError,
  TokenMismatchError,
  UnfinishedFolderError,
} from './errors.ts'
export type {
  Archive,
  ArchiveOptions,
  FolderCopy,
  FolderName,
  FolderRename,
  Folders,
  PutFolderOptions,
} from './folder.ts'
export {
  type ForeignFolders,
  type ForeignOptions,
  type ForeignProgress,
  foreignFolders,
  type PutTaskOptions,
  type TaskOptions,
  type TaskResult,
} from './foreign.ts'
export { type Guard, type Holding, leaseGuard, lockGuard } from './foreign-guard.ts'
export { copyObject, type ObjectCopy, type PartSizes, type Place } from './foreign-object.ts'
export type { LeaseOptions, LeaseRequest, Leases } from './lease.ts'
export type { LeaseHandle } from './lease-handle.ts'
export type { LeaseInfo, LeaseName } from './lease-wire.ts'
export { withLease } from './lease-write.ts'
