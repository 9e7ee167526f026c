// Order-preserving encoding of tuples as keys: a key space (one byte), unsigned integers (8 bytes,
// big-endian) and byte strings (escaped, NUL-terminated). A raw tail, which needs no escaping,
// comes last.

import { afterPrefix, type Bytes } from '../base/bytes.ts'
import { StoreError } from '../base/errors.ts'
import type { Range } from './engine.ts'

/** The longest key in bytes that every engine can store: LMDB's limit at its default page size. */
export const maxKeyBytes = 1978

/** Bytes of a counter row's value. */
export const counterBytes = 8

/** Initial buffer size of a key. Most keys fit, so they are written without a copy. */
const initialKeyBytes = 128

/**
 * Begins a key in a key space, a number from 0 to 255 that separates kinds of rows:
 * `key(space).u64(directoryId).tail(name)`.
 */
export function key(space: number): KeyWriter {
  return new KeyWriter(space)
}

/**
 * Writes one key. Every method appends; {@link KeyWriter.tail} and {@link KeyWriter.end} finish it.
 */
export class KeyWriter {
  #bytes: Buffer = Buffer.allocUnsafe(initialKeyBytes)
  #length = 1

  constructor(space: number) {
    this.#bytes.writeUInt8(space, 0)
  }

  /** An integer from 0 to 2^64 - 1, as 8 bytes big-endian. A `number` must be a safe integer. */
  u64(value: number | bigint): this {
    const start = this.#reserve(8)
    if (typeof value === 'bigint') {
      this.#bytes.writeBigUInt64BE(value, start)
      return this
    }
    if (!Number.isSafeInteger(value) || value < 0)
      throw new RangeError(`${value} is not a 64-bit unsigned integer`)
    const high = Math.floor(value / 0x1_0000_0000)
    this.#bytes.writeUInt32BE(high, start)
    this.#bytes.writeUInt32BE(value - high * 0x1_0000_0000, start + 4)
    return this
  }

  /** Like {@link u64}, but greater numbers sort first. */
  u64Descending(value: number | bigint): this {
    if (typeof value === 'number' && !Number.isSafeInteger(value)) {
      throw new RangeError(`${value} is not a 64-bit unsigned integer`)
    }
    return this.u64(0xffff_ffff_ffff_ffffn - BigInt(value))
  }

  /**
   * A byte string followed by other parts: NUL-terminated, 00 escaped as 01 01, and 01 as 01 02. A
   * string therefore sorts before its extensions, whatever follows it in the key.
   */
  bytes(value: Bytes): this {
    let special = 0
    for (const byte of value) if (byte <= 1) special++
    let at = this.#reserve(value.length + special + 1)
    if (special === 0) {
      this.#bytes.set(value, at)
      at += value.length
    } else {
      for (const byte of value) {
        if (byte > 1) {
          this.#bytes[at++] = byte
        } else {
          this.#bytes[at++] = 1
          this.#bytes[at++] = byte + 1
        }
      }
    }
    this.#bytes[at] = 0
    return this
  }

  /** An integer from 0 to 2^32 - 1, as 4 bytes big-endian. */
  u32(value: number): this {
    const start = this.#reserve(4)
    this.#bytes.writeUInt32BE(value, start)
    return this
  }

  /**
   * UTF-8 text followed by other parts, NUL-terminated. Every byte is incremented by one, so the
   * form is never longer than the text and its terminator. UTF-8 leaves room for that: its greatest
   * byte is F4.
   */
  shifted(value: Bytes): this {
    this.shiftedStart(value)
    // Reserve first: it may reallocate the buffer.
    const end = this.#reserve(1)
    this.#bytes[end] = 0
    return this
  }

  /** The common prefix in {@link shifted} form of all texts that begin with `value`. */
  shiftedStart(value: Bytes): this {
    let at = this.#reserve(value.length)
    for (const byte of value) {
      if (byte === 0xff) throw new RangeError('FF does not occur in UTF-8 text')
      this.#bytes[at++] = byte + 1
    }
    return this
  }

  /** Ends the key with an unescaped byte string; nothing can follow it. */
  tail(value: Bytes): Buffer {
    const at = this.#reserve(value.length)
    this.#bytes.set(value, at)
    return this.end()
  }

