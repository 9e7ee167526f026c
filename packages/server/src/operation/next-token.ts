// SimpleDB's continuation tokens: those of `token.ts`, with SimpleDB's refusal.

import type { Bytes } from '../base/bytes.ts'
import { isStoreError, StoreError } from '../base/errors.ts'
import type { TokenSealer } from './token.ts'

/** The position in a `NextToken`. @throws StoreError `InvalidNextToken` for anything not sealed for `scope` */
export function openNextToken(tokens: TokenSealer, scope: string, token: string): Bytes {
  try {
    // Clients may send a token back with line breaks, as Amazon's own tokens have them.
    return tokens.open(scope, token.replace(/\s/g, ''))
  } catch (error) {
    throw isStoreError(error, 'InvalidContinuationToken') ? invalidNextToken(error) : error
  }
}

function invalidNextToken(cause: unknown): StoreError {
  return new StoreError({ code: 'InvalidNextToken' }, { cause })
}
