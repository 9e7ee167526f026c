import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { createHttpServer } from './server.ts'

const tooLong = 'x'.repeat(700_000)

/** A server whose answer to a head that is too large is the head's beginning. */
async function dial(t: TestContext): Promise<Socket> {
  const overflowAnswer = (head: string) => ({
    status: 400,
    text: `beginning ${head.slice(0, 40)}|`,
  })
  const server = createHttpServer({ overflowAnswer })
  server.on('request', (request, response) => {
    request.resume().once('end', () => response.end('.'))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect({ port: (server.address() as AddressInfo).port, noDelay: true })
  socket.on('error', () => undefined)
  t.after(() => {
    socket.destroy()
    server.closeAllConnections()
    server.close()
  })
  return socket
}

async function beginning(socket: Socket): Promise<string | undefined> {
  let text = ''
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += String(chunk)
    if (text.endsWith('|')) break
  }
  return /beginning (.*)\|$/s.exec(text)?.[1]
}

/** Sends `text`, and waits until the system has taken it. */
async function send(socket: Socket, text: string): Promise<void> {
  await new Promise<void>((resolve) => socket.write(text, () => resolve()))
}

const host = 'Host: h\r\n'
const expected = `GET /?first=1&${'x'.repeat(26)}`

test('the beginning of a head is known when a later piece of it is too much', async (t) => {
  const socket = await dial(t)
  socket.write(`GET /?first=1&${tooLong}`)
  assert.equal(await beginning(socket), expected)
})

test('a request line may come byte by byte', async (t) => {
  const socket = await dial(t)
  for (const byte of 'GET /?first=1&') await send(socket, byte)
  socket.write(tooLong)
  assert.equal(await beginning(socket), expected)
})

for (const [name, before] of [
  ['without a body', `GET /1 HTTP/1.1\r\n${host}\r\n`],
  ['with a body', `PUT /1 HTTP/1.1\r\n${host}Content-Length: 3\r\n\r\nabc`],
] as const) {
  test(`the head after a request ${name} has its own beginning`, async (t) => {
    const pipelined = await dial(t)
    pipelined.write(`${before}GET /?first=1&${tooLong}`)
    // Two answers can't be told apart when the first is under way: the connection may just be closed.
    const found = await beginning(pipelined)
    assert.ok(found === expected || found === undefined, found)

    const inTurn = await dial(t)
    inTurn.write(before)
    await once(inTurn, 'data')
    inTurn.write(`GET /?first=1&${tooLong}`)
    assert.equal(await beginning(inTurn), expected)
  })
}

test('the head after a chunked body has its own beginning', async (t) => {
  const socket = await dial(t)
  socket.write(`PUT /1 HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`)
  await once(socket, 'data')
  socket.write(`GET /?first=1&${tooLong}`)
  assert.equal(await beginning(socket), expected)
})
