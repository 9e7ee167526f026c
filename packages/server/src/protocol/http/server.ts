// Settings for node:http, and the response to malformed HTTP.
import type { IncomingMessage, Server, ServerOptions, ServerResponse } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import { ownLimits } from '../../base/limits.ts'
import { Feeds } from './feed.ts'
import { HeadWatch } from './head-watch.ts'

// Not imported: an import evaluates every export, and `http.WebSocket` loads Node's fetch, which takes 50 ms of
// the start.
const { createServer, STATUS_CODES } = process.getBuiltinModule('node:http')

const options: ServerOptions = {
  // The limit of URL and headers together. `checkHead` and the protocols enforce the limit of each.
  maxHeaderSize: 2 * (ownLimits.simpleDbUrlBytes + ownLimits.headerBytes),
  // `checkHead` refuses requests without Host, in the form of their protocol.
  requireHostHeader: false,
  // A request of 5 GiB may take hours, so RequestBody limits idle time instead.
  requestTimeout: 0,
  headersTimeout: 60_000,
  keepAliveTimeout: 65_000,
  noDelay: true,
  insecureHTTPParser: false,
}

/** A response to bytes that are not a valid request. */
export interface BareAnswer {
  readonly status: number
  /** The media type; absent if there is no text. */
  readonly type?: string
  /** ASCII. */
  readonly text: string
}

/** Options for the responses to malformed HTTP and too large heads. */
export interface HttpServerOptions {
  /** The response to a head that is too large for the parser, by its first bytes as Latin-1; default: a bare 400. */
  readonly overflowAnswer?: (head: string) => BareAnswer
  /** Milliseconds in which a client must read the response to malformed HTTP; default ownLimits.lingerMs. */
  readonly lingerMs?: number
}

/**
 * An HTTP server with the limits of base/limits.ts. The caller listens to `request`, and to `checkContinue` if it
 * sends `100 Continue` itself.
 */
export function createHttpServer(answers: HttpServerOptions = {}): Server {
  const server = createServer(options)
  watch(server, answers)
  return server
}

/** The same over TLS, from PEM texts. @throws Error if they aren't a certificate and its key */
export async function createHttpsServer(
  tls: { readonly cert: string; readonly key: string },
  answers: HttpServerOptions = {},
): Promise<HttpsServer> {
  // Loaded on demand, since few servers use TLS, and loading it delays the start.
  const https = await import('node:https')
  const server = https.createServer({ ...options, ...tls })
  watch(server, answers)
  return server
}

function watch(server: Server | HttpsServer, answers: HttpServerOptions): void {
  // Node silently drops headers beyond its limit. One more header passes, so that it can be refused.
  server.maxHeadersCount = ownLimits.headers + 1
  const feeds = new Feeds()
  feeds.attach(server)
  new HeadWatch().attach(server)
  new ClientErrors(feeds, answers).attach(server)
}

/** Answers malformed input, unless the client could take the response for a part of another one. */
class ClientErrors {
  readonly #feeds: Feeds
  readonly #lingerMs: number
  readonly #overflowAnswer: (head: string) => BareAnswer
  /** The possibly unfinished responses of each connection, in the order of their requests. */
  readonly #responses = new WeakMap<Socket, ServerResponse[]>()
  /** The bytes that connections may still send once they were answered. */
  readonly #closing = new WeakMap<Socket, number>()

  constructor(feeds: Feeds, { lingerMs = ownLimits.lingerMs, overflowAnswer }: HttpServerOptions) {
    this.#feeds = feeds
    this.#lingerMs = lingerMs
    this.#overflowAnswer = overflowAnswer ?? (() => ({ status: 400, text: '' }))
  }

  attach(server: Server | HttpsServer): void {
    server.on('request', this.#note)
    server.on('checkContinue', this.#note).on('checkExpectation', this.#note)
    server.on('clientError', this.#answer)
  }

  readonly #note = ({ socket }: IncomingMessage, response: ServerResponse): void => {
    const responses = this.#responses.get(socket)
    if (responses === undefined) {
      this.#responses.set(socket, [response])
      return
    }
    while (responses[0] !== undefined && isOver(responses[0])) responses.shift()
    responses.push(response)
  }

  readonly #answer = (error: ClientError, socket: Socket): void => {
    const leftBytes = this.#closing.get(socket)
    if (leftBytes !== undefined) {
      // Further input is discarded while the client reads its response.
      const bytes = leftBytes - (error.rawPacket?.byteLength ?? 0)
      this.#closing.set(socket, bytes)
      if (bytes < 0) socket.destroy()
      return
    }
    const answer = this.#answerTo(error, socket)
    if (answer === undefined || !socket.writable || this.#hasBegun(socket)) {
      socket.destroy()
      return
    }
    this.#closing.set(socket, ownLimits.lingerBytes)
    // Closing a connection with unread bytes resets it, and the client would lose the response.
    const timer = setTimeout(() => socket.destroy(), this.#lingerMs)
    socket.once('close', () => clearTimeout(timer))
    const { status, type, text } = answer
    const contentType = type === undefined ? '' : `Content-Type: ${type}\r\n`
    socket.end(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n${contentType}Content-Length: ${text.length}\r\n\r\n${text}`,
    )
  }

  /** The response to an error; undefined for errors below HTTP, which have none. */
  #answerTo({ code, rawPacket }: ClientError, socket: Socket): BareAnswer | undefined {
    switch (code) {
      case 'HPE_HEADER_OVERFLOW':
        return this.#overflowAnswer(this.#feeds.headBeginning(socket, rawPacket ?? noBytes))
      case 'ERR_HTTP_REQUEST_TIMEOUT':
        return { status: 408, text: '' }
      default:
        return code?.startsWith('HPE_') ? { status: 400, text: '' } : undefined
    }
  }

  /** True if the connection carries a partial response, or more than one response is due. */
  #hasBegun(socket: Socket): boolean {
    const waiting = (this.#responses.get(socket) ?? []).filter((response) => !isOver(response))
    return waiting.length > 1 || waiting[0]?.headersSent === true
  }
}

function isOver(response: ServerResponse): boolean {
  return response.writableFinished || response.destroyed
}

/** Node's error for malformed input, with the last piece read. */
interface ClientError extends NodeJS.ErrnoException {
  readonly rawPacket?: Uint8Array
}

const noBytes = new Uint8Array()
