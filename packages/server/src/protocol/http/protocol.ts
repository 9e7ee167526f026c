// The contract between the router and the protocols that share a port.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Circumstances, ExchangeResult } from './exchange.ts'

/** Answers one request. Rejects only by a fault of the server, where nothing else can be sent. */
export type RequestHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  circumstances: Circumstances,
) => Promise<ExchangeResult>

/** One protocol. */
export interface Protocol {
  /** As the metrics name it: `s3`, `simpledb`, `admin`. */
  readonly name: string
  /**
   * True for requests about the server itself. They are served while the server stops but don't delay its
   * end, and are logged at level debug.
   */
  readonly isAdministrative?: true
  /** True for a request in this protocol. The router asks its protocols in order, and the first one answers. */
  speaks(request: Pick<IncomingMessage, 'method' | 'url' | 'headers'>): boolean
  readonly serve: RequestHandler
  /** Answers a request that arrives while the server stops: with a refusal, unless it is administrative. */
  readonly serveStopping: RequestHandler
}
