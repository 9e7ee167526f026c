// Connections are accepted by the primary and handed to the worker that has the fewest. The kernel
// alone would not share them out: of those that come together, one worker takes nearly all. A worker
// is handed one at a time, so that one that is stopped holds up a single client, until it is killed.

import { createServer, type Server, type Socket } from 'node:net'
import { CommandError, systemCode } from '../../base/exit.ts'

/** A worker that connections can be handed to. */
export interface Taker {
  /** Hands `socket` over, but leaves it open here. */
  take(socket: Socket): void
}

interface Load {
  open: number
  /** Connections that were sent to it, and that it hasn't acknowledged. */
  taking: Socket | undefined
}

/** Connections that may wait for a worker; those beyond are closed. */
const waitingConnections = 4096

/** The connections of a server, shared out among its workers. */
export class Connections {
  readonly #loads = new Map<Taker, Load>()
  readonly #waiting: Socket[] = []

  /** Lets a worker have connections. */
  add(taker: Taker): void {
    this.#loads.set(taker, { open: 0, taking: undefined })
    this.#share()
  }

  /** Forgets a worker that is gone, and its connections with it. */
  remove(taker: Taker): void {
    // It might have begun to read from it, so that no other worker can make sense of the rest.
    this.#loads.get(taker)?.taking?.destroy()
    this.#loads.delete(taker)
  }

  /** A worker acknowledges a connection. */
  taken(taker: Taker): void {
    const load = this.#loads.get(taker)
    if (load === undefined) return
    load.taking?.destroy()
    load.taking = undefined
    this.#share()
  }

  /** `count` connections of a worker were closed. */
  closed(taker: Taker, count: number): void {
    const load = this.#loads.get(taker)
    if (load !== undefined) load.open -= count
  }

  /** A client has connected. */
  give(socket: Socket): void {
    if (this.#waiting.length >= waitingConnections) {
      socket.destroy()
      return
    }
    this.#waiting.push(socket)
    this.#share()
  }

  #share(): void {
    while (this.#waiting.length > 0) {
      const least = this.#leastLoaded()
      const socket = least === undefined ? undefined : this.#waiting.shift()
      if (least === undefined || socket === undefined) return
      const [taker, load] = least
      load.open++
      load.taking = socket
      taker.take(socket)
    }
  }

  #leastLoaded(): [Taker, Load] | undefined {
    let least: [Taker, Load] | undefined
    for (const [taker, load] of this.#loads) {
      if (load.taking !== undefined) continue
      if (least === undefined || load.open < least[1].open) least = [taker, load]
    }
    return least
  }
}

/** Listens for `connections`; the server's address tells the port. @throws CommandError */
export async function listen(
  connections: Connections,
  address: { readonly host: string; readonly port: number },
): Promise<{ readonly server: Server; readonly port: number }> {
  const options = { pauseOnConnect: true, noDelay: true, allowHalfOpen: true }
  const server = createServer(options, (socket) => connections.give(socket))
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen({ ...address, backlog: waitingConnections }, resolve)
  try {
    await promise
  } catch (error) {
    throw new CommandError(explain(error, `${address.host}:${address.port}`), { cause: error })
  }
  server.off('error', reject)
  const bound = server.address()
  return { server, port: typeof bound === 'object' && bound !== null ? bound.port : address.port }
}

function explain(error: unknown, address: string): string {
  switch (systemCode(error)) {
    case 'EADDRINUSE':
      return `another program listens at ${address}; stop it, or choose another port with --port`
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `${address} is no address of this machine; choose another with --host`
    case 'EACCES':
      return `this user may not listen at ${address}; choose a port above 1023 with --port`
    default:
      return `can't listen at ${address}: ${error}`
  }
}
