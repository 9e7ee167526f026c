// Feeds a connection's bytes to Node's parser in small pieces. From a whole read, the parser would emit
// thousands of pipelined requests at once, and can't be paused. A connection with too many unanswered requests
// is neither fed nor read until some are answered.
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import { ownLimits } from '../../base/limits.ts'
import { HeadBeginning } from './head-beginning.ts'
import { BodyInput, release } from './release.ts'
import { isWasteful, TinyChunks } from './tiny-chunks.ts'
import { Turns } from './turns.ts'

/** Limits of unanswered requests. */
export interface FeedLimits {
  /** The limit of one connection. A single piece may exceed it. */
  readonly unansweredPerConnection: number
  /** The limit of all connections. Beyond it, only connections without an unanswered request are fed. */
  readonly unansweredRequests: number
}

/** The size of a piece outside bodies: enough for most heads, or some tens of the shortest requests. */
const pieceBytes = 2048
/** The number of body chunks in a piece that makes the next piece wait for its turn. */
const manyChunks = 16
/** The size of reads that never wait for a turn: most are small requests, which must not queue behind bodies. */
const freeBytes = 4096
/** The number of pieces that may wait for the reader of a body: small ones take far more memory than their bytes. */
const unreadPieces = 64
/** The size of bodies whose input is released early. Small ones are no burden to the garbage collector. */
const largeBytes = 65_536

/** Feeds all connections of one server. */
export class Feeds {
  readonly limits: FeedLimits
  /** The number of unanswered requests of all connections. */
  unanswered = 0
  readonly turns: Turns = new Turns()
  readonly #feeds = new WeakMap<Socket, Feed>()

  constructor(limits: FeedLimits = ownLimits) {
    this.limits = limits
  }

