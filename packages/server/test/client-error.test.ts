// The response and the end of the connection for input that isn't HTTP, plain and over TLS.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { createHttpServer, createHttpsServer } from '../src/protocol/http/server.ts'
import { testCertificate, testKey } from './cli/certificate.ts'
import { listen } from './listen.fixture.ts'

/** A client that never closes its side, with all bytes received until the server closes the other. */
function halfOpen(t: TestContext, port: number): { socket: Socket; received: Promise<string> } {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  t.after(() => socket.destroy())
  return { socket, received: textOf(socket) }
}

async function textOf(socket: Socket): Promise<string> {
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk
  })
  socket.on('error', () => {})
  await Promise.race([once(socket, 'end'), once(socket, 'close')])
  return text
}

const nonsense = 'NONSENSE\r\n\r\n'

test('a connection that was answered 400 is closed even if its client never closes it', async (t) => {
  const server = createHttpServer({ lingerMs: 20 })
  const port = await listen(t, server)
  const accepted = once(server, 'connection')
  const { socket, received } = halfOpen(t, port)
  socket.write(nonsense)
  const [connection] = await accepted
  const closed = once(connection, 'close')
  assert.match(await received, /^HTTP\/1\.1 400 /)
  await closed
})

test('a connection over TLS is closed too, and so is one that speaks no TLS', async (t) => {
  const server = await createHttpsServer({ cert: testCertificate, key: testKey }, { lingerMs: 20 })
  const port = await listen(t, server)
  const secured = once(server, 'secureConnection')
  const socket = connectTls({
    socket: connect({ port, host: '127.0.0.1', allowHalfOpen: true }),
    servername: 'localhost',
    ca: testCertificate,
  })
  t.after(() => socket.destroy())
  const received = textOf(socket)
  socket.write(nonsense)
  const [connection] = await secured
  const closed = once(connection, 'close')
  assert.match(await received, /^HTTP\/1\.1 400 /)
  await closed
  const accepted = once(server, 'connection')
  const plain = halfOpen(t, port)
  plain.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  const [raw] = await accepted
  if (!raw.destroyed) await once(raw, 'close')
})

test('a client that goes on sending bytes that are not HTTP still gets its answer', async (t) => {
  const server = createHttpServer({ lingerMs: 1000 })
  const { socket, received } = halfOpen(t, await listen(t, server))
  socket.write(nonsense)
  for (let i = 0; i < 20; i++) socket.write('x'.repeat(100_000))
  assert.match(await received, /^HTTP\/1\.1 400 .*\r\n\r\n$/s)
})

test('no refusal is written into an answer that has begun', async (t) => {
  const server = createHttpServer()
  server.on('request', (_, response) => {
    response.writeHead(200, { 'Content-Length': 1000 })
    response.write('begun')
  })
  const { socket, received } = halfOpen(t, await listen(t, server))
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await once(socket, 'data')
  socket.write(nonsense)
  const text = await received
  assert.ok(text.endsWith('\r\n\r\nbegun'), text)
})

test('a refusal is no answer to an earlier request', async (t) => {
  const server = createHttpServer()
  const { socket, received } = halfOpen(t, await listen(t, server))
  socket.write(`${'GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(2)}${nonsense}`)
  assert.equal(await received, '')
})

test('a body that can not be parsed is answered before the connection closes', async (t) => {
  const server = createHttpServer({ lingerMs: 20 })
  server.on('request', (request) => void request.resume())
  const { socket, received } = halfOpen(t, await listen(t, server))
  socket.write('PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n')
  assert.match(await received, /^HTTP\/1\.1 400 /)
})
