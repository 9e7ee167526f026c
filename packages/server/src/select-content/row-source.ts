// The source of the rows of a query, in any format: input is brought in steps, and the rows of a step
// are visited one after the other without waiting.

import type { Expression, PathStep } from './ast.ts'
import type { Evaluate } from './compile.ts'
import type { RowOutput } from './output.ts'

/** The rows of one object. */
export interface RowSource {
  /** Reads what has to be known before the first row, such as a header. @throws QueryError */
  open(): Promise<void>
  /** Brings more input; false at the end of it. @throws QueryError */
  fill(): Promise<boolean>
  /** Moves to the next row of the input at hand. @throws QueryError */
  next(): boolean
  /** A function that reads a path in the row at hand. @throws QueryError for a column that no row has */
  column(steps: readonly PathStep[]): Evaluate
  /** A quicker function for an expression, if the format knows one. */
  quick?(expression: Expression, evaluate: Evaluate): Evaluate | undefined
  /** Says before the first row that {@link writeAll} will be called. */
  needAll?(): void
  /**
   * A quicker way to write expressions of each row, if the format knows one for them. It writes nothing and
   * returns false for a row with which it doesn't work.
   */
  copier?(expressions: readonly Expression[], output: RowOutput): (() => boolean) | undefined
  /** Writes all of the row at hand. */
  writeAll(output: RowOutput): void
}

/** The bytes of an object, decompressed. */
export interface ChunkSource {
  /** The next bytes; undefined at the end. They don't change afterwards. */
  read(): Promise<Buffer | undefined>
}

/** The name of the column that holds an object's key, in queries of many. */
const keyColumn = '_key'

/** True for the path that is the column of keys. */
export function isKeyColumn(steps: readonly PathStep[]): boolean {
  const [first, ...rest] = steps
  return rest.length === 0 && first?.kind === 'name' && first.name.text === keyColumn
}
