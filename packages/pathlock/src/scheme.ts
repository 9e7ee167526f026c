// The four locking schemes, from the simplest to the one that lets all run that may. Each says
// which modes a request takes at which nodes; the table of modes and the queues are the same for
// all.

import { join, Mode } from './mode.ts'

/** Which modes a request takes: at the paths it names, and at every ancestor of them. */
export interface Scheme {
  /** Whether every path is taken for the root, so that there is one lock for the whole tree. */
  readonly isGlobal: boolean
  readonly read: Mode
  readonly readAncestor: Mode
  readonly write: Mode
  readonly writeAncestor: Mode
  /** The mode at a node that one request meets in two roles. */
  readonly join: (a: Mode, b: Mode) => Mode
}

/**
 * One exclusive lock for everything. Lets 0 of the 4 harmless combinations of two operations run
 * together.
 */
export const globalExclusive: Scheme = {
  isGlobal: true,
  read: Mode.write,
  readAncestor: Mode.write,
  write: Mode.write,
  writeAncestor: Mode.write,
  join,
}

/** One read/write lock for everything. Lets reads run together: 2 of 4. */
export const globalReadWrite: Scheme = {
  isGlobal: true,
  read: Mode.read,
  readAncestor: Mode.read,
  write: Mode.write,
  writeAncestor: Mode.write,
  join,
}

/**
 * An exclusive lock on each path, a shared one on its ancestors. Lets all but reads of one lineage
 * run together: 3 of 4.
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
 * Read and write locks on each path, and their own modes on the ancestors. Lets everything run that
 * may: 4 of 4.
 */
export const hierarchical: Scheme = {
  isGlobal: false,
  read: Mode.read,
  readAncestor: Mode.readAncestor,
  write: Mode.write,
  writeAncestor: Mode.writeAncestor,
  join,
}
