// Accepts connections in the primary, and hands each to the worker with the fewest. The kernel doesn't balance: one
// worker would get nearly all of simultaneous ones. Each worker receives one connection at a time, so that a stopped
// worker delays a single client until it is killed.

import { createServer, type Server, type Socket } from 'node:net'
import { CommandError, systemCode } from '../../base/exit.ts'

/** A worker that can receive connections. */
export interface Taker {
  /** Sends `socket` to the worker, but leaves it open in this process. */
  take(socket: Socket): void
}

interface Load {
  open: number
  /** The connection sent to the worker and not yet acknowledged. */
  taking: Socket | undefined
}

/** The largest number of connections that wait for a worker. Further ones are closed. */
const waitingConnections = 4096

/** Distributes the connections of a server to its workers. */
export class Connections {
  readonly #loads = new Map<Taker, Load>()
  readonly #waiting: Socket[] = []

  /** Adds a worker. */
  add(taker: Taker): void {
    this.#loads.set(taker, { open: 0, taking: undefined })
    this.#share()
  }

  /** Removes an ended worker, with its connections. */
  remove(taker: Taker): void {
    // The worker may have read from the connection, so no other worker can take it over.
    this.#loads.get(taker)?.taking?.destroy()
    this.#loads.delete(taker)
  }

  /** Notes that a worker has acknowledged its connection. */
  taken(taker: Taker): void {
    const load = this.#loads.get(taker)
    if (load === undefined) return
    load.taking?.destroy()
    load.taking = undefined
    this.#share()
  }

  /** Notes that `count` connections of a worker were closed. */
  closed(taker: Taker, count: number): void {
    const load = this.#loads.get(taker)
    if (load !== undefined) load.open -= count
  }

  /** Takes the connection of a new client. */
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

/** Listens for `connections`. The port is in the server's address. @throws CommandError */
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
