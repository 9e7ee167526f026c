// The S3 protocol, for the router.

import { randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { OwnerLookup } from '../../access/key.ts'
import type { Principal } from '../../access/principal.ts'
import { ByteBudget } from '../../base/budget.ts'
import { FairQueue } from '../../base/fair-queue.ts'
import { ownLimits } from '../../base/limits.ts'
import type { Services } from '../../operation/operation.ts'
import type { ExchangeResult } from '../http/exchange.ts'
import type { Protocol } from '../http/protocol.ts'
import { sendText } from '../http/respond.ts'
import type { SecretLookup } from '../sign/credential.ts'
import { Verifier } from '../sign/verifier.ts'
import { XmlWriter } from '../xml/write.ts'
import { type S3Context, S3Exchange } from './exchange.ts'

/** The services and settings of the protocol. */
export interface S3Options {
  readonly services: Services
  /** Finds the secret and the principal of an access key. */
  readonly lookup: SecretLookup<Principal>
  /** Finds the owners of access keys, for grants that name them. */
  readonly findOwner: OwnerLookup
  /** Lower-case domain names in front of which a bucket may stand. */
  readonly domains: readonly string[]
  /** The only region accepted in signatures; default: any. */
  readonly requiredRegion?: string
  /** True if Signature Version 2 is accepted beside Version 4; default true. */
  readonly acceptsSignatureV2?: boolean
}

/** Creates the protocol. Its state is derived signing keys, and the memory accounted to documents. */
export function createS3Protocol(options: S3Options): Protocol {
  const {
    services,
    lookup,
    findOwner,
    domains,
    requiredRegion,
    acceptsSignatureV2 = true,
  } = options
  const context: S3Context = {
    services,
    findOwner,
    domains,
    verifier: new Verifier<Principal>({
      lookup,
      clock: services.clock,
      acceptsVersion2: acceptsSignatureV2,
      ...(requiredRegion === undefined ? {} : { region: requiredRegion }),
    }),
    hostId: randomBytes(48).toString('base64'),
    documents: new ByteBudget(ownLimits.documentBytes, ownLimits.documentBytes / 4),
    parsing: new FairQueue(),
  }
  return {
    name: 's3',
    // S3 is the fallback, after all other protocols.
    speaks: () => true,
    serve: (request, response, circumstances) =>
      new S3Exchange(context, request, response, circumstances).serve(),
    serveStopping: async (_, response, { requestId }) => refuse(response, requestId),
  }
}

/** Asks the client to retry, without parsing the request. */
function refuse(response: ServerResponse, requestId: string): ExchangeResult {
  response.shouldKeepAlive = false
  response.setHeader('Retry-After', '1')
  response.setHeader('x-amz-request-id', requestId)
  const text = new XmlWriter()
    .open('Error')
    .element('Code', 'ServiceUnavailable')
    .element('Message', 'Service is unable to handle request.')
    .element('RequestId', requestId)
    .close('Error')
    .toString()
  const bytesOut = sendText(response, { status: 503, type: 'application/xml', text })
  return { operation: 'Unknown', status: 503, bytesIn: 0, bytesOut }
}
