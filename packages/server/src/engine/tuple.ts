// Keys that sort as what they are made of: a space byte, then fields in order. A number is 8 bytes,
// big-endian. A name that others follow has each NUL escaped as 00 FF and ends in 00 00; a name that
// goes last stands as it is.

import type { Bytes } from '../base/bytes.ts'
import { afterPrefix } from '../base/bytes.ts'
import { StoreError } from '../base/errors.ts'
import type { Range } from './engine.ts'

/** Bytes of a key: LMDB's limit at its default page size. */
export const maximumKeyBytes = 1978

const terminator = Buffer.of(0, 0)

/** Begins a key in a key space, a number below 256. */
export function key(space: number): KeyBuilder {
  return new KeyBuilder(space)
}

/** Appends fields; `tail` or `end` gives the key. */
export class KeyBuilder {
  #bytes: Buffer
  #length = 1

  constructor(space: number) {
    this.#bytes = Buffer.allocUnsafe(32)
    this.#bytes[0] = space
  }

  /** A number from 0 to 2^53 - 1. */
  u64(value: number): this {
    this.#reserve(8)
    this.#bytes.writeUInt32BE(Math.floor(value / 2 ** 32), this.#length)
    this.#bytes.writeUInt32BE(value % 2 ** 32, this.#length + 4)
    this.#length += 8
    return this
  }

  /** A name that other fields follow. */
  name(name: Bytes): this {
    return this.#append(escapeNuls(name)).#append(terminator)
  }

  /** The least key of all whose next field is a name not less than `name`. */
  namePrefix(name: Bytes): Buffer {
    return this.tail(escapeNuls(name))
  }

  /** A name that goes last. @throws StoreError `KeyTooLong` */
  tail(name: Bytes): Buffer {
    return this.#append(name).end()
  }

  /** The key as it is. @throws StoreError `KeyTooLong` */
  end(): Buffer {
    if (this.#length > maximumKeyBytes) throw new StoreError('KeyTooLong', 'Your key is too long')
    return this.#bytes.subarray(0, this.#length)
  }

  #append(bytes: Bytes): this {
    this.#reserve(bytes.byteLength)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.byteLength
    return this
  }

  #reserve(count: number): void {
    const needed = this.#length + count
    if (needed <= this.#bytes.byteLength) return
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.byteLength * 2))
    this.#bytes.copy(larger, 0, 0, this.#length)
    this.#bytes = larger
  }
}

function escapeNuls(name: Bytes): Bytes {
  if (!name.includes(0)) return name
  const escaped: number[] = []
  for (const byte of name) {
    escaped.push(byte)
    if (byte === 0) escaped.push(0xff)
  }
  return Buffer.from(escaped)
}

/** Reads the fields of a key, after its space byte. */
export function reader(row: Bytes): KeyReader {
  return new KeyReader(row)
}

/** Reads fields in the order in which they were appended. */
export class KeyReader {
  readonly #bytes: Buffer
  #offset = 1

  constructor(row: Bytes) {
    this.#bytes = Buffer.from(row.buffer, row.byteOffset, row.byteLength)
  }

  u64(): number {
    const high = this.#bytes.readUInt32BE(this.#offset)
    const low = this.#bytes.readUInt32BE(this.#offset + 4)
    this.#offset += 8
    return high * 2 ** 32 + low
  }

  name(): Buffer {
    const bytes: number[] = []
    for (;;) {
      const byte = this.#bytes[this.#offset++]
      if (byte === undefined) throw new Error('a name in a key has no end')
      if (byte !== 0) {
        bytes.push(byte)
        continue
      }
      if (this.#bytes[this.#offset++] !== 0xff) return Buffer.from(bytes)
      bytes.push(0)
    }
  }

  /** All that is left. */
  rest(): Buffer {
    return this.#bytes.subarray(this.#offset)
  }
}

/** All keys that begin with `prefix`. */
export function prefixRange(prefix: Bytes): Range {
  return { start: prefix, end: afterPrefix(prefix) }
}

const counterBytes = 8

/** The value of a counter. */
export function encodeCounter(value: bigint): Buffer {
  const bytes = Buffer.allocUnsafe(counterBytes)
  bytes.writeBigInt64BE(value)
  return bytes
}

/** The number in a counter's value; 0 where there is none. */
export function decodeCounter(value: Bytes | undefined): bigint {
  if (value === undefined) return 0n
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).readBigInt64BE(0)
}
