// Reads CSV records from chunks of bytes. For records without quotes, only the end is searched; fields are
// split on demand. A query thus pays only for the columns that it names.

import { contentSelectLimits } from '../base/limits.ts'
import { QueryError } from './error.ts'
import type { CsvInput } from './format.ts'

const lineFeed = 0x0a
const carriageReturn = 0x0d
const noByte = -1

/** The notations of a field. */
const plain = 0
const quoted = 1
const escaped = 2

/** Splits input into records and fields, as ranges of {@link CsvReader.buffer}. */
export class CsvReader {
  /** The buffered input. */
  buffer: Buffer = Buffer.alloc(0)
  /** The range of the current record, without its delimiter. */
  recordStart = 0
  recordEnd = 0
  /** True if the record has no quoted field. */
  isPlain = true

  readonly #record: Buffer
  readonly #field: Buffer
  readonly #quote: Buffer
  readonly #escape: Buffer
  readonly #comment: Buffer
  readonly #allowsQuotedDelimiter: boolean
  readonly #stripsReturn: boolean
  readonly #fieldByte: number
  readonly #recordByte: number
  /** The number of bytes after a quote that determine its meaning. */
  readonly #lookahead: number
  #position = 0
  #searchedTo = 0
  #nextQuote = 0
  #isEnded = false
  #starts = new Int32Array(64)
  #ends = new Int32Array(64)
  #kinds = new Uint8Array(64)
  #count = 0
  /** The offset of the next unsplit field of a plain record; -1 when all are split. */
  #splitFrom = -1

  constructor(format: CsvInput) {
    this.#record = Buffer.from(format.recordDelimiter)
    this.#field = Buffer.from(format.fieldDelimiter)
    this.#quote = Buffer.from(format.quoteCharacter)
    this.#escape = Buffer.from(format.quoteEscapeCharacter)
    this.#comment = Buffer.from(format.comments)
    this.#allowsQuotedDelimiter = format.allowsQuotedRecordDelimiter
    this.#stripsReturn = format.recordDelimiter === '\n'
    this.#recordByte = this.#record.length === 1 ? (this.#record[0] ?? noByte) : noByte
    const lengths = [this.#record, this.#field, this.#quote, this.#escape].map(
      (sign) => sign.length,
    )
    this.#lookahead = Math.max(2, ...lengths)
    this.#fieldByte = this.#field.length === 1 ? (this.#field[0] ?? noByte) : noByte
  }

  /** Adds input. The caller must not modify the bytes afterwards. */
  feed(chunk: Buffer): void {
    const rest = this.buffer.subarray(this.#position)
    this.buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    this.#searchedTo = Math.max(0, this.#searchedTo - this.#position)
    this.#position = 0
    this.#nextQuote = this.#findQuote(0)
  }

  /** Marks the end of the input. */
  end(): void {
    this.#isEnded = true
  }

  /** The number of buffered bytes that are not yet part of a record. */
  get pendingBytes(): number {
    return this.buffer.length - this.#position
  }

  /**
   * Moves to the next record. False at the end of the buffered input. Skips empty lines and comments.
   * @throws QueryError `OverMaxRecordSize`, `CSV…`
   */
  next(): boolean {
    for (;;) {
      const start = this.#position
      if (start >= this.buffer.length) return false
      let end = this.#findRecordEnd(start < this.#searchedTo ? this.#searchedTo : start)
      let after = end + this.#record.length
      if (end === -1) {
        if (!this.#isEnded) {
          this.#searchedTo = Math.max(start, this.buffer.length - this.#record.length + 1)
          return this.#await(start)
        }
        end = this.buffer.length
        after = end
      }
      if (this.#isComment(start)) {
        this.#moveTo(after)
        continue
      }
      if (this.#nextQuote < end) {
        const isComplete = this.#readQuoted(start)
        if (isComplete === undefined) continue
        return isComplete
      }
      this.#moveTo(after)
      if (this.#stripsReturn && end > start && this.buffer[end - 1] === carriageReturn) end--
      if (end === start) continue
      this.#checkLength(end - start)
      this.recordStart = start
      this.recordEnd = end
      this.isPlain = true
      this.#count = 0
      this.#splitFrom = start
      return true
    }
  }

  /** Searches for a one-byte delimiter as a number, which is faster than as text. */
  #findRecordEnd(from: number): number {
    const byte = this.#recordByte
    return this.buffer.indexOf(byte === noByte ? this.#record : byte, from)
  }

  #await(start: number): boolean {
    this.#checkLength(this.buffer.length - start)
    return false
  }

  #checkLength(length: number): void {
    if (length > contentSelectLimits.recordBytes) throw new QueryError('OverMaxRecordSize')
  }

