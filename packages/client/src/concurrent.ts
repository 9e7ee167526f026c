// Doing many things at a time, but not too many.

/**
 * Runs `run` for every item, at most `limit` at a time. When one fails, no further one is begun, the
 * signal of those under way is aborted, and, once they have ended, that first failure is thrown.
 */
export async function forEachConcurrently<T>(
  items: AsyncIterable<T> | Iterable<T>,
  { limit, signal }: { readonly limit: number; readonly signal: AbortSignal },
  run: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const failed = new AbortController()
  const either = AbortSignal.any([signal, failed.signal])
  // An async generator hands out one item after the other, however many ask.
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
      // Only the first one counts: it is the reason of the others. So is the signal's.
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
