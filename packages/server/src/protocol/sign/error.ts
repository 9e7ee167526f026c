// The error of signatures that don't hold. It carries facts; `wording.ts` has the words.

import type { SignRefusal } from './refusal.ts'

/** A refused signature. `message` is the code alone, since the facts may be long. */
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
