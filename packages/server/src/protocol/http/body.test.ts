import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { isStoreError } from '../../base/errors.ts'
import { ownLimits } from '../../base/limits.ts'
import { collect } from '../../base/pieces.fixture.ts'
import { RequestBody, type RequestBodyOptions } from './body.ts'
import { sendFixed } from './respond.ts'
import { createHttpServer } from './server.ts'

/** Chunks from this size on are given back; see body.ts. */
const releasedBytes = 16_384

type Handler = (body: RequestBody, response: ServerResponse) => Promise<void>

/** A server whose requests go to `handler`, and a raw connection to it. */
async function dial(
  t: TestContext,
  handler: Handler,
  options: RequestBodyOptions = {},
): Promise<{ socket: Socket; server: Server; failure: Promise<unknown> }> {
  const server = createHttpServer()
  const failure = Promise.withResolvers<unknown>()
  const answer = (
    request: IncomingMessage,
    response: ServerResponse,
    sendContinue?: () => void,
  ): void => {
    const all = sendContinue === undefined ? options : { ...options, sendContinue }
    handler(new RequestBody(request, all), response).then(
      () => failure.resolve(undefined),
      (error: unknown) => failure.resolve(error),
    )
  }
  server.on('request', (request, response) => answer(request, response))
  server.on('checkContinue', (request, response: ServerResponse) =>
    answer(request, response, () => response.writeContinue()),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  socket.on('error', () => {})
  t.after(() => {
    socket.destroy()
    server.closeAllConnections()
    server.close()
  })
  return { socket, server, failure: failure.promise }
}

/** Everything that comes until `end` is contained in it, or the server closes. */
async function receive(socket: Socket, end?: string): Promise<string> {
  let text = ''
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += String(chunk)
    if (end !== undefined && text.includes(end)) break
  }
  return text
}

const echo: Handler = async (body, response) => {
  const bytes = await collect(body)
  sendFixed(response, { status: 200, headers: {} }, `got ${bytes.byteLength}`)
}

test('a body is read to its end, and the connection serves the next request', async (t) => {
  const { socket } = await dial(t, echo)
  socket.write('PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhel')
  socket.write('lo')
  assert.match(await receive(socket, 'got'), /got 5$/)
  socket.write('PUT / HTTP/1.1\r\nHost: h\r\n\r\n')
  assert.match(await receive(socket, 'got'), /got 0$/)
  socket.write(
    'PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
  )
  assert.match(await receive(socket, 'got'), /got 3$/)
})

test('a long body is read under back-pressure', async (t) => {
  const length = 20 * ownLimits.streamBufferBytes
  const { socket } = await dial(t, async (body, response) => {
    let bytes = 0
    for await (const chunk of body) {
      bytes += chunk.byteLength
      // Everything in memory that was received and not yet handed on.
      assert.ok(body.receivedBytes - bytes < ownLimits.streamBufferBytes + 65_536)
      await new Promise((resolve) => setImmediate(resolve))
    }
    sendFixed(response, { status: 200, headers: {} }, `got ${bytes}`)
  })
  socket.write(`PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: ${length}\r\n\r\n`)
  socket.write(Buffer.alloc(length, 'a'))
  assert.match(await receive(socket, 'got'), new RegExp(`got ${length}$`))
})

test('the memory of a chunk is given back when the next one is asked for', async (t) => {
  const length = 4 * 65_536
  const { socket } = await dial(t, async (body, response) => {
    const given: { readonly chunk: Uint8Array; readonly length: number }[] = []
    for await (const chunk of body) {
      for (const { chunk: before, length } of given) {
        assert.equal(before.byteLength, length < releasedBytes ? length : 0)
      }
      given.push({ chunk, length: chunk.byteLength })
    }
    const large = given.filter(({ length }) => length >= releasedBytes)
    assert.ok(large.length > 0 && large.every(({ chunk }) => chunk.byteLength === 0))
    const received = given.reduce((sum, { length }) => sum + length, 0)
    sendFixed(response, { status: 200, headers: {} }, `got ${received}`)
  })
  socket.write(`PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: ${length}\r\n\r\n`)
  socket.write(Buffer.alloc(length))
  assert.match(await receive(socket, 'got'), new RegExp(`got ${length}$`))
})

