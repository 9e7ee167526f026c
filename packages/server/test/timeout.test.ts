// The response to a client that stops sending, over TLS.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { connect } from 'node:tls'
import { isStoreError } from '../src/base/errors.ts'
import { RequestBody } from '../src/protocol/http/body.ts'
import { sendFixed } from '../src/protocol/http/respond.ts'
import { createHttpsServer } from '../src/protocol/http/server.ts'
import { testCertificate, testKey } from './cli/certificate.ts'

test('a client that stopped in the middle of a body gets the whole answer over TLS', async (t) => {
  const server = await createHttpsServer({ cert: testCertificate, key: testKey })
  // More than the system's buffers hold.
  const text = 'too slow '.repeat(2_000_000)
  server.on('request', async (request, response) => {
    const body = new RequestBody(request, { idleMs: 20 })
    await assert.rejects(buffer(body), (error) => isStoreError(error, 'RequestTimeout'))
    sendFixed(response, { status: 400, headers: { Connection: 'close' } }, text, body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ca: testCertificate })
  t.after(() => {
    socket.destroy()
    server.closeAllConnections()
    server.close()
  })
  socket.write('PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf')
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk)
  const answer = Buffer.concat(chunks).toString()
  assert.ok(answer.startsWith('HTTP/1.1 400 '))
  assert.ok(answer.endsWith(text), `${answer.length} bytes came`)
})
