// A request's body as a source of chunks with back-pressure. It reads nothing, and lets no
// `100 Continue` go, before somebody asks for the first chunk: so a request can be refused first.
import type { IncomingMessage } from 'node:http'
import { StoreError } from '../../base/errors.ts'
import { ownLimits } from '../../base/limits.ts'

/** How a body is read. */
export interface RequestBodyOptions {
  /** Called once before the first byte is asked for where the client waits for `100 Continue`. */
  readonly sendContinue?: () => void
  /** Milliseconds without a byte after which reading fails; ownLimits.bodyIdleMs if left out. */
  readonly idleMs?: number
}

type State = 'fresh' | 'reading' | 'ended' | 'failed' | 'stopped'

/**
 * The body of one request, read once. A chunk is valid until the next is asked for, or reading is ended; after
 * that it may be empty.
 *
 * Reading throws StoreError IncompleteBody when the client goes or sends too little, and RequestTimeout when
 * it sends nothing for too long.
 */
export class RequestBody implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array> {
  /** Content-Length in bytes; 0 without a body; undefined with Transfer-Encoding: chunked. */
  readonly declaredBytes: number | undefined
  readonly #request: IncomingMessage
  readonly #idleMs: number
  #sendContinue: (() => void) | undefined
  #state: State = 'fresh'
  #failure: StoreError | undefined
  #receivedBytes = 0
  #queue: Uint8Array[] = []
  #queuedBytes = 0
  /** The chunk that was asked for last. */
  #given: Uint8Array | undefined
  #isPaused = false
  #wake: (() => void) | undefined
  #timer: NodeJS.Timeout | undefined

  /** @throws StoreError InvalidContentLength */
  constructor(request: IncomingMessage, options: RequestBodyOptions = {}) {
    this.#request = request
    this.#sendContinue = options.sendContinue
    this.#idleMs = options.idleMs ?? ownLimits.bodyIdleMs
    this.declaredBytes = declaredBytes(request)
    if (this.declaredBytes === 0) this.#state = 'ended'
  }

  /** Bytes that came in so far. */
  get receivedBytes(): number {
    return this.#receivedBytes
  }

  /** True when the whole body was received: the connection may carry a next request. */
  get isComplete(): boolean {
    return this.#state === 'ended' || (this.#request.complete && this.#request.readableLength === 0)
  }

  /** True when reading ended with an error: nothing more is read of this connection. */
  get hasFailed(): boolean {
    return this.#state === 'failed'
  }

  /** True while the client may be holding its body back until it is told to continue. */
  get awaitsContinue(): boolean {
    return this.#sendContinue !== undefined
  }

  /** Bytes that may still come; infinite where no length was declared. */
  get unreadBytes(): number {
    if (this.isComplete) return 0
    return (this.declaredBytes ?? Number.POSITIVE_INFINITY) - this.#receivedBytes
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#state === 'fresh') this.#start()
    this.#releaseGiven()
    for (;;) {
      const chunk = this.#queue.shift()
      if (chunk !== undefined) {
        this.#queuedBytes -= chunk.byteLength
        this.#given = chunk
        return { done: false, value: chunk }
      }
      if (this.#failure) throw this.#failure
      if (this.#state !== 'reading') return { done: true, value: undefined }
      await this.#wait()
    }
  }

  /** Stops reading without closing the connection; the server drops the rest. */
  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#state === 'reading') this.#request.pause()
    this.#settle(this.#state === 'ended' || this.#state === 'failed' ? this.#state : 'stopped')
    this.#queue = []
    this.#releaseGiven()
    return { done: true, value: undefined }
  }

  /** Reads and drops the rest, up to `maximumBytes` and `maximumMs`; never throws. */
  async discard(maximumBytes: number, maximumMs: number): Promise<void> {
    if (this.isComplete || this.#state === 'failed') return
    await this.return()
    const request = this.#request
    await new Promise<void>((resolve) => {
      let left = maximumBytes
      const timer = setTimeout(done, maximumMs)
      function done(): void {
        clearTimeout(timer)
        request.off('data', count).off('end', done).off('close', done)
        resolve()
      }
      function count(chunk: Uint8Array): void {
        left -= chunk.byteLength
        if (left <= 0) done()
      }
      request.on('data', count).once('end', done).once('close', done)
      if (request.destroyed) done()
      else request.resume()
    })
  }

  #releaseGiven(): void {
    if (this.#given !== undefined) release(this.#given)
    this.#given = undefined
  }

  #start(): void {
    this.#state = 'reading'
    const sendContinue = this.#sendContinue
    this.#sendContinue = undefined
    sendContinue?.()
    const request = this.#request
    if (request.destroyed && !request.complete) {
      this.#fail(incompleteBody())
      return
    }
    request.on('data', this.#onData).on('end', this.#onEnd)
    request.on('error', this.#onGone).on('close', this.#onGone)
  }

  async #wait(): Promise<void> {
    if (this.#isPaused) {
      this.#isPaused = false
      this.#request.resume()
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    this.#timer = setTimeout(this.#onIdle, this.#idleMs)
    await promise
  }

  #awake(): void {
    const wake = this.#wake
    if (wake === undefined) return
    this.#wake = undefined
    clearTimeout(this.#timer)
    wake()
  }

  readonly #onData = (chunk: Uint8Array): void => {
    this.#receivedBytes += chunk.byteLength
    this.#queuedBytes += chunk.byteLength
    this.#queue.push(chunk)
    if (this.#queuedBytes >= ownLimits.streamBufferBytes && !this.#isPaused) {
      this.#isPaused = true
      this.#request.pause()
    }
    this.#awake()
  }

  readonly #onEnd = (): void => {
    const isShort = this.declaredBytes !== undefined && this.#receivedBytes < this.declaredBytes
    if (isShort) this.#fail(incompleteBody())
    else this.#settle('ended')
  }

  readonly #onGone = (cause?: unknown): void => {
    this.#fail(incompleteBody(cause))
  }

  readonly #onIdle = (): void => {
    this.#fail(new StoreError({ code: 'RequestTimeout' }))
  }

  #fail(failure: StoreError): void {
    if (this.#state !== 'reading') return
    this.#failure = failure
    this.#settle('failed')
  }

  #settle(state: State): void {
    this.#state = state
    const request = this.#request
    request.off('data', this.#onData).off('end', this.#onEnd)
    request.off('error', this.#onGone).off('close', this.#onGone)
    this.#awake()
  }
}

/** Bytes from which on a chunk is worth the trouble. */
const releasedBytes = 16_384

/**
 * Gives the memory of a chunk back at once. Left to the garbage collector, which counts such memory but can't
 * see that it is short-lived, it costs a collection of the whole heap for every 32 MiB received.
 */
function release({ buffer, byteLength }: Uint8Array): void {
  const isWhole = buffer.byteLength === byteLength && byteLength >= releasedBytes
  if (isWhole && buffer instanceof ArrayBuffer) buffer.transfer(0)
}

function declaredBytes(request: IncomingMessage): number | undefined {
  const { headers } = request
  if (headers['transfer-encoding'] !== undefined) return undefined
  const length = headers['content-length']
  if (length === undefined) return 0
  const bytes = /^\d{1,15}$/.test(length) ? Number(length) : Number.NaN
  if (Number.isNaN(bytes)) {
    throw new StoreError({ code: 'InvalidContentLength' })
  }
  return bytes
}

function incompleteBody(cause?: unknown): StoreError {
  return new StoreError({ code: 'IncompleteBody', part: 'body' }, { cause })
}
