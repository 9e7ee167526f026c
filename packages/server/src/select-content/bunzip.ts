// Decompresses bzip2 by blocks. A block has at most 900,000 bytes before its runs are expanded, which bounds
// the memory for any stream.
// https://en.wikipedia.org/wiki/Bzip2 describes the format; there is no official document.

import { QueryError } from './error.ts'
import type { ChunkSource } from './row-source.ts'

const outputBytes = 262_144
const blockMark = 0x314159265359
const endMark = 0x177245385090
const maximumCodeLength = 20

/** Reads bits, the most significant of each byte first. */
class BitReader {
  readonly #source: ChunkSource
  #chunk: Buffer = Buffer.alloc(0)
  #at = 0
  #bits = 0
  #count = 0

  constructor(source: ChunkSource) {
    this.#source = source
  }

  /** Buffers at least this many bytes, if the source has them. */
  async ensure(bytes: number): Promise<void> {
    while (this.#chunk.length - this.#at < bytes) {
      const more = await this.#source.read()
      if (more === undefined) return
      const rest = this.#chunk.subarray(this.#at)
      this.#chunk = rest.length === 0 ? more : Buffer.concat([rest, more])
      this.#at = 0
    }
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#chunk.length
  }

  /** Skips to the next byte boundary. */
  align(): void {
    this.#count -= this.#count % 8
  }

  /** Reads up to 24 bits. @throws QueryError `TruncatedInput` */
  read(count: number): number {
    while (this.#count < count) {
      const byte = this.#chunk[this.#at++]
      if (byte === undefined) throw broken()
      this.#bits = ((this.#bits << 8) | byte) >>> 0
      this.#count += 8
    }
    this.#count -= count
    const value = (this.#bits >>> this.#count) & (2 ** count - 1)
    return value
  }
}

function broken(): QueryError {
  return new QueryError('TruncatedInput', 'The object is not valid BZIP2.')
}

/** The decoding table of one alphabet: its codes by length. */
interface Huffman {
  readonly limits: Int32Array
  readonly bases: Int32Array
  readonly symbols: Uint16Array
  readonly shortest: number
  readonly longest: number
}

/** An upper bound of a compressed block in bytes: 900,000 symbols of at most 20 bits. */
const blockReadBytes = 2_400_000

/** The decompressed bytes of a source, which may be several concatenated streams. */
export class Bunzip implements ChunkSource {
  readonly #bits: BitReader
  #level = 0
  #isStarted = false
  #isEnded = false
  /** The current block: each element has a byte, and above it the position of the byte that follows. */
  #links = new Uint32Array(0)
  #left = 0
  #position = 0
  #runByte = -1
  #runLength = 0
  #repeats = 0
  #crc = 0
  #expectedCrc = 0
  #streamCrc = 0

  constructor(source: ChunkSource) {
    this.#bits = new BitReader(source)
  }

  async read(): Promise<Buffer | undefined> {
    while (this.#left === 0 && this.#repeats === 0) {
      if (this.#isEnded || !(await this.#nextBlock())) {
        this.#isEnded = true
        return undefined
      }
    }
    const output = Buffer.allocUnsafeSlow(outputBytes)
    const length = this.#expand(output)
    return output.subarray(0, length)
  }

