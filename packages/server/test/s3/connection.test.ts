// Connections: 100 Continue, false lengths, clients that disconnect.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { xmlText } from '../wire.ts'
import { startWithBucket } from './bucket.fixture.ts'
import { RawConnection, type RawRequest, signHead } from './raw.ts'

const payloadHash = 'UNSIGNED-PAYLOAD'
const { Bucket, server } = await startWithBucket('connections', { owners: 1 })

function head(wanted: Partial<RawRequest>, rest = ''): string {
  const { text } = signHead(server, { method: 'PUT', path: `/${Bucket}/k`, payloadHash, ...wanted })
  return `${text}${rest}\r\n`
}

/** Resolves when exactly these blobs exist. Undoing may end shortly after the response. */
async function blobsAre(expected: readonly string[]): Promise<void> {
  for (let i = 0; (await server.blobFiles()).length > expected.length; i++) {
    assert.ok(i < 500, 'blobs were left behind')
    await delay(10)
  }
  assert.deepEqual((await server.blobFiles()).sort(), [...expected].sort())
}

test('a client that waits is told to continue when all but the body is fine', async () => {
  using connection = await RawConnection.open(server)
  connection.write(head({}, 'expect: 100-continue\r\ncontent-length: 5\r\n'))
  assert.equal((await connection.answer()).status, 100)
  connection.write('hello')
  assert.equal((await connection.answer()).status, 200)
  connection.write(head({ method: 'GET' }))
  assert.equal((await connection.answer()).body.toString(), 'hello')
})

test('other expectations of a client are ignored', async () => {
  for (const expected of ['200-ok', 'nonsense', '']) {
    using connection = await RawConnection.open(server)
    connection.write(head({}, `expect: ${expected}\r\ncontent-length: 5\r\n`))
    connection.write('hello')
    assert.equal((await connection.answer()).status, 200, expected)
    connection.write(head({ method: 'GET' }, `expect: ${expected}\r\n`))
    assert.equal((await connection.answer()).body.toString(), 'hello', expected)
  }
})

test('a client that waits is refused without having to send its body', async () => {
  await server.send({ method: 'PUT', path: `/${Bucket}/there`, body: Buffer.from('x') })
  const refusals: [string, Partial<RawRequest>, string][] = [
    ['NoSuchBucket', { path: '/no-such-bucket/k' }, ''],
    ['PreconditionFailed', { path: `/${Bucket}/there`, headers: { 'if-none-match': '*' } }, ''],
    ['NoSuchKey', { headers: { 'if-match': '"x"' }, path: `/${Bucket}/none` }, ''],
    ['EntityTooLarge', {}, '9'.repeat(12)],
    ['InvalidDigest', { headers: { 'content-md5': 'x' } }, ''],
    ['KeyTooLongError', { path: `/${Bucket}/${'k'.repeat(1025)}` }, ''],
    ['AccessControlListNotSupported', { headers: { 'x-amz-acl': 'public-read' } }, ''],
    ['NotImplemented', { headers: { 'x-amz-object-lock-legal-hold': 'ON' } }, ''],
    ['NoSuchUpload', { query: { partNumber: '1', uploadId: 'x' } }, ''],
  ]
  for (const [code, wanted, length] of refusals) {
    using connection = await RawConnection.open(server)
    connection.write(
      head(wanted, `expect: 100-continue\r\ncontent-length: ${length || 1_000_000}\r\n`),
    )
    const answer = await connection.answer()
    assert.equal(xmlText(answer.body, 'Code'), code)
    await connection.closed()
  }
  const { accessKeyId } = server.credential()
  using stranger = await RawConnection.open(server)
  const credential = (): { accessKeyId: string; secretAccessKey: string } => ({
    accessKeyId,
    secretAccessKey: 'wrong',
  })
  const { text } = signHead(
    { port: server.port, credential },
    { method: 'PUT', path: `/${Bucket}/k`, payloadHash },
  )
  stranger.write(`${text}expect: 100-continue\r\ncontent-length: 10\r\n\r\n`)
  assert.equal(xmlText((await stranger.answer()).body, 'Code'), 'SignatureDoesNotMatch')
  using rival = await RawConnection.open(server)
  const other = signHead(
    { port: server.port, credential: () => server.credential(1) },
    { method: 'PUT', path: `/${Bucket}/k`, payloadHash },
  )
  rival.write(`${other.text}expect: 100-continue\r\ncontent-length: 10\r\n\r\n`)
  assert.equal((await rival.answer()).status, 403)
})

test('a refusal reaches a client that is sending its body all the same', async () => {
  using connection = await RawConnection.open(server)
  const size = 3_000_000
  connection.write(head({ path: '/no-such-bucket/k' }, `content-length: ${size}\r\n`))
  connection.write(randomBytes(size))
  const answer = await connection.answer()
  assert.equal(xmlText(answer.body, 'Code'), 'NoSuchBucket')
})

