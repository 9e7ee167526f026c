// Writes the rows of a result as CSV or JSON into a buffer, which is emptied into messages.

import { contentSelectLimits } from '../base/limits.ts'
import { Decimal } from './decimal.ts'
import { QueryError } from './error.ts'
import type { CsvOutput, JsonOutput, OutputFormat } from './format.ts'
import { Timestamp } from './timestamp.ts'
import { isJsonObject, textOf, textOfJson, type Value } from './value.ts'

/** A writer of rows. */
export interface RowOutput {
  /** Writes a row of columns. Columns without a name are named by position: `_1`. */
  writeRow(names: readonly (string | undefined)[], values: readonly Value[]): void
  /** Writes a row that is a JSON value. `name` is used for a value that is not an object. */
  writeValue(value: Value, name: string): void
  /** The format, for sources that can copy rows verbatim. */
  readonly format: OutputFormat
  /** Writes an encoded row, without its delimiter. */
  writeBytes(bytes: Buffer): void
  /** The buffer, for sources that encode rows themselves. */
  readonly buffer: OutputBuffer
}

/** The buffer of encoded rows that wait to be sent. */
export class OutputBuffer {
  #buffer = Buffer.allocUnsafe(contentSelectLimits.messageBytes * 2)
  #length = 0

  get length(): number {
    return this.#length
  }

  /** True when the buffer should be sent before more rows are written. */
  get isFull(): boolean {
    return this.#length >= contentSelectLimits.messageBytes
  }

  writeText(text: string): void {
    this.#reserve(text.length * 3)
    this.#length += this.#buffer.write(text, this.#length, 'utf8')
  }

  writeBytes(bytes: Buffer): void {
    this.#reserve(bytes.length)
    bytes.copy(this.#buffer, this.#length)
    this.#length += bytes.length
  }

  /** Writes bytes `start` to `end`, excluding `end`. */
  writeSlice(bytes: Buffer, start: number, end: number): void {
    const length = end - start
    this.#reserve(length)
    const target = this.#buffer
    const at = this.#length
    // For a few bytes, the loop is faster than a call of `copy`.
    if (length > 48) bytes.copy(target, at, start, end)
    else for (let index = 0; index < length; index++) target[at + index] = bytes[start + index] ?? 0
    this.#length = at + length
  }

  /** Takes the output since the last call, in a buffer of its own. */
  take(): Buffer {
    const taken = Buffer.allocUnsafeSlow(this.#length)
    this.#buffer.copy(taken, 0, 0, this.#length)
    this.#length = 0
    return taken
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes
    if (needed <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2))
    this.#buffer.copy(larger, 0, 0, this.#length)
    this.#buffer = larger
  }
}

/** Creates the writer for a format. */
export function rowOutput(format: OutputFormat, buffer: OutputBuffer): RowOutput {
  return format.kind === 'csv' ? new CsvRows(format, buffer) : new JsonRows(format, buffer)
}

/** @throws QueryError `OverMaxRecordSize` */
function checkRecord(text: string): string {
  if (text.length > contentSelectLimits.recordBytes) throw new QueryError('OverMaxRecordSize')
  return text
}

class CsvRows implements RowOutput {
  readonly format: CsvOutput
  readonly buffer: OutputBuffer
  readonly #needsQuotes: (text: string) => boolean

  constructor(format: CsvOutput, buffer: OutputBuffer) {
    this.format = format
    this.buffer = buffer
    const { fieldDelimiter, recordDelimiter, quoteCharacter } = format
    const signs = [fieldDelimiter, recordDelimiter, quoteCharacter, '\n', '\r']
    this.#needsQuotes = (text) => signs.some((sign) => sign !== '' && text.includes(sign))
  }

  writeRow(_names: readonly unknown[], values: readonly Value[]): void {
    let text = ''
    for (let index = 0; index < values.length; index++) {
      if (index > 0) text += this.format.fieldDelimiter
      text += this.#field(textOf(values[index]))
    }
    this.buffer.writeText(checkRecord(text) + this.format.recordDelimiter)
  }

  writeValue(value: Value): void {
    if (isPlainObject(value)) this.writeRow([], Object.values(value).map(asValue))
    else this.writeRow([], [value])
  }

  writeBytes(bytes: Buffer): void {
    this.buffer.writeBytes(bytes)
    this.buffer.writeText(this.format.recordDelimiter)
  }

  #field(text: string): string {
    const { quoteFields, quoteCharacter, quoteEscapeCharacter } = this.format
    if (quoteCharacter === '') return text
    if (quoteFields !== 'ALWAYS' && !this.#needsQuotes(text)) return text
    let inner = text
    if (quoteEscapeCharacter !== quoteCharacter && quoteEscapeCharacter !== '') {
      inner = inner.replaceAll(quoteEscapeCharacter, quoteEscapeCharacter + quoteEscapeCharacter)
    }
    const mark = quoteEscapeCharacter === '' ? quoteCharacter : quoteEscapeCharacter
    inner = inner.replaceAll(quoteCharacter, mark + quoteCharacter)
    return quoteCharacter + inner + quoteCharacter
  }
}

class JsonRows implements RowOutput {
  readonly format: JsonOutput
  readonly buffer: OutputBuffer
  #names: readonly (string | undefined)[] = []
  #prefixes: string[] = []

  constructor(format: JsonOutput, buffer: OutputBuffer) {
    this.format = format
    this.buffer = buffer
  }

  writeRow(names: readonly (string | undefined)[], values: readonly Value[]): void {
    if (names !== this.#names) {
      this.#names = names
      this.#prefixes = names.map((name, index) => prefixOf(name, index))
    }
    let text = ''
    for (let index = 0; index < values.length; index++) {
      const value = values[index]
      if (value === undefined) continue
      const prefix = this.#prefixes[index] ?? prefixOf(undefined, index)
      text += `${text === '' ? '' : ','}${prefix}${textOfJson(value)}`
    }
    this.#write(`{${text}}`)
  }

  writeValue(value: Value, name: string): void {
    if (value === undefined) this.#write('{}')
    else if (isPlainObject(value)) this.#write(textOfJson(value))
    else this.#write(`{${JSON.stringify(name)}:${textOfJson(value)}}`)
  }

  writeBytes(bytes: Buffer): void {
    this.buffer.writeBytes(bytes)
    this.buffer.writeText(this.format.recordDelimiter)
  }

  #write(text: string): void {
    this.buffer.writeText(checkRecord(text) + this.format.recordDelimiter)
  }
}

function prefixOf(name: string | undefined, index: number): string {
  return `${JSON.stringify(name ?? `_${index + 1}`)}:`
}

function isPlainObject(value: Value): value is Readonly<Record<string, unknown>> {
  return isJsonObject(value) && !(value instanceof Decimal) && !(value instanceof Timestamp)
}

function asValue(value: unknown): Value {
  return typeof value === 'object' && value !== null
    ? Array.isArray(value)
      ? value
      : { ...value }
    : typeof value === 'number' ||
        typeof value === 'string' ||
        typeof value === 'boolean' ||
        typeof value === 'bigint'
      ? value
      : null
}
