// Settings for node:http, and the answer to malformed HTTP.
import type { IncomingMessage, Server, ServerOptions, ServerResponse } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import { ownLimits } from '../../base/limits.ts'
import { Feeds } from './feed.ts'
import { HeadWatch } from './head-watch.ts'

// Not by `import`, which asks for every export, and so loads Node's whole fetch for `http.WebSocket`:
// that takes 50 ms of a start.
const { createServer, STATUS_CODES } = process.getBuiltinModule('node:http')

const options: ServerOptions = {
  // For URL and headers together: `checkHead` and the protocols keep the bounds of each.
  maxHeaderSize: 2 * (ownLimits.simpleDbUrlBytes + ownLimits.headerBytes),
  // `checkHead` refuses requests without, in the form of their protocol.
  requireHostHeader: false,
  // A request of 5 GiB may take hours; RequestBody watches for idleness instead.
  requestTimeout: 0,
  headersTimeout: 60_000,
  keepAliveTimeout: 65_000,
  noDelay: true,
  insecureHTTPParser: false,
}

/** An answer to bytes that make no request. */
export interface BareAnswer {
  readonly status: number
  /** The media type; left out without a text. */
  readonly type?: string
  /** ASCII. */
  readonly text: string
}

/** How a server answers what isn't HTTP, or too much of it. */
export interface HttpServerOptions {
  /** Answers a head that is too large to be parsed, by its first bytes as Latin-1; a bare 400 if left out. */
  readonly overflowAnswer?: (head: string) => BareAnswer
  /** Milliseconds that a client has to take the answer to what isn't HTTP; ownLimits.lingerMs if left out. */
  readonly lingerMs?: number
}

/**
 * An HTTP server with the limits of base/limits.ts. The caller listens to `request` and, to decide
 * itself when a body may come, to `checkContinue`.
 */
export function createHttpServer(answers: HttpServerOptions = {}): Server {
  const server = createServer(options)
  watch(server, answers)
  return server
}

/** The same over TLS, from PEM texts. @throws Error when they are no certificate and its key */
export async function createHttpsServer(
  tls: { readonly cert: string; readonly key: string },
  answers: HttpServerOptions = {},
): Promise<HttpsServer> {
  // Loaded on demand: few servers speak TLS themselves, and all want to start fast.
  const https = await import('node:https')
  const server = https.createServer({ ...options, ...tls })
  watch(server, answers)
  return server
}

function watch(server: Server | HttpsServer, answers: HttpServerOptions): void {
  // Beyond the limit Node drops headers in silence: so it lets one more pass, which is refused.
  server.maxHeadersCount = ownLimits.headers + 1
  const feeds = new Feeds()
  feeds.attach(server)
  new HeadWatch().attach(server)
  new ClientErrors(feeds, answers).attach(server)
}

/** Answers unparseable input, in plain HTTP, unless the answer could be taken for a part of another one. */
class ClientErrors {
  readonly #feeds: Feeds
  readonly #lingerMs: number
  readonly #overflowAnswer: (head: string) => BareAnswer
  /** Of each connection, the responses that may be under way, in the order of their requests. */
  readonly #responses = new WeakMap<Socket, ServerResponse[]>()
  readonly #closing = new WeakSet<Socket>()

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
    // Further input of such a client is dropped while it takes its answer.
    if (this.#closing.has(socket)) return
    const answer = this.#answerTo(error, socket)
    if (answer === undefined || !socket.writable || this.#hasBegun(socket)) {
      socket.destroy()
      return
    }
    this.#closing.add(socket)
    // Closing a connection with unread bytes resets it, and the client would lose the answer.
    const timer = setTimeout(() => socket.destroy(), this.#lingerMs)
    socket.once('close', () => clearTimeout(timer))
    const { status, type, text } = answer
    const contentType = type === undefined ? '' : `Content-Type: ${type}\r\n`
    socket.end(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n${contentType}Content-Length: ${text.length}\r\n\r\n${text}`,
    )
  }

  /** Undefined for what goes wrong below HTTP, where nothing can be answered. */
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

  /** True where the connection carries a part of an answer, or owes more than one. */
  #hasBegun(socket: Socket): boolean {
    const waiting = (this.#responses.get(socket) ?? []).filter((response) => !isOver(response))
    return waiting.length > 1 || waiting[0]?.headersSent === true
  }
}

function isOver(response: ServerResponse): boolean {
  return response.writableFinished || response.destroyed
}

/** Node's error for input that it couldn't parse, with the piece that was read last. */
interface ClientError extends NodeJS.ErrnoException {
  readonly rawPacket?: Uint8Array
}

const noBytes = new Uint8Array()
