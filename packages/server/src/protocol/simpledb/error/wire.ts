// The types of SimpleDB's error tables.

import type { Refusal } from '../../../base/errors.ts'
import type { WordTable } from '../../../base/refusal/tell.ts'

/** An error as sent to the client. */
export interface WireError {
  readonly status: number
  readonly code: string
  readonly message: string
}

/** The errors of each code of `Kind`. */
export type WireTable<Kind extends Refusal> = WordTable<Kind, WireError>

/** The error for a fault of the server, without details. */
export const internalError: WireError = {
  status: 500,
  code: 'InternalError',
  message: 'Request could not be executed due to an internal service error.',
}

/** An invalid request, if the reason has no code of its own. */
export function httpError(reason: string): WireError {
  const message = `The HTTP request is invalid. Reason: ${reason}`
  return { status: 400, code: 'InvalidHttpRequest', message }
}
