// The types that every table of S3's errors consists of.

import type { Refusal } from '../../../base/errors.ts'
import type { WordTable } from '../../../base/refusal/tell.ts'

/** A refusal as S3's clients see it. */
export interface WireError {
  readonly status: number
  readonly code: string
  readonly message: string
  /** Elements of the body beside the code and the message, in order. */
  readonly fields?: Readonly<Record<string, string | undefined>>
}

/** How the refusals of each code of `Kind` are told. */
export type WireTable<Kind extends Refusal> = WordTable<Kind, WireError>

/** A client learns nothing of a fault of the server. */
export const internalError: WireError = {
  status: 500,
  code: 'InternalError',
  message: 'We encountered an internal error. Please try again.',
}

/** A bad argument, named as S3 names it. */
export function argumentError(message: string, name: string, value?: string): WireError {
  const fields = { ArgumentName: name, ArgumentValue: value }
  return { status: 400, code: 'InvalidArgument', message, fields }
}

/** A bad request whose reason has no code of its own. */
export function requestError(message: string): WireError {
  return { status: 400, code: 'InvalidRequest', message }
}

export function slowDown(message: string, fields?: WireError['fields']): WireError {
  return { status: 503, code: 'SlowDown', message, ...(fields === undefined ? {} : { fields }) }
}
