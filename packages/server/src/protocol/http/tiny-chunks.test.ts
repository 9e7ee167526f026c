import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { isStoreError } from '../../base/errors.ts'
import { RequestBody } from './body.ts'
import { sendFixed } from './respond.ts'
import { createHttpServer } from './server.ts'

const head = 'PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n'
const end = '0\r\n\r\n'

/** A server that answers with the bytes of each body, the chunks that its reader saw, or the error. */
async function dial(t: TestContext): Promise<Socket> {
  const server: Server = createHttpServer()
  server.on('request', async (request, response) => {
    const body = new RequestBody(request)
    let [bytes, chunks] = [0, 0]
    try {
      for await (const chunk of body) {
        bytes += chunk.byteLength
        chunks++
      }
      sendFixed(response, { status: 200, headers: {} }, `${bytes} bytes in ${chunks}.`)
    } catch (error) {
      const text = isStoreError(error) ? error.code : String(error)
      sendFixed(response, { status: 400, headers: {} }, `${text}.`)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  t.after(() => {
    socket.destroy()
    server.closeAllConnections()
    server.close()
  })
  return socket
}

async function answer(socket: Socket): Promise<string> {
  let text = ''
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += String(chunk)
    if (text.endsWith('.')) break
  }
  return text.slice(text.lastIndexOf('\n') + 1)
}

test('small chunks reach the reader together, and the next request is served', async (t) => {
  const socket = await dial(t)
  socket.write(`${head}${'1\r\na\r\n'.repeat(2500)}${end}`)
  const [, bytes, chunks] = /(\d+) bytes in (\d+)/.exec(await answer(socket)) ?? []
  assert.equal(bytes, '2500')
  assert.ok(Number(chunks) < 100, `${chunks}`)
  socket.write(`${head}3\r\nabc\r\n${end}`)
  assert.match(await answer(socket), /^3 bytes/)
})

test('a body that is mostly framing is refused', async (t) => {
  const socket = await dial(t)
  socket.write(`${head}${'1\r\na\r\n'.repeat(20_000)}`)
  assert.equal(await answer(socket), 'WastefulChunks.')
})

test('a long body of short lines is taken', async (t) => {
  const socket = await dial(t)
  const line = `10\r\n${'x'.repeat(16)}\r\n`
  socket.write(`${head}${line.repeat(50_000)}${end}`)
  assert.match(await answer(socket), /^800000 bytes/)
})
