// Pipelining: requests on one connection that a client sends without waiting for responses. Node emits them all
// at once. They may run concurrently only if none of them is a change (RFC 9112, 9.3.2).
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

interface Turn {
  readonly response: ServerResponse
  /** Undefined for a request that began immediately. */
  readonly begun: Promise<boolean> | undefined
}

/** Lets the requests of each connection take effect in the order they came. */
export class Pipelining {
  readonly #latest = new WeakMap<Socket, Turn>()

  /**
   * The promise that a request must await before it begins; usually undefined. Resolves to false if the connection
   * ended meanwhile.
   */
  take(request: IncomingMessage, response: ServerResponse): Promise<boolean> | undefined {
    const { socket } = request
    const previous = this.#latest.get(socket)
    // Node assigns the socket to a response once the earlier ones are sent.
    const isNext = response.socket !== null || previous === undefined
    const begun = isNext ? undefined : afterwards(previous, response)
    this.#latest.set(socket, { response, begun })
    return begun
  }
}

async function afterwards(previous: Turn, response: ServerResponse): Promise<boolean> {
  // A response without a socket gets no event when the connection closes.
  if (previous.begun !== undefined && !(await previous.begun)) return false
  if (!previous.response.closed) {
    // The response's writer reports its errors. Here, an error only ends its turn.
    await once(previous.response, 'close').catch(() => undefined)
  }
  return response.socket !== null
}
