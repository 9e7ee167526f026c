// Writes responses. A streamed body requests the next chunk only after the kernel has accepted the last one,
// because sources reuse their buffers.
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { ownLimits } from '../../base/limits.ts'
import type { RequestBody } from './body.ts'

/** The status and headers of a response. Header values are Latin-1 text; Content-Length is added here. */
export interface AnswerHead {
  readonly status: number
  readonly headers: OutgoingHttpHeaders
}

/**
 * Sends a response whose body is in memory (none for HEAD, 204 and 304). Returns the bytes of body sent. The
 * caller must not modify the body afterwards. A Content-Length is added to `headers` unless they have one, or a
 * Transfer-Encoding.
 * @param unread the request's body if it may not have been read to its end. The rest is discarded, or the
 *   connection is closed if that would take long.
 * @param idleMs the time in which the client must accept a chunk
 */
export function sendFixed(
  response: ServerResponse,
  { status, headers }: AnswerHead,
  body?: Uint8Array | string,
  unread?: RequestBody,
  idleMs: number = ownLimits.responseIdleMs,
): number {
  // Sent as bytes, because Node would encode the head together with a string, as UTF-8.
  const bytes = typeof body === 'string' ? Buffer.from(body, 'utf8') : body
  const hasNoBody = status === 204 || status === 304 || status < 200
  const isChunked = headers['Transfer-Encoding'] !== undefined
  if (!hasNoBody && !isChunked && headers['Content-Length'] === undefined) {
    headers['Content-Length'] = bytes?.byteLength ?? 0
  }
  const isBodyless = hasNoBody || bytes === undefined || response.req.method === 'HEAD'
  const sent = isBodyless ? undefined : bytes
  const unreadBytes = unread?.unreadBytes ?? 0
  if (unread !== undefined && unreadBytes > 0 && isWorthClosing(unread)) {
    response.shouldKeepAlive = false
    response.writeHead(status, headers)
    void sendAndClose(response, sent, { unread, idleMs })
  } else {
    response.writeHead(status, headers)
    if (sent === undefined || sent.byteLength <= ownLimits.streamBufferBytes) {
      endInTime(response, sent, idleMs)
    } else {
      void sendChunks(response, sent, { idleMs, isWhole: true })
    }
    if (unread !== undefined && unreadBytes > 0) dropRest(response, unread)
  }
  return sent?.byteLength ?? 0
}

/** Sends a short text that must not be cached. Returns the bytes of body sent. */
export function sendText(
  response: ServerResponse,
  answer: {
    readonly status: number
    readonly type: string
    readonly text: string
    /** More headers. */
    readonly headers?: Readonly<Record<string, string>> | undefined
  },
): number {
  const { status, type, text, headers } = answer
  const common = { 'Content-Type': type, 'Cache-Control': 'no-store', Server: 'Holdfast' }
  return sendFixed(response, { status, headers: { ...common, ...headers } }, text)
}

/** Ends the response. Destroys it if the client doesn't accept the rest in time. */
function endInTime(response: ServerResponse, bytes: Uint8Array | undefined, idleMs: number): void {
  if (bytes === undefined) response.end()
  else response.end(bytes)
  // Usually the kernel has accepted everything, and no timer is needed.
  if (response.destroyed || response.socket?.writableLength === 0) return
  const timer = setTimeout(() => response.destroy(), idleMs)
  const stop = (): void => clearTimeout(timer)
  response.once('finish', stop).once('close', stop)
}

/**
 * Sends bytes at the pace of the client. The time limit applies to each chunk, not to all of them. Never rejects;
 * false if the client has disconnected.
 */
async function sendChunks(
  response: ServerResponse,
  bytes: Uint8Array,
  { idleMs, isWhole }: { readonly idleMs: number; readonly isWhole: boolean },
): Promise<boolean> {
  const sink = new ChunkSink(response, idleMs)
  let isTaken = true
  for (let at = 0; isTaken && at < bytes.byteLength; at += ownLimits.streamBufferBytes) {
    const chunk = bytes.subarray(at, at + ownLimits.streamBufferBytes)
    const isLast = at + chunk.byteLength === bytes.byteLength
    isTaken = await sink.write(chunk, isWhole && isLast)
  }
  sink.close()
  return isTaken
}

/**
 * True if reading the rest of a body would cost more than a new connection: the body is withheld, long, or has
 * failed.
 */
