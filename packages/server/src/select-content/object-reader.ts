// Opens the rows of an object by its format: directly, decompressed, or from a scan range.

import type { Query } from './ast.ts'
import { CsvRows } from './csv-rows.ts'
import { decompressed } from './decompress.ts'
import { QueryError } from './error.ts'
import type { CsvInput, QueryRequest, ScanRange } from './format.ts'
import { JsonRows } from './json-rows.ts'
import type { Span } from './message.ts'
import type { ChunkSource, RowSource } from './row-source.ts'
import { ScanRangeSource, scanRangeOf, scanStart } from './scan.ts'

/** The bytes of one object. */
export interface ObjectBytes {
  readonly sizeBytes: number
  /** Opens a stream of a span. Only the last opened stream may be read. */
  open(span: Span): ChunkSource
}

/** The rows of an object. @throws QueryError */
export async function rowsOf(
  request: QueryRequest,
  query: Query,
  object: ObjectBytes,
  count: (bytes: number) => void,
): Promise<RowSource> {
  const { input, compression } = request
  const range = scanRangeOf(request, object.sizeBytes)
  if (input.kind === 'parquet') {
    if (compression !== 'NONE') throw new QueryError('InvalidCompressionFormat')
    return parquetRows(object, { range, count })
  }
  if (query.source.length > 0 && input.kind !== 'json') {
    throw new QueryError('ParseInvalidPathComponent', 'Only JSON has paths in FROM.')
  }
  if (input.kind === 'json') {
    const chunks = counted(bytesOf(request, object, range, '\n'), count)
    return new JsonRows(input.type, chunks, { steps: query.source, rowName: query.rowName })
  }
  const names = await headerBefore(input, object, range)
  const chunks = counted(bytesOf(request, object, range, input.recordDelimiter), count)
  return new CsvRows(input, chunks, names)
}

/** Loads the optional package that reads Parquet when it is first needed. */
async function parquetRows(
  object: ObjectBytes,
  options: { readonly range: ScanRange | undefined; readonly count: (bytes: number) => void },
): Promise<RowSource> {
  let module: typeof import('./parquet-rows.ts')
  try {
    module = await import('./parquet-rows.ts')
  } catch (cause) {
    throw notInstalled(cause)
  }
  return new module.ParquetRows(object, options)
}

function notInstalled(cause: unknown): QueryError {
  const message = 'Parquet cannot be queried: the package hyparquet is not installed on the server.'
  return new QueryError('NotImplemented', message, { cause })
}

function bytesOf(
  { compression }: QueryRequest,
  object: ObjectBytes,
  range: ScanRange | undefined,
  delimiter: string,
): ChunkSource {
  const end = object.sizeBytes - 1
  if (range === undefined) {
    if (object.sizeBytes === 0) return { read: async () => undefined }
    return decompressed(object.open({ start: 0, end }), compression)
  }
  const source = object.open({ start: scanStart(range, delimiter), end })
  return new ScanRangeSource(source, range, delimiter)
}

/** The names of the columns, for a range that begins after the header. */
async function headerBefore(
  input: CsvInput,
  object: ObjectBytes,
  range: ScanRange | undefined,
): Promise<readonly string[] | undefined> {
  if (range === undefined || range.start === 0 || input.fileHeaderInfo === 'NONE') return undefined
  if (input.fileHeaderInfo === 'IGNORE') return []
  const head = new CsvRows(input, object.open({ start: 0, end: object.sizeBytes - 1 }))
  await head.open()
  return head.names ?? []
}

function counted(source: ChunkSource, count: (bytes: number) => void): ChunkSource {
  return {
    async read() {
      const chunk = await source.read()
      if (chunk !== undefined) count(chunk.length)
      return chunk
    },
  }
}
