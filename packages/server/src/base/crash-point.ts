// Crash points: a crash at any of them must leave each change either complete or absent. Tests kill the
// process at each one. In a server, no hook is set.

/** All crash points: the moments before and after something becomes durable or visible. */
export const crashPoints = [
  /** A batch of transactions is about to be committed. */
  'commit begun',
  /** All rows of the batch are written in the engine's transaction, which is still open. */
  'rows put',
  /** The batch is durable; its callers have not been told. */
  'commit durable',
  /** The file of a new blob exists under its temporary name, empty. */
  'blob made',
  /** All bytes of the blob are synced. */
  'blob synced',
  /** The blob has its final name, in a folder that is not synced. */
  'blob renamed',
  /** The blob's name is durable; no row refers to it. */
  'blob durable',
  /** The file of a blob is removed from a folder that is not synced. */
  'blob removed',
  /** The removal is durable; the blob's garbage row still exists. */
  'removal durable',
] as const

export type CrashPoint = (typeof crashPoints)[number]

/** Called synchronously at each crash point; nothing else runs meanwhile. */
export type CrashHook = (point: CrashPoint) => void
