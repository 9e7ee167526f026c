// Requests that a client sends down one connection without waiting for answers: they may be worked on at
// once only if none changes anything (RFC 9112, 9.3.2), so each waits for its turn. While some wait, the
// connection isn't read: a client can make the server hold what one read brings, however much it sends.
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { ownLimits } from '../../base/limits.ts'

interface Turn {
  readonly response: ServerResponse
  /** Undefined for a request that began at once. */
  readonly begun: Promise<boolean> | undefined
}

/** One connection. */
interface Line {
  latest: Turn
  /** Requests that have not begun. */
  waiting: number
  isWatched: boolean
}

/** How many requests may wait. */
export interface TurnLimits {
  /** Of one connection before it isn't read any more; what was read may bring more of them. */
  readonly waitingPerConnection: number
  /** Of all connections. */
  readonly waitingRequests: number
}

/** Lets the requests of each connection take effect in the order they came. */
export class Turns {
  readonly #lines = new WeakMap<Socket, Line>()
  readonly #limits: TurnLimits
  #waiting = 0

  constructor(limits: TurnLimits = ownLimits) {
    this.#limits = limits
  }

  /** Requests of all connections that have not begun. */
  get waitingCount(): number {
    return this.#waiting
  }

  /**
   * What a request has to wait for before it may begin: nothing, as a rule. It resolves to false when
   * the connection ended meanwhile, so that nobody is left to answer.
   */
  take(request: IncomingMessage, response: ServerResponse): Promise<boolean> | undefined {
    const { socket } = request
    const line = this.#lines.get(socket)
    if (line === undefined) {
      const latest = { response, begun: undefined }
      this.#lines.set(socket, { latest, waiting: 0, isWatched: false })
      return undefined
    }
    // Node gives a response its socket once the earlier ones are out.
    const begun = response.socket === null ? this.#wait(socket, line, response) : undefined
    line.latest = { response, begun }
    return begun
  }

  async #wait(socket: Socket, line: Line, response: ServerResponse): Promise<boolean> {
    // Parsing what one read brought can't be stopped: requests follow even those that were cut off.
    if (socket.destroyed) return false
    line.waiting++
    this.#waiting++
    if (this.#isFull(line)) {
      if (!line.isWatched) this.#watch(socket, line)
      socket.pause()
      // One read may bring thousands, and many connections may do that.
      if (this.#waiting > this.#limits.waitingRequests) socket.destroy()
    }
    const isLive = await afterwards(line.latest, response)
    this.#waiting--
    line.waiting--
    if (line.isWatched && !this.#isFull(line)) socket.resume()
    return isLive
  }

  #isFull(line: Line): boolean {
    return line.waiting >= this.#limits.waitingPerConnection
  }

  /** Keeps the connection from being read where Node would go on: to drop a body, or after an answer. */
  #watch(socket: Socket, line: Line): void {
    line.isWatched = true
    socket.on('resume', () => {
      if (this.#isFull(line)) socket.pause()
    })
  }
}

async function afterwards(previous: Turn, response: ServerResponse): Promise<boolean> {
  // A response that never got its socket is told nothing when that is closed.
  if (previous.begun !== undefined && !(await previous.begun)) return false
  if (!previous.response.closed) {
    // A response that fails is answered for by who writes it; here it only means that its turn is over.
    await once(previous.response, 'close').catch(() => undefined)
  }
  return response.socket !== null
}
