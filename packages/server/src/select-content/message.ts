// The messages between a process and the thread of a query.

import type { QueryErrorCode } from './error.ts'
import type { QueryRequest } from './format.ts'

/** A range of bytes, both ends included. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** An object to be queried. */
export interface ObjectInfo {
  readonly sizeBytes: number
  /** The key, if rows have it as a column. */
  readonly key?: string | undefined
}

/** The progress of a query, in bytes. */
export interface QueryStats {
  /** Bytes read from the objects. */
  readonly scannedBytes: number
  /** Bytes of the objects after decompression. */
  readonly processedBytes: number
  /** Bytes of the result. */
  readonly returnedBytes: number
}

/** A message from the process to the thread. */
export type Order =
  | { readonly kind: 'run'; readonly request: QueryRequest; readonly now: number }
  /** The next object; undefined when there is none. */
  | { readonly kind: 'object'; readonly object: ObjectInfo | undefined }
  /** Bytes of the last opened stream; undefined at its end. */
  | { readonly kind: 'chunk'; readonly stream: number; readonly bytes: Uint8Array | undefined }
  /** A message of records was consumed. */
  | { readonly kind: 'taken' }

/** A message from the thread to the process. */
export type Report =
  | { readonly kind: 'next' }
  | { readonly kind: 'open'; readonly stream: number; readonly span: Span }
  /** Requests more bytes of the stream. */
  | { readonly kind: 'pull'; readonly stream: number }
  | { readonly kind: 'records'; readonly bytes: Uint8Array; readonly stats: QueryStats }
  | { readonly kind: 'progress'; readonly stats: QueryStats }
  | { readonly kind: 'end'; readonly stats: QueryStats }
  | { readonly kind: 'refused'; readonly code: QueryErrorCode; readonly detail: string | undefined }
  | { readonly kind: 'fault'; readonly message: string }
