// The five modes in which a node of the tree can be locked, and which of them may meet at one node.
// They are those of Gray's hierarchical locks (1976): IS, S, IX, SIX and X, in this order.

/**
 * The mode of a lock on one node. `read` and `write` mean the node and everything below it; an
 * `Ancestor` mode means that something below the node is read or written.
 */
export const Mode: {
  readonly readAncestor: 0
  readonly read: 1
  readonly writeAncestor: 2
  readonly readAndWriteAncestor: 3
  readonly write: 4
} = { readAncestor: 0, read: 1, writeAncestor: 2, readAndWriteAncestor: 3, write: 4 }

/** One of the five modes. */
export type Mode = (typeof Mode)[keyof typeof Mode]

/** A value for each mode, indexed by it. */
export type ByMode<T> = [T, T, T, T, T]

/**
 * For each mode, the modes of other requests that it can't share a node with. Symmetric; each cell
 * is forced: with any pair more something unsafe runs, with any pair fewer something harmless
 * waits.
 */
export const conflicts: Readonly<ByMode<readonly Mode[]>> = [
  [Mode.write],
  [Mode.writeAncestor, Mode.readAndWriteAncestor, Mode.write],
  [Mode.read, Mode.readAndWriteAncestor, Mode.write],
  [Mode.read, Mode.writeAncestor, Mode.readAndWriteAncestor, Mode.write],
  [Mode.readAncestor, Mode.read, Mode.writeAncestor, Mode.readAndWriteAncestor, Mode.write],
]

/**
 * The weakest mode that is at least `a` and at least `b`: what one request holds at a node that it
 * meets in two roles. Neither of `read` and `writeAncestor` includes the other, so together they
 * make the fifth mode.
 */
export function join(a: Mode, b: Mode): Mode {
  // Below `write`, bit 0 says that the node itself is read, bit 1 that something below it is
  // written.
  if ((a | b) === Mode.readAndWriteAncestor) return Mode.readAndWriteAncestor
  return a > b ? a : b
}
