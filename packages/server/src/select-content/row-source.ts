// The contract of row sources, one for each format. Input is read asynchronously in steps; the rows of a
// step are visited synchronously.

import type { Expression, PathStep } from './ast.ts'
import type { Evaluate } from './compile.ts'
import type { RowOutput } from './output.ts'

/** The rows of one object. */
export interface RowSource {
  /** Reads what precedes the first row, such as a header. @throws QueryError */
  open(): Promise<void>
  /** Reads more input; false at its end. @throws QueryError */
  fill(): Promise<boolean>
  /** Moves to the next row of the input read so far; false if there is none. @throws QueryError */
  next(): boolean
  /** A function that reads a path in the current row. @throws QueryError for a column that no row has */
  column(steps: readonly PathStep[]): Evaluate
  /** A faster function than `evaluate` for the expression, if the format has one. */
  quick?(expression: Expression, evaluate: Evaluate): Evaluate | undefined
  /** Announces calls of {@link writeAll}, before the first row. */
  needAll?(): void
  /**
   * A function that copies the expressions' bytes of the current row to the output, if the format has one for
   * them. The function writes nothing and returns false for rows that it can't copy.
   */
  copier?(expressions: readonly Expression[], output: RowOutput): (() => boolean) | undefined
  /** Writes the whole current row. */
  writeAll(output: RowOutput): void
}

/** The decompressed bytes of an object. */
export interface ChunkSource {
  /** The next bytes, which are never modified; undefined at the end. */
  read(): Promise<Buffer | undefined>
}

/** The column of the object's key, in queries over many objects. */
const keyColumn = '_key'

/** True for the path of the key column. */
export function isKeyColumn(steps: readonly PathStep[]): boolean {
  const [first, ...rest] = steps
  return rest.length === 0 && first?.kind === 'name' && first.name.text === keyColumn
}
