// Detects the kind of signature of a request, and verifies it. The entry point for the protocols.

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

/** The settings of a {@link Verifier}. */
export interface VerifierOptions<P> {
  readonly lookup: SecretLookup<P>
  readonly clock: Clock
  /** The only accepted region; default: any. */
  readonly region?: string
  /** The only accepted service; default: `s3`. */
  readonly service?: string
  /** True if S3's Signature Version 2, which has no region, is accepted too; default false. */
  readonly acceptsVersion2?: boolean
}

/** A request with a valid signature, or an anonymous one. */
export interface Verified<P> {
  /** Undefined for an anonymous request. */
  readonly principal: P | undefined
  readonly accessKeyId: string | undefined
  /** The place of the signature. */
  readonly method: 'header' | 'query' | 'form' | 'anonymous'
  /** The signature's version, by its algorithm; undefined for an anonymous request. */
  readonly version: 'AWS4-HMAC-SHA256' | 'AWS' | undefined
  readonly payload: Payload
}

/** Verifies requests, and caches signing keys. */
export class Verifier<P> {
  readonly #options: VerifierOptions<P>
  readonly #keys = new SigningKeys()

  constructor(options: VerifierOptions<P>) {
    this.#options = options
  }

  /**
   * Verifies a request's head. The body is verified later, by `verifiedBody`.
   * @throws SignError with a code for each kind of fault
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
   * Verifies the signature of a form's policy. A form without a policy is anonymous. The policy itself is checked
   * by `evaluatePolicy`.
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

/** The payload of a request without a Version 4 signature, which can have framing and a hash, but no signed chunks. */
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
