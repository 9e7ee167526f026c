// This package's own errors. Errors of the SDK and the reason of an aborted signal pass through
// unchanged. `cause` holds the SDK's error if there was one.

/** There are no objects under the folder. */
export class FolderNotFoundError extends Error {
  override readonly name = 'FolderNotFoundError'
}

/** The target folder isn't empty and must not be replaced. Nothing has changed. */
export class FolderExistsError extends Error {
  override readonly name = 'FolderExistsError'
}

/** The client token was used before, for a different request. Nothing has changed. */
export class TokenMismatchError extends Error {
  override readonly name = 'TokenMismatchError'
}

/**
 * The lease has ended, or can no longer be known to be held. Earlier writes under it are valid;
 * later ones are refused.
 */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError'
}

/** The lease wasn't granted in time, and the request has left the queue. May be retried. */
export class LeaseNotGrantedError extends Error {
  override readonly name = 'LeaseNotGrantedError'
}

/** A write under a lease addressed a path that the lease doesn't cover. Nothing was written. */
export class LeaseNotCoveringError extends Error {
  override readonly name = 'LeaseNotCoveringError'
}

/**
 * The server ignored a folder or lease request. It may have executed the plain S3 request instead,
 * on the one object whose key is the folder's name.
 */
export class NotHoldfastError extends Error {
  override readonly name = 'NotHoldfastError'
}

/**
 * Folder work over another S3: the folder is incomplete, because a task is working on it or was
 * interrupted; see `plainS3Folders`.
 */
export class UnfinishedFolderError extends Error {
  override readonly name = 'UnfinishedFolderError'
}

/**
 * Folder work over another S3: the source was written to meanwhile, bypassing the guard. Nothing is
 * lost; calling again continues with the present contents.
 */
export class SourceChangedError extends Error {
  override readonly name = 'SourceChangedError'
}

/**
 * The server's error code, such as `NoSuchKey`; undefined for errors that don't come from the
 * server.
 */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && '$metadata' in error ? error.name : undefined
}
