// The protocols that share a port: finds out which one a request speaks, and hands it over.

import type { Exchange, ExchangeResult } from './http/exchange.ts'
import { createS3Handler, type S3Handler, type S3HandlerOptions } from './s3/handler.ts'
import { isSimpleDb } from './simpledb/detect.ts'
import type { SimpleDbHandler, SimpleDbHandlerOptions } from './simpledb/handler.ts'

/** What all protocols together work with. */
export type ProtocolOptions = S3HandlerOptions & SimpleDbHandlerOptions

/** Makes the handler of every request that isn't for the server itself. */
export function createProtocolHandler(
  options: ProtocolOptions,
): (...request: Parameters<S3Handler>) => Promise<ExchangeResult> {
  const s3 = createS3Handler(options)
  // Loaded when it is first spoken: many servers never hear it, and all want to start fast.
  let simpleDb: Promise<SimpleDbHandler> | undefined
  return (request, response, exchange: Exchange) => {
    if (!isSimpleDb(request, options.domains)) return s3(request, response, exchange)
    simpleDb ??= loadSimpleDb(options).catch((error: unknown) => {
      // Such as for want of file descriptors: the next request tries again.
      simpleDb = undefined
      throw error
    })
    return simpleDb.then((answer) => answer(request, response, exchange))
  }
}

async function loadSimpleDb(options: ProtocolOptions): Promise<SimpleDbHandler> {
  const { createSimpleDbHandler } = await import('./simpledb/handler.ts')
  return createSimpleDbHandler(options)
}
