// Bounded concurrency.

/**
 * Runs `run` for every item, at most `limit` at a time. After the first failure no further item is
 * started and the signal of the running ones is aborted. When they have ended, the first failure is
 * thrown.
 */
export async function forEachConcurrently<T>(
  items: AsyncIterable<T> | Iterable<T>,
  { limit, signal }: { readonly limit: number; readonly signal: AbortSignal },
  run: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const failed = new AbortController()
  const either = AbortSignal.any([signal, failed.signal])
  // All workers share one async generator, which hands out each item once.
  const source = each(items)
  const worker = async (): Promise<void> => {
    for (;;) {
      either.throwIfAborted()
      const next = await source.next()
      if (next.done === true) return
      await run(next.value, either)
    }
  }
  const watched = async (): Promise<void> => {
    try {
      await worker()
    } catch (error) {
      // Only the first failure counts, because it causes the others. An abort of the caller's
      // signal takes precedence.
      failed.abort(signal.aborted ? signal.reason : error)
    }
  }
  await Promise.all(Array.from({ length: limit }, watched))
  await source.return(undefined)
  failed.signal.throwIfAborted()
}

async function* each<T>(items: AsyncIterable<T> | Iterable<T>): AsyncGenerator<T, void> {
  yield* items
}
