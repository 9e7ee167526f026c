// The error class for refusals and callers' mistakes. It carries a code of a closed set, with typed
// details. Statuses, messages and element names are in one complete table per protocol.

import type { S3Refusal } from './refusal/s3.ts'
import type { SharedRefusal } from './refusal/shared.ts'
import type { SimpleDbRefusal } from './refusal/simpledb.ts'

/** Every deliberate refusal of a request. */
export type Refusal = SharedRefusal | S3Refusal | SimpleDbRefusal

export type StoreErrorCode = Refusal['code']

/** The refusals of a code. */
export type RefusalOf<Code extends StoreErrorCode> = Extract<Refusal, { readonly code: Code }>

/** A refusal or a caller's mistake. `message` lists the facts, for logs. */
export class StoreError extends Error {
  readonly refusal: Refusal
  readonly code: StoreErrorCode

  constructor(refusal: Refusal, options?: { readonly cause?: unknown }) {
    super(describe(refusal), options)
    this.name = 'StoreError'
    this.refusal = refusal
    this.code = refusal.code
  }
}

/** True for a {@link StoreError}, with code `code` if given. */
export function isStoreError(error: unknown, code?: StoreErrorCode): error is StoreError {
  return error instanceof StoreError && (code === undefined || error.code === code)
}

function describe({ code, ...details }: Refusal): string {
  const facts = Object.entries(details).filter(([, value]) => value !== undefined)
  return [code, ...facts.map(([name, value]) => `${name}=${JSON.stringify(value)}`)].join(' ')
}
