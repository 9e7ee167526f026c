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
export type { LeaseOptions, LeaseRequest, Leases } from './lease.ts'
export type { LeaseHandle } from './lease-handle.ts'
export type { LeaseInfo, LeaseName } from './lease-wire.ts'
export { withLease } from './lease-write.ts'
// The names of version 0.1 before its release.
export {
  type PlainS3Folders,
  type PlainS3Folders as ForeignFolders,
  type PlainS3Options,
  type PlainS3Options as ForeignOptions,
  type PlainS3Progress,
  type PlainS3Progress as ForeignProgress,
  type PutTaskOptions,
  plainS3Folders,
  plainS3Folders as foreignFolders,
  type TaskOptions,
  type TaskResult,
} from './plain-s3.ts'
export { type Guard, type Holding, leaseGuard, lockGuard } from './plain-s3-guard.ts'
export { copyObject, type ObjectCopy, type PartSizes, type Place } from './plain-s3-object.ts'
