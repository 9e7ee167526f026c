// An owner that signs uploads in aws-chunked encoding, and sends them in pieces as small as can be: chunks of
// the encoding, of HTTP around it, or TCP segments.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { signedHeaders } from '../wire.ts'
import { assertUnharmed, compare, describe, startTarget, type Target } from './bystander.ts'
import { openMany, repeat, statusOf } from './sockets.ts'

const bytes = 60_000
const bucket = 'attacker'

type Framing = Readonly<Record<string, string>>

function head({ server, attacker }: Target, index: number, framing: Framing): string {
  const path = `/${bucket}/${index}`
  const headers = signedHeaders(attacker, {
    method: 'PUT',
    host: `${server.host}:${server.port}`,
    path,
    headers: { 'content-encoding': 'aws-chunked', 'x-amz-decoded-content-length': `${bytes}` },
    payloadHash: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
    date: new Date(),
  })
  const lines = Object.entries({ ...headers, ...framing }).map(
    ([name, value]) => `${name}: ${value}`,
  )
  return `PUT ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`
}

/** The encoded body, of chunks of `size` bytes. */
function encoded(size: number): string {
  const chunk = `${size.toString(16)}\r\n${'a'.repeat(size)}\r\n`
  return `${chunk.repeat(bytes / size)}0\r\n\r\n`
}

/** Every character of `text` in an HTTP chunk of its own. */
function tinyHttpChunks(text: string): string {
  return `${[...text].map((one) => `1\r\n${one}\r\n`).join('')}0\r\n\r\n`
}

async function sendInSegments(socket: Socket, text: string): Promise<void> {
  socket.setNoDelay(true)
  const buffer = Buffer.from(text, 'latin1')
  for (let at = 0; at < buffer.length && !socket.destroyed; at++) {
    // The last bytes of a full socket wait until the server has read others.
    if (!socket.write(buffer.subarray(at, at + 1))) {
      await Promise.race([once(socket, 'drain'), once(socket, 'close')])
    }
  }
}

interface Attack {
  readonly what: string
  readonly framing: Framing
  readonly body: string
  /** The status of the refusal: of S3's for chunks that are too small, or of one for wasteful framing. */
  readonly status: number
}

const attacks: readonly Attack[] = [
  {
    what: 'chunks of one byte',
    framing: { 'content-length': `${encoded(1).length}` },
    body: encoded(1),
    status: 403,
  },
  {
    what: 'HTTP chunks of one byte',
    framing: { 'transfer-encoding': 'chunked' },
    body: tinyHttpChunks(encoded(bytes)),
    status: 400,
  },
  {
    what: 'chunks of one byte in HTTP chunks of one byte',
    framing: { 'transfer-encoding': 'chunked' },
    body: tinyHttpChunks(encoded(1)),
    status: 400,
  },
]

for (const { what, framing, body, status } of attacks) {
  test(`uploads in ${what} harm no other client`, { timeout: 90_000 }, async (t) => {
    await using target = await startTarget()
    await makeBucket(target)
    const statuses = new Set<number>()
    const comparison = await compare(target, () =>
      repeat({ count: 160, atOnce: 16 }, async (index) => {
        const text = `${head(target, index, framing)}${body}`
        statuses.add(await statusOf(target.server, text))
      }),
    )
    t.diagnostic(`${[...statuses]}; ${describe(comparison)}`)
    assertUnharmed(comparison, { p99Ms: 500 })
    // 0: the connection ended before the attacker saw its answer.
    for (const one of statuses) assert.ok([0, status, 503].includes(one), `${one}`)
  })
}

test('uploads in TCP segments of one byte harm no other client', { timeout: 90_000 }, async (t) => {
  await using target = await startTarget()
  await makeBucket(target)
  const body = encoded(bytes)
  const comparison = await compare(target, async () => {
    const sockets = await openMany(target.server, 8)
    await Promise.all(
      sockets.map(async (socket, index) => {
        socket.write(head(target, index, { 'content-length': `${body.length}` }), 'latin1')
        await sendInSegments(socket, body.slice(0, 10_000))
        socket.destroy()
      }),
    )
  })
  t.diagnostic(describe(comparison))
  assertUnharmed(comparison, { p99Ms: 500 })
})

async function makeBucket(target: Target): Promise<void> {
  const { server, attacker } = target
  const path = `/${bucket}`
  const host = `${server.host}:${server.port}`
  const headers = signedHeaders(attacker, { method: 'PUT', host, path, date: new Date() })
  const answer = await fetch(`${server.endpoint}${path}`, { method: 'PUT', headers })
  assert.equal(answer.status, 200)
}
