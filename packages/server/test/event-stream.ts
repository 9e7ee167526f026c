// Reads event streams, the response format of SelectObjectContent.

import assert from 'node:assert/strict'
import { crc32 } from 'node:zlib'

export interface EventMessage {
  readonly headers: Readonly<Record<string, string>>
  readonly payload: string
}

/** The messages of an event stream, each with its headers; checksums are checked. */
export function messagesOf(body: Buffer): EventMessage[] {
  const messages: EventMessage[] = []
  for (let at = 0; at < body.length; ) {
    const total = body.readUInt32BE(at)
    const headerBytes = body.readUInt32BE(at + 4)
    assert.equal(body.readUInt32BE(at + 8), crc32(body.subarray(at, at + 8)))
    const end = at + total
    assert.equal(body.readUInt32BE(end - 4), crc32(body.subarray(at, end - 4)))
    const headers: Record<string, string> = {}
    let header = at + 12
    while (header < at + 12 + headerBytes) {
      const nameEnd = header + 1 + body.readUInt8(header)
      assert.equal(body.readUInt8(nameEnd), 7)
      const valueEnd = nameEnd + 3 + body.readUInt16BE(nameEnd + 1)
      const name = body.toString('latin1', header + 1, nameEnd)
      headers[name] = body.toString('latin1', nameEnd + 3, valueEnd)
      header = valueEnd
    }
    messages.push({ headers, payload: body.toString('utf8', header, end - 4) })
    at = end
  }
  return messages
}

/** The records of a whole answer, which must have come to its end. */
export function recordsOf(body: Buffer): string {
  const messages = messagesOf(body)
  assert.equal(messages.at(-1)?.headers[':event-type'], 'End')
  const records = messages.filter(({ headers }) => headers[':event-type'] === 'Records')
  return records.map(({ payload }) => payload).join('')
}
