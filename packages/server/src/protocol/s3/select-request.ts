// The XML document of SelectObjectContent: the expression, and the formats of input and output. Invalid values are
// refused with S3's own codes.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_SelectObjectContent.html

import { QueryError } from '../../select-content/error.ts'
import type {
  Compression,
  CsvInput,
  CsvOutput,
  FileHeaderInfo,
  InputFormat,
  OutputFormat,
  QueryRequest,
  ScanRangeRequest,
} from '../../select-content/format.ts'
import { childOf, childrenOf, childText, malformedXml, type XmlElement } from '../xml/parse.ts'

/** The request in a document. */
export interface SelectDocument {
  readonly request: QueryRequest
  /** True if the client wants progress events. */
  readonly isProgressWanted: boolean
}

/** @throws StoreError `MalformedXml`; QueryError */
export function decodeSelectDocument(root: XmlElement): SelectDocument {
  if (root.name !== 'SelectObjectContentRequest' && root.name !== 'SelectRequest') {
    throw malformedXml()
  }
  const expression = childText(root, 'Expression')
  const type = childText(root, 'ExpressionType')
  if (expression === undefined || expression.trim() === '') throw missing('Expression')
  if (type === undefined) throw missing('ExpressionType')
  if (type.trim().toUpperCase() !== 'SQL') throw new QueryError('InvalidExpressionType')
  const input = required(root, 'InputSerialization')
  const output = required(root, 'OutputSerialization')
  const progress = childOf(root, 'RequestProgress')
  return {
    request: {
      expression,
      input: decodeInput(input),
      compression: decodeCompression(input),
      output: decodeOutput(output),
      scanRange: decodeScanRange(childOf(root, 'ScanRange')),
    },
    isProgressWanted: progress !== undefined && flagOf(progress, 'Enabled'),
  }
}

function missing(name: string): QueryError {
  return new QueryError(
    'MissingRequiredParameter',
    `The SelectRequest entity is missing the required parameter ${name}.`,
  )
}

function required(root: XmlElement, name: string): XmlElement {
  const element = childOf(root, name)
  if (element === undefined) throw missing(name)
  return element
}

/** The format in a serialization, which must have exactly one. */
function formatOf(element: XmlElement, names: readonly string[]): XmlElement {
  const formats = names.flatMap((name) => childrenOf(element, name))
  if (formats.length > 1) throw new QueryError('ObjectSerializationConflict')
  const [format] = formats
  if (format === undefined) throw missing(names.join(' or '))
  return format
}

function decodeInput(element: XmlElement): InputFormat {
  const format = formatOf(element, ['CSV', 'JSON', 'Parquet'])
  if (format.name === 'Parquet') return { kind: 'parquet' }
  if (format.name === 'CSV') return decodeCsvInput(format)
  const type = childText(format, 'Type')
  if (type === undefined) throw missing('Type')
  return { kind: 'json', type: choose(type, ['DOCUMENT', 'LINES'], 'InvalidJsonType') }
}

function decodeCsvInput(format: XmlElement): CsvInput {
  const header = childText(format, 'FileHeaderInfo') ?? 'NONE'
  return {
    kind: 'csv',
    fileHeaderInfo: choose<FileHeaderInfo>(
      header,
      ['NONE', 'USE', 'IGNORE'],
      'InvalidFileHeaderInfo',
    ),
    ...delimitersOf(format),
    comments: characterOf(format, 'Comments', '#'),
    allowsQuotedRecordDelimiter: flagOf(format, 'AllowQuotedRecordDelimiter'),
  }
}

function decodeOutput(element: XmlElement): OutputFormat {
  const format = formatOf(element, ['CSV', 'JSON'])
  if (format.name === 'JSON') {
    return { kind: 'json', recordDelimiter: recordDelimiterOf(format) }
  }
  const quoteFields = childText(format, 'QuoteFields') ?? 'ASNEEDED'
  return {
    kind: 'csv',
    quoteFields: choose<CsvOutput['quoteFields']>(
      quoteFields,
      ['ALWAYS', 'ASNEEDED'],
      'InvalidQuoteFields',
    ),
    ...delimitersOf(format),
  }
}

function delimitersOf(
  format: XmlElement,
): Pick<
  CsvOutput,
  'recordDelimiter' | 'fieldDelimiter' | 'quoteCharacter' | 'quoteEscapeCharacter'
> {
  const recordDelimiter = recordDelimiterOf(format)
  const fieldDelimiter = characterOf(format, 'FieldDelimiter', ',')
  const quoteCharacter = characterOf(format, 'QuoteCharacter', '"')
  const quoteEscapeCharacter = characterOf(format, 'QuoteEscapeCharacter', '"')
  if (fieldDelimiter === '') throw invalid('FieldDelimiter')
  if (recordDelimiter === fieldDelimiter || quoteCharacter === fieldDelimiter) {
    throw invalid('FieldDelimiter')
  }
  if (quoteCharacter === recordDelimiter) throw invalid('QuoteCharacter')
  return { recordDelimiter, fieldDelimiter, quoteCharacter, quoteEscapeCharacter }
}

/** Parses a delimiter of one or two characters. */
function recordDelimiterOf(format: XmlElement): string {
  const text = childText(format, 'RecordDelimiter') ?? '\n'
  const { length } = [...text]
  if (length < 1 || length > 2) throw invalid('RecordDelimiter')
  return text
}

/** Parses one character, or none. */
function characterOf(format: XmlElement, name: string, standard: string): string {
  const text = childText(format, name) ?? standard
  if ([...text].length > 1) throw invalid(name)
  return text
}

function decodeCompression(input: XmlElement): Compression {
  const text = childText(input, 'CompressionType') ?? 'NONE'
  return choose(text, ['NONE', 'GZIP', 'BZIP2'], 'InvalidCompressionFormat')
}

function decodeScanRange(element: XmlElement | undefined): ScanRangeRequest | undefined {
  if (element === undefined) return undefined
  const start = offsetOf(element, 'Start')
  const end = offsetOf(element, 'End')
  if (start === undefined && end === undefined) throw new QueryError('InvalidScanRange')
  return { start, end }
}

function offsetOf(element: XmlElement, name: string): number | undefined {
  const text = childText(element, name)?.trim()
  if (text === undefined) return undefined
  if (!/^\d{1,15}$/.test(text)) throw new QueryError('InvalidScanRange')
  return Number(text)
}

function flagOf(element: XmlElement, name: string): boolean {
  const text = childText(element, name)?.trim().toLowerCase()
  if (text === undefined || text === '' || text === 'false') return false
  if (text === 'true') return true
  throw invalid(name)
}

function choose<T extends string>(
  text: string,
  choices: readonly T[],
  code:
    | 'InvalidFileHeaderInfo'
    | 'InvalidQuoteFields'
    | 'InvalidJsonType'
    | 'InvalidCompressionFormat',
): T {
  const wanted = text.trim().toUpperCase()
  const found = choices.find((choice) => choice === wanted)
  if (found === undefined) throw new QueryError(code)
  return found
}

function invalid(name: string): QueryError {
  return new QueryError('InvalidRequestParameter', `The value of ${name} is not valid.`)
}