function isWorthClosing(unread: RequestBody): boolean {
  return unread.awaitsContinue || unread.hasFailed || unread.unreadBytes > ownLimits.drainBytes
}

/** Reads the short rest, so that the connection can carry the next request. */
function dropRest(response: ServerResponse, unread: RequestBody): void {
  const { socket } = response.req
  // Not awaited: discard never throws.
  void unread.discard(ownLimits.drainBytes, ownLimits.lingerMs).then(() => {
    if (!unread.isComplete) socket.destroy()
  })
}

/**
 * Answers at once, and then closes the connection. Before closing, the connection is read a little longer:
 * closing with unread bytes would reset it, and the client would lose the response (RFC 9112, 9.6).
 */
async function sendAndClose(
  response: ServerResponse,
  body: Uint8Array | undefined,
  { unread, idleMs }: { readonly unread: RequestBody; readonly idleMs: number },
): Promise<void> {
  if (body === undefined) response.flushHeaders()
  const sending = body === undefined ? true : sendChunks(response, body, { idleMs, isWhole: false })
  const lingering = unread.awaitsContinue
    ? undefined
    : unread.discard(ownLimits.lingerBytes, ownLimits.lingerMs)
  const [isTaken] = await Promise.all([sending, lingering])
  if (isTaken) endInTime(response, undefined, idleMs)
}

/** Options of sending a streamed body. */
export interface StreamOptions {
  /** The total bytes of the source, sent as Content-Length. Undefined: a chunked body. */
  readonly length: number | undefined
  /** Cuts the response off. */
  readonly signal?: AbortSignal
  /** Milliseconds in which the client must accept a chunk; default ownLimits.responseIdleMs. */
  readonly idleMs?: number
}

/**
 * Sends a response whose body comes from `source`. Returns the bytes of body sent: fewer than `length` if the
 * client disconnected, which is no error. The source is always closed.
 *
 * An error of the source before its first chunk is thrown before anything is sent, so that an error response is
 * still possible. A later error cuts the connection, and is thrown too.
 */
export async function sendStream(
  response: ServerResponse,
  { status, headers }: AnswerHead,
  source: AsyncIterable<Uint8Array>,
  options: StreamOptions,
): Promise<number> {
  const iterator = source[Symbol.asyncIterator]()
  const sink = new ChunkSink(response, options.idleMs ?? ownLimits.responseIdleMs)
  const stop = (): void => void response.destroy()
  options.signal?.addEventListener('abort', stop, { once: true })
  const length = options.length ?? Number.POSITIVE_INFINITY
  let sent = 0
  try {
    let step = await iterator.next()
    if (options.length !== undefined) headers['Content-Length'] = options.length
    response.writeHead(status, headers)
    while (step.done !== true) {
      const total = sent + step.value.byteLength
      if (total > length) throw new Error('the source is longer than it said')
      if (total > sent && !(await sink.write(step.value, total === length))) return sent
      sent = total
      step = await iterator.next()
    }
    if (options.length === undefined || options.length === 0) response.end()
    else if (sent < options.length) throw new Error('the source is shorter than it said')
    return sent
  } catch (error) {
    if (response.headersSent) response.destroy()
    throw error
  } finally {
    options.signal?.removeEventListener('abort', stop)
    sink.close()
    await iterator.return?.()
  }
}

/** Writes chunks, and detects a disconnected client. */
class ChunkSink {
  readonly #response: ServerResponse
  readonly #idleMs: number
  #isOpen: boolean
  #settle: ((isTaken: boolean) => void) | undefined

  constructor(response: ServerResponse, idleMs: number) {
    this.#response = response
    this.#idleMs = idleMs
    this.#isOpen = !response.destroyed
    response.on('close', this.#onClose)
  }

  /** True once the kernel has accepted the chunk; false if the client has disconnected. */
  async write(chunk: Uint8Array, isLast: boolean): Promise<boolean> {
    if (!this.#isOpen) return false
    const { promise, resolve } = Promise.withResolvers<boolean>()
    this.#settle = resolve
    const timer = setTimeout(() => this.#response.destroy(), this.#idleMs)
    const taken = (error?: Error | null): void => resolve(!error)
    if (isLast) this.#response.end(chunk, taken)
    else this.#response.write(chunk, taken)
    const isTaken = await promise
    clearTimeout(timer)
    return isTaken
  }

  close(): void {
    this.#response.off('close', this.#onClose)
  }

  readonly #onClose = (): void => {
    this.#isOpen = false
    this.#settle?.(false)
  }
}
