// Continuation tokens: opaque, and bound to what they continue by a keyed hash, so that a token that
// was altered, or made for another listing, is refused instead of silently meaning something else.

import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto'
import type { Bytes } from '../base/bytes.ts'
import { StoreError } from '../base/errors.ts'

const macBytes = 16

/** Makes and opens continuation tokens. All processes on one store share `secret`. */
export class TokenSealer {
  readonly #secret: KeyObject

  constructor(secret: Bytes) {
    // Made once: for each token it would cost several times what the hash does.
    this.#secret = createSecretKey(secret)
  }

  /** A token for `position`; `scope` says which listing it belongs to. */
  seal(scope: string, position: Bytes): string {
    return Buffer.concat([this.#mac(scope, position), position]).toString('base64url')
  }

  /** The position in `token`. @throws StoreError `InvalidContinuationToken` for anything not sealed for `scope`. */
  open(scope: string, token: string): Buffer {
    const bytes = Buffer.from(token, 'base64url')
    const position = bytes.subarray(macBytes)
    const mac = bytes.subarray(0, macBytes)
    // The decoder takes what it doesn't understand for nothing: one token would have many spellings.
    const isExact = bytes.toString('base64url') === token
    if (!isExact || mac.length !== macBytes || !timingSafeEqual(mac, this.#mac(scope, position))) {
      throw new StoreError({ code: 'InvalidContinuationToken' })
    }
    return position
  }

  /** Bytes that tell, to whoever has the secret, that `content` was marked here for `scope`: 16 of them. */
  mark(scope: string, content: Bytes): Buffer {
    return this.#mac(scope, content)
  }

  #mac(scope: string, position: Bytes): Buffer {
    const hmac = createHmac('sha256', this.#secret)
    hmac.update(scope).update('\0').update(position)
    return hmac.digest().subarray(0, macBytes)
  }
}
