// The admin protocol: facts about the server, without authentication, at paths below `/_/`. No bucket has
// that name.

import { bucketOfHost } from '../http/host.ts'
import type { Protocol } from '../http/protocol.ts'
import { type AdminContext, AdminExchange } from './exchange.ts'
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
    speaks: ({ url = '/', headers }) =>
      url.startsWith('/_/') && bucketOfHost(headers.host, domains) === undefined,
    serve: (...exchange) => new AdminExchange(context, ...exchange).serve(),
    serveStopping: (...exchange) => new AdminExchange(stopping, ...exchange).serve(),
  }
}
