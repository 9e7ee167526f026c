// The messages between a process and the thread of a query.

import type { QueryErrorCode } from './error.ts'
import type { QueryRequest } from './format.ts'

/** Bytes, both inclusive. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** An object to be queried. */
export interface ObjectInfo {
  readonly sizeBytes: number
  /** Its key, where rows have it as a column. */
  readonly key?: string | undefined
}

/** How far a query is, in bytes. */
export interface QueryStats {
  /** Of the objects. */
  readonly scannedBytes: number
  /** Of the objects, decompressed. */
  readonly processedBytes: number
  /** Of the result. */
  readonly returnedBytes: number
}

/** From the process to the thread. */
export type Order =
  | { readonly kind: 'run'; readonly request: QueryRequest; readonly now: number }
  /** The next object; undefined when there is none. */
  | { readonly kind: 'object'; readonly object: ObjectInfo | undefined }
  /** Bytes of the stream that was opened last; undefined at its end. */
  | { readonly kind: 'chunk'; readonly stream: number; readonly bytes: Uint8Array | undefined }
  /** A message of records has been taken. */
  | { readonly kind: 'taken' }

/** From the thread to the process. */
export type Report =
  | { readonly kind: 'next' }
  | { readonly kind: 'open'; readonly stream: number; readonly span: Span }
  /** More bytes of the stream are wanted. */
  | { readonly kind: 'pull'; readonly stream: number }
  | { readonly kind: 'records'; readonly bytes: Uint8Array; readonly stats: QueryStats }
  | { readonly kind: 'progress'; readonly stats: QueryStats }
  | { readonly kind: 'end'; readonly stats: QueryStats }
  | { readonly kind: 'refused'; readonly code: QueryErrorCode; readonly detail: string | undefined }
  | { readonly kind: 'fault'; readonly message: string }
