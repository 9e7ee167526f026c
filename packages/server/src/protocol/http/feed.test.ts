import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage, RequestListener } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { createHttpServer } from './server.ts'

/** A server with the given listener, and a function that connects to it. */
async function listen(t: TestContext, listener: RequestListener): Promise<() => Promise<Socket>> {
  const server = createHttpServer()
  server.on('request', listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return async () => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    t.after(() => socket.destroy())
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    return socket
  }
}

function head(bytes: number): string {
  return `PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: ${bytes}\r\n\r\n`
}

test('many large bodies at once leave breaks to other work', async (t) => {
  const bodyBytes = 1_000_000
  let [inThisTurn, mostInOneTurn, isDone] = [0, 0, false]
  const open = await listen(t, (request, response) => {
    request.on('data', (chunk: Buffer) => {
      inThisTurn += chunk.byteLength
    })
    request.once('end', () => response.end('.'))
  })
  const turn = (): void => {
    mostInOneTurn = Math.max(mostInOneTurn, inThisTurn)
    inThisTurn = 0
    if (!isDone) setImmediate(turn)
  }
  const sockets = await Promise.all(Array.from({ length: 20 }, open))
  turn()
  const body = Buffer.alloc(bodyBytes, 'x')
  await Promise.all(
    sockets.map((socket) => {
      socket.write(head(bodyBytes))
      socket.write(body)
      return once(socket, 'data')
    }),
  )
  isDone = true
  assert.ok(mostInOneTurn < 2_000_000, `${mostInOneTurn} bytes in one turn of the event loop`)
})

test('a connection is not read while many small pieces of a body wait for their reader', async (t) => {
  const bodyBytes = 1000
  const came = Promise.withResolvers<IncomingMessage>()
  const open = await listen(t, (request, response) => {
    came.resolve(request)
    if (request.method === 'GET') response.end('next.')
    else request.once('end', () => response.end('whole.'))
  })
  const socket = await open()
  socket.write(head(bodyBytes))
  const request = await came.promise
  for (let i = 0; i < bodyBytes; i++) {
    await new Promise((resolve) => socket.write('x', resolve))
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.ok(request.readableLength < bodyBytes, `${request.readableLength} bytes were read`)
  const answer = once(socket, 'data')
  let bytes = 0
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.byteLength
  })
  const [text] = await answer
  assert.match(String(text), /whole\.$/)
  assert.equal(bytes, bodyBytes)
  socket.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
  assert.match(String(await once(socket, 'data')), /next\.$/)
})
