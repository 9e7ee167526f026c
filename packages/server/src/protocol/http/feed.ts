// Feeds a connection's bytes to Node's parser in small pieces. Given a whole read, the parser makes a
// request of everything in it at once, thousands of them, and can't be stopped. So a connection with too
// many requests that aren't answered is fed no more and not read, until some of them are.
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import { ownLimits } from '../../base/limits.ts'
import { HeadBeginning } from './head-beginning.ts'
import { isWasteful, TinyChunks } from './tiny-chunks.ts'
import { Turns } from './turns.ts'

/** How many requests may be unanswered. */
export interface FeedLimits {
  /** Of one connection. One piece may bring more. */
  readonly unansweredPerConnection: number
  /** Of all connections; beyond, those without an unanswered request are fed, and no others. */
  readonly unansweredRequests: number
}

/** Bytes of a piece, outside of bodies: most heads, and some tens of the shortest requests. */
const pieceBytes = 2048
/** Chunks of a body in one piece from which on the next piece waits for its turn. */
const manyChunks = 16

/** Feeds all connections of one server. */
export class Feeds {
  readonly limits: FeedLimits
  /** Requests of all connections that aren't answered. */
  unanswered = 0
  readonly turns: Turns = new Turns()
  readonly #feeds = new WeakMap<Socket, Feed>()

  constructor(limits: FeedLimits = ownLimits) {
    this.limits = limits
  }

  attach(server: Server | HttpsServer): void {
    const isEncrypted = 'setSecureContext' in server
    server.on(isEncrypted ? 'secureConnection' : 'connection', (socket: Socket) => {
      const parse = socket.listeners('data')
      // A connection that has failed already.
      if (parse.length !== 1) return
      this.#feeds.set(socket, new Feed(this, socket, (chunk) => parse[0]?.call(socket, chunk)))
    })
    const note = (request: IncomingMessage, response: ServerResponse): void =>
      this.#feeds.get(request.socket)?.note(request, response)
    server.on('request', note).on('checkContinue', note).on('checkExpectation', note)
  }

  /** The first bytes of the head that `socket` sends, as Latin-1, given the piece that was parsed last. */
  headBeginning(socket: Socket, piece: Uint8Array): string {
    return this.#feeds.get(socket)?.head.text(piece) ?? ''
  }
}

/** One connection. */
class Feed {
  readonly head: HeadBeginning = new HeadBeginning()
  readonly #all: Feeds
  readonly #socket: Socket
  readonly #parse: (chunk: Buffer) => void
  /** The bytes that were read, but not parsed. */
  #pending: Buffer | undefined
  #unanswered = 0
  #latest: IncomingMessage | undefined
  /** Bytes of the latest request's body that are still to come, for sure. */
  #bodyBytes = 0
  /** Of the latest request, where its body is chunked. */
  #tinyChunks: TinyChunks | undefined
  /** True while what is pending waits for a turn. */
  #isWaiting = false
  /** True after a piece of many chunks: all pieces of this body take turns. */
  #isCostly = false

