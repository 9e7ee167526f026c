// Writes zip archives, stored without compression, with Zip64 where sizes or counts require it:
// https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT. A second pass over the entries
// produces the central directory, so only their checksums are kept in memory.

import { crc32 } from 'node:zlib'
import type { Bytes } from '../../base/bytes.ts'
import { type ArchiveEntries, type ArchiveEntry, contentOf, gathered } from './entry.ts'

/** Marks a value that is in the Zip64 field. */
const in64 = { u32: 0xffff_ffff, u16: 0xffff } as const
const flags = { utf8: 0x0800, descriptor: 0x0008 } as const
/** The version that a reader needs: 2.0, or 4.5 for Zip64. */
const versions = { plain: 20, zip64: 45 } as const
/** Unix file attributes. */
const madeBy = 0x0300 | versions.zip64

/** The bytes of a zip archive. A piece is valid until the next one is requested. */
export function zip(entries: ArchiveEntries): AsyncGenerator<Bytes> {
  return gathered(pieces(entries))
}

async function* pieces(entries: ArchiveEntries): AsyncGenerator<Bytes> {
  const sums = new Checksums()
  let offset = 0
  for await (const entry of entries({ withBytes: true })) {
    const known = knownChecksum(entry)
    yield localHeader(entry, known)
    let sum = 0
    for await (const chunk of contentOf(entry)) {
      if (known === undefined) sum = crc32(chunk, sum)
      yield chunk
    }
    if (known === undefined) yield descriptor(entry, sum)
    sums.push(known ?? sum, known !== undefined)
    offset += sizeInArchive(entry, known)
  }
  const directoryOffset = offset
  let directoryBytes = 0
  let index = 0
  offset = 0
  for await (const entry of entries({ withBytes: false })) {
    const { sum, isKnown } = sums.at(index++)
    const header = centralHeader(entry, { sum, isKnown, offset })
    directoryBytes += header.byteLength
    yield header
    offset += sizeInArchive(entry, isKnown ? sum : undefined)
  }
  if (index !== sums.count) throw new Error('the entries changed between the two passes')
  yield end({ count: index, offset: directoryOffset, sizeBytes: directoryBytes })
}

/** The CRC-32 of each entry, and whether its local header contained it. */
class Checksums {
  #sums = new Uint32Array(1024)
  #known = new Uint8Array(1024)
  count = 0

