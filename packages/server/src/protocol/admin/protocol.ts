// The admin protocol: facts about the server, without authentication, at paths below `/_/`, which no bucket can
// have, and a page at the root for browsers.

import { bucketOfHost } from '../http/host.ts'
import type { Protocol } from '../http/protocol.ts'
import { type AdminContext, AdminExchange } from './exchange.ts'
import { wantsPage } from './page.ts'
import { type AdminSource, adminRoutes } from './table.ts'

/** The services of the protocol. */
export interface AdminOptions extends AdminSource, Pick<AdminContext, 'log'> {
  /** The server's own names. On their subdomains, every path belongs to a bucket. */
  readonly domains: readonly string[]
}

/** Creates the protocol. */
export function createAdminProtocol(options: AdminOptions): Protocol {
  const { domains, log } = options
  const context: AdminContext = { log, routes: adminRoutes(options), isStopping: false }
  const stopping: AdminContext = { ...context, isStopping: true }
  return {
    name: 'admin',
    isAdministrative: true,
    speaks: (request) => {
      const { url = '/', headers } = request
      const isOurs = url.startsWith('/_/') || (url === '/' && wantsPage(request))
      return isOurs && bucketOfHost(headers.host, domains) === undefined
    },
    serve: (...exchange) => new AdminExchange(context, ...exchange).serve(),
    serveStopping: (...exchange) => new AdminExchange(stopping, ...exchange).serve(),
  }
}
