// The error of refused signatures. The error carries facts; their words are in `wording.ts`.

import type { SignRefusal } from './refusal.ts'

/** A refused signature. `message` is only the code, since the facts may be long. */
export class SignError extends Error {
  readonly refusal: SignRefusal
  readonly code: SignRefusal['code']

  constructor(refusal: SignRefusal, options?: ErrorOptions) {
    super(refusal.code, options)
    this.name = 'SignError'
    this.refusal = refusal
    this.code = refusal.code
  }
}

/** True for a {@link SignError}, of the given code if one is given. */
export function isSignError(error: unknown, code?: SignRefusal['code']): error is SignError {
  return error instanceof SignError && (code === undefined || error.code === code)
}
