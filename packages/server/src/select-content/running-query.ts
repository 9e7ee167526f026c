// A query in a thread, as seen by the process: feeds the thread the bytes that it requests, and yields its
// reports as events.

import type { Worker } from 'node:worker_threads'
import type { Bytes } from '../base/bytes.ts'
import { contentSelectLimits } from '../base/limits.ts'
import { QueryError } from './error.ts'
import type { Order, Report, Span } from './message.ts'
import type { QueryEvent, SelectedObject } from './pool.ts'

/** The state of a stream of bytes. */
interface Feed {
  readonly id: number
  readonly iterator: AsyncIterator<Bytes>
  /** Bytes sent ahead of the requests of the thread. */
  aheadBytes: number
  readonly sent: number[]
  isPumping: boolean
  isEnded: boolean
}

export class RunningQuery {
  readonly #worker: Worker
  readonly #objects: AsyncIterator<SelectedObject>
  readonly #keepAliveMs: number
  readonly #events: (QueryEvent | { readonly kind: 'failed'; readonly error: unknown })[] = []
  #object: SelectedObject | undefined
  #feed: Feed | undefined
  #wake: (() => void) | undefined
  #isClosed = false
  #isReusable = false

  constructor(worker: Worker, objects: AsyncIterable<SelectedObject>, keepAliveMs: number) {
    this.#worker = worker
    this.#objects = objects[Symbol.asyncIterator]()
    this.#keepAliveMs = keepAliveMs
    worker.on('message', this.#onReport)
    worker.on('error', this.#onError)
    worker.on('exit', this.#onExit)
  }

  /** True if the thread is ready for another query. */
  get isReusable(): boolean {
    return this.#isReusable
  }

  /** @throws QueryError; errors of the objects; the signal's reason */
  async *events(signal: AbortSignal): AsyncGenerator<QueryEvent> {
    const abort = (): void => this.#push({ kind: 'failed', error: signal.reason })
    signal.addEventListener('abort', abort, { once: true })
    try {
      for (;;) {
        signal.throwIfAborted()
        const event = this.#events.shift()
        if (event === undefined) {
          if (!(await this.#eventCame())) yield { kind: 'continuation' }
          continue
        }
        if (event.kind === 'failed') throw event.error
        yield event
        if (event.kind === 'end') return
        if (event.kind === 'records') this.#post({ kind: 'taken' })
      }
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  /** Releases everything but the thread. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#worker.off('message', this.#onReport)
    this.#worker.off('error', this.#onError)
    this.#worker.off('exit', this.#onExit)
    await this.#closeFeed()
    await this.#objects.return?.()
  }

  readonly #onReport = (report: Report): void => {
    switch (report.kind) {
      case 'next':
        this.#watch(this.#sendObject())
        return
      case 'open':
        this.#watch(this.#open(report.stream, report.span))
        return
      case 'pull': {
        const feed = this.#feed
        if (feed?.id !== report.stream) return
        feed.aheadBytes -= feed.sent.shift() ?? 0
        this.#watch(this.#pump(feed))
        return
      }
      case 'records':
        this.#push({ kind: 'records', bytes: report.bytes })
        this.#push({ kind: 'progress', stats: report.stats })
        return
      case 'progress':
        this.#push({ kind: 'progress', stats: report.stats })
        return
      case 'end':
        this.#isReusable = true
        this.#push({ kind: 'end', stats: report.stats })
        return
      case 'refused':
        this.#isReusable = true
        this.#push({ kind: 'failed', error: new QueryError(report.code, report.detail) })
        return
      case 'fault':
        this.#push({ kind: 'failed', error: new Error(`a query failed: ${report.message}`) })
        return
    }
  }

  readonly #onError = (error: unknown): void => this.#push({ kind: 'failed', error })

  readonly #onExit = (): void => {
    this.#push({ kind: 'failed', error: new Error('the thread of a query ended') })
  }

  #push(event: QueryEvent | { readonly kind: 'failed'; readonly error: unknown }): void {
    this.#events.push(event)
    this.#wake?.()
  }

  /** Waits for an event. False if there was none for a while. */
  #eventCame(): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const timer = setTimeout(() => resolve(false), this.#keepAliveMs)
    this.#wake = () => {
      clearTimeout(timer)
      resolve(true)
    }
    return promise
  }

  /** Reports errors of work that isn't awaited. */
  #watch(work: Promise<void>): void {
    work.catch((error: unknown) => this.#push({ kind: 'failed', error }))
  }

  async #sendObject(): Promise<void> {
    await this.#closeFeed()
    const step = await this.#objects.next()
    if (step.done === true) {
      this.#post({ kind: 'object', object: undefined })
      return
    }
    this.#object = step.value
    const { sizeBytes, key } = step.value
    this.#post({ kind: 'object', object: { sizeBytes, key } })
  }

  async #open(id: number, span: Span): Promise<void> {
    await this.#closeFeed()
    if (this.#object === undefined || this.#isClosed) return
    const iterator = this.#object.read(span)[Symbol.asyncIterator]()
    const feed = { id, iterator, aheadBytes: 0, sent: [], isPumping: false, isEnded: false }
    this.#feed = feed
    await this.#pump(feed)
  }

  /** Sends bytes until enough are ahead. */
  async #pump(feed: Feed): Promise<void> {
    if (feed.isPumping || feed.isEnded) return
    feed.isPumping = true
    try {
      while (feed === this.#feed && !feed.isEnded) {
        if (feed.aheadBytes >= contentSelectLimits.aheadBytes) return
        const step = await feed.iterator.next()
        if (feed !== this.#feed || feed.isEnded) return
        if (step.done === true) {
          feed.isEnded = true
          this.#post({ kind: 'chunk', stream: feed.id, bytes: undefined })
          return
        }
        // Copied, since the source reuses its buffer.
        const bytes = new Uint8Array(step.value)
        feed.aheadBytes += bytes.byteLength
        feed.sent.push(bytes.byteLength)
        this.#post({ kind: 'chunk', stream: feed.id, bytes }, [bytes.buffer])
      }
    } finally {
      feed.isPumping = false
    }
  }

  async #closeFeed(): Promise<void> {
    const feed = this.#feed
    this.#feed = undefined
    if (feed === undefined) return
    feed.isEnded = true
    await feed.iterator.return?.()
  }

  #post(order: Order, transfer: readonly ArrayBuffer[] = []): void {
    if (!this.#isClosed) this.#worker.postMessage(order, [...transfer])
  }
}