  attach(server: Server | HttpsServer): void {
    const isEncrypted = 'setSecureContext' in server
    server.on(isEncrypted ? 'secureConnection' : 'connection', (socket: Socket) => {
      this.turns.shorten()
      const parse = socket.listeners('data')
      // The connection has already failed.
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
  /** Bytes that were read, but not parsed. */
  #pending: Buffer | undefined
  #unanswered = 0
  #latest: IncomingMessage | undefined
  /** A lower bound of the bytes still to come of the latest request's body. */
  #bodyBytes = 0
  /** Pieces that were parsed since the body's reader had none. */
  #unreadPieces = 0
  /** The chunks of the latest request, if its body is chunked. */
  #tinyChunks: TinyChunks | undefined
  /** The input of the latest request's body, if it is large. */
  #bodyInput: BodyInput | undefined
  /** True while the pending bytes wait for a turn. */
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
    // The piece being parsed may contain a part of the body.
    if (length !== undefined) this.#bodyBytes = Number(length)
    this.#bodyInput = this.#bodyBytes > largeBytes ? new BodyInput(request) : undefined
    const isChunked = request.headers['transfer-encoding'] !== undefined
    this.#tinyChunks = isChunked ? new TinyChunks(request) : undefined
    this.#isCostly = false
    response.once('close', this.#onAnswered)
  }

  get #isFull(): boolean {
    const { limits, unanswered } = this.#all
    if (this.#unanswered > limits.unansweredPerConnection) return true
    if (this.#unanswered === 0 || unanswered <= limits.unansweredRequests) return false
    // A request can be answered only once its body has arrived.
    return this.#latest?.complete === true
  }

  /** True while nothing may be parsed. */
  get #isHeld(): boolean {
    return this.#isFull || isHeldByNode(this.#socket)
  }

  readonly #onData = (chunk: Buffer): void => {
    // Node may deliver bytes that it read before the connection was paused.
    let rest = this.#pending === undefined ? chunk : joined(this.#pending, chunk)
    this.#pending = undefined
    while (rest.byteLength > 0) {
      if (this.#latest !== undefined && isWasteful(this.#latest)) return
      const takesTurns = this.#takesTurns || this.#isBeyondTurn(rest)
      if (this.#isHeld || this.#socket.isPaused() || this.#isWaiting || takesTurns) {
        this.#pending = rest
        this.#socket.pause()
        if (takesTurns && !this.#isHeld) this.#waitForTurn()
        return
      }
      rest = this.#parsePiece(rest)
      // At the end of a body, Node resumes the connection regardless of its reader.
      if (this.#isBehind && this.#latest?.complete === false) this.#socket.pause()
    }
  }

  /** True while pieces are parsed one at a time. */
  get #takesTurns(): boolean {
    return this.#isCostly && this.#latest?.complete === false
  }

  #isBeyondTurn(bytes: Buffer): boolean {
    return bytes.byteLength > freeBytes && this.#all.turns.areSpent
  }

  /** Parses the beginning of `bytes`. Returns the rest. */
  #parsePiece(bytes: Buffer): Buffer {
    const size = Math.min(bytes.byteLength, Math.max(pieceBytes, this.#bodyBytes))
    const piece = size === bytes.byteLength ? bytes : bytes.subarray(0, size)
    const rest = bytes.subarray(size)
    const unanswered = this.#unanswered
    const before = this.#tinyChunks
    const latest = this.#latest
    const isBody = latest?.complete === false
    const bodyInput = isBody && size <= this.#bodyBytes ? this.#bodyInput : undefined
    this.#bodyBytes = Math.max(0, this.#bodyBytes - size)
    this.#all.turns.take(size)
    if (bodyInput === undefined) this.#parse(piece)
    else bodyInput.parse(piece, this.#parse)
    this.#noteHead(piece, latest, isBody)
    if (this.#unanswered > unanswered) this.#bodyBytes = Math.max(0, this.#bodyBytes - size)
    const chunks = this.#tinyChunks?.flush(size) ?? 0
    if (before !== this.#tinyChunks) before?.flush(0)
    if (chunks > manyChunks) this.#isCostly = true
    this.#unreadPieces = this.#latest?.readableLength ? this.#unreadPieces + 1 : 0
    return rest
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

  /** True while the body's reader is behind. Node resumes the connection when the reader has caught up. */
  get #isBehind(): boolean {
    const request = this.#latest
    if (request === undefined || request.readableLength === 0) return false
    const isFull = request.readableLength >= request.readableHighWaterMark
    return isFull || (this.#unreadPieces > unreadPieces && !request.complete)
  }

  readonly #onTurn = (): void => {
    this.#isWaiting = false
    const pending = this.#pending
    // The current reader of the connection also resumes it.
    if (pending === undefined || this.#isHeld || this.#isBehind) return
    this.#pending = undefined
    let rest = pending
    do {
      rest = this.#parsePiece(rest)
      if (this.#latest !== undefined && isWasteful(this.#latest)) {
        // Further input is discarded, so that the client can get its response.
        this.#socket.resume()
        return
      }
    } while (rest.byteLength > 0 && this.#mayGoOn)
    if (rest.byteLength > 0) this.#pending = rest
    if (this.#isHeld || this.#isBehind) return
    if (rest.byteLength > 0) this.#waitForTurn()
    else this.#socket.resume()
  }

  /** True if the current turn continues with another piece. */
  get #mayGoOn(): boolean {
    return !(this.#takesTurns || this.#all.turns.areSpent || this.#isHeld || this.#isBehind)
  }

  /** Runs before anything more is read. */
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

  /** Node emits no event for responses that were never sent, so they are counted here. */
  readonly #onClose = (): void => {
    this.#all.unanswered -= this.#unanswered
    this.#unanswered = 0
    this.#pending = undefined
    this.#all.turns.leave(this.#onTurn)
  }
}

/** Both, in memory of their own. */
function joined(first: Buffer, second: Buffer): Buffer {
  const both = Buffer.concat([first, second])
  release(first)
  release(second)
  return both
}

/** True if Node itself has paused the connection, since the client doesn't read responses. It must not be fed then. */
function isHeldByNode(socket: Socket): boolean {
  return Reflect.get(socket, '_paused') === true
}
