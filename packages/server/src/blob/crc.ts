// CRC32, CRC32C and CRC64NVME, computed incrementally. Also combines crc(A) and crc(B) to crc(A‖B), given
// the length of B. So a multipart object's checksum is computed from those of its parts.

import { crc32 } from 'node:zlib'
import type { Bytes } from '../base/bytes.ts'
import { crcModule, sliceCount, tableBytes } from './crc-module.ts'

// The used part of a global that Node's types lack: https://webassembly.github.io/spec/js-api/
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object
  readonly Instance: new (module: object) => { readonly exports: Readonly<Record<string, unknown>> }
  readonly Memory: new (...never: never) => object
}

/** The CRCs of S3. All are reflected, with initial value and final XOR of all ones. */
export type CrcAlgorithm = 'CRC32' | 'CRC32C' | 'CRC64NVME'

/** True for a CRC. The checksums of S3's other algorithms can't be combined. */
export function isCrcAlgorithm(name: string): name is CrcAlgorithm {
  return Object.hasOwn(parameters, name)
}

interface CrcParameters {
  readonly bits: 32 | 64
  /** The generator polynomial without its highest term, reflected. */
  readonly polynomial: bigint
}

/** https://reveng.sourceforge.io/crc-catalogue/all.htm; CRC-64/NVME is from the NVM Express specification. */
const parameters: Readonly<Record<CrcAlgorithm, CrcParameters>> = {
  CRC32: { bits: 32, polynomial: 0xedb8_8320n },
  CRC32C: { bits: 32, polynomial: 0x82f6_3b78n },
  CRC64NVME: { bits: 64, polynomial: 0x9a6c_9329_ac4b_c9b5n },
}

/** A CRC computation. */
export class Crc {
  readonly #algorithm: CrcAlgorithm
  #value = 0n

  constructor(algorithm: CrcAlgorithm) {
    this.#algorithm = algorithm
  }

