// Authenticates a request: by a signature among its parameters (Version 2, or optionally 1), or by Signature
// Version 4, as in Amazon's newer services, which is safer.

import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Principal } from '../../access/principal.ts'
import type { Bytes } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { ownLimits } from '../../base/limits.ts'
import type { Target } from '../http/request.ts'
import { isInSignedOrder } from '../sign/canonical.ts'
import type { SecretLookup } from '../sign/credential.ts'
import { SignError } from '../sign/error.ts'
import {
  ambiguousOrder,
  type ParameterSigned,
  parameterIdentity,
  verifyManyParameters,
  verifyParameters,
} from '../sign/v2.ts'
import { Verifier } from '../sign/verifier.ts'
import { checkAccessKey, checkCredential } from './credential.ts'
import type { Parameter } from './parameters.ts'

/** The settings of authentication. */
export interface AuthenticatorOptions {
  readonly lookup: SecretLookup<Principal>
  readonly clock: Clock
  /** The only region accepted in Version 4; any if undefined. */
  readonly requiredRegion: string | undefined
  readonly allowsVersion1: boolean
}

/** A request with its whole body. */
export interface WholeRequest {
  readonly message: IncomingMessage
  readonly target: Target
  readonly body: Bytes
}

/** Authenticates the requests of one process. */
export class Authenticator {
  readonly #options: AuthenticatorOptions
  readonly #verifier: Verifier<Principal>

  constructor(options: AuthenticatorOptions) {
    const { lookup, clock, requiredRegion } = options
    this.#options = options
    this.#verifier = new Verifier<Principal>({
      lookup,
      clock,
      service: 'sdb',
      ...(requiredRegion === undefined ? {} : { region: requiredRegion }),
    })
  }

  /**
   * The signer of a request by `parameters`, those of query and form together.
   * @throws SignError with a code for each kind of fault, `MissingAuthentication` without a signature
   */
  async byParameters(
    request: WholeRequest,
    parameters: readonly Parameter[],
  ): Promise<ParameterSigned<Principal>> {
    const { message, target } = request
    checkAccessKey(parameters, message.headers.authorization)
    if (message.headers.authorization !== undefined || target.query.has('X-Amz-Algorithm')) {
      return this.byVersion4(request)
    }
    const { lookup, clock, allowsVersion1 } = this.#options
    const signed = {
      method: message.method ?? '',
      host: target.authority ?? message.headers.host,
      localPort: message.socket.localPort,
      path: target.path,
      parameters,
    }
    const context = { lookup, nowMs: clock.now(), allowsVersion1 }
    const areFew = parameters.length <= ownLimits.quickFormParameters
    return areFew ? verifyParameters(signed, context) : verifyManyParameters(signed, context)
  }

  /** The signer of a request with Version 4. @throws SignError as {@link byParameters} */
  byVersion4({ message, target, body }: WholeRequest): ParameterSigned<Principal> {
    checkCredential(message, target)
    const bodySha256 = createHash('sha256').update(body).digest('hex')
    const { headers, rawHeaders, method = '' } = message
    const { parameters } = target.query
    const { path } = target
    const signed = { method, path, parameters, headers, rawHeaders, bodySha256 }
    const { principal, accessKeyId, payload } = this.#verifier.verify(signed)
    if (principal === undefined || accessKeyId === undefined)
      throw new SignError({ code: 'MissingAuthentication' })
    // The query is signed sorted, the body verbatim.
    if (!isInSignedOrder(parameters, parameterIdentity)) throw ambiguousOrder()
    // Parameters determine the action, so those in the body must be signed.
    const isCovered = payload.kind === 'sha256' ? payload.hex === bodySha256 : body.length === 0
    if (isCovered) return { principal, accessKeyId }
    throw new SignError({
      code: 'PayloadHashMismatch',
      expected: payload.kind === 'sha256' ? payload.hex : '',
      actual: bodySha256,
    })
  }
}

const keyInQuery = /[?&](?:AWSAccessKeyId=|X-Amz-Credential=)([A-Za-z0-9\-._~]{1,128})(?:[&#/%]|$)/
// A header of another form is refused later.
const keyInAuthorization =
  /^AWS4-HMAC-SHA256 +(?:[^ ,]+, *)*Credential=([^/, ]{1,128})\/[^/, ]+\/[^/, ]+\/[^/, ]+\/aws4_request(?:,|$)/

/**
 * The access key in a request's head, if it can be found without parsing. Otherwise it is found later.
 */
export function accessKeyInHead({
  headers,
  url = '',
}: Pick<IncomingMessage, 'headers' | 'url'>): string | undefined {
  const { authorization } = headers
  return authorization === undefined
    ? keyInQuery.exec(url)?.[1]
    : keyInAuthorization.exec(authorization)?.[1]
}
