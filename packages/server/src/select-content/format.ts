// The formats of a query: of the object, and of the result.

/** The first record of CSV: data, names of the columns, or ignored. */
export type FileHeaderInfo = 'NONE' | 'USE' | 'IGNORE'

/** The format of CSV input. All delimiters are non-empty; an empty quote or comment character means none. */
export interface CsvInput {
  readonly kind: 'csv'
  readonly fileHeaderInfo: FileHeaderInfo
  readonly recordDelimiter: string
  readonly fieldDelimiter: string
  readonly quoteCharacter: string
  readonly quoteEscapeCharacter: string
  readonly comments: string
  readonly allowsQuotedRecordDelimiter: boolean
}

export interface JsonInput {
  readonly kind: 'json'
  readonly type: 'DOCUMENT' | 'LINES'
}

export interface ParquetInput {
  readonly kind: 'parquet'
}

export type InputFormat = CsvInput | JsonInput | ParquetInput

export type Compression = 'NONE' | 'GZIP' | 'BZIP2'

/** The format of CSV output. */
export interface CsvOutput {
  readonly kind: 'csv'
  readonly quoteFields: 'ALWAYS' | 'ASNEEDED'
  readonly recordDelimiter: string
  readonly fieldDelimiter: string
  readonly quoteCharacter: string
  readonly quoteEscapeCharacter: string
}

export interface JsonOutput {
  readonly kind: 'json'
  readonly recordDelimiter: string
}

export type OutputFormat = CsvOutput | JsonOutput

/** The range of bytes in which a record must begin to be processed, both ends included. */
export interface ScanRange {
  readonly start: number
  readonly end: number
}

/** The scan range of a request. Without a start, the range is the last `end` bytes. */
export interface ScanRangeRequest {
  readonly start?: number | undefined
  readonly end?: number | undefined
}

/** A query, and the formats of its input and output. */
export interface QueryRequest {
  readonly expression: string
  readonly input: InputFormat
  readonly compression: Compression
  readonly output: OutputFormat
  readonly scanRange: ScanRangeRequest | undefined
}
