// Scan ranges: parts of an object that are queried separately. A record belongs to the range in which it
// begins, so that adjacent ranges see each record once.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/selecting-content-from-objects.html

import { QueryError } from './error.ts'
import type { QueryRequest, ScanRange } from './format.ts'
import type { ChunkSource } from './row-source.ts'

/**
 * The range of a request in an object of `sizeBytes`; undefined for the whole object.
 * @throws QueryError `InvalidScanRange`, `UnsupportedScanRangeInput`
 */
export function scanRangeOf(request: QueryRequest, sizeBytes: number): ScanRange | undefined {
  const { scanRange, input, compression } = request
  if (scanRange === undefined) return undefined
  if (compression !== 'NONE') throw unsupported('A compressed object has no scan ranges.')
  if (input.kind === 'json' && input.type === 'DOCUMENT') {
    throw unsupported('JSON documents have no scan ranges.')
  }
  if (input.kind === 'csv' && input.allowsQuotedRecordDelimiter) {
    throw unsupported('CSV with quoted record delimiters has no scan ranges.')
  }
  const { start, end } = scanRange
  if (start === undefined) {
    if (end === undefined) throw new QueryError('InvalidScanRange')
    return { start: Math.max(0, sizeBytes - end), end: sizeBytes - 1 }
  }
  if (start >= sizeBytes || (end !== undefined && end < start)) {
    throw new QueryError('InvalidScanRange')
  }
  return { start, end: Math.min(end ?? sizeBytes - 1, sizeBytes - 1) }
}

function unsupported(message: string): QueryError {
  return new QueryError('UnsupportedScanRangeInput', message)
}

/**
 * The records that begin in a range, as one chunk source. `source` begins at {@link scanStart}.
 */
export class ScanRangeSource implements ChunkSource {
  readonly #source: ChunkSource
  readonly #delimiter: Buffer
  readonly #end: number
  #isSkipping: boolean
  #isDone = false
  /** Held back bytes, which may begin a delimiter. */
  #rest: Buffer = Buffer.alloc(0)
  /** The offset of the rest in the object. */
  #offset: number

  constructor(source: ChunkSource, range: ScanRange, delimiter: string) {
    this.#source = source
    this.#end = range.end
    this.#delimiter = Buffer.from(delimiter)
    this.#offset = scanStart(range, delimiter)
    this.#isSkipping = range.start > 0
  }

  async read(): Promise<Buffer | undefined> {
    while (!this.#isDone) {
      const more = await this.#source.read()
      if (more === undefined) {
        this.#isDone = true
        return this.#isSkipping || this.#rest.length === 0 ? undefined : this.#rest
      }
      let chunk: Buffer | undefined = Buffer.concat([this.#rest, more])
      this.#rest = Buffer.alloc(0)
      if (this.#isSkipping) chunk = this.#skip(chunk)
      if (chunk !== undefined) chunk = this.#cut(chunk)
      if (chunk !== undefined && chunk.length > 0) return chunk
    }
    return undefined
  }

  /** The bytes from the first record that begins in the range or after it. */
  #skip(chunk: Buffer): Buffer | undefined {
    const at = chunk.indexOf(this.#delimiter)
    if (at === -1) {
      this.#holdBack(chunk)
      return undefined
    }
    this.#isSkipping = false
    this.#offset += at + this.#delimiter.length
    if (this.#offset <= this.#end) return chunk.subarray(at + this.#delimiter.length)
    this.#isDone = true
    return undefined
  }

  /** The chunk up to the end of the last record that begins in the range. */
  #cut(chunk: Buffer): Buffer {
    const from = this.#end + 1 - this.#delimiter.length - this.#offset
    if (chunk.length <= from) {
      this.#offset += chunk.length
      return chunk
    }
    const at = chunk.indexOf(this.#delimiter, Math.max(0, from))
    if (at === -1) return this.#holdBack(chunk)
    this.#isDone = true
    return chunk.subarray(0, at + this.#delimiter.length)
  }

  /** Holds back bytes at the end that may begin a delimiter. Returns the others. */
  #holdBack(chunk: Buffer): Buffer {
    const split = Math.max(0, chunk.length - this.#delimiter.length + 1)
    this.#rest = chunk.subarray(split)
    this.#offset += split
    return chunk.subarray(0, split)
  }
}

/** The offset of the first byte to read. It includes a delimiter that ends just before the range. */
export function scanStart(range: ScanRange, delimiter: string): number {
  return Math.max(0, range.start - Buffer.byteLength(delimiter))
}
