// The SimpleDB protocol, for the router.

import type { Protocol, RequestHandler } from '../http/protocol.ts'
import { isSimpleDb } from './detect.ts'
import type { SimpleDbExchange, SimpleDbOptions } from './exchange.ts'

type Begin = (...request: Parameters<RequestHandler>) => SimpleDbExchange

/**
 * Creates the protocol. Its code is loaded by the first request, since many servers never get one, and loading delays
 * the start.
 * @param domains the server's own names, of which a bucket may be a subdomain
 */
export function createSimpleDbProtocol(
  options: SimpleDbOptions,
  domains: readonly string[],
): Protocol {
  let loading: Promise<Begin> | undefined
  const begin = async (...request: Parameters<Begin>): Promise<SimpleDbExchange> => {
    loading ??= load(options).catch((error: unknown) => {
      // Loading may fail for lack of file descriptors. The next request tries again.
      loading = undefined
      throw error
    })
    return (await loading)(...request)
  }
  return {
    name: 'simpledb',
    speaks: (request) => isSimpleDb(request, domains),
    serve: async (...request) => (await begin(...request)).serve(),
    serveStopping: async (...request) => (await begin(...request)).refuse(),
  }
}

async function load(options: SimpleDbOptions): Promise<Begin> {
  const { SimpleDbContext, SimpleDbExchange } = await import('./exchange.ts')
  const context = new SimpleDbContext(options)
  return (...request) => new SimpleDbExchange(context, ...request)
}