  constructor(all: Feeds, socket: Socket, parse: (chunk: Buffer) => void) {
    this.#all = all
    this.#socket = socket
    this.#parse = parse
    socket.removeAllListeners('data')
    // Otherwise Node's parser would read whole buffers from the system itself.
    socket.on('data', this.#onData).on('resume', this.#onResume).once('close', this.#onClose)
  }

  note(request: IncomingMessage, response: ServerResponse): void {
    this.#latest = request
    this.#unanswered++
    this.#all.unanswered++
    const length = request.headers['content-length']
    // Some of the body may have come with the piece that is being parsed.
    if (length !== undefined) this.#bodyBytes = Number(length)
    const isChunked = request.headers['transfer-encoding'] !== undefined
    this.#tinyChunks = isChunked ? new TinyChunks(request) : undefined
    this.#isCostly = false
    response.once('close', this.#onAnswered)
  }

  get #isFull(): boolean {
    const { limits, unanswered } = this.#all
    if (this.#unanswered > limits.unansweredPerConnection) return true
    if (this.#unanswered === 0 || unanswered <= limits.unansweredRequests) return false
    // A request that was begun can be answered only when its body has come.
    return this.#latest?.complete === true
  }

  /** True where nothing may be parsed now. */
  get #isHeld(): boolean {
    return this.#isFull || isHeldByNode(this.#socket)
  }

  readonly #onData = (chunk: Buffer): void => {
    // Node may read what came before the connection was paused.
    let rest = this.#pending === undefined ? chunk : Buffer.concat([this.#pending, chunk])
    this.#pending = undefined
    while (rest.byteLength > 0) {
      if (this.#latest !== undefined && isWasteful(this.#latest)) return
      const takesTurns = this.#isCostly && this.#latest?.complete === false
      if (this.#isHeld || this.#socket.isPaused() || this.#isWaiting || takesTurns) {
        this.#pending = rest
        this.#socket.pause()
        if (takesTurns && !this.#isHeld) this.#waitForTurn()
        return
      }
      rest = this.#parsePiece(rest)
    }
  }

  /** Parses the beginning of `bytes`, and returns the rest. */
  #parsePiece(bytes: Buffer): Buffer {
    const size = Math.min(bytes.byteLength, Math.max(pieceBytes, this.#bodyBytes))
    const piece = size === bytes.byteLength ? bytes : bytes.subarray(0, size)
    this.#bodyBytes = Math.max(0, this.#bodyBytes - size)
    const unanswered = this.#unanswered
    const before = this.#tinyChunks
    const latest = this.#latest
    const isBody = latest?.complete === false
    this.#parse(piece)
    this.#noteHead(piece, latest, isBody)
    if (this.#unanswered > unanswered) this.#bodyBytes = Math.max(0, this.#bodyBytes - size)
    const chunks = this.#tinyChunks?.flush(size) ?? 0
    if (before !== this.#tinyChunks) before?.flush(0)
    if (chunks > manyChunks) this.#isCostly = true
    return bytes.subarray(size)
  }

  /** `latest` is the request before `piece`, which began in its body or in a head. */
  #noteHead(piece: Buffer, latest: IncomingMessage | undefined, isBody: boolean): void {
    if (this.#latest !== undefined && this.#latest !== latest) {
      this.head.complete(this.#latest, piece)
    } else if (isBody) {
      this.head.clear()
    } else {
      this.head.add(piece)
    }
  }

  #waitForTurn(): void {
    this.#isWaiting = true
    this.#all.turns.wait(this.#onTurn)
  }

  /** True where the body's reader is behind; when it has caught up, Node resumes the connection. */
  get #isBehind(): boolean {
    const request = this.#latest
    return request !== undefined && request.readableLength >= request.readableHighWaterMark
  }

  readonly #onTurn = (): void => {
    this.#isWaiting = false
    const pending = this.#pending
    // The present holder of the connection also resumes it.
    if (pending === undefined || this.#isHeld || this.#isBehind) return
    this.#pending = undefined
    const rest = this.#parsePiece(pending)
    if (this.#latest !== undefined && isWasteful(this.#latest)) {
      // Further input is dropped, so that the client gets its answer.
      this.#socket.resume()
      return
    }
    if (rest.byteLength > 0) this.#pending = rest
    if (this.#isHeld || this.#isBehind) return
    if (rest.byteLength > 0) this.#waitForTurn()
    else this.#socket.resume()
  }

  /** Comes before anything more is read. */
  readonly #onResume = (): void => {
    const pending = this.#pending
    if (this.#isFull || this.#isWaiting) {
      this.#socket.pause()
    } else if (pending !== undefined && !isHeldByNode(this.#socket)) {
      this.#pending = undefined
      this.#onData(pending)
    }
  }

  readonly #onAnswered = (): void => {
    if (this.#unanswered === 0) return
    this.#unanswered--
    this.#all.unanswered--
    if (this.#pending !== undefined && !this.#isHeld && !this.#isWaiting) {
      this.#socket.resume()
    }
  }

  /** Answers that never had their turn are not told that it will not come. */
  readonly #onClose = (): void => {
    this.#all.unanswered -= this.#unanswered
    this.#unanswered = 0
    this.#pending = undefined
    this.#all.turns.leave(this.#onTurn)
  }
}

/** True where Node itself stopped reading, since the client takes no answers: it must not be fed then. */
function isHeldByNode(socket: Socket): boolean {
  return Reflect.get(socket, '_paused') === true
}
