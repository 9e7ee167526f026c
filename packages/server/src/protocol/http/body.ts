// A request's body as a source of chunks with back-pressure. Nothing is read, and no `100 Continue` is sent,
// before the first chunk is requested. A request can therefore be refused first.
import type { IncomingMessage } from 'node:http'
import { StoreError } from '../../base/errors.ts'
import { ownLimits } from '../../base/limits.ts'
import { release } from './release.ts'
import { isWasteful, wastefulBody } from './tiny-chunks.ts'

/** Options of reading a body. */
export interface RequestBodyOptions {
  /** Called once, before the first read, if the client waits for `100 Continue`. */
  readonly sendContinue?: () => void
  /** Milliseconds without a byte after which reading fails; default ownLimits.bodyIdleMs. */
  readonly idleMs?: number
}

/** The bytes that a queued chunk counts beside its content: small ones take as much memory. */
const chunkCostBytes = 512

type State = 'fresh' | 'reading' | 'ended' | 'failed' | 'stopped'

/**
 * The body of one request, read once. A chunk is valid until the next one is requested or reading ends. Later,
 * the chunk may be empty.
 *
 * Reading throws StoreError IncompleteBody if the client disconnects or sends too little, RequestTimeout if it
 * is idle for too long, and WastefulChunks if its chunks are mostly framing.
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
  /** The last chunk that was handed out. */
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

  /** The number of bytes received so far. */
  get receivedBytes(): number {
    return this.#receivedBytes
  }

  /** True once the whole body was received. The connection can then carry another request. */
  get isComplete(): boolean {
    return this.#state === 'ended' || (this.#request.complete && this.#request.readableLength === 0)
  }

  /** True once reading has failed. Nothing more is read from this connection. */
  get hasFailed(): boolean {
    return this.#state === 'failed' || isWasteful(this.#request)
  }

  /** True while the client may be waiting for `100 Continue`. */
  get awaitsContinue(): boolean {
    return this.#sendContinue !== undefined
  }

  /** An upper bound of the bytes still to come; infinite without a declared length. */
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
        this.#queuedBytes -= chunk.byteLength + chunkCostBytes
        this.#given = chunk
        return { done: false, value: chunk }
      }
      if (this.#failure) throw this.#failure
      if (this.#state !== 'reading') return { done: true, value: undefined }
      await this.#wait()
    }
  }

  /** Stops reading without closing the connection. The server discards the rest. */
  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#state === 'reading') this.#request.pause()
    this.#settle(this.#state === 'ended' || this.#state === 'failed' ? this.#state : 'stopped')
    this.#queue = []
    this.#releaseGiven()
    return { done: true, value: undefined }
  }

  /** Reads and discards the rest, up to `maximumBytes` and `maximumMs`; never throws. */
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
    if (isWasteful(request)) {
      this.#onWasteful()
      return
    }
    request.on('data', this.#onData).on('end', this.#onEnd).on(wastefulBody, this.#onWasteful)
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
    this.#queuedBytes += chunk.byteLength + chunkCostBytes
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

  readonly #onWasteful = (): void => {
    this.#queue = []
    this.#queuedBytes = 0
    this.#fail(new StoreError({ code: 'WastefulChunks' }))
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
    request.off(wastefulBody, this.#onWasteful)
    request.off('error', this.#onGone).off('close', this.#onGone)
    this.#awake()
  }
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