  #moveTo(position: number): void {
    this.#position = position
    this.#searchedTo = position
    if (this.#nextQuote < position) this.#nextQuote = this.#findQuote(position)
  }

  #findQuote(from: number): number {
    if (this.#quote.length === 0) return Number.POSITIVE_INFINITY
    const at = this.buffer.indexOf(this.#quote, from)
    return at === -1 ? Number.POSITIVE_INFINITY : at
  }

  #isComment(start: number): boolean {
    const comment = this.#comment
    return comment.length > 0 && this.#matches(comment, start)
  }

  #matches(bytes: Buffer, at: number): boolean {
    if (this.buffer[at] !== bytes[0]) return false
    for (let index = 1; index < bytes.length; index++) {
      if (this.buffer[at + index] !== bytes[index]) return false
    }
    return true
  }

  /**
   * Reads a record with quotes, and splits it into fields. False if more input is needed; undefined for an
   * empty line.
   */
  #readQuoted(start: number): boolean | undefined {
    const { buffer } = this
    this.#count = 0
    this.#splitFrom = -1
    let at = start
    for (;;) {
      const isQuoted = this.#matches(this.#quote, at)
      const end = isQuoted ? this.#endOfQuoted(at) : this.#endOfUnquoted(at)
      if (end === -1) return this.#await(start)
      const next = isQuoted ? end + this.#quote.length : end
      if (next >= buffer.length) {
        if (!this.#isEnded) return this.#await(start)
        if (!isQuoted) this.#addField(at, this.#withoutReturn(at, end), plain)
        return this.#finish(start, buffer.length, buffer.length)
      }
      if (this.#matches(this.#field, next)) {
        if (!isQuoted) this.#addField(at, end, plain)
        at = next + this.#field.length
        continue
      }
      const recordEnd = this.#recordEndAt(next)
      if (recordEnd === undefined) return this.#await(start)
      if (recordEnd === -1) throw new QueryError('CSVUnescapedQuote')
      if (!isQuoted) this.#addField(at, this.#withoutReturn(at, end), plain)
      return this.#finish(start, recordEnd, recordEnd + this.#record.length)
    }
  }

  #withoutReturn(start: number, end: number): number {
    return this.#stripsReturn && end > start && this.buffer[end - 1] === carriageReturn
      ? end - 1
      : end
  }

  /** The end of the record if a delimiter is at `at`; -1 if none is; undefined if more input is needed to tell. */
  #recordEndAt(at: number): number | undefined {
    if (this.#matches(this.#record, at)) return at
    const canBeReturn = this.#stripsReturn && this.buffer[at] === carriageReturn
    if (canBeReturn) {
      if (this.buffer[at + 1] === lineFeed) return at + 1
      if (at + 1 === this.buffer.length) return this.#isEnded ? at : undefined
    }
    const isPartial = at + this.#record.length > this.buffer.length
    if (isPartial && !this.#isEnded && this.buffer[at] === this.#record[0]) return undefined
    return -1
  }

  #finish(start: number, end: number, after: number): boolean | undefined {
    const isEmpty =
      this.#count === 1 && this.#kinds[0] === plain && this.#ends[0] === this.#starts[0]
    this.#checkLength(end - start)
    this.#moveTo(Math.min(after, this.buffer.length))
    if (isEmpty) return undefined
    this.recordStart = start
    this.recordEnd = end
    this.isPlain = false
    return true
  }

  /** Adds a quoted field. Returns the offset of its closing quote; -1 if more input is needed. */
  #endOfQuoted(start: number): number {
    const { buffer } = this
    const quote = this.#quote
    const isDoubling = quote.equals(this.#escape) || this.#escape.length === 0
    const content = start + quote.length
    let hasEscapes = false
    for (let at = content; at < buffer.length; at++) {
      if (!isDoubling && this.#matches(this.#escape, at)) {
        const next = at + this.#escape.length
        if (!this.#isEnded && next + this.#lookahead > buffer.length) return -1
        if (this.#matches(quote, next) || this.#matches(this.#escape, next)) {
          hasEscapes = true
          at = next + (this.#matches(quote, next) ? quote.length : this.#escape.length) - 1
        }
        continue
      }
      if (this.#matches(quote, at)) {
        const next = at + quote.length
        if (isDoubling && this.#matches(quote, next)) {
          hasEscapes = true
          at = next + quote.length - 1
          continue
        }
        if (!this.#isEnded && next + this.#lookahead > buffer.length) return -1
        this.#addField(content, at, hasEscapes ? escaped : quoted)
        return at
      }
      if (!this.#allowsQuotedDelimiter && this.#matches(this.#record, at)) {
        throw new QueryError('CSVEscapingRecordDelimiter')
      }
    }
    if (this.#isEnded) throw new QueryError('CSVParsingError', 'A quoted field has no end.')
    return -1
  }

  #endOfUnquoted(start: number): number {
    const { buffer } = this
    const field = this.#field[0]
    const record = this.#record[0]
    for (let at = start; at < buffer.length; at++) {
      const byte = buffer[at]
      if (byte === field && this.#matches(this.#field, at)) return at
      if (byte === record && this.#matches(this.#record, at)) return at
    }
    return this.#isEnded ? buffer.length : -1
  }

  #addField(start: number, end: number, kind: number): void {
    const index = this.#count
    if (index === this.#starts.length) this.#grow()
    this.#starts[index] = start
    this.#ends[index] = end
    this.#kinds[index] = kind
    this.#count = index + 1
  }

  #grow(): void {
    const capacity = this.#starts.length * 2
    if (capacity > contentSelectLimits.columns * 2) throw new QueryError('OverMaxColumn')
    const starts = new Int32Array(capacity)
    starts.set(this.#starts)
    this.#starts = starts
    const ends = new Int32Array(capacity)
    ends.set(this.#ends)
    this.#ends = ends
    const kinds = new Uint8Array(capacity)
    kinds.set(this.#kinds)
    this.#kinds = kinds
  }

  /** Splits a plain record up to field `index`; false if it has fewer fields. */
  #splitTo(index: number): boolean {
    const { buffer, recordEnd } = this
    const field = this.#fieldByte
    let start = this.#splitFrom
    while (this.#count <= index && start !== -1) {
      let end = start
      if (field === noByte) {
        const found = buffer.indexOf(this.#field, start)
        end = found === -1 || found > recordEnd - this.#field.length ? recordEnd : found
      } else {
        while (end < recordEnd && buffer[end] !== field) end++
      }
      this.#addField(start, end, plain)
      start = end >= recordEnd ? -1 : end + this.#field.length
    }
    this.#splitFrom = start
    return this.#count > index
  }

  /** The number of fields of the record. @throws QueryError `OverMaxColumn` */
  countFields(): number {
    if (this.#splitFrom !== -1) this.#splitTo(Number.POSITIVE_INFINITY)
    if (this.#count > contentSelectLimits.columns) throw new QueryError('OverMaxColumn')
    return this.#count
  }

  /** True if the record has a field at `index`. Required before {@link startOf} and {@link endOf}. */
  has(index: number): boolean {
    return index < this.#count || (this.#splitFrom !== -1 && this.#splitTo(index))
  }

  /** The offset of the field in the buffer. Call {@link has} first. */
  startOf(index: number): number {
    return this.#starts[index] ?? 0
  }

  endOf(index: number): number {
    return this.#ends[index] ?? 0
  }

  /** True if the field's bytes are its text, with nothing to unescape. */
  isVerbatim(index: number): boolean {
    return this.#kinds[index] !== escaped
  }

  /** The text of a field; undefined if the record has fewer fields. */
  text(index: number): string | undefined {
    if (!this.has(index)) return undefined
    const start = this.#starts[index] ?? 0
    const end = this.#ends[index] ?? 0
    if (this.#kinds[index] === escaped) return this.#unescape(start, end)
    return this.buffer.toString('utf8', start, end)
  }

  #unescape(start: number, end: number): string {
    const quote = this.#quote
    const isDoubling = quote.equals(this.#escape) || this.#escape.length === 0
    const mark = isDoubling ? quote : this.#escape
    const pieces: Buffer[] = []
    let from = start
    for (let at = start; at < end; at++) {
      if (!this.#matches(mark, at)) continue
      const next = at + mark.length
      const isPair = next < end && (this.#matches(quote, next) || this.#matches(mark, next))
      if (!isPair) continue
      pieces.push(this.buffer.subarray(from, at))
      from = next
      at = next + (this.#matches(quote, next) ? quote.length : mark.length) - 1
    }
    pieces.push(this.buffer.subarray(from, end))
    return Buffer.concat(pieces).toString('utf8')
  }
}
