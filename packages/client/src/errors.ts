// The errors that are this package's own, beside those of the SDK and the reason of an aborted
// signal, which pass through. `cause` has the SDK's error where there was one.

/** There is nothing under the folder that was named. */
export class FolderNotFoundError extends Error {
  override readonly name = 'FolderNotFoundError'
}

/** There is something under the target, and it was not to be replaced. Nothing has changed. */
export class FolderExistsError extends Error {
  override readonly name = 'FolderExistsError'
}

/** The client token was used before, for another request. Nothing has changed. */
export class TokenMismatchError extends Error {
  override readonly name = 'TokenMismatchError'
}

/**
 * The lease has ended, or can't be known to live any more. What was written under it before counts;
 * nothing more will be.
 */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError'
}

/** The lease wasn't granted in the time given, and nothing waits for it any more. May be retried. */
export class LeaseNotGrantedError extends Error {
  override readonly name = 'LeaseNotGrantedError'
}

/** A write under a lease went to a path that the lease doesn't cover. Nothing was written. */
export class LeaseNotCoveringError extends Error {
  override readonly name = 'LeaseNotCoveringError'
}

/**
 * The server answered as if it knew nothing of folders or leases. It may have taken the request for
 * the plain one of S3, on the one object that the folder's name is the key of.
 */
export class NotHoldfastError extends Error {
  override readonly name = 'NotHoldfastError'
}

/**
 * Of folder work over another S3: the folder is being put together, by a task that is at it or was
 * interrupted; see `foreignFolders`.
 */
export class UnfinishedFolderError extends Error {
  override readonly name = 'UnfinishedFolderError'
}

/**
 * Of folder work over another S3: somebody wrote into the source meanwhile, past the guard. Nothing
 * is lost; calling again continues, with what is there now.
 */
export class SourceChangedError extends Error {
  override readonly name = 'SourceChangedError'
}

/** The code that the server gave an error, such as `NoSuchKey`; undefined if it isn't the server's. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && '$metadata' in error ? error.name : undefined
}
