// Continuation tokens: opaque, and bound by a keyed hash to the listing that they continue. An altered token,
// or one of another listing, is refused instead of being misinterpreted.

import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto'
import type { Bytes } from '../base/bytes.ts'
import { StoreError } from '../base/errors.ts'

const macBytes = 16

/** Seals and opens continuation tokens. All processes on a store share `secret`. */
export class TokenSealer {
  readonly #secret: KeyObject

  constructor(secret: Bytes) {
    // Created once: for each token, creating it would take several times as long as the hash.
    this.#secret = createSecretKey(secret)
  }

  /** Seals `position` into a token for the listing named by `scope`. */
  seal(scope: string, position: Bytes): string {
    return Buffer.concat([this.#mac(scope, position), position]).toString('base64url')
  }

  /** The position in `token`. @throws StoreError `InvalidContinuationToken` if it wasn't sealed for `scope`. */
  open(scope: string, token: string): Buffer {
    const bytes = Buffer.from(token, 'base64url')
    const position = bytes.subarray(macBytes)
    const mac = bytes.subarray(0, macBytes)
    // The decoder ignores invalid characters; without this check, one token would have many spellings.
    const isExact = bytes.toString('base64url') === token
    if (!isExact || mac.length !== macBytes || !timingSafeEqual(mac, this.#mac(scope, position))) {
      throw new StoreError({ code: 'InvalidContinuationToken' })
    }
    return position
  }

  /** A 16-byte keyed hash by which holders of the secret can verify that `content` was marked for `scope`. */
  mark(scope: string, content: Bytes): Buffer {
    return this.#mac(scope, content)
  }

  #mac(scope: string, position: Bytes): Buffer {
    const hmac = createHmac('sha256', this.#secret)
    hmac.update(scope).update('\0').update(position)
    return hmac.digest().subarray(0, macBytes)
  }
}
