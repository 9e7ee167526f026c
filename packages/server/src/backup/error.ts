// The failure of a backup that has a reason in the world, rather than in the program.

/** A backup that can't be made, or can't be used. The message says why, and what to do. */
export class BackupError extends Error {
  override readonly name = 'BackupError'
}
