// Clients that pipeline requests, and the memory that they cost the server.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { Pipelining } from '../src/protocol/http/pipelining.ts'
import { createHttpServer, createHttpsServer } from '../src/protocol/http/server.ts'
import { testCertificate, testKey } from './cli/certificate.ts'
import { listen } from './listen.fixture.ts'

const one = 'GET /1 HTTP/1.1\r\nHost: a\r\n\r\n'

async function open(t: TestContext, port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  t.after(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

/** Answers requests in order, the first one on demand; `seen` counts the parsed ones. */
function answerInTurn(server: Server): {
  seen: () => number
  waiting: () => number
  go: () => void
} {
  const turns = new Pipelining()
  let waiting = 0
  const { promise, resolve } = Promise.withResolvers<void>()
  let seen = 0
  const answer = async (response: ServerResponse, turn: Promise<boolean> | undefined) => {
    const isFirst = seen === 1
    waiting++
    const isLive = turn === undefined || (await turn)
    waiting--
    if (!isLive) return
    if (isFirst) await promise
    if (response.req.headers.expect !== undefined) response.writeContinue()
    response.end('.')
  }
  const take = (request: IncomingMessage, response: ServerResponse): void => {
    seen++
    void answer(response, turns.take(request, response))
  }
  server.on('request', take).on('checkContinue', take)
  return { seen: () => seen, waiting: () => waiting, go: resolve }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const bodies = [
  ['requests without a body', one],
  ['bodies that nobody reads', `PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello`],
  [
    'chunked bodies',
    'PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  ],
  [
    'bodies that wait for leave',
    'PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello',
  ],
] as const

async function testBackPressure(t: TestContext, server: Server, text: string): Promise<void> {
  const { seen, waiting, go } = answerInTurn(server)
  const isEncrypted = 'setSecureContext' in server
  const accepted = once(server, isEncrypted ? 'secureConnection' : 'connection')
  const plain = await open(t, await listen(t, server))
  const socket = isEncrypted
    ? connectTls({ socket: plain, servername: 'localhost', ca: testCertificate })
    : plain
  const [connection]: Socket[] = await accepted
  assert.ok(connection)
  const count = Math.ceil(8_000_000 / text.length)
  socket.write(text.repeat(count))
  while (waiting() === 0) await turn()
  // While the server reads, each turn of the event loop brings some requests.
  for (let i = 0; i < 100; i++) await turn()
  const [read, parsed] = [connection.bytesRead, seen()]
  assert.ok(read < 4 * 65_536, `${read} bytes were read`)
  // What one piece brings beside those that may wait.
  const bound = 5 + 2048 / text.length
  assert.ok(parsed <= bound, `${parsed} requests were parsed`)
  go()
  socket.resume()
  while (seen() < 3 * parsed) await turn()
  assert.ok(waiting() <= bound)
  socket.destroy()
  while (waiting() > 0) await turn()
}

for (const [what, text] of bodies) {
  test(`a connection is not read while requests wait: ${what}`, async (t) => {
    await testBackPressure(t, createHttpServer(), text)
  })
  test(`nor is one over TLS: ${what}`, async (t) => {
    const server = await createHttpsServer({ cert: testCertificate, key: testKey })
    await testBackPressure(t, server, text)
  })
}

test('all pipelined requests are answered once the first one is', async (t) => {
  const server = createHttpServer()
  const { waiting, go } = answerInTurn(server)
  const socket = await open(t, await listen(t, server))
  const count = 5000
  socket.write(`${one.repeat(count - 1)}GET /1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
  while (waiting() === 0) await turn()
  go()
  let text = ''
  for await (const data of socket) text += data
  assert.equal(text.split('HTTP/1.1 200').length - 1, count)
})