test('a connection serves one request after the other', async () => {
  using connection = await RawConnection.open(server)
  connection.write(`${head({ path: `/${Bucket}/pipe` }, 'content-length: 3\r\n')}abc`)
  connection.write(head({ method: 'GET', path: `/${Bucket}/pipe` }))
  connection.write(head({ method: 'HEAD', path: `/${Bucket}/pipe` }))
  connection.write(head({ method: 'GET', path: `/${Bucket}/none` }))
  assert.equal((await connection.answer()).status, 200)
  assert.equal((await connection.answer()).body.toString(), 'abc')
  assert.equal((await connection.answer(true)).headers['content-length'], '3')
  assert.equal((await connection.answer()).status, 404)
})

test('requests of one connection take effect in the order they were sent', async () => {
  using connection = await RawConnection.open(server)
  const path = `/${Bucket}/ordered`
  let sent = ''
  for (let i = 0; i < 10; i++) {
    sent += `${head({ path }, 'content-length: 1\r\n')}${i}${head({ method: 'GET', path })}`
  }
  connection.write(sent)
  for (let i = 0; i < 10; i++) {
    assert.equal((await connection.answer()).status, 200)
    assert.equal((await connection.answer()).body.toString(), String(i))
  }
})

test('a request whose client has gone before its turn is dropped', async () => {
  const path = `/${Bucket}/kept`
  await server.send({ method: 'PUT', path, body: Buffer.from('x') })
  await server.send({ method: 'PUT', path: `/${Bucket}/long`, body: randomBytes(32_000_000) })
  const idle = await server.connections()
  const received = server.received
  {
    using connection = await RawConnection.open(server)
    connection.socket.pause()
    connection.write(head({ method: 'GET', path: `/${Bucket}/long` }))
    connection.write(head({ method: 'DELETE', path }))
    connection.write(head({ method: 'DELETE', path }))
    while (server.received < received + 3) await delay(1)
  }
  while ((await server.connections()) > idle) await delay(1)
  assert.equal((await server.send({ method: 'GET', path })).status, 200)
  await server.send({ method: 'DELETE', path: `/${Bucket}/long` })
})

test('a small body that nobody wanted does not spoil the next request', async () => {
  using connection = await RawConnection.open(server)
  connection.write(
    `${head({ method: 'GET', path: `/${Bucket}/none` }, 'content-length: 4\r\n')}junk`,
  )
  assert.equal((await connection.answer()).status, 404)
  connection.write(head({ method: 'GET', path: `/${Bucket}` }))
  assert.equal((await connection.answer()).status, 200)
})

test('an upload that breaks off leaves nothing', async () => {
  const uploads = [
    { path: `/${Bucket}/broken-small`, size: 1000, sent: 500 },
    { path: `/${Bucket}/broken-large`, size: 5_000_000, sent: 2_000_000 },
  ]
  const found = await server.blobFiles()
  for (const { path, size, sent } of uploads) {
    using connection = await RawConnection.open(server)
    connection.write(head({ path }, `content-length: ${size}\r\n`))
    connection.socket.end(randomBytes(sent))
    const answer = await connection.answer().catch(() => undefined)
    assert.ok(answer === undefined || answer.status === 400)
    assert.equal((await server.send({ method: 'GET', path })).status, 404)
  }
  await blobsAre(found)
})

test('a body that is refused at its end leaves nothing', async () => {
  const found = await server.blobFiles()
  const body = randomBytes(1_000_000)
  const headers = { 'x-amz-checksum-crc32': 'AAAAAA==' }
  const answer = await server.send({ method: 'PUT', path: `/${Bucket}/refused`, body, headers })
  assert.equal(xmlText(answer.body, 'Code'), 'BadDigest')
  await blobsAre(found)
})

test('a download that breaks off disturbs nobody', async () => {
  const body = randomBytes(8_000_000)
  await server.send({ method: 'PUT', path: `/${Bucket}/large`, body })
  for (let i = 0; i < 5; i++) {
    using connection = await RawConnection.open(server)
    connection.write(head({ method: 'GET', path: `/${Bucket}/large` }))
    while (connection.socket.bytesRead === 0) await delay(1)
  }
  const whole = await server.send({ method: 'GET', path: `/${Bucket}/large` })
  assert.ok(whole.body.equals(body))
  await server.send({ method: 'DELETE', path: `/${Bucket}/large` })
})

test('input that is not HTTP gets a 400', async () => {
  const cases: [string, number][] = [
    ['NONSENSE\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n', 400],
    [
      'PUT /b/k HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      400,
    ],
    ['GET /\u0000 HTTP/1.1\r\nHost: x\r\n\r\n', 400],
    ['GET /b/#fragment HTTP/1.1\r\nHost: x\r\n\r\n', 400],
    [`GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 400],
  ]
  for (const [text, status] of cases) {
    using connection = await RawConnection.open(server)
    connection.write(text)
    assert.equal((await connection.answer()).status, status, text.slice(0, 60))
  }
})
