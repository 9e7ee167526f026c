// The rows of a Parquet object. Reads only the columns that the query names, a row group at a time, and
// decodes them in batches of rows.

import {
  type FileMetaData,
  parquetMetadataAsync,
  parquetRead,
  parquetSchema,
  type RowGroup,
} from 'hyparquet'
import { contentSelectLimits } from '../base/limits.ts'
import type { Expression, PathStep } from './ast.ts'
import type { Evaluate } from './compile.ts'
import { numberTest, safeNumber } from './csv-compare.ts'
import { QueryError } from './error.ts'
import type { ScanRange } from './format.ts'
import { pathReader } from './json-value.ts'
import type { ObjectBytes } from './object-reader.ts'
import type { RowOutput } from './output.ts'
import { ParquetFile, pageCompressors } from './parquet-file.ts'
import {
  columnValues,
  type DecimalColumn,
  parquetParsers,
  unmarkDecimals,
} from './parquet-value.ts'
import type { RowSource } from './row-source.ts'
import type { Value } from './value.ts'

/** Consecutive values of a column. */
interface Run {
  readonly start: number
  readonly end: number
  readonly data: ArrayLike<unknown>
}

/** A column that the query reads. */
class Column {
  readonly name: string
  readonly convert: (stored: unknown) => Value
  runs: Run[] = []
  #run: Run | undefined
  #next = 0

  constructor(name: string, convert: (stored: unknown) => Value) {
    this.name = name
    this.convert = convert
  }

  clear(): void {
    this.runs = []
    this.#run = undefined
    this.#next = 0
  }

  /** The stored value of a row. Rows must be requested in ascending order. */
  stored(row: number): unknown {
    let run = this.#run
    while (run === undefined || row >= run.end) {
      run = this.runs[this.#next++]
      if (run === undefined || row < run.start) throw new QueryError('ParquetParsingError')
      this.#run = run
    }
    return run.data[row - run.start]
  }
}

/** The approximate decoded size of a batch of rows, by the sizes in the file. */
const batchBytes = 33_554_432
const batchRows = { minimum: 1024, maximum: 262_144 } as const

export class ParquetRows implements RowSource {
  readonly #file: ParquetFile
  readonly #range: ScanRange | undefined
  readonly #columns = new Map<string, Column>()
  #metadata: FileMetaData | undefined
  #decimals: ReadonlyMap<string, DecimalColumn> = new Map()
  #names: readonly string[] = []
  #groups: { readonly group: RowGroup; readonly start: number }[] = []
  #group: { readonly group: RowGroup; readonly start: number } | undefined
  /** The current row, and the end of the batch. */
  #row = -1
  #end = 0

  constructor(
    object: ObjectBytes,
    options: { readonly range: ScanRange | undefined; readonly count: (bytes: number) => void },
  ) {
    this.#file = new ParquetFile(object, options.count)
    this.#range = options.range
  }

  async open(): Promise<void> {
    await parsing(async () => {
      const metadata = await parquetMetadataAsync(this.#file, {
        parsers: parquetParsers,
        geoparquet: false,
      })
      this.#decimals = unmarkDecimals(metadata)
      this.#names = parquetSchema(metadata).children.map(({ element }) => element.name)
      this.#metadata = metadata
      let start = 0
      for (const group of metadata.row_groups) {
        const rows = Number(group.num_rows)
        if (!(rows >= 0 && start + rows <= Number.MAX_SAFE_INTEGER)) {
          throw new QueryError('ParquetParsingError')
        }
        if (rows > 0 && this.#isInRange(group)) this.#groups.push({ group, start })
        start += rows
      }
    })
  }

  /** True if the row group begins in the scan range. */
  #isInRange(group: RowGroup): boolean {
    if (this.#range === undefined) return true
    const first = group.columns[0]?.meta_data
    if (first === undefined) return false
    const start = Number(first.dictionary_page_offset || first.data_page_offset)
    return start >= this.#range.start && start <= this.#range.end
  }

