// The websites of buckets as the router sees them: every request below a website domain.

import { randomBytes } from 'node:crypto'
import type { Services } from '../../operation/operation.ts'
import { bucketBelow } from '../http/host.ts'
import type { Protocol } from '../http/protocol.ts'
import { sendText } from '../http/respond.ts'
import { WebsiteExchange } from './exchange.ts'

/** The services and settings of the protocol. */
export interface WebsiteOptions {
  readonly services: Services
  /** Lower-case domain names in front of which a bucket stands. */
  readonly domains: readonly string[]
}

export function createWebsiteProtocol({ services, domains }: WebsiteOptions): Protocol {
  const context = { services, domains, hostId: randomBytes(48).toString('base64') }
  return {
    name: 'website',
    speaks: ({ headers }) => domains.length > 0 && bucketBelow(headers.host, domains) !== undefined,
    serve: (request, response, circumstances) =>
      new WebsiteExchange(context, request, response, circumstances).serve(),
    async serveStopping(_, response) {
      response.shouldKeepAlive = false
      response.setHeader('Retry-After', '1')
      const text = 'The server is stopping.\n'
      const bytesOut = sendText(response, { status: 503, type: 'text/plain', text })
      return { operation: 'Unknown', status: 503, bytesIn: 0, bytesOut }
    },
  }
}