test('the memory of a chunk is given back when reading is ended', async (t) => {
  const length = 4 * 65_536
  const { socket } = await dial(t, async (body, response) => {
    let given: Uint8Array | undefined
    for await (const chunk of body) {
      given = chunk
      if (chunk.byteLength >= releasedBytes) break
    }
    sendFixed(response, { status: 200, headers: {} }, `left ${given?.byteLength}`, body)
  })
  socket.write(`PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: ${length}\r\n\r\n`)
  socket.write(Buffer.alloc(length))
  assert.match(await receive(socket, 'left'), /left 0$/)
})

test('a client that goes before the end leaves an IncompleteBody', async (t) => {
  const { socket, failure } = await dial(t, echo)
  socket.write('PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhel')
  socket.end()
  assert.ok(isStoreError(await failure, 'IncompleteBody'))
})

test('a client that sends nothing for too long gets a RequestTimeout', async (t) => {
  const { socket, failure } = await dial(t, echo, { idleMs: 20 })
  socket.write('PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhel')
  assert.ok(isStoreError(await failure, 'RequestTimeout'))
})

test('100 Continue is sent when the body is asked for, and not before', async (t) => {
  const gate = Promise.withResolvers<void>()
  let continued = false
  const { socket } = await dial(t, async (body, response) => {
    continued = body.awaitsContinue
    await gate.promise
    await echo(body, response)
  })
  socket.write('PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n')
  gate.resolve()
  assert.equal(await receive(socket, '\r\n\r\n'), 'HTTP/1.1 100 Continue\r\n\r\n')
  assert.equal(continued, true)
  socket.write('hello')
  assert.match(await receive(socket, 'got'), /^HTTP\/1.1 200 OK[\s\S]*got 5$/)
})

const refuse: Handler = async (body, response) => {
  sendFixed(response, { status: 403, headers: {} }, 'refused', body)
}

test('a refusal before 100 Continue closes at once without asking for the body', async (t) => {
  const { socket } = await dial(t, refuse)
  socket.write('PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n')
  const answer = await receive(socket)
  assert.match(answer, /^HTTP\/1.1 403 [\s\S]*Connection: close[\s\S]*refused$/)
})

test('a refusal of a long body is seen by the client, which then may send some more', async (t) => {
  const { socket } = await dial(t, refuse)
  socket.write('PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 4000000\r\n\r\n')
  const answer = await receive(socket, 'refused')
  assert.match(answer, /Connection: close/)
  socket.write(Buffer.alloc(4_000_000))
  assert.equal(await receive(socket), '')
})

test('a refusal of a short body keeps the connection', async (t) => {
  const { socket } = await dial(t, refuse)
  for (let i = 0; i < 3; i++) {
    socket.write('PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n')
    assert.match(await receive(socket, 'refused'), /Connection: keep-alive/)
    socket.write('hello')
  }
})

test('a body that was read in part is dropped up to its end', async (t) => {
  const { socket } = await dial(t, async (body, response) => {
    for await (const _ of body) break
    await refuse(body, response)
  })
  for (let i = 0; i < 3; i++) {
    socket.write('PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\nab')
    assert.match(await receive(socket, 'refused'), /Connection: keep-alive/)
    socket.write(Buffer.alloc(199_998))
  }
})

test('what is not HTTP is answered in HTTP', async (t) => {
  for (const [request, status] of [
    ['nonsense\r\n\r\n', 400],
    [`GET / HTTP/1.1\r\nHost: h\r\nX: ${'x'.repeat(3 * ownLimits.simpleDbUrlBytes)}\r\n\r\n`, 400],
  ] as const) {
    const { socket } = await dial(t, echo)
    socket.write(request)
    assert.match(
      await receive(socket),
      new RegExp(`^HTTP/1.1 ${status} [\\s\\S]*Connection: close`),
    )
  }
})

test('small chunks fill the queue by their number', async (t) => {
  const states: boolean[] = []
  const { socket, failure } = await dial(t, async (body, response) => {
    await body.next()
    const { req } = response
    for (let i = 0; i < 1100; i++) {
      req.emit('data', Buffer.from('x'))
      if (i === 900 || i === 1099) states.push(req.isPaused())
    }
    response.end('done.')
  })
  socket.write('PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 5000\r\n\r\nx')
  await receive(socket, 'done.')
  assert.equal(await failure, undefined)
  assert.deepEqual(states, [false, true])
})
