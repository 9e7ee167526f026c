// The moments at which a crash must find everything as it was before, or as it is after, a change.
// They are told to tests, which kill the process in each; a server has nobody to tell.

/** Every moment between whose two sides something becomes durable or visible. */
export const crashPoints = [
  /** A batch of transactions is about to be committed. */
  'commit begun',
  /** All rows of the batch are written in the engine's transaction, which is still open. */
  'rows put',
  /** The batch is durable; who asked for it was not told. */
  'commit durable',
  /** The file of a new blob is there under its temporary name, empty. */
  'blob made',
  /** All bytes of the blob are synced. */
  'blob synced',
  /** The blob has its own name, in a folder that is not synced. */
  'blob renamed',
  /** The blob's name is durable; no row refers to it. */
  'blob durable',
  /** The file of a blob is removed from a folder that is not synced. */
  'blob removed',
  /** The removal is durable; the row that says that the blob is garbage is still there. */
  'removal durable',
] as const

/** One of them. */
export type CrashPoint = (typeof crashPoints)[number]

/** Is told when a point is reached; everything stands still while it runs. */
export type CrashHook = (point: CrashPoint) => void
