// Runs queries over texts in the same thread, for tests.

import { QueryError } from './error.ts'
import type {
  Compression,
  CsvInput,
  CsvOutput,
  InputFormat,
  OutputFormat,
  ScanRangeRequest,
} from './format.ts'
import { rowsOf } from './object-reader.ts'
import { parseQuery } from './parse.ts'
import { QueryRun } from './query.ts'

export const csvInput: CsvInput = {
  kind: 'csv',
  fileHeaderInfo: 'USE',
  recordDelimiter: '\n',
  fieldDelimiter: ',',
  quoteCharacter: '"',
  quoteEscapeCharacter: '"',
  comments: '#',
  allowsQuotedRecordDelimiter: false,
}

export const csvOutput: CsvOutput = {
  kind: 'csv',
  quoteFields: 'ASNEEDED',
  recordDelimiter: '\n',
  fieldDelimiter: ',',
  quoteCharacter: '"',
  quoteEscapeCharacter: '"',
}

/** 2024-05-06T07:08:09.010Z */
export const now: number = Date.UTC(2024, 4, 6, 7, 8, 9, 10)

export interface QueryOptions {
  readonly input?: InputFormat
  readonly output?: OutputFormat
  readonly compression?: Compression
  readonly scanRange?: ScanRangeRequest
  /** The size of the chunks of the object. */
  readonly chunkBytes?: number
}

/** The result of a query as text. */
export async function select(
  expression: string,
  object: string | Buffer,
  options: QueryOptions = {},
): Promise<string> {
  const bytes = Buffer.from(object)
  const { input = csvInput, output = csvOutput, compression = 'NONE', scanRange } = options
  const { chunkBytes = 65_536 } = options
  const request = { expression, input, output, compression, scanRange }
  let result = ''
  const send = async (records: Buffer): Promise<void> => {
    result += records.toString()
  }
  const query = parseQuery(expression)
  const run = new QueryRun(query, output, { now, send })
  const source = {
    sizeBytes: bytes.length,
    open({ start, end }: { readonly start: number; readonly end: number }) {
      let at = start
      return {
        async read(): Promise<Buffer | undefined> {
          if (at > end) return undefined
          const chunk = Buffer.from(bytes.subarray(at, Math.min(at + chunkBytes, end + 1)))
          at += chunk.length
          return chunk
        },
      }
    },
  }
  await run.readObject(await rowsOf(request, query, source, () => undefined))
  await run.finish()
  return result
}

/** The result of a query, or the code of its error. */
export async function outcome(...args: Parameters<typeof select>): Promise<string> {
  try {
    return await select(...args)
  } catch (error) {
    if (error instanceof QueryError) return error.code
    throw error
  }
}

/** The value of an expression for one row of JSON, as JSON, or the code of its error. */
export async function evaluate(expression: string, row = '{}'): Promise<string> {
  const result = await outcome(`SELECT ${expression} AS v FROM S3Object s`, row, {
    input: { kind: 'json', type: 'LINES' },
    output: { kind: 'json', recordDelimiter: '' },
  })
  return /^\{"v":(.*)\}$/s.exec(result)?.[1] ?? (result === '{}' ? 'MISSING' : result)
}
