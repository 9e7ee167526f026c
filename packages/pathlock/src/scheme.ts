// The four locking schemes, from the simplest to the one with the most concurrency. A scheme
// assigns modes to the nodes of a request; the table of modes and the queues are common to all.

import { join, Mode } from './mode.ts'

/** The modes that a request takes, at the paths it names and at all their ancestors. */
export interface Scheme {
  /** True if every path counts as the root, which makes one lock for the whole tree. */
  readonly isGlobal: boolean
  readonly read: Mode
  readonly readAncestor: Mode
  readonly write: Mode
  readonly writeAncestor: Mode
  /** The mode at a node that one request meets in two roles. */
  readonly join: (a: Mode, b: Mode) => Mode
}

/** One exclusive lock for everything. Allows 0 of the 4 harmless combinations of two operations. */
export const globalExclusive: Scheme = {
  isGlobal: true,
  read: Mode.write,
  readAncestor: Mode.write,
  write: Mode.write,
  writeAncestor: Mode.write,
  join,
}

/** One read/write lock for everything. Allows concurrent reads: 2 of 4. */
export const globalReadWrite: Scheme = {
  isGlobal: true,
  read: Mode.read,
  readAncestor: Mode.read,
  write: Mode.write,
  writeAncestor: Mode.write,
  join,
}

/**
 * An exclusive lock on each path, a shared one on its ancestors. Allows everything harmless except
 * reads of one lineage: 3 of 4.
 */
export const ancestorReadWrite: Scheme = {
  isGlobal: false,
  read: Mode.write,
  readAncestor: Mode.readAncestor,
  write: Mode.write,
  writeAncestor: Mode.readAncestor,
  join,
}

/**
 * Read and write locks on each path, and intention modes on its ancestors. Allows everything
 * harmless: 4 of 4.
 */
export const hierarchical: Scheme = {
  isGlobal: false,
  read: Mode.read,
  readAncestor: Mode.readAncestor,
  write: Mode.write,
  writeAncestor: Mode.writeAncestor,
  join,
}
