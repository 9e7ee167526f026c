// Bodies that can be verified without being stored: each is generated from a seed. Any prefix of a
// body is the body of the same seed with the smaller size, which multipart uploads rely on.

import { createCipheriv, createHash } from 'node:crypto'

/** The intended content of a key. The id, unique in a run, is in the object's metadata. */
export interface Content {
  readonly id: string
  readonly seed: string
  readonly sizeBytes: number
  /** Without quotes; `undefined` where the protocol leaves it open. */
  readonly etag: string | undefined
}

/** The metadata header that carries the id of the content. */
export const idHeader = 'x-amz-meta-content-id'

/** The pseudo-random body of a seed. */
export function bodyOf(seed: string, sizeBytes: number): Buffer {
  const key = createHash('sha256').update(seed).digest()
  const cipher = createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16))
  return cipher.update(Buffer.alloc(sizeBytes))
}

/** MD5 in hex: the ETag of an object that was put in one piece. */
export function md5(body: Buffer): string {
  return createHash('md5').update(body).digest('hex')
}

/** The ETag of a multipart object of the given parts. */
export function multipartEtag(parts: readonly Buffer[]): string {
  const hash = createHash('md5')
  for (const part of parts) hash.update(createHash('md5').update(part).digest())
  return `${hash.digest('hex')}-${parts.length}`
}

/** A seeded pseudo-random generator (mulberry32). */
export class Choices {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** In [0, 1). */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.fraction() * (high - low + 1))
  }

  /** One of the items, which must not be empty. */
  of<T>(items: readonly T[]): T {
    const item = items[this.between(0, items.length - 1)]
    if (item === undefined) throw new Error('nothing to choose from')
    return item
  }

  /** One of the names, with probability proportional to its weight. */
  weighted<K extends string>(weights: readonly (readonly [K, number])[]): K {
    let left = this.fraction() * weights.reduce((sum, [, weight]) => sum + weight, 0)
    for (const [name, weight] of weights) {
      left -= weight
      if (left < 0) return name
    }
    throw new Error('no weights')
  }
}
