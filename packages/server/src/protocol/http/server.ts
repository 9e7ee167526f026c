// Settings for node:http, and the answer to what isn't even HTTP.
import type { Server, ServerOptions } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import { ownLimits } from '../../base/limits.ts'

// Not by `import`, which asks for every export, and so loads Node's whole fetch for `http.WebSocket`:
// that takes 50 ms of a start.
const { createServer, STATUS_CODES } = process.getBuiltinModule('node:http')

const options: ServerOptions = {
  maxHeaderSize: ownLimits.headerBytes,
  // A request of 5 GiB may take hours; RequestBody watches for idleness instead.
  requestTimeout: 0,
  headersTimeout: 60_000,
  keepAliveTimeout: 65_000,
  noDelay: true,
  insecureHTTPParser: false,
}

/**
 * An HTTP server with the limits of base/limits.ts. The caller listens to `request` and, to decide
 * itself when a body may come, to `checkContinue`.
 */
export function createHttpServer(): Server {
  const server = createServer(options)
  server.on('clientError', answerClientError)
  return server
}

/** The same over TLS, from PEM texts. @throws Error when they are no certificate and its key */
export async function createHttpsServer(tls: {
  readonly cert: string
  readonly key: string
}): Promise<HttpsServer> {
  // Loaded on demand: few servers speak TLS themselves, and all want to start fast.
  const https = await import('node:https')
  const server = https.createServer({ ...options, ...tls })
  server.on('clientError', answerClientError)
  return server
}

/** Answers a request that couldn't be parsed, in plain HTTP, and closes. */
function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const status = statusOfClientError(error.code)
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
  )
}

function statusOfClientError(code: string | undefined): number {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return 431
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return 408
    default:
      return 400
  }
}
