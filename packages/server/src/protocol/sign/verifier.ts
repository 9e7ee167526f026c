// Finds out how a request is signed, and has it verified: the one entry for the protocols.

import type { Clock } from '../../base/clock.ts'
import { StoreError } from '../../base/errors.ts'
import type { SignedRequest } from './canonical.ts'
import { type SecretLookup, SigningKeys } from './credential.ts'
import { type Payload, parsePayloadForm } from './payload.ts'
import { type PostFields, verifyPostFields } from './post.ts'
import { verifyQuery } from './presign.ts'
import { invalidArgument, mechanismNotSupported } from './refuse.ts'
import { headerText, invalidPayloadHash, type VerifyContext, verifyHeader } from './v4.ts'

/** How a {@link Verifier} works. */
export interface VerifierOptions<P> {
  readonly lookup: SecretLookup<P>
  readonly clock: Clock
  /** The only region in which requests may be signed; any if left out. */
  readonly region?: string
  /** The service that requests must be signed for; `s3` if left out. */
  readonly service?: string
}

/** A request whose signature holds, or that has none. */
export interface Verified<P> {
  /** Undefined for an anonymous request. */
  readonly principal: P | undefined
  readonly accessKeyId: string | undefined
  /** Where the signature was: conditional writes ask for a signed header, logs name it. */
  readonly method: 'header' | 'query' | 'form' | 'anonymous'
  readonly payload: Payload
}

/** Verifies requests, and remembers signing keys. */
export class Verifier<P> {
  readonly #options: VerifierOptions<P>
  readonly #keys = new SigningKeys()

  constructor(options: VerifierOptions<P>) {
    this.#options = options
  }

  /**
   * Verifies a request's head. The body is checked later, by `verifiedBody`.
   * @throws StoreError with AWS's code and message for each way to be wrong
   */
  verify(request: SignedRequest): Verified<P> {
    const authorization = headerText(request, 'authorization')
    const isPresigned = hasParameter(request, 'X-Amz-Algorithm')
    if (authorization) {
      if (isPresigned || hasParameter(request, 'X-Amz-Signature'))
        throw twoMechanisms(authorization)
      return { ...verifyHeader(request, authorization, this.#context()), method: 'header' }
    }
    if (isPresigned || hasParameter(request, 'X-Amz-Signature')) {
      return { ...verifyQuery(request, this.#context()), method: 'query' }
    }
    // Signature Version 2 in a query string.
    if (hasParameter(request, 'AWSAccessKeyId') && hasParameter(request, 'Signature')) {
      throw mechanismNotSupported()
    }
    return { ...anonymous, payload: anonymousPayload(request) }
  }

  /**
   * Verifies the signature over a POST form's policy; a form without policy is anonymous. The policy
   * itself is for `evaluatePolicy`.
   * @throws StoreError InvalidArgument, InvalidAccessKeyId, SignatureDoesNotMatch and the like
   */
  verifyForm(fields: PostFields): Verified<P> {
    if (fields.get('policy') === undefined && fields.get('x-amz-signature') === undefined) {
      if (fields.get('signature') !== undefined) throw mechanismNotSupported()
      return { ...anonymous, payload: { kind: 'unsigned' } }
    }
    const signed = verifyPostFields(fields, this.#context())
    return { ...signed, payload: { kind: 'unsigned' }, method: 'form' }
  }

  #context(): VerifyContext<P> {
    const { lookup, clock, region, service } = this.#options
    return { lookup, keys: this.#keys, nowMs: clock.now(), region, service: service ?? 's3' }
  }
}

const anonymous = { principal: undefined, accessKeyId: undefined, method: 'anonymous' } as const

function hasParameter(request: SignedRequest, name: string): boolean {
  for (const parameter of request.parameters) if (parameter.name === name) return true
  return false
}

/** Anonymous clients may frame and hash their bodies, but have no key to sign chunks with. */
function anonymousPayload(request: SignedRequest): Payload {
  const value = headerText(request, 'x-amz-content-sha256')
  if (value === undefined) return { kind: 'unsigned' }
  const form = parsePayloadForm(value)
  if (form === undefined) throw invalidPayloadHash(value)
  if (form.kind !== 'chunked') return form
  if (form.isSigned) throw new StoreError('AccessDenied', 'Access Denied')
  return { kind: 'chunked', signing: undefined, hasTrailers: form.hasTrailers }
}

function twoMechanisms(authorization: string): StoreError {
  return invalidArgument(
    'Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified',
    'Authorization',
    authorization,
  )
}