  /**
   * Ends the key here. The result is also the prefix of every key that continues it.
   * @throws StoreError `RowKeyTooLong` when it has more than {@link maxKeyBytes}.
   */
  end(): Buffer {
    const length = this.#length
    if (length > maxKeyBytes) throw keyTooLong(length)
    this.#length = 0
    return this.#bytes.subarray(0, length)
  }

  /** Reserves `count` bytes and returns their offset. */
  #reserve(count: number): number {
    const start = this.#length
    if (start === 0) throw new Error('the key is finished already')
    const needed = start + count
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2))
      this.#bytes.copy(larger, 0, 0, start)
      this.#bytes = larger
    }
    this.#length = needed
    return start
  }
}

/** Decodes a key, part by part in the order written. */
export function readKey(bytes: Bytes): KeyReader {
  return new KeyReader(bytes)
}

/** The parts of one key. Every method throws an Error when the key ends early or is malformed. */
export class KeyReader {
  readonly space: number
  readonly #bytes: Buffer
  #at = 1

  constructor(bytes: Bytes) {
    this.#bytes = asBuffer(bytes)
    this.space = this.#bytes.readUInt8(0)
  }

  /** An integer that must be a safe one. */
  u64(): number {
    const value = this.bigU64()
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError(`${value} is too large`)
    return Number(value)
  }

  bigU64(): bigint {
    const value = this.#bytes.readBigUInt64BE(this.#at)
    this.#at += 8
    return value
  }

  u32(): number {
    const value = this.#bytes.readUInt32BE(this.#at)
    this.#at += 4
    return value
  }

  /** Reads a part written by {@link KeyWriter.shifted}. */
  shifted(): Buffer {
    const end = this.#bytes.indexOf(0, this.#at)
    if (end < 0) throw new Error('the text is not terminated')
    const value = Buffer.allocUnsafe(end - this.#at)
    for (let at = this.#at; at < end; at++) value[at - this.#at] = (this.#bytes[at] ?? 0) - 1
    this.#at = end + 1
    return value
  }

  /** Reads a part written by {@link KeyWriter.u64Descending}; a safe integer. */
  u64Descending(): number {
    const value = 0xffff_ffff_ffff_ffffn - this.bigU64()
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError(`${value} is too large`)
    return Number(value)
  }

  bytes(): Buffer {
    const end = this.#bytes.indexOf(0, this.#at)
    if (end < 0) throw new Error('the byte string is not terminated')
    const escaped = this.#bytes.subarray(this.#at, end)
    this.#at = end + 1
    if (!escaped.includes(1)) return escaped
    const value = Buffer.allocUnsafe(escaped.length)
    let length = 0
    for (let at = 0; at < escaped.length; at++) {
      let byte = escaped[at] ?? 0
      if (byte === 1) {
        byte = escaped.readUInt8(++at) - 1
        if (byte !== 0 && byte !== 1) throw new Error('the byte string has an invalid escape')
      }
      value[length++] = byte
    }
    return value.subarray(0, length)
  }

  /** The rest of the key. */
  tail(): Buffer {
    const value = this.#bytes.subarray(this.#at)
    this.#at = this.#bytes.length
    return value
  }
}

/** The range of all keys that begin with `prefix`. */
export function prefixRange(prefix: Bytes, order: { readonly reverse?: boolean } = {}): Range {
  return { start: prefix, end: afterPrefix(prefix), ...order }
}

/** The value of a counter row: 64-bit signed, big-endian. It wraps around on overflow. */
export function encodeCounter(value: bigint): Buffer {
  const bytes = Buffer.allocUnsafe(counterBytes)
  bytes.writeBigInt64BE(BigInt.asIntN(64, value), 0)
  return bytes
}

/**
 * Decodes a counter row's value; an absent row counts as 0. @throws Error if it is not a counter.
 */
export function decodeCounter(value: Bytes | undefined): bigint {
  if (value === undefined) return 0n
  if (value.length !== counterBytes) {
    throw new Error(`a counter has ${counterBytes} bytes, not ${value.length}`)
  }
  return asBuffer(value).readBigInt64BE(0)
}

/** The error for a key that can't be stored. */
export function keyTooLong(length: number): StoreError {
  return new StoreError({ code: 'RowKeyTooLong', sizeBytes: length, maximumBytes: maxKeyBytes })
}

function asBuffer(bytes: Bytes): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
