// The five lock modes of a tree node, and which of them are compatible. They are those of Gray's
// hierarchical locks (1976): IS, S, IX, SIX and X, in this order.

/**
 * The mode of a lock on one node. `read` and `write` cover the node and everything below it. An
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
 * For each mode, the incompatible modes of other requests at the same node. Symmetric. Every cell
 * is necessary: removing a conflict makes something unsafe run, and adding one makes something
 * harmless wait.
 */
export const conflicts: Readonly<ByMode<readonly Mode[]>> = [
  [Mode.write],
  [Mode.writeAncestor, Mode.readAndWriteAncestor, Mode.write],
  [Mode.read, Mode.readAndWriteAncestor, Mode.write],
  [Mode.read, Mode.writeAncestor, Mode.readAndWriteAncestor, Mode.write],
  [Mode.readAncestor, Mode.read, Mode.writeAncestor, Mode.readAndWriteAncestor, Mode.write],
]

/**
 * The least mode that includes `a` and `b`: the mode of a request that meets a node in two roles.
 * Neither `read` nor `writeAncestor` includes the other, so together they make the fifth mode.
 */
export function join(a: Mode, b: Mode): Mode {
  // Below `write`, bit 0 means that the node itself is read, bit 1 that something below it is
  // written.
  if ((a | b) === Mode.readAndWriteAncestor) return Mode.readAndWriteAncestor
  return a > b ? a : b
}
