// Access keys, credential scopes, and the signing keys derived from them.
import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import { ownLimits } from '../../base/limits.ts'
import type { CredentialFault } from './refusal.ts'

/** The secret and the principal of an access key id; `P` is the server's type of principals. */
export interface Credential<P> {
  readonly secretAccessKey: string
  readonly principal: P
}

/** Finds an access key; undefined if there is none, or it is disabled. */
export type SecretLookup<P> = (accessKeyId: string) => Credential<P> | undefined

/** The parts of `AKID/20130524/us-east-1/s3/aws4_request`. */
export interface CredentialScope {
  readonly accessKeyId: string
  /** yyyyMMdd */
  readonly date: string
  readonly region: string
  readonly service: string
  /** The part after the access key id: the third line of a string to sign. */
  readonly scope: string
}

/** The regions and services that a credential may name. */
export interface ScopeRule {
  /** The only region that is accepted; any if undefined. */
  readonly region: string | undefined
  /** The only service that is accepted, such as `s3`. */
  readonly service: string
}

/** Parses a credential. Returns its parts, or its fault. */
export function parseCredential(
  text: string,
  rule: ScopeRule,
): CredentialScope | { readonly fault: CredentialFault } {
  const parts = text.split('/')
  const [accessKeyId, date, region, service, terminal] = parts
  if (
    parts.length !== 5 ||
    !accessKeyId ||
    date === undefined ||
    !region ||
    service === undefined ||
    terminal === undefined
  ) {
    return { fault: { kind: 'form' } }
  }
  if (!/^\d{8}$/.test(date)) {
    return { fault: { kind: 'date', date } }
  }
  if (rule.region !== undefined && region !== rule.region) {
    return { fault: { kind: 'region', region, required: rule.region } }
  }
  if (service !== rule.service) {
    return { fault: { kind: 'service', service, required: rule.service } }
  }
  if (terminal !== 'aws4_request') {
    return { fault: { kind: 'terminal', terminal } }
  }
  return { accessKeyId, date, region, service, scope: text.slice(accessKeyId.length + 1) }
}

/** Derives signing keys, and caches recent ones. Deriving takes four HMACs, more than the rest of a verification. */
export class SigningKeys {
  readonly #keys = new Map<string, { readonly secret: string; readonly key: KeyObject }>()

  /** The key for a day, region and service. */
  get({ accessKeyId, date, region, service, scope }: CredentialScope, secret: string): KeyObject {
    const name = `${accessKeyId}/${scope}`
    const known = this.#keys.get(name)
    // The secret is compared, since an access key may get a new one.
    if (known?.secret === secret) return known.key
    const key = deriveKey(secret, [date, region, service, 'aws4_request'])
    if (this.#keys.size >= ownLimits.signingKeys) {
      for (const oldest of this.#keys.keys()) {
        this.#keys.delete(oldest)
        break
      }
    }
    this.#keys.set(name, { secret, key })
    return key
  }
}

function deriveKey(secret: string, steps: readonly string[]): KeyObject {
  let key = Buffer.from(`AWS4${secret}`, 'utf8')
  for (const step of steps) key = createHmac('sha256', key).update(step).digest()
  // Signing with a KeyObject is seven times faster than with bytes.
  return createSecretKey(key)
}
