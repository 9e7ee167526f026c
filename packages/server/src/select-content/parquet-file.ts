// The bytes of a Parquet object for hyparquet. The file's metadata is checked before it is used for decoding:
// a file with false sizes must not take more memory than a valid one.

import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import type { AsyncBuffer, ColumnMetaData, Compressors, RowGroup, SchemaTree } from 'hyparquet'
import { parquetHeader } from 'hyparquet/src/column.js'
import { getTreePath } from 'hyparquet/src/schema.js'
import { compressors } from 'hyparquet-compressors'
import { contentSelectLimits } from '../base/limits.ts'
import { QueryError } from './error.ts'
import type { ObjectBytes } from './object-reader.ts'

/** The most values of a page. Common writers put some ten thousand into one. */
const pageValues = 4_194_304

/** A range of the object that is in memory. */
interface Piece {
  readonly start: number
  readonly bytes: Uint8Array
}

export class ParquetFile implements AsyncBuffer {
  readonly byteLength: number
  readonly #object: ObjectBytes
  readonly #count: (bytes: number) => void
  #pieces: Piece[] = []

  constructor(object: ObjectBytes, count: (bytes: number) => void) {
    this.#object = object
    this.#count = count
    this.byteLength = object.sizeBytes
  }

  /** Bytes of the footer, or of columns that {@link load} has read. */
  async slice(start: number, end: number = this.byteLength): Promise<ArrayBuffer> {
    const known = this.#pieces.find(
      (piece) => piece.start <= start && end <= piece.start + piece.bytes.byteLength,
    )
    if (known !== undefined) {
      return Uint8Array.from(known.bytes.subarray(start - known.start, end - known.start)).buffer
    }
    if (this.#pieces.length > 0) return this.#assemble(start, end)
    return (await this.#read(start, end)).buffer
  }

  /**
   * Reads columns of a row group into memory, in place of the previous ones.
   * @throws QueryError `OverMaxParquetBlockSize`, `ParquetParsingError`, `ParquetUnsupportedCompressionCodec`
   */
  async load(group: RowGroup, schema: SchemaTree, columns: ReadonlySet<string>): Promise<void> {
    this.#pieces = []
    checkPaths(group, schema)
    const pieces: Piece[] = []
    let total = 0
    for (const { meta_data: meta } of group.columns) {
      if (meta === undefined) throw new QueryError('ParquetParsingError')
      if (!columns.has(meta.path_in_schema[0] ?? '')) continue
      const start = Number(meta.dictionary_page_offset || meta.data_page_offset)
      const length = Number(meta.total_compressed_size)
      if (!(start >= 0 && length >= 0 && start + length <= this.byteLength)) {
        throw new QueryError('ParquetParsingError', 'A column lies outside of the file.')
      }
      total += length
      if (total > contentSelectLimits.rowGroupBytes) throw new QueryError('OverMaxParquetBlockSize')
      const bytes = await this.#read(start, start + length)
      checkPages(bytes, meta)
      pieces.push({ start, bytes })
    }
    this.#pieces = pieces
  }

  /** Joins several pieces. Gaps, which have no requested column, are left empty. */
  #assemble(start: number, end: number): ArrayBuffer {
    const size = end - start
    if (!(size >= 0 && size <= contentSelectLimits.rowGroupBytes)) {
      throw new QueryError('ParquetParsingError')
    }
    const all = new Uint8Array(size)
    for (const { start: from, bytes } of this.#pieces) {
      const low = Math.max(start, from)
      const high = Math.min(end, from + bytes.byteLength)
      if (low < high) all.set(bytes.subarray(low - from, high - from), low - start)
    }
    return all.buffer
  }

  async #read(start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    const size = end - start
    if (!(start >= 0 && end <= this.byteLength && size >= 0)) {
      throw new QueryError('ParquetParsingError')
    }
    if (size > contentSelectLimits.rowGroupBytes) throw new QueryError('OverMaxParquetBlockSize')
    const bytes = new Uint8Array(size)
    if (size === 0) return bytes
    const source = this.#object.open({ start, end: end - 1 })
    let at = 0
    for (let chunk = await source.read(); chunk !== undefined; chunk = await source.read()) {
      bytes.set(chunk, at)
      at += chunk.byteLength
    }
    if (at !== size) throw new Error('the object is shorter than it was')
    this.#count(size)
    return bytes
  }
}

/**
 * Checks that the columns of a row group are different leaves of the schema. For an unexpected column,
 * hyparquet would cause an unhandled rejection later.
 */
function checkPaths(group: RowGroup, schema: SchemaTree): void {
  const known = new Set<string>()
  for (const { meta_data: meta } of group.columns) {
    const path = meta?.path_in_schema ?? []
    const leaf = getTreePath(schema, path).at(-1)
    const name = JSON.stringify(path)
    if (leaf === undefined || leaf.children.length > 0 || known.has(name)) {
      throw new QueryError(
        'ParquetParsingError',
        'The columns of a row group are not those of the schema.',
      )
    }
    known.add(name)
  }
}

/** Checks the headers of a column's pages. */
function checkPages(bytes: Uint8Array, meta: ColumnMetaData): void {
  if (!codecs.has(meta.codec)) throw new QueryError('ParquetUnsupportedCompressionCodec')
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 }
  while (reader.offset < bytes.byteLength - 1) {
    const header = parquetHeader(reader)
    const { compressed_page_size: length, uncompressed_page_size: size } = header
    const page = header.data_page_header ?? header.data_page_header_v2
    const values = page?.num_values ?? header.dictionary_page_header?.num_values ?? 0
    const isInside = length >= 0 && reader.offset + length <= bytes.byteLength
    if (!isInside || size < 0 || values < 0) throw new QueryError('ParquetParsingError')
    if (size > contentSelectLimits.parquetPageBytes || values > pageValues) {
      throw new QueryError('OverMaxParquetBlockSize', 'A page of the Parquet file is too large.')
    }
    reader.offset += length
  }
}

const codecs: ReadonlySet<string> = new Set([
  'UNCOMPRESSED',
  'SNAPPY',
  'GZIP',
  'BROTLI',
  'ZSTD',
  'LZ4',
  'LZ4_RAW',
])

/** The decompressors of pages. The output has exactly the size in the header. */
export const pageCompressors: Compressors = {
  ...compressors,
  GZIP: (input, length) => gunzipSync(input, { maxOutputLength: length || 1 }),
  BROTLI: (input, length) => brotliDecompressSync(input, { maxOutputLength: length || 1 }),
  ZSTD: (input, length) => zstdDecompressSync(input, { maxOutputLength: length || 1 }),
}
