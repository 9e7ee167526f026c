// The types that the tables of SimpleDB's errors consist of.

import type { Refusal } from '../../../base/errors.ts'
import type { WordTable } from '../../../base/refusal/tell.ts'

/** A refusal as SimpleDB's clients see it. */
export interface WireError {
  readonly status: number
  readonly code: string
  readonly message: string
}

/** How the refusals of each code of `Kind` are told. */
export type WireTable<Kind extends Refusal> = WordTable<Kind, WireError>

/** A client learns nothing of a fault of the server. */
export const internalError: WireError = {
  status: 500,
  code: 'InternalError',
  message: 'Request could not be executed due to an internal service error.',
}

/** A bad request whose reason has no code of its own. */
export function httpError(reason: string): WireError {
  const message = `The HTTP request is invalid. Reason: ${reason}`
  return { status: 400, code: 'InvalidHttpRequest', message }
}
