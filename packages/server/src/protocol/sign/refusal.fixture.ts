// The words of refused signatures, for tests.

import assert from 'node:assert/strict'
import { isSignError } from './error.ts'
import { type SignWords, wordsOf } from './wording.ts'

/** The words of the refusal that `verify` throws. Fails if it throws none. */
export function refusalOf(verify: () => unknown): SignWords {
  try {
    verify()
  } catch (error) {
    if (isSignError(error)) return wordsOf(error.refusal)
    throw error
  }
  assert.fail('it was accepted')
}
