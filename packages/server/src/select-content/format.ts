// How a request says that the object is written, and how the result is to be.

/** Whether the first record of CSV names the columns, is left out, or is data. */
export type FileHeaderInfo = 'NONE' | 'USE' | 'IGNORE'

/** CSV as it is read. All delimiters are non-empty; an empty quote or comment sign means that there is none. */
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

/** CSV as it is written. */
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

/** Bytes of the object in which a record must begin to count, both inclusive. */
export interface ScanRange {
  readonly start: number
  readonly end: number
}

/** A scan range as a request has it: without a start, the last `end` bytes. */
export interface ScanRangeRequest {
  readonly start?: number | undefined
  readonly end?: number | undefined
}

/** A query and what it is of. */
export interface QueryRequest {
  readonly expression: string
  readonly input: InputFormat
  readonly compression: Compression
  readonly output: OutputFormat
  readonly scanRange: ScanRangeRequest | undefined
}
