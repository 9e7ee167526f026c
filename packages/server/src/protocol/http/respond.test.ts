import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { get, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { RequestBody } from './body.ts'
import { sendFixed, sendStream } from './respond.ts'
import { createHttpServer } from './server.ts'

/** The URL of a server that answers with `handler`; what the handler gives or throws goes to `outcomes`. */
async function serve(
  t: TestContext,
  handler: (response: ServerResponse) => number | Promise<number>,
): Promise<{ url: string; outcome: Promise<number> }> {
  const server = createHttpServer()
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  server.on('request', (_, response) => {
    const run = async (): Promise<number> => handler(response)
    run().then(resolve, reject)
  })
  promise.catch(() => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, outcome: promise }
}

async function answerTo(url: string, method = 'GET'): Promise<IncomingMessage> {
  const sent = request(url, { method }).end()
  const [response] = await once(sent, 'response')
  return response
}

/** A source that reuses one buffer, as blobs do. */
async function* reusing(texts: readonly string[]): AsyncGenerator<Uint8Array> {
  const shared = Buffer.alloc(200_000)
  for (const text of texts) yield shared.subarray(0, shared.write(text))
}

test('a body in memory is sent with its length; HEAD, 204 and 304 have none', async (t) => {
  const sent: number[] = []
  let status = 200
  const server = createHttpServer()
  server.on('request', (_, response) => {
    sent.push(sendFixed(response, { status, headers: { 'X-A': 'ä' } }, 'hé'))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const full = await answerTo(url)
  assert.equal((await buffer(full)).toString(), 'hé')
  assert.equal(full.headers['x-a'], 'ä')
  assert.equal(full.headers['content-length'], '3')
  const head = await answerTo(url, 'HEAD')
  assert.equal(head.headers['content-length'], '3')
  assert.equal((await buffer(head)).byteLength, 0)
  for (status of [204, 304]) {
    const bodyless = await answerTo(url)
    assert.equal(bodyless.headers['content-length'], undefined)
    assert.equal((await buffer(bodyless)).byteLength, 0)
  }
  assert.deepEqual(sent, [3, 0, 0, 0])
})

test('a streamed body arrives whole from a source that reuses its buffer', async (t) => {
  const texts = Array.from({ length: 50 }, (_, i) => String(i % 10).repeat(100_000))
  const length = 50 * 100_000
  const { url, outcome } = await serve(t, (response) =>
    sendStream(response, { status: 200, headers: {} }, reusing(texts), { length }),
  )
  const answer = await answerTo(url)
  assert.equal(answer.headers['content-length'], String(length))
  assert.ok((await buffer(answer)).equals(Buffer.from(texts.join(''))))
  assert.equal(await outcome, length)
})

test('an empty source, and empty chunks, are sent', async (t) => {
  for (const texts of [[], [''], ['', 'ab', '', 'c', '']]) {
    const length = texts.join('').length
    const { url, outcome } = await serve(t, (response) =>
      sendStream(response, { status: 200, headers: {} }, reusing(texts), { length }),
    )
    assert.equal((await buffer(await answerTo(url))).toString(), texts.join(''))
    assert.equal(await outcome, length)
  }
})

test('a source that fails before its first chunk leaves the answer to the caller', async (t) => {
  // biome-ignore lint/correctness/useYield: it fails before it could
  async function* failing(): AsyncGenerator<Uint8Array> {
    throw new Error('gone')
  }
  const { url } = await serve(t, async (response) => {
    await assert.rejects(
      sendStream(response, { status: 200, headers: {} }, failing(), { length: 5 }),
      /gone/,
    )
    return sendFixed(response, { status: 503, headers: {} })
  })
  assert.equal((await answerTo(url)).statusCode, 503)
})

test('a source that fails, ends early or runs over cuts the connection', async (t) => {
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('ab')
    throw new Error('gone')
  }
  for (const source of [failing(), reusing(['ab']), reusing(['ab', 'cdef'])]) {
    const { url, outcome } = await serve(t, (response) =>
      sendStream(response, { status: 200, headers: {} }, source, { length: 5 }),
    )
    // The answer may break off before its head was seen.
    await assert.rejects(async () => buffer(await answerTo(url)))
    await assert.rejects(outcome)
  }
})

test('when the client goes, sending ends without an error and the source is closed', async (t) => {
  let isClosed = false
  async function* endless(): AsyncGenerator<Uint8Array> {
    const chunk = Buffer.alloc(100_000)
    try {
      for (;;) yield chunk
    } finally {
      isClosed = true
    }
  }
  const { url, outcome } = await serve(t, (response) =>
    sendStream(response, { status: 200, headers: {} }, endless(), { length: 1e12 }),
  )
  const client = get(url)
  const [response] = await once(client, 'response')
  await once(response, 'data')
  client.destroy()
  assert.ok((await outcome) < 1e12)
  assert.ok(isClosed)
})

test('a client that takes nothing for too long, and an abort, end response and source', async (t) => {
  let closed = 0
  async function* endless(): AsyncGenerator<Uint8Array> {
    const chunk = Buffer.alloc(1_000_000)
    try {
      for (;;) yield chunk
    } finally {
      closed++
    }
  }
  const aborting = new AbortController()
  for (const options of [{ idleMs: 20 }, { signal: aborting.signal }]) {
    const { url, outcome } = await serve(t, (response) =>
      sendStream(response, { status: 200, headers: {} }, endless(), { length: 1e12, ...options }),
    )
    const client = get(url)
    client.on('error', () => {})
    const [response] = await once(client, 'response')
    response.on('error', () => {})
    if ('signal' in options) aborting.abort()
    assert.ok((await outcome) < 1e12)
  }
  assert.equal(closed, 2)
})

test('a client that never reads an answer from memory is cut off', async (t) => {
  // Many small ones, of which the last can't be taken, and one that is long.
  for (const bytes of [100, 400_000, 30_000_000]) {
    const server = createHttpServer()
    const ends: Promise<unknown>[] = []
    const body = Buffer.alloc(bytes)
    server.on('request', (_, response) => {
      ends.push(once(response, 'close'))
      sendFixed(response, { status: 200, headers: {} }, body, undefined, 20)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const accepted = once(server, 'connection')
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    t.after(() => {
      socket.destroy()
      server.closeAllConnections()
      server.close()
    })
    socket.on('error', () => {})
    socket.pause()
    const [connection] = await accepted
    const closed = once(connection, 'close')
    while (!connection.destroyed && connection.writableLength === 0) {
      socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(100))
      await new Promise((resolve) => setImmediate(resolve))
    }
    await closed
  }
})

test('a client that takes longer than that for all of it, but takes it, gets all of it', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const bytes = randomBytes(20_000_000)
  let chunksBegun = 0
  const { url } = await serve(t, (response) => {
    const write = response.write.bind(response)
    t.mock.method(response, 'write', (chunk: Uint8Array, taken: () => void) => {
      chunksBegun++
      return write(chunk, taken)
    })
    return sendFixed(response, { status: 200, headers: {} }, bytes, undefined, 300)
  })
  const answer = await answerTo(url)
  const hash = createHash('sha256')
  let waits = 0
  let chunksSeen = 0
  for await (const chunk of answer) {
    hash.update(chunk)
    // The chunk before was taken, so the time for this one has just begun.
    if (chunksBegun === chunksSeen) continue
    chunksSeen = chunksBegun
    t.mock.timers.tick(200)
    waits++
  }
  assert.ok(waits > 2)
  assert.equal(hash.digest('hex'), createHash('sha256').update(bytes).digest('hex'))
})

test('only a few refused bodies of an address are read for a while, and the others closed at once', async (t) => {
  const server = createHttpServer()
  server.on('request', (request, response) => {
    sendFixed(response, { status: 403, headers: {} }, 'refused', new RequestBody(request))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const dial = (): Socket => {
    const socket = connect(port, '127.0.0.1').on('error', () => {})
    socket.write('PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n')
    return socket.resume()
  }
  const lingering = [dial(), dial()]
  t.after(() => {
    for (const socket of lingering) socket.destroy()
    server.closeAllConnections()
    server.close()
  })
  for (const socket of lingering) {
    const [answer] = await once(socket, 'data')
    assert.match(String(answer), /^HTTP\/1\.1 403 /)
  }
  await once(dial(), 'close')
  assert.deepEqual(
    lingering.map(({ readyState }) => readyState),
    ['open', 'open'],
  )
})