  /** Reads the next block; false at the end of all streams. */
  async #nextBlock(): Promise<boolean> {
    await this.#bits.ensure(blockReadBytes)
    for (;;) {
      if (this.#level === 0) {
        if (this.#bits.isAtEnd && this.#isStarted) return false
        this.#readHeader()
      }
      const mark = this.#bits.read(24) * 2 ** 24 + this.#bits.read(24)
      const crc = ((this.#bits.read(16) << 16) | this.#bits.read(16)) >>> 0
      if (mark === blockMark) {
        this.#expectedCrc = crc
        this.#readBlock()
        return true
      }
      if (mark !== endMark || crc !== this.#streamCrc) throw broken()
      this.#bits.align()
      this.#level = 0
      this.#streamCrc = 0
      await this.#bits.ensure(blockReadBytes)
    }
  }

  #readHeader(): void {
    const isMarked = this.#bits.read(16) === 0x425a && this.#bits.read(8) === 0x68
    const level = isMarked ? this.#bits.read(8) - 0x30 : 0
    if (level < 1 || level > 9) throw broken()
    this.#level = level
    this.#isStarted = true
    const capacity = level * 100_000
    if (this.#links.length < capacity) this.#links = new Uint32Array(capacity)
  }

  #readBlock(): void {
    const bits = this.#bits
    if (bits.read(1) === 1) throw broken()
    const origin = bits.read(24)
    const alphabet = this.#readAlphabet()
    const { tables, selectors } = this.#readTables(alphabet.length + 2)
    const length = this.#readSymbols(alphabet, tables, selectors)
    if (origin >= length) throw broken()
    this.#link(length)
    this.#left = length
    this.#position = (this.#links[origin] ?? 0) >>> 8
    this.#runByte = -1
    this.#runLength = 0
    this.#crc = 0xffff_ffff
  }

  /** Reads which byte values occur in the block. */
  #readAlphabet(): number[] {
    const bits = this.#bits
    const groups = bits.read(16)
    const alphabet: number[] = []
    for (let group = 0; group < 16; group++) {
      if ((groups & (0x8000 >>> group)) === 0) continue
      const members = bits.read(16)
      for (let member = 0; member < 16; member++) {
        if ((members & (0x8000 >>> member)) !== 0) alphabet.push(group * 16 + member)
      }
    }
    if (alphabet.length === 0) throw broken()
    return alphabet
  }

  #readTables(symbolCount: number): { tables: Huffman[]; selectors: Uint8Array } {
    const bits = this.#bits
    const tableCount = bits.read(3)
    const selectorCount = bits.read(15)
    if (tableCount < 2 || tableCount > 6 || selectorCount === 0) throw broken()
    const order = Array.from({ length: tableCount }, (_, index) => index)
    const selectors = new Uint8Array(selectorCount)
    for (let index = 0; index < selectorCount; index++) {
      let rank = 0
      while (bits.read(1) === 1) if (++rank >= tableCount) throw broken()
      const [table = 0] = order.splice(rank, 1)
      order.unshift(table)
      selectors[index] = table
    }
    const tables: Huffman[] = []
    for (let table = 0; table < tableCount; table++) tables.push(this.#readTable(symbolCount))
    return { tables, selectors }
  }

  #readTable(symbolCount: number): Huffman {
    const bits = this.#bits
    const lengths = new Uint8Array(symbolCount)
    let length = bits.read(5)
    for (let symbol = 0; symbol < symbolCount; symbol++) {
      for (;;) {
        if (length < 1 || length > maximumCodeLength) throw broken()
        if (bits.read(1) === 0) break
        length += bits.read(1) === 0 ? 1 : -1
      }
      lengths[symbol] = length
    }
    return huffmanOf(lengths)
  }

  /** Decodes the block into the low bytes of the links. Returns the number of bytes. */
  #readSymbols(
    alphabet: readonly number[],
    tables: readonly Huffman[],
    selectors: Uint8Array,
  ): number {
    const bits = this.#bits
    const links = this.#links
    const capacity = this.#level * 100_000
    const recent = Uint8Array.from(alphabet)
    const end = alphabet.length + 1
    let length = 0
    let run = 0
    let weight = 1
    for (let group = 0; ; group++) {
      const table = tables[selectors[group] ?? 0xff]
      if (table === undefined || group >= selectors.length) throw broken()
      for (let count = 0; count < 50; count++) {
        const symbol = decode(bits, table)
        if (symbol <= 1) {
          run += weight << symbol
          weight *= 2
          if (run > capacity) throw broken()
          continue
        }
        if (run > 0) {
          if (length + run > capacity) throw broken()
          links.fill(recent[0] ?? 0, length, length + run)
          length += run
          run = 0
          weight = 1
        }
        if (symbol === end) return length
        if (length >= capacity) throw broken()
        const rank = symbol - 1
        const byte = recent[rank] ?? 0
        recent.copyWithin(1, 0, rank)
        recent[0] = byte
        links[length++] = byte
      }
    }
  }

