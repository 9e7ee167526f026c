// XXH64, XXH3 and XXH128, by a library that is loaded on first use.

import type { IHasher } from 'hash-wasm'
import type { Bytes } from '../base/bytes.ts'

/** The xxHash algorithms of S3, by their wire names. `XXHASH3` is the 64-bit one. */
export type XxhashAlgorithm = 'XXHASH64' | 'XXHASH3' | 'XXHASH128'

/** This process's machine for each algorithm. */
const machines = new Map<XxhashAlgorithm, Promise<Machine>>()

/** Starts a hash with seed 0. */
export async function startXxhash(algorithm: XxhashAlgorithm): Promise<Xxhash> {
  let machine = machines.get(algorithm)
  if (machine === undefined) {
    machine = loadMachine(algorithm)
    machines.set(algorithm, machine)
    // Loading can fail, for example for want of file descriptors: the next request retries.
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

/** A hash computation. After `digest`, no more input is allowed. */
export class Xxhash {
  readonly #machine: Machine
  /** The machine's state after the latest update, saved while the machine works for another hash. */
  state: Uint8Array | undefined

  constructor(machine: Machine) {
    this.#machine = machine
  }

  update(chunk: Bytes): void {
    this.#machine.turnTo(this).update(chunk)
  }

  /** 8 or 16 bytes, big-endian: the canonical form, which S3 encodes in base64. */
  digest(): Buffer {
    const value = this.#machine.turnTo(this).digest('binary')
    this.#machine.forget()
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  }
}

/**
 * Multiplexes all hashes of an algorithm. A machine per hash would reserve gigabytes of addresses for
 * every upload in progress. Saving a state and loading another costs little compared with a chunk.
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

  /** Drops the current hash's state after its end. */
  forget(): void {
    this.#current = undefined
  }
}
