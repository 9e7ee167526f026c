// Rows as a backup has them: chunks of some megabytes, in the order of keys, independent of the engine.
// A chunk begins with a line that names its format. For each row follow the lengths of key and value, 4
// bytes big-endian each, the key and the value.

import type { Row } from '../engine/engine.ts'
import { BackupError } from './error.ts'

const heading = Buffer.from('holdfast rows 1\n')
const lengthBytes = 4
/** Bytes after which a chunk ends; it has at least one row, of any size. */
const fullBytes = 4_194_304
/** Rows of a chunk: one transaction writes them. */
const fullRows = 10_000
/** No chunk can be larger: an engine has no row of so many bytes. */
export const maximumChunkBytes = 134_217_728

/** Gathers rows into chunks. */
export class RowChunker {
  #pieces: Buffer[] = []
  #sizeBytes = 0
  #rows = 0

  /** Adds a row; true if {@link take} is to be called. */
  add({ key, value }: Row): boolean {
    const lengths = Buffer.allocUnsafe(2 * lengthBytes)
    lengths.writeUInt32BE(key.byteLength, 0)
    lengths.writeUInt32BE(value.byteLength, lengthBytes)
    this.#pieces.push(lengths, Buffer.from(key), Buffer.from(value))
    this.#sizeBytes += lengths.byteLength + key.byteLength + value.byteLength
    this.#rows++
    return this.#sizeBytes >= fullBytes || this.#rows >= fullRows
  }

  /** The chunk of the rows since the last call; undefined if there are none. */
  take(): Buffer | undefined {
    if (this.#rows === 0) return undefined
    const chunk = Buffer.concat([heading, ...this.#pieces])
    this.#pieces = []
    this.#sizeBytes = 0
    this.#rows = 0
    return chunk
  }
}

/** The rows of a chunk, as views into it. @throws BackupError if it is malformed */
export function decodeRows(chunk: Buffer): Row[] {
  if (!chunk.subarray(0, heading.byteLength).equals(heading)) throw malformed()
  const rows: Row[] = []
  let at = heading.byteLength
  const take = (bytes: number): Buffer => {
    if (at + bytes > chunk.byteLength) throw malformed()
    at += bytes
    return chunk.subarray(at - bytes, at)
  }
  while (at < chunk.byteLength) {
    const lengths = take(2 * lengthBytes)
    const key = take(lengths.readUInt32BE(0))
    const value = take(lengths.readUInt32BE(lengthBytes))
    rows.push({ key, value })
  }
  return rows
}

function malformed(): BackupError {
  return new BackupError("the backup is damaged: a file of rows can't be understood")
}
