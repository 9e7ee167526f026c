// Limits connections that are idle or have sent part of a head, before any key is known. Node doesn't expose
// the size of a partial head, so the bytes since the connection's last request are counted instead.
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import { ownLimits } from '../../base/limits.ts'

/** The limits of connections that have no request in progress. */
export interface HeadLimits {
  readonly partialHeadBytes: number
  readonly connections: number
}

/** Milliseconds between two checks. */
const lookMs = 250

interface Watched {
  /** Bytes received by the end of the last request, accurate to one read. */
  markedBytes: number
  /** The response to the last request. */
  response: ServerResponse | undefined
}

/** Watches the connections of one server. */
export class HeadWatch {
  readonly #limits: HeadLimits
  /** Open connections, the oldest first. */
  readonly #watched = new Map<Socket, Watched>()
  #timer: NodeJS.Timeout | undefined

  constructor(limits: HeadLimits = ownLimits) {
    this.#limits = limits
  }

  attach(server: Server | HttpsServer): void {
    const isEncrypted = 'setSecureContext' in server
    server.on(isEncrypted ? 'secureConnection' : 'connection', this.#add)
    server.on('request', this.#note)
    server.on('checkContinue', this.#note).on('checkExpectation', this.#note)
  }

  /** Closes connections beyond the limits. */
  look(): void {
    const waiting: { readonly socket: Socket; readonly bytes: number }[] = []
    let bytes = 0
    for (const [socket, watched] of this.#watched) {
      if (isBusy(watched)) continue
      const partial = Math.max(0, socket.bytesRead - watched.markedBytes)
      waiting.push({ socket, bytes: partial })
      bytes += partial
    }
    let surplus = this.#watched.size - this.#limits.connections
    for (const { socket } of waiting) {
      if (surplus <= 0) break
      surplus--
      socket.destroy()
    }
    if (bytes <= this.#limits.partialHeadBytes) return
    // Closes those with the most bytes until half of the limit is free, so that closing is rare.
    for (const one of waiting.toSorted((a, b) => b.bytes - a.bytes)) {
      if (bytes <= this.#limits.partialHeadBytes / 2) return
      bytes -= one.bytes
      one.socket.destroy()
    }
  }

  readonly #add = (socket: Socket): void => {
    this.#watched.set(socket, { markedBytes: 0, response: undefined })
    socket.once('close', () => {
      this.#watched.delete(socket)
      if (this.#watched.size > 0) return
      clearInterval(this.#timer)
      this.#timer = undefined
    })
    this.#timer ??= setInterval(() => this.look(), lookMs).unref()
  }

  readonly #note = ({ socket }: IncomingMessage, response: ServerResponse): void => {
    const watched = this.#watched.get(socket)
    if (watched === undefined) return
    watched.response = response
    const { headers } = response.req
    const bodyBytes = Number(headers['content-length'] ?? 0)
    watched.markedBytes = socket.bytesRead + bodyBytes
    if (headers['transfer-encoding'] === undefined) return
    response.once('close', () => {
      watched.markedBytes = Math.max(watched.markedBytes, socket.bytesRead)
    })
  }
}

/** True while a request is served. Bytes received meanwhile belong to its body. */
function isBusy({ response }: Watched): boolean {
  return response !== undefined && !response.writableFinished && !response.destroyed
}