  push(sum: number, isKnown: boolean): void {
    if (this.count === this.#sums.length) {
      const [sums, known] = [this.#sums, this.#known]
      this.#sums = new Uint32Array(2 * this.count)
      this.#sums.set(sums)
      this.#known = new Uint8Array(2 * this.count)
      this.#known.set(known)
    }
    this.#sums[this.count] = sum
    this.#known[this.count++] = isKnown ? 1 : 0
  }

  at(index: number): { readonly sum: number; readonly isKnown: boolean } {
    return { sum: this.#sums[index] ?? 0, isKnown: this.#known[index] === 1 }
  }
}

/** The checksum if it is known before the bytes; otherwise it follows them. */
function knownChecksum({ crc32: known, content }: ArchiveEntry): number | undefined {
  return known ?? (content instanceof Uint8Array ? crc32(content) : undefined)
}

function isLarge({ sizeBytes }: ArchiveEntry): boolean {
  return sizeBytes >= in64.u32
}

function sizeInArchive(entry: ArchiveEntry, known: number | undefined): number {
  const descriptorBytes = known !== undefined ? 0 : isLarge(entry) ? 24 : 16
  return localHeader(entry, known).byteLength + entry.sizeBytes + descriptorBytes
}

function localHeader(entry: ArchiveEntry, known: number | undefined): Buffer {
  const { name, sizeBytes } = entry
  const large = isLarge(entry)
  // Sizes in a data descriptor are 0 here; the Zip64 field makes them 8 bytes wide there.
  const size = known === undefined ? 0 : sizeBytes
  const fixed = Buffer.alloc(30)
  fixed.writeUInt32LE(0x0403_4b50, 0)
  writeCommon(fixed, 4, entry, { sum: known ?? 0, isKnown: known !== undefined })
  fixed.writeUInt32LE(large ? in64.u32 : size, 18)
  fixed.writeUInt32LE(large ? in64.u32 : size, 22)
  const extra = [...(large ? [zip64([size, size])] : []), timestamp(entry)]
  return closed(fixed, 26, name, extra)
}

function descriptor(entry: ArchiveEntry, sum: number): Buffer {
  const large = isLarge(entry)
  const bytes = Buffer.alloc(large ? 24 : 16)
  bytes.writeUInt32LE(0x0807_4b50, 0)
  bytes.writeUInt32LE(sum, 4)
  if (large) {
    bytes.writeBigUInt64LE(BigInt(entry.sizeBytes), 8)
    bytes.writeBigUInt64LE(BigInt(entry.sizeBytes), 16)
  } else {
    bytes.writeUInt32LE(entry.sizeBytes, 8)
    bytes.writeUInt32LE(entry.sizeBytes, 12)
  }
  return bytes
}

function centralHeader(
  entry: ArchiveEntry,
  { offset, ...checksum }: { sum: number; isKnown: boolean; offset: number },
): Buffer {
  const { name, sizeBytes, isFolder } = entry
  const large = isLarge(entry)
  const far = offset >= in64.u32
  const fixed = Buffer.alloc(46)
  fixed.writeUInt32LE(0x0201_4b50, 0)
  fixed.writeUInt16LE(madeBy, 4)
  writeCommon(fixed, 6, entry, checksum)
  if (far) fixed.writeUInt16LE(versions.zip64, 6)
  fixed.writeUInt32LE(large ? in64.u32 : sizeBytes, 20)
  fixed.writeUInt32LE(large ? in64.u32 : sizeBytes, 24)
  // The upper half is the Unix mode, the lowest bits are DOS attributes.
  fixed.writeUInt32LE(isFolder ? 0o40755 * 0x10000 + 0x10 : 0o100644 * 0x10000, 38)
  fixed.writeUInt32LE(far ? in64.u32 : offset, 42)
  const fields = [...(large ? [sizeBytes, sizeBytes] : []), ...(far ? [offset] : [])]
  const extra = [...(fields.length > 0 ? [zip64(fields)] : []), timestamp(entry)]
  return closed(fixed, 28, name, extra)
}

/** The fields common to both headers: version, flags, method, time, date, checksum. */
function writeCommon(
  header: Buffer,
  at: number,
  entry: ArchiveEntry,
  { sum, isKnown }: { readonly sum: number; readonly isKnown: boolean },
): void {
  header.writeUInt16LE(isLarge(entry) ? versions.zip64 : versions.plain, at)
  header.writeUInt16LE(flags.utf8 | (isKnown ? 0 : flags.descriptor), at + 2)
  header.writeUInt16LE(0, at + 4)
  header.writeUInt32LE(dosTime(entry.modifiedAt), at + 6)
  header.writeUInt32LE(sum, at + 10)
}

/** Appends the name and the extra fields; their lengths are stored at offset `at`. */
function closed(fixed: Buffer, at: number, name: Bytes, extra: readonly Buffer[]): Buffer {
  const fields = Buffer.concat(extra)
  fixed.writeUInt16LE(name.byteLength, at)
  fixed.writeUInt16LE(fields.byteLength, at + 2)
  return Buffer.concat([fixed, name, fields])
}

function zip64(values: readonly number[]): Buffer {
  const field = Buffer.alloc(4 + 8 * values.length)
  field.writeUInt16LE(0x0001, 0)
  field.writeUInt16LE(8 * values.length, 2)
  values.forEach((value, index) => {
    field.writeBigUInt64LE(BigInt(value), 4 + 8 * index)
  })
  return field
}

/**
 * The time in seconds since the Unix epoch (Info-ZIP's field). DOS times lack a zone and have a
 * resolution of 2 s.
 */
function timestamp({ modifiedAt }: ArchiveEntry): Buffer {
  const seconds = Math.min(Math.max(Math.floor(modifiedAt / 1000), 0), 0x7fff_ffff)
  const field = Buffer.alloc(9)
  field.writeUInt16LE(0x5455, 0)
  field.writeUInt16LE(5, 2)
  field.writeUInt8(1, 4)
  field.writeInt32LE(seconds, 5)
  return field
}

/** DOS date and time, in UTC, from 1980 to 2107. */
function dosTime(ms: number): number {
  const date = new Date(ms)
  const year = date.getUTCFullYear()
  if (year < 1980) return (1 << 21) | (1 << 16)
  const day =
    ((Math.min(year, 2107) - 1980) << 9) | ((date.getUTCMonth() + 1) << 5) | date.getUTCDate()
  const time =
    (date.getUTCHours() << 11) | (date.getUTCMinutes() << 5) | (date.getUTCSeconds() >> 1)
  return day * 0x10000 + time
}

function end(directory: {
  readonly count: number
  readonly offset: number
  readonly sizeBytes: number
}): Buffer {
  const { count, offset, sizeBytes } = directory
  const last = Buffer.alloc(22)
  last.writeUInt32LE(0x0605_4b50, 0)
  last.writeUInt16LE(Math.min(count, in64.u16), 8)
  last.writeUInt16LE(Math.min(count, in64.u16), 10)
  last.writeUInt32LE(Math.min(sizeBytes, in64.u32), 12)
  last.writeUInt32LE(Math.min(offset, in64.u32), 16)
  if (count < in64.u16 && sizeBytes < in64.u32 && offset < in64.u32) return last
  const record = Buffer.alloc(56)
  record.writeUInt32LE(0x0606_4b50, 0)
  record.writeBigUInt64LE(44n, 4)
  record.writeUInt16LE(madeBy, 12)
  record.writeUInt16LE(versions.zip64, 14)
  record.writeBigUInt64LE(BigInt(count), 24)
  record.writeBigUInt64LE(BigInt(count), 32)
  record.writeBigUInt64LE(BigInt(sizeBytes), 40)
  record.writeBigUInt64LE(BigInt(offset), 48)
  const locator = Buffer.alloc(20)
  locator.writeUInt32LE(0x0706_4b50, 0)
  locator.writeBigUInt64LE(BigInt(offset + sizeBytes), 8)
  locator.writeUInt32LE(1, 16)
  return Buffer.concat([record, locator, last])
}
