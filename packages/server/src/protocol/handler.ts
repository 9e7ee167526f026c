// The protocols that share a port: finds out which one a request speaks, and hands it over.

import type { Exchange, ExchangeResult } from './http/exchange.ts'
import { createS3Handler, type S3Handler, type S3HandlerOptions } from './s3/handler.ts'
import { isSimpleDb } from './simpledb/detect.ts'
import { createSimpleDbHandler, type SimpleDbHandlerOptions } from './simpledb/handler.ts'

/** What all protocols together work with. */
export type ProtocolOptions = S3HandlerOptions & SimpleDbHandlerOptions

/** Makes the handler of every request that isn't for the server itself. */
export function createProtocolHandler(
  options: ProtocolOptions,
): (...request: Parameters<S3Handler>) => Promise<ExchangeResult> {
  const s3 = createS3Handler(options)
  const simpleDb = createSimpleDbHandler(options)
  return (request, response, exchange: Exchange) =>
    isSimpleDb(request, options.domains)
      ? simpleDb(request, response, exchange)
      : s3(request, response, exchange)
}
