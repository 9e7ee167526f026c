// The messages of an event stream, the response format of SelectObjectContent. A message has a prelude of lengths
// with its checksum, headers, a payload, and a checksum of the whole.
// https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html

import { crc32 } from 'node:zlib'

/** The sizes of the prelude and of each checksum. */
const preludeBytes = 8
const checksumBytes = 4
/** The type number of text headers. */
const textType = 7

/** Headers in order. Names and values are ASCII, values at most 64 KiB. */
export type EventHeaders = readonly (readonly [name: string, value: string])[]

const empty = new Uint8Array()

/** Encodes a message. */
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
