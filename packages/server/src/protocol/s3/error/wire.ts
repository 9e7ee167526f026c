// The types of S3's error tables.

import type { Refusal } from '../../../base/errors.ts'
import type { WordTable } from '../../../base/refusal/tell.ts'

/** An error as sent to the client. */
export interface WireError {
  readonly status: number
  readonly code: string
  readonly message: string
  /** Further elements of the body, in order. */
  readonly fields?: Readonly<Record<string, string | undefined>>
}

/** The errors of each code of `Kind`. */
export type WireTable<Kind extends Refusal> = WordTable<Kind, WireError>

/** The error for a fault of the server, without details. */
export const internalError: WireError = {
  status: 500,
  code: 'InternalError',
  message: 'We encountered an internal error. Please try again.',
}

/** An invalid argument; `name` is S3's name of the argument. */
export function argumentError(message: string, name: string, value?: string): WireError {
  const fields = { ArgumentName: name, ArgumentValue: value }
  return { status: 400, code: 'InvalidArgument', message, fields }
}

/** An invalid request, if the reason has no code of its own. */
export function requestError(message: string): WireError {
  return { status: 400, code: 'InvalidRequest', message }
}

export function slowDown(message: string, fields?: WireError['fields']): WireError {
  return { status: 503, code: 'SlowDown', message, ...(fields === undefined ? {} : { fields }) }
}
