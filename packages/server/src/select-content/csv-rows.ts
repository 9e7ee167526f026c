// The rows of a CSV object: columns by position or by the names of the header, each a text.

import { contentSelectLimits } from '../base/limits.ts'
import type { Expression, PathStep } from './ast.ts'
import type { Evaluate } from './compile.ts'
import { quickComparison } from './csv-compare.ts'
import { CsvReader } from './csv-reader.ts'
import { QueryError } from './error.ts'
import type { CsvInput } from './format.ts'
import type { RowOutput } from './output.ts'
import { type ChunkSource, isKeyColumn, type RowSource } from './row-source.ts'
import { TextChunks } from './text-chunks.ts'

export class CsvRows implements RowSource {
  readonly #format: CsvInput
  readonly #text: TextChunks
  readonly #reader: CsvReader
  #names: readonly string[] | undefined
  #defaultNames: string[] = []

  /** @param names the header's, where it isn't read from the chunks */
  constructor(format: CsvInput, chunks: ChunkSource, names?: readonly string[]) {
    this.#format = format
    this.#text = new TextChunks(chunks)
    this.#reader = new CsvReader(format)
    this.#names = names
  }

  /** The names that the header gives the columns, once it was read. */
  get names(): readonly string[] | undefined {
    return this.#names
  }

  async open(): Promise<void> {
    if (this.#format.fileHeaderInfo === 'NONE' || this.#names !== undefined) return
    while (!this.#reader.next()) if (!(await this.fill())) return
    if (this.#format.fileHeaderInfo === 'USE') this.#names = this.#texts()
  }

  async fill(): Promise<boolean> {
    const chunk = await this.#text.read()
    if (chunk === undefined) this.#reader.end()
    else this.#reader.feed(chunk)
    return chunk !== undefined
  }

  next(): boolean {
    return this.#reader.next()
  }

  column(steps: readonly PathStep[]): Evaluate {
    const index = this.#indexOf(steps)
    const reader = this.#reader
    return () => reader.text(index)
  }

  quick(expression: Expression, evaluate: Evaluate): Evaluate | undefined {
    return quickComparison(expression, evaluate, this.#reader, (steps) => this.#indexOf(steps))
  }

  writeAll(output: RowOutput): void {
    const reader = this.#reader
    if (reader.isPlain && this.#isCopied(output)) {
      output.writeBytes(reader.buffer.subarray(reader.recordStart, reader.recordEnd))
      return
    }
    output.writeRow(this.#names ?? this.#defaultNames, this.#texts())
  }

  copier(expressions: readonly Expression[], output: RowOutput): (() => boolean) | undefined {
    const { format, buffer } = output
    if (format.kind !== 'csv' || !this.#isCopied(output)) return undefined
    const indexes: number[] = []
    for (const expression of expressions) {
      if (expression.kind !== 'path' || isKeyColumn(expression.steps)) return undefined
      indexes.push(this.#indexOf(expression.steps))
    }
    const field = Buffer.from(format.fieldDelimiter)
    const record = Buffer.from(format.recordDelimiter)
    const reader = this.#reader
    return () => {
      if (!reader.isPlain) return false
      for (let at = 0; at < indexes.length; at++) {
        if (at > 0) buffer.writeSlice(field, 0, field.length)
        const index = indexes[at] ?? 0
        if (reader.has(index)) {
          buffer.writeSlice(reader.buffer, reader.startOf(index), reader.endOf(index))
        }
      }
      buffer.writeSlice(record, 0, record.length)
      return true
    }
  }

  /** True if a record without quotes is written as it was read. */
  #isCopied({ format }: RowOutput): boolean {
    if (format.kind !== 'csv' || format.quoteFields === 'ALWAYS') return false
    const { fieldDelimiter, quoteCharacter } = this.#format
    if (format.fieldDelimiter !== fieldDelimiter) return false
    if (format.quoteCharacter !== quoteCharacter) return false
    return format.recordDelimiter === '\n' && this.#format.recordDelimiter === '\n'
  }

  #texts(): string[] {
    const reader = this.#reader
    const count = reader.countFields()
    const texts: string[] = new Array(count)
    for (let index = 0; index < count; index++) texts[index] = reader.text(index) ?? ''
    return texts
  }

  /** @throws QueryError `MissingHeaders`, `AmbiguousFieldName`, `InvalidColumnIndex`, … */
  #indexOf(steps: readonly PathStep[]): number {
    const [first, ...rest] = steps
    if (first?.kind === 'index') throw new QueryError('ParseInvalidPathComponent')
    if (first === undefined || rest.length > 0) {
      throw new QueryError('ParseInvalidPathComponent', 'A column of CSV is named by one name.')
    }
    const { text, isQuoted } = first.name
    const named = this.#names === undefined ? undefined : find(this.#names, text, isQuoted)
    if (named !== undefined) return named
    const position = /^_(\d{1,7})$/.exec(text)?.[1]
    if (position === undefined) {
      throw new QueryError('MissingHeaders', `The file has no column ${text.slice(0, 200)}.`)
    }
    const index = Number(position) - 1
    if (index < 0 || index >= contentSelectLimits.columns)
      throw new QueryError('InvalidColumnIndex')
    return index
  }
}

/** The position of a name; a name without quotes fits any case, but must fit one column only. */
function find(names: readonly string[], text: string, isQuoted: boolean): number | undefined {
  if (isQuoted) {
    const exact = names.indexOf(text)
    return exact === -1 ? undefined : exact
  }
  const lower = text.toLowerCase()
  const found = names.findIndex((name) => name.toLowerCase() === lower)
  if (found === -1) return undefined
  const isUnique = !names.some((name, index) => index > found && name.toLowerCase() === lower)
  if (!isUnique) throw new QueryError('AmbiguousFieldName')
  return found
}
