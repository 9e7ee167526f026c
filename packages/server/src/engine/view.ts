// A state of the store as one transaction sees it, read synchronously. Views are stacked: buffered
// changes over a snapshot, and a transaction's own changes over both.

import type { Bytes } from '../base/bytes.ts'
import type { Range, Row } from './engine.ts'

/** A forward-only cursor over rows. Must be closed unless it has returned undefined. */
export interface RowCursor {
  next(): Row | undefined
  close(): void
}

/** Something that can be read as if it were the whole store. */
export interface View {
  get(key: Bytes): Bytes | undefined
  scan(range: Range): RowCursor
}

/** The key as a string with one character per byte, which preserves equality and order. */
export function nameOf(key: Bytes): string {
  const buffer = Buffer.isBuffer(key) ? key : Buffer.from(key.buffer, key.byteOffset, key.length)
  return buffer.toString('latin1')
}

/** True when both are absent, or both are the same bytes. */
export function sameValue(a: Bytes | undefined, b: Bytes | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return a === b || (a.length === b.length && Buffer.compare(a, b) === 0)
}
