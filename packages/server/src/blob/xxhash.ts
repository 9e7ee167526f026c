// XXH64, XXH3 and XXH128, by a library that is loaded when the first client asks for one of them.

import type { IHasher } from 'hash-wasm'
import type { Bytes } from '../base/bytes.ts'

/** The hashes of xxHash that S3 knows, by their names on the wire: `XXHASH3` is the one of 64 bits. */
export type XxhashAlgorithm = 'XXHASH64' | 'XXHASH3' | 'XXHASH128'

/** Of each algorithm, the machine that this process has for it. */
const machines = new Map<XxhashAlgorithm, Promise<Machine>>()

/** Starts a hash with the seed 0. */
export async function startXxhash(algorithm: XxhashAlgorithm): Promise<Xxhash> {
  let machine = machines.get(algorithm)
  if (machine === undefined) {
    machine = loadMachine(algorithm)
    machines.set(algorithm, machine)
    // Such as for want of file descriptors: the next request tries again.
    machine.catch(() => machines.delete(algorithm))
  }
  return new Xxhash(await machine)
}

async function loadMachine(algorithm: XxhashAlgorithm): Promise<Machine> {
  const { createXXHash64, createXXHash3, createXXHash128 } = await import('hash-wasm')
  switch (algorithm) {
    case 'XXHASH64':
      return new Machine(await createXXHash64())
    case 'XXHASH3':
      return new Machine(await createXXHash3())
    case 'XXHASH128':
      return new Machine(await createXXHash128())
  }
}

/** A hash under way. After `digest` nothing may be added. */
export class Xxhash {
  readonly #machine: Machine
  /** The machine's state after the latest update, while the machine works for another hash. */
  state: Uint8Array | undefined

  constructor(machine: Machine) {
    this.#machine = machine
  }

  update(chunk: Bytes): void {
    this.#machine.turnTo(this).update(chunk)
  }

  /** 8 or 16 bytes, the highest first: the canonical form, which S3 writes in base64. */
  digest(): Buffer {
    const value = this.#machine.turnTo(this).digest('binary')
    this.#machine.forget()
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  }
}

/**
 * Works for all hashes of an algorithm in turn. One machine each would reserve gigabytes of addresses for every
 * upload under way; to save a state and load another costs little beside a chunk.
 */
class Machine {
  readonly #hasher: IHasher
  #current: Xxhash | undefined

  constructor(hasher: IHasher) {
    this.#hasher = hasher
  }

  turnTo(hash: Xxhash): IHasher {
    if (this.#current === hash) return this.#hasher
    if (this.#current !== undefined) this.#current.state = this.#hasher.save()
    this.#current = hash
    if (hash.state === undefined) this.#hasher.init()
    else this.#hasher.load(hash.state)
    return this.#hasher
  }

  /** After the end of the current hash, of which nothing needs to be kept. */
  forget(): void {
    this.#current = undefined
  }
}
