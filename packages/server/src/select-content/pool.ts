// The queries of a process. Each runs in a thread of its own, so that none holds up the event loop, and one
// that crashes, never ends or takes too much memory is ended without harm to anything else.

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
  /** Its key, where rows have it as a column. */
  readonly key?: string | undefined
  /** Bytes of it. A chunk is valid until the next one is asked for. */
  read(span: Span): AsyncIterable<Bytes>
}

/** The events of a query, in order; the end is always last. */
export type QueryEvent =
  | { readonly kind: 'records'; readonly bytes: Uint8Array }
  /** Nothing has come for a while, and the query goes on. */
  | { readonly kind: 'continuation' }
  | { readonly kind: 'progress'; readonly stats: QueryStats }
  | { readonly kind: 'end'; readonly stats: QueryStats }

/** Bounds of a pool, in place of {@link contentSelectLimits}. */
export interface PoolLimits {
  readonly queries?: number
  readonly waitMs?: number
  readonly heapMegabytes?: number
  readonly keepAliveMs?: number
}

/** Threads that are kept without a query: each holds some 15 MB. */
const idleThreads = 1

export class QueryPool {
  readonly #limits: Required<PoolLimits>
  /** Threads without a query, which need not be started again. */
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
   * @param signal ends it
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

  /** Ends all threads that have no query, and from now on each with its query. */
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
    // An idle thread must not keep the process, and one that fails is not taken again.
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
      // The place may have been given in the same moment.
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