  /** Inverts the Burrows-Wheeler transform: links each position to its successor. */
  #link(length: number): void {
    const links = this.#links
    const starts = new Uint32Array(256)
    for (let at = 0; at < length; at++) {
      const byte = (links[at] ?? 0) & 0xff
      starts[byte] = (starts[byte] ?? 0) + 1
    }
    let sum = 0
    for (let byte = 0; byte < 256; byte++) {
      const count = starts[byte] ?? 0
      starts[byte] = sum
      sum += count
    }
    for (let at = 0; at < length; at++) {
      const byte = (links[at] ?? 0) & 0xff
      const place = starts[byte] ?? 0
      starts[byte] = place + 1
      links[place] = ((links[place] ?? 0) & 0xff) | (at << 8)
    }
  }

  /** Writes the next bytes of the block, with runs expanded. Returns their number. */
  #expand(output: Buffer): number {
    const links = this.#links
    let at = 0
    let crc = this.#crc
    while (at < output.length) {
      if (this.#repeats > 0) {
        this.#repeats--
        output[at++] = this.#runByte
        crc = nextCrc(crc, this.#runByte)
        continue
      }
      if (this.#left === 0) break
      this.#left--
      const link = links[this.#position] ?? 0
      const byte = link & 0xff
      this.#position = link >>> 8
      if (this.#runLength === 4) {
        this.#repeats = byte
        this.#runLength = 0
        continue
      }
      this.#runLength = byte === this.#runByte ? this.#runLength + 1 : 1
      this.#runByte = byte
      output[at++] = byte
      crc = nextCrc(crc, byte)
    }
    this.#crc = crc
    if (this.#left === 0 && this.#repeats === 0) this.#checkBlock()
    return at
  }

  #checkBlock(): void {
    const crc = ~this.#crc >>> 0
    if (crc !== this.#expectedCrc) throw broken()
    this.#streamCrc = (((this.#streamCrc << 1) | (this.#streamCrc >>> 31)) ^ crc) >>> 0
  }
}

/** @throws QueryError `TruncatedInput` for lengths that don't form a prefix code */
function huffmanOf(lengths: Uint8Array): Huffman {
  const counts = new Int32Array(maximumCodeLength + 2)
  let shortest = maximumCodeLength
  let longest = 0
  for (const length of lengths) {
    counts[length] = (counts[length] ?? 0) + 1
    shortest = Math.min(shortest, length)
    longest = Math.max(longest, length)
  }
  const limits = new Int32Array(maximumCodeLength + 2).fill(-1)
  const bases = new Int32Array(maximumCodeLength + 2)
  const symbols = new Uint16Array(lengths.length)
  let code = 0
  let index = 0
  for (let length = shortest; length <= longest; length++) {
    const count = counts[length] ?? 0
    bases[length] = index - code
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      if (lengths[symbol] === length) symbols[index++] = symbol
    }
    code += count
    if (code > 2 ** length) throw broken()
    limits[length] = code - 1
    code *= 2
  }
  return { limits, bases, symbols, shortest, longest }
}

function decode(bits: BitReader, table: Huffman): number {
  let length = table.shortest
  let code = bits.read(length)
  while (code > (table.limits[length] ?? -1)) {
    if (++length > table.longest) throw broken()
    code = (code << 1) | bits.read(1)
  }
  const symbol = table.symbols[code + (table.bases[length] ?? 0)]
  if (symbol === undefined) throw broken()
  return symbol
}

const crcTable = crcTableOf()

function crcTableOf(): Int32Array {
  const table = new Int32Array(256)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte << 24
    for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc < 0 ? 0x04c11db7 : 0)
    table[byte] = crc
  }
  return table
}

function nextCrc(crc: number, byte: number): number {
  return (crc << 8) ^ (crcTable[((crc >>> 24) ^ byte) & 0xff] ?? 0)
}