  async fill(): Promise<boolean> {
    if (this.#group === undefined || this.#end >= endOf(this.#group)) {
      this.#group = this.#groups.shift()
      if (this.#group === undefined) return false
      this.#row = this.#group.start - 1
      this.#end = this.#group.start
      const { group } = this.#group
      if (this.#columns.size > 0) {
        await parsing(() => this.#load(group))
      }
    }
    const from = this.#end
    if (this.#columns.size === 0) {
      this.#end = endOf(this.#group)
      return true
    }
    this.#end = Math.min(from + this.#batchRows(this.#group.group), endOf(this.#group))
    await parsing(() => this.#readBatch(from, this.#end))
    return true
  }

  #load(group: RowGroup): Promise<void> {
    if (this.#metadata === undefined) throw new Error('the file has not been opened')
    const schema = parquetSchema(this.#metadata)
    return this.#file.load(group, schema, new Set(this.#columns.keys()))
  }

  #batchRows(group: RowGroup): number {
    let bytes = 0
    for (const { meta_data: meta } of group.columns) {
      if (meta !== undefined && this.#columns.has(meta.path_in_schema[0] ?? '')) {
        bytes += Number(meta.total_uncompressed_size)
      }
    }
    const rows = Math.floor(batchBytes / Math.max(1, bytes / Number(group.num_rows)))
    return Math.min(Math.max(rows, batchRows.minimum), batchRows.maximum)
  }

  async #readBatch(rowStart: number, rowEnd: number): Promise<void> {
    const metadata = this.#metadata
    if (metadata === undefined) throw new Error('the file has not been opened')
    for (const column of this.#columns.values()) column.clear()
    await parquetRead({
      file: this.#file,
      metadata,
      columns: [...this.#columns.keys()],
      rowStart,
      rowEnd,
      compressors: pageCompressors,
      parsers: parquetParsers,
      utf8: false,
      onChunk: ({ columnName, columnData, rowStart: start, rowEnd: end }) => {
        this.#columns.get(columnName)?.runs.push({ start, end, data: columnData })
      },
    })
  }

  next(): boolean {
    if (this.#row + 1 >= this.#end) return false
    this.#row++
    return true
  }

  column(steps: readonly PathStep[]): Evaluate {
    const [first, ...rest] = steps
    if (first?.kind !== 'name') throw new QueryError('ParseInvalidPathComponent')
    const column = this.#columnOf(first)
    const { convert } = column
    if (rest.length === 0) return () => convert(column.stored(this.#row))
    const read = pathReader(rest)
    return () => read(column.stored(this.#row)) ?? null
  }

  /** Compares stored numbers without converting them. */
  quick(expression: Expression, evaluate: Evaluate): Evaluate | undefined {
    if (expression.kind !== 'compare') return undefined
    const { operator, left, right } = expression
    if (left.kind !== 'path' || right.kind !== 'literal' || left.steps.length !== 1)
      return undefined
    const wanted = safeNumber(right.value)
    const [step] = left.steps
    if (wanted === undefined || step?.kind !== 'name') return undefined
    const column = this.#columnOf(step)
    if (this.#decimals.has(column.name)) return undefined
    const holds = numberTest(operator, wanted)
    return () => {
      const stored = column.stored(this.#row)
      const isNumber = typeof stored === 'number' || typeof stored === 'bigint'
      if (!isNumber || Number.isNaN(stored)) return evaluate()
      return holds(stored)
    }
  }

  writeAll(output: RowOutput): void {
    const columns = this.#names.map((name) => this.#columns.get(name))
    output.writeRow(
      this.#names,
      columns.map((column) => column?.convert(column.stored(this.#row))),
    )
  }

  /** Announces calls of {@link writeAll}, which needs all columns. */
  needAll(): void {
    for (const name of this.#names) this.#need(name)
  }

  /** @throws QueryError `MissingHeaders`, `AmbiguousFieldName` */
  #columnOf({ name: { text, isQuoted } }: Extract<PathStep, { kind: 'name' }>): Column {
    const lower = text.toLowerCase()
    const found = this.#names.filter((name) =>
      isQuoted ? name === text : name.toLowerCase() === lower,
    )
    if (found.length > 1) throw new QueryError('AmbiguousFieldName')
    const position = /^_(\d{1,7})$/.exec(text)?.[1]
    const name = found[0] ?? this.#names[Number(position ?? 0) - 1]
    if (name === undefined) {
      throw new QueryError('MissingHeaders', `The file has no column ${text.slice(0, 200)}.`)
    }
    return this.#need(name)
  }

  #need(name: string): Column {
    const known = this.#columns.get(name)
    if (known !== undefined) return known
    const top = this.#metadata === undefined ? [] : parquetSchema(this.#metadata).children
    const element = top.find((child) => child.element.name === name)?.element
    const column = new Column(name, columnValues(element, this.#decimals.get(name)))
    this.#columns.set(name, column)
    if (this.#columns.size > contentSelectLimits.columns) throw new QueryError('OverMaxColumn')
    return column
  }
}

function endOf({ group, start }: { readonly group: RowGroup; readonly start: number }): number {
  return start + Number(group.num_rows)
}

/** Reports every failure of parsing as a fault of the file. */
async function parsing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof QueryError ? error : notParquet(error)
  }
}

function notParquet(cause: unknown): QueryError {
  return new QueryError('ParquetParsingError', undefined, { cause })
}
