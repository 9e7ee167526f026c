// Requests that a client sends down one connection without waiting for answers: Node hands them over
// all at once, and they may be worked on at once only if none changes anything (RFC 9112, 9.3.2).
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

interface Turn {
  readonly response: ServerResponse
  /** Undefined for a request that began at once. */
  readonly begun: Promise<boolean> | undefined
}

/** Lets the requests of each connection take effect in the order they came. */
export class Pipelining {
  readonly #latest = new WeakMap<Socket, Turn>()

  /**
   * The promise that a request has to await before it may begin; usually there is none. It resolves to false when
   * the connection ended meanwhile, so that nobody is left to answer.
   */
  take(request: IncomingMessage, response: ServerResponse): Promise<boolean> | undefined {
    const { socket } = request
    const previous = this.#latest.get(socket)
    // Node gives a response its socket once the earlier ones are out.
    const isNext = response.socket !== null || previous === undefined
    const begun = isNext ? undefined : afterwards(previous, response)
    this.#latest.set(socket, { response, begun })
    return begun
  }
}

async function afterwards(previous: Turn, response: ServerResponse): Promise<boolean> {
  // A response that never got its socket is told nothing when that is closed.
  if (previous.begun !== undefined && !(await previous.begun)) return false
  if (!previous.response.closed) {
    // Its writer reports a response that fails; here it only means that its turn is over.
    await once(previous.response, 'close').catch(() => undefined)
  }
  return response.socket !== null
}
