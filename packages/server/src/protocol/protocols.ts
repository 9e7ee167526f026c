// The protocols that share a port, in the order in which the router asks them.

import { type AdminOptions, createAdminProtocol } from './admin/protocol.ts'
import type { Protocol } from './http/protocol.ts'
import { createS3Protocol, type S3Options } from './s3/protocol.ts'
import type { SimpleDbOptions } from './simpledb/exchange.ts'
import { createSimpleDbProtocol } from './simpledb/protocol.ts'
import { createWebsiteProtocol } from './website/protocol.ts'

/** The services and settings of all protocols. */
export type ProtocolOptions = S3Options &
  SimpleDbOptions &
  Pick<AdminOptions, 'exposition'> & {
    /** Lower-case domain names in front of which a bucket's website is served; none if left out. */
    readonly websiteDomains?: readonly string[]
  }

/** Creates the protocols. */
export function createProtocols(options: ProtocolOptions): readonly Protocol[] {
  const { services, domains, exposition } = options
  const { clock, log } = services
  return [
    createWebsiteProtocol({ services, domains: options.websiteDomains ?? [] }),
    createAdminProtocol({ domains, clock, log, exposition }),
    createSimpleDbProtocol(options, domains),
    createS3Protocol(options),
  ]
}
