// Engines and transactions for tests: with parts replaced, and independent of how busy the machine is.

import { isStoreError } from '../base/errors.ts'
import type { Engine } from './engine.ts'

/**
 * Repeats a transaction that a busy machine didn't finish within the engine's `readMs`. Its client
 * would do the same.
 */
export async function withinTime<T>(transaction: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await transaction()
    } catch (error) {
      if (!isStoreError(error, 'ReadTooLong') || attempt === 100) throw error
    }
  }
}

/** The engine with some methods replaced. */
export function replaceMethods(engine: Engine, methods: Partial<Engine>): Engine {
  return {
    read: (body, options) => engine.read(body, options),
    write: (body) => engine.write(body),
    watch: (key, seen, signal, mark) => engine.watch(key, seen, signal, mark),
    checkRoom: (bytes) => engine.checkRoom(bytes),
    statistics: () => engine.statistics(),
    close: () => engine.close(),
    ...methods,
  }
}