  update(chunk: Bytes): void {
    this.#value =
      this.#algorithm === 'CRC32'
        ? BigInt(crc32(chunk, Number(this.#value)))
        : machine().update(this.#algorithm, this.#value, chunk)
  }

  /** The CRC of the input so far: 4 or 8 bytes, big-endian, as in S3. */
  digest(): Buffer {
    return toBytes(this.#value, parameters[this.#algorithm].bits)
  }
}

/**
 * The CRC of A‖B from the CRCs of A and B and the length of B in bytes, in O(log `lengthOfB`).
 * @throws RangeError unless both have the width of `algorithm` and the length is a safe integer ≥ 0.
 */
export function combineCrc(algorithm: CrcAlgorithm, a: Bytes, b: Bytes, lengthOfB: number): Buffer {
  const { bits } = parameters[algorithm]
  if (a.byteLength * 8 !== bits || b.byteLength * 8 !== bits) {
    throw new RangeError(`${algorithm} has ${bits / 8} bytes`)
  }
  if (!Number.isSafeInteger(lengthOfB) || lengthOfB < 0) throw new RangeError('no length')
  const shifted = machine().shift(algorithm, fromBytes(a), lengthOfB)
  return toBytes(shifted ^ fromBytes(b), bits)
}

function toBytes(value: bigint, bits: 32 | 64): Buffer {
  const bytes = Buffer.alloc(bits / 8)
  if (bits === 32) bytes.writeUInt32BE(Number(value))
  else bytes.writeBigUInt64BE(value)
  return bytes
}

function fromBytes(bytes: Bytes): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
}

interface Machine {
  update(algorithm: 'CRC32C' | 'CRC64NVME', value: bigint, chunk: Bytes): bigint
  /** `value`·x^(8·`lengthBytes`), modulo the generator. */
  shift(algorithm: CrcAlgorithm, value: bigint, lengthBytes: number): bigint
}

/** Bytes copied into the module at a time: few enough to stay in the L1 cache. */
const inputBytes = 16_384
/** Half of that for each of two streams. */
const streamBytes = inputBytes / 2

// One per thread, created on first use: it has tables and scratch memory, but no state between calls.
let shared: Machine | undefined
function machine(): Machine {
  shared ??= createMachine()
  return shared
}

function createMachine(): Machine {
  const tables = { CRC32C: inputBytes, CRC64NVME: inputBytes + tableBytes }
  const bytes = crcModule({ inputBytes, streamBytes, tables: [tables.CRC32C, tables.CRC64NVME] })
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes))
  const { memory, update0, update1, updateTwo0, updateTwo1, multiply: product } = exports
  if (!hasBuffer(memory)) throw new Error('the CRC module has no memory')
  const update = { CRC32C: exportedFunction(update0), CRC64NVME: exportedFunction(update1) }
  const updateTwo = {
    CRC32C: exportedFunction(updateTwo0),
    CRC64NVME: exportedFunction(updateTwo1),
  }
  const multiply = exportedFunction(product)
  fillTables(new BigUint64Array(memory.buffer, tables.CRC32C), parameters.CRC32C.polynomial)
  fillTables(new BigUint64Array(memory.buffer, tables.CRC64NVME), parameters.CRC64NVME.polynomial)
  const input = new Uint8Array(memory.buffer, 0, inputBytes)

  const times = (algorithm: CrcAlgorithm, a: bigint, b: bigint): bigint => {
    const { polynomial } = parameters[algorithm]
    return BigInt.asUintN(64, multiply(a, b, polynomial, topOf(algorithm)))
  }
  const powers = {
    CRC32: repeatedSquares('CRC32', times),
    CRC32C: repeatedSquares('CRC32C', times),
    CRC64NVME: repeatedSquares('CRC64NVME', times),
  }
  const updateWhole = (algorithm: 'CRC32C' | 'CRC64NVME', register: bigint): bigint => {
    const { polynomial } = parameters[algorithm]
    const power = powers[algorithm][Math.log2(streamBytes)] ?? 0n
    return updateTwo[algorithm](register, power, polynomial, topOf(algorithm))
  }
  return {
    update(algorithm, value, chunk) {
      const ones = (1n << BigInt(parameters[algorithm].bits)) - 1n
      let register = value ^ ones
      for (let at = 0; at < chunk.byteLength; at += inputBytes) {
        const piece = chunk.subarray(at, at + inputBytes)
        input.set(piece)
        const isWhole = piece.byteLength === inputBytes
        register = isWhole
          ? updateWhole(algorithm, register)
          : update[algorithm](register, piece.byteLength)
      }
      return BigInt.asUintN(64, register) ^ ones
    },
    shift(algorithm, value, lengthBytes) {
      let product = value
      for (const [bit, power] of powers[algorithm].entries()) {
        if (Math.floor(lengthBytes / 2 ** bit) % 2 === 1) product = times(algorithm, power, product)
      }
      return product
    },
  }
}

/** The bit of x⁰. */
function topOf(algorithm: CrcAlgorithm): bigint {
  return 1n << BigInt(parameters[algorithm].bits - 1)
}

/** x^(8·2ⁿ) for n from 0 to 52: enough for every safe integer of bytes. */
function repeatedSquares(
  algorithm: CrcAlgorithm,
  times: (algorithm: CrcAlgorithm, a: bigint, b: bigint) => bigint,
): readonly bigint[] {
  // Reflected: the highest bit is x⁰, so the bit eight below it is x⁸.
  const powers = [1n << BigInt(parameters[algorithm].bits - 9)]
  for (let last = powers[0]; powers.length < 53 && last !== undefined; last = powers.at(-1)) {
    powers.push(times(algorithm, last, last))
  }
  return powers
}

/** Entry (slice, byte): the CRC register after `byte` and `slice` zero bytes. */
function fillTables(tables: BigUint64Array, polynomial: bigint): void {
  for (let byte = 0; byte < 256; byte++) {
    let register = BigInt(byte)
    for (let bit = 0; bit < 8; bit++) {
      register = (register & 1n) === 1n ? (register >> 1n) ^ polynomial : register >> 1n
    }
    tables[byte] = register
  }
  for (let at = 256; at < sliceCount * 256; at++) {
    const before = tables[at - 256] ?? 0n
    tables[at] = (before >> 8n) ^ (tables[Number(before & 0xffn)] ?? 0n)
  }
}

function hasBuffer(value: unknown): value is { readonly buffer: ArrayBuffer } {
  return value instanceof WebAssembly.Memory
}

function exportedFunction(value: unknown): (...args: (bigint | number)[]) => bigint {
  if (typeof value !== 'function') throw new Error('the CRC module lacks a function')
  return (...args) => {
    const result: unknown = value(...args)
    if (typeof result !== 'bigint') throw new Error('the CRC module returned no integer')
    return result
  }
}
