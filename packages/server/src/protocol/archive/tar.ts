// Writes tar archives: POSIX.1-2001 (pax),
// https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html. An entry has a plain ustar
// header if its name and size fit, otherwise extended records before it.

import type { Bytes } from '../../base/bytes.ts'
import { type ArchiveEntries, type ArchiveEntry, contentOf, gathered } from './entry.ts'

const blockBytes = 512
const nameBytes = 100
/** The largest number of eleven octal digits. */
const maximumSize = 0o77777777777
const zeros: Bytes = new Uint8Array(blockBytes)

/** The bytes of a tar archive. A piece is valid until the next one is requested. */
export function tar(entries: ArchiveEntries): AsyncGenerator<Bytes> {
  return gathered(pieces(entries))
}

async function* pieces(entries: ArchiveEntries): AsyncGenerator<Bytes> {
  for await (const entry of entries({ withBytes: true })) {
    const { name, isFolder, sizeBytes, modifiedAt } = entry
    const records = extendedRecords(entry)
    if (records.byteLength > 0) {
      const shown = Buffer.concat([Buffer.from('PaxHeaders/'), shortName(name)])
      yield header({
        name: shown,
        type: 'x',
        sizeBytes: records.byteLength,
        modifiedAt,
        mode: 0o644,
      })
      yield records
      yield padding(records.byteLength)
    }
    yield header({
      name: shortName(name),
      type: isFolder ? '5' : '0',
      mode: isFolder ? 0o755 : 0o644,
      sizeBytes: Math.min(sizeBytes, maximumSize),
      modifiedAt,
    })
    yield* contentOf(entry)
    yield padding(sizeBytes)
  }
  yield zeros
  yield zeros
}

/** Extended records for values that a ustar header can't hold. */
function extendedRecords({ name, sizeBytes }: ArchiveEntry): Bytes {
  const records: Buffer[] = []
  if (name.byteLength > nameBytes || !isAscii(name)) records.push(record('path', Buffer.from(name)))
  if (sizeBytes > maximumSize) records.push(record('size', Buffer.from(String(sizeBytes))))
  return Buffer.concat(records)
}

/** `length keyword=value\n`, where the length includes its own digits. */
function record(keyword: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${keyword}=`), value, Buffer.from('\n')])
  let length = rest.byteLength
  while (String(length).length + rest.byteLength !== length) {
    length = String(length).length + rest.byteLength
  }
  return Buffer.concat([Buffer.from(String(length)), rest])
}

/** The name shown by programs that ignore extended records: ASCII, and truncated. */
function shortName(name: Bytes): Bytes {
  return name.subarray(0, nameBytes).map((byte) => (byte < 0x80 ? byte : 0x5f))
}

function isAscii(bytes: Bytes): boolean {
  return bytes.every((byte) => byte < 0x80)
}

export function header(fields: {
  readonly name: Bytes
  readonly type: '0' | '5' | 'x'
  readonly mode: number
  readonly sizeBytes: number
  readonly modifiedAt: number
}): Buffer {
  const { name, type, mode, sizeBytes, modifiedAt } = fields
  const block = Buffer.alloc(blockBytes)
  block.set(name.subarray(0, nameBytes), 0)
  const octal = (value: number, at: number, digits: number): void => {
    block.write(value.toString(8).padStart(digits, '0'), at, 'latin1')
  }
  octal(mode, 100, 7)
  octal(0, 108, 7)
  octal(0, 116, 7)
  octal(sizeBytes, 124, 11)
  octal(Math.max(0, Math.floor(modifiedAt / 1000)), 136, 11)
  block.fill(' ', 148, 156)
  block.write(type, 156, 'latin1')
  block.write('ustar\x0000', 257, 'latin1')
  let sum = 0
  for (const byte of block) sum += byte
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}

export function padding(sizeBytes: number): Bytes {
  return zeros.subarray(0, (blockBytes - (sizeBytes % blockBytes)) % blockBytes)
}
