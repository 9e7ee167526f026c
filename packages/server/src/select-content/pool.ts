// The queries of a process. Each runs in its own thread, so queries don't block the event loop. A query that
// crashes, loops or takes too much memory is terminated without harm to others.

import { Worker } from 'node:worker_threads'
import type { Bytes } from '../base/bytes.ts'
import { StoreError } from '../base/errors.ts'
import { contentSelectLimits } from '../base/limits.ts'
import { QueryError } from './error.ts'
import type { QueryRequest } from './format.ts'
import type { Order, QueryStats, Span } from './message.ts'
import { RunningQuery } from './running-query.ts'

/** An object that a query reads. */
export interface SelectedObject {
  readonly sizeBytes: number
  /** The key, if rows have it as a column. */
  readonly key?: string | undefined
  /** Reads a range. A chunk is valid until the next one is requested. */
  read(span: Span): AsyncIterable<Bytes>
}

/** The events of a query, in order. The last one is always `end`. */
export type QueryEvent =
  | { readonly kind: 'records'; readonly bytes: Uint8Array }
  /** The query still runs, but had no other event for a while. */
  | { readonly kind: 'continuation' }
  | { readonly kind: 'progress'; readonly stats: QueryStats }
  | { readonly kind: 'end'; readonly stats: QueryStats }

/** The limits of a pool; default {@link contentSelectLimits}. */
export interface PoolLimits {
  readonly queries?: number
  readonly waitMs?: number
  readonly heapMegabytes?: number
  readonly keepAliveMs?: number
}

/** The number of idle threads that are kept. Each takes some 15 MB. */
const idleThreads = 1

export class QueryPool {
  readonly #limits: Required<PoolLimits>
  /** Idle threads, for reuse by later queries. */
  readonly #idle: Worker[] = []
  readonly #waiting: (() => void)[] = []
  #running = 0
  #isClosed = false

  constructor(limits: PoolLimits = {}) {
    const { queries, waitMs, heapMegabytes, keepAliveMs } = contentSelectLimits
    this.#limits = { queries, waitMs, heapMegabytes, keepAliveMs, ...limits }
  }

  /**
   * Runs a query over objects, one after the other.
   * @param signal ends the query
   * @throws QueryError; StoreError `SlowDown` when too many queries run for too long
   */
  async *run(
    request: QueryRequest,
    objects: AsyncIterable<SelectedObject>,
    options: { readonly now: number; readonly signal: AbortSignal },
  ): AsyncGenerator<QueryEvent> {
    await this.#enter(options.signal)
    const worker = this.#idle.pop() ?? this.#start()
    const query = new RunningQuery(worker, objects, this.#limits.keepAliveMs)
    try {
      const order: Order = { kind: 'run', request, now: options.now }
      worker.postMessage(order)
      yield* query.events(options.signal)
    } catch (error) {
      throw isOutOfMemory(error) ? tooLarge(request, error) : error
    } finally {
      await query.close()
      const isKept = query.isReusable && this.#idle.length < idleThreads && !this.#isClosed
      if (isKept) this.#idle.push(worker)
      else await worker.terminate()
      this.#leave()
    }
  }

  /** Terminates all idle threads, and every other thread at the end of its query. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all(this.#idle.splice(0).map((worker) => worker.terminate()))
  }

  #start(): Worker {
    const { heapMegabytes } = this.#limits
    const worker = new Worker(new URL('./thread.ts', import.meta.url), {
      execArgv: [],
      resourceLimits: {
        maxOldGenerationSizeMb: heapMegabytes,
        maxYoungGenerationSizeMb: 32,
        stackSizeMb: 4,
      },
    })
    // An idle thread must not keep the process alive. A failed thread is not reused.
    worker.unref()
    worker.on('error', () => {
      const index = this.#idle.indexOf(worker)
      if (index !== -1) this.#idle.splice(index, 1)
    })
    return worker
  }

  async #enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#running < this.#limits.queries) {
      this.#running++
      return
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const enter = (): void => resolve()
    this.#waiting.push(enter)
    const timer = setTimeout(() => reject(tooMany()), this.#limits.waitMs)
    const abort = (): void => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    try {
      await promise
    } catch (error) {
      const index = this.#waiting.indexOf(enter)
      // The place may just have been granted.
      if (index === -1) this.#leave()
      else this.#waiting.splice(index, 1)
      throw error
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
    }
  }

  #leave(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#running--
    else next()
  }
}

function tooMany(): StoreError {
  return new StoreError({ code: 'SlowDown', resource: 'queries' })
}

function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY'
}

function tooLarge({ input }: QueryRequest, cause: unknown): QueryError {
  const code = input.kind === 'parquet' ? 'OverMaxParquetBlockSize' : 'OverMaxRecordSize'
  return new QueryError(code, 'The query needs more memory than a query may have.', { cause })
}
