// Messages of an event stream, in which the answer of SelectObjectContent comes: a prelude of lengths with its
// checksum, headers, a payload, and a checksum of all.
// https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html

import { crc32 } from 'node:zlib'

/** Lengths of the prelude, and of each checksum. */
const preludeBytes = 8
const checksumBytes = 4
/** The type of a header whose value is text. */
const textType = 7

/** Headers in the order in which they are sent; names and values are ASCII, values at most 64 KiB. */
export type EventHeaders = readonly (readonly [name: string, value: string])[]

const empty = new Uint8Array()

/** One message. */
export function encodeEvent(headers: EventHeaders, payload: Uint8Array = empty): Buffer {
  let headerBytes = 0
  for (const [name, value] of headers) {
    headerBytes += 1 + Buffer.byteLength(name) + 1 + 2 + Buffer.byteLength(value)
  }
  const total = preludeBytes + checksumBytes + headerBytes + payload.byteLength + checksumBytes
  const message = Buffer.allocUnsafe(total)
  message.writeUInt32BE(total, 0)
  message.writeUInt32BE(headerBytes, 4)
  message.writeUInt32BE(crc32(message.subarray(0, preludeBytes)), preludeBytes)
  let at = preludeBytes + checksumBytes
  for (const [name, value] of headers) {
    at = message.writeUInt8(Buffer.byteLength(name), at)
    at += message.write(name, at)
    at = message.writeUInt8(textType, at)
    at = message.writeUInt16BE(Buffer.byteLength(value), at)
    at += message.write(value, at)
  }
  message.set(payload, at)
  message.writeUInt32BE(crc32(message.subarray(0, total - checksumBytes)), total - checksumBytes)
  return message
}
