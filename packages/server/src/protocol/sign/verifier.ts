// Finds out how a request is signed, and has it verified: the one entry for the protocols.

import type { Clock } from '../../base/clock.ts'
import type { SignedRequest } from './canonical.ts'
import { type SecretLookup, SigningKeys } from './credential.ts'
import { SignError } from './error.ts'
import { type Payload, parsePayloadForm } from './payload.ts'
import { type PostFields, verifyPostFields } from './post.ts'
import { verifyQuery } from './presign.ts'
import {
  isAuthorizationV2,
  type SignedV2,
  verifyFormV2,
  verifyHeaderV2,
  verifyQueryV2,
} from './s3-v2.ts'
import {
  headerText,
  invalidPayloadHash,
  type Signed,
  type VerifyContext,
  verifyHeader,
} from './v4.ts'

/** How a {@link Verifier} works. */
export interface VerifierOptions<P> {
  readonly lookup: SecretLookup<P>
  readonly clock: Clock
  /** The only region in which requests may be signed; any if left out. */
  readonly region?: string
  /** The service that requests must be signed for; `s3` if left out. */
  readonly service?: string
  /** Whether S3's Signature Version 2 is accepted too; no if left out. It names no region. */
  readonly acceptsVersion2?: boolean
}

/** A request whose signature holds, or that has none. */
export interface Verified<P> {
  /** Undefined for an anonymous request. */
  readonly principal: P | undefined
  readonly accessKeyId: string | undefined
  /** Where the signature was: conditional writes ask for a signed header, logs name it. */
  readonly method: 'header' | 'query' | 'form' | 'anonymous'
  /** The signature's version, by its algorithm; undefined for an anonymous request. */
  readonly version: 'AWS4-HMAC-SHA256' | 'AWS' | undefined
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
   * @throws SignError with a code for each way to be wrong
   */
  verify(request: SignedRequest): Verified<P> {
    const authorization = headerText(request, 'authorization')
    const isPresigned = hasParameter(request, 'X-Amz-Algorithm')
    if (authorization) {
      if (isPresigned || hasParameter(request, 'X-Amz-Signature'))
        throw twoMechanisms(authorization)
      if (this.#acceptsVersion2 && isAuthorizationV2(authorization)) {
        if (isPresignedV2(request)) throw twoMechanisms(authorization)
        const signed = verifyHeaderV2(request, authorization, this.#context())
        return { ...withoutKey(signed), method: 'header', version: 'AWS' }
      }
      return { ...verifyHeader(request, authorization, this.#context()), method: 'header', version }
    }
    if (isPresigned || hasParameter(request, 'X-Amz-Signature')) {
      return { ...verifyQuery(request, this.#context()), method: 'query', version }
    }
    if (isPresignedV2(request)) {
      if (!this.#acceptsVersion2) throw new SignError({ code: 'MechanismNotSupported' })
      const signed = withoutKey(verifyQueryV2(request, this.#context()))
      return { ...signed, method: 'query', version: 'AWS' }
    }
    const payload = payloadWithoutKey(headerText(request, 'x-amz-content-sha256'))
    return { ...anonymous, payload }
  }

  /**
   * Verifies the signature over a POST form's policy; a form without policy is anonymous. The policy
   * itself is for `evaluatePolicy`.
   * @throws SignError InvalidArgument, InvalidAccessKeyId, SignatureDoesNotMatch and the like
   */
  verifyForm(fields: PostFields): Verified<P> {
    const isVersion4 =
      fields.get('x-amz-algorithm') !== undefined || fields.get('x-amz-signature') !== undefined
    const isVersion2 =
      fields.get('signature') !== undefined || fields.get('awsaccesskeyid') !== undefined
    if (!isVersion4 && isVersion2) {
      if (!this.#acceptsVersion2) throw new SignError({ code: 'MechanismNotSupported' })
      const signed = verifyFormV2(fields, this.#context())
      return { ...signed, payload: { kind: 'unsigned' }, method: 'form', version: 'AWS' }
    }
    if (!isVersion4 && fields.get('policy') === undefined) {
      return { ...anonymous, payload: { kind: 'unsigned' } }
    }
    const signed = verifyPostFields(fields, this.#context())
    return { ...signed, payload: { kind: 'unsigned' }, method: 'form', version }
  }

  get #acceptsVersion2(): boolean {
    return this.#options.acceptsVersion2 === true
  }

  #context(): VerifyContext<P> {
    const { lookup, clock, region, service } = this.#options
    return { lookup, keys: this.#keys, nowMs: clock.now(), region, service: service ?? 's3' }
  }
}

/** The version of most signatures. */
const version = 'AWS4-HMAC-SHA256'

const anonymous = {
  principal: undefined,
  accessKeyId: undefined,
  method: 'anonymous',
  version: undefined,
} as const

function hasParameter(request: SignedRequest, name: string): boolean {
  for (const parameter of request.parameters) if (parameter.name === name) return true
  return false
}

function isPresignedV2(request: SignedRequest): boolean {
  return hasParameter(request, 'AWSAccessKeyId') || hasParameter(request, 'Signature')
}

function withoutKey<P>({ contentSha256, ...signed }: SignedV2<P>): Signed<P> {
  return { ...signed, payload: payloadWithoutKey(contentSha256) }
}

/** Any client may frame and hash its body; only Version 4 gives a key to sign chunks with. */
function payloadWithoutKey(value: string | undefined): Payload {
  if (value === undefined) return { kind: 'unsigned' }
  const form = parsePayloadForm(value)
  if (form === undefined) throw invalidPayloadHash(value)
  if (form.kind !== 'chunked') return form
  if (form.isSigned) throw new SignError({ code: 'SignedChunksWithoutKey' })
  return { kind: 'chunked', signing: undefined, hasTrailers: form.hasTrailers }
}

function twoMechanisms(authorization: string): SignError {
  return new SignError({
    code: 'InvalidArgument',
    argument: 'Authorization',
    value: authorization,
    fault: 'two mechanisms',
  })
}
