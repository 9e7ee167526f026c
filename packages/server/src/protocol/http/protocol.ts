// The contract between the router and the protocols that share a port.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Circumstances, ExchangeResult } from './exchange.ts'

/** Answers one request. Rejects only if a fault of the server prevents any response. */
export type RequestHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  circumstances: Circumstances,
) => Promise<ExchangeResult>

/** One protocol. */
export interface Protocol {
  /** The name in metrics: `s3`, `simpledb`, `admin`. */
  readonly name: string
  /**
   * True for requests about the server itself. Such requests are served during shutdown, but don't delay it, and
   * are logged at level debug.
   */
  readonly isAdministrative?: true
  /** True for a request in this protocol. The router asks its protocols in order, and the first one answers. */
  speaks(request: Pick<IncomingMessage, 'method' | 'url' | 'headers'>): boolean
  readonly serve: RequestHandler
  /** Answers a request that arrives during shutdown: with a refusal, unless the protocol is administrative. */
  readonly serveStopping: RequestHandler
}
