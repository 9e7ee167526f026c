// Transactions of tests that must not depend on how busy the machine is.

import { isStoreError } from '../base/errors.ts'

/**
 * Repeats a transaction that a busy machine didn't finish within the engine's `readMs`. Its client
 * would do the same.
 */
export async function withinTime<T>(transaction: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await transaction()
    } catch (error) {
      if (!isStoreError(error, 'ServiceUnavailable') || attempt === 100) throw error
    }
  }
}
