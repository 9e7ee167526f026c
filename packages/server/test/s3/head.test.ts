// Request heads that are too large or ambiguous, and the refusal by each protocol.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { xmlText } from '../wire.ts'
import { startForFile } from './bucket.fixture.ts'
import { type RawAnswer, RawConnection } from './raw.ts'

const server = await startForFile()

async function answerTo(...lines: readonly string[]): Promise<RawAnswer> {
  using connection = await RawConnection.open(server)
  connection.write(`${lines.join('\r\n')}\r\n\r\n`)
  const answer = await connection.answer()
  return { ...answer, body: Buffer.from(answer.body) }
}

async function isRefused(code: string, ...lines: readonly string[]): Promise<void> {
  const { status, body } = await answerTo(...lines)
  const seen = lines.map((line) => line.slice(0, 80)).join(' | ')
  assert.deepEqual([status, xmlText(body, 'Code')], [400, code], seen)
}

const host = 'Host: x'

test('a request has one host', async () => {
  for (const hosts of [[], ['Host: '], [host, host], [host, 'hOST: y'], ['Host: x, y']]) {
    await isRefused('InvalidRequest', 'GET /bucket/k HTTP/1.1', ...hosts)
    await isRefused('InvalidHttpRequest', 'GET /?Action=ListDomains HTTP/1.1', ...hosts)
    const json = await answerTo('POST /v2/ListExports HTTP/1.1', ...hosts)
    assert.deepEqual([json.status, json.headers['content-type']], [400, 'application/json'])
    const { status } = await answerTo('GET /_/health HTTP/1.1', ...hosts)
    assert.equal(status, 400)
  }
  for (const garbage of ['a b', 'a/b', 'user@a', '[::1', 'a:b', '\xff', 'a:999999', 'a?b', 'a#b']) {
    await isRefused('InvalidRequest', 'GET /bucket/k HTTP/1.1', `Host: ${garbage}`)
  }
  for (const good of ['x', 'A.b_c:9000', '[::1]:80', '127.0.0.1', 'x.', 'xn--bcher-kva.example:']) {
    const { status } = await answerTo('GET /bucket/k HTTP/1.1', `Host: ${good}`)
    assert.equal(status, 404, good)
  }
  const { status } = await answerTo('GET /bucket/k HTTP/1.0')
  assert.equal(status, 404)
})

test('a header that decides something stands there once', async () => {
  const names = [
    'Authorization',
    'Content-Type',
    'Content-MD5',
    'Date',
    'Expires',
    'Range',
    'If-Modified-Since',
    'X-Amz-Date',
    'x-amz-content-sha256',
    'x-amz-decoded-content-length',
    'x-amz-copy-source',
    'x-amz-checksum-crc32',
    'x-amz-security-token',
    'x-holdfast-lease',
  ]
  for (const name of names) {
    const twice = [`${name}: 1`, `${name.toLowerCase()}: 1`]
    await isRefused('InvalidRequest', 'GET /bucket/k HTTP/1.1', host, ...twice)
  }
  for (const name of ['x-amz-meta-a', 'Accept', 'Via', 'Cache-Control']) {
    const { status } = await answerTo('GET /bucket/k HTTP/1.1', host, `${name}: 1`, `${name}: 2`)
    assert.equal(status, 404, name)
  }
})

test('a body has one length', async () => {
  const put = ['PUT /bucket/k HTTP/1.1', host]
  const framings = [
    ['Content-Length: 1', 'Content-Length: 1'],
    ['Content-Length: 1', 'Content-Length: 2'],
    ['Content-Length: 1, 1'],
    ['Content-Length: 1', 'Transfer-Encoding: chunked'],
    ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'],
    ['Transfer-Encoding: chunked, gzip'],
    ['Transfer-Encoding: gzip'],
    ['Content-Length: +1'],
    ['Content-Length: 0x1'],
  ]
  for (const framing of framings) {
    assert.equal((await answerTo(...put, ...framing)).status, 400, framing.join())
  }
  const old = ['PUT /bucket/k HTTP/1.0', host, 'Transfer-Encoding: chunked']
  await isRefused('InvalidRequest', ...old)
})

test('a head that is refused ends its connection, so that no other request hides behind it', async () => {
  using connection = await RawConnection.open(server)
  connection.write('GET /bucket/k HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n')
  connection.write('GET /_/health HTTP/1.1\r\nHost: x\r\n\r\n')
  assert.equal((await connection.answer()).status, 400)
  await connection.closed()
})

test('headers have a bound, in number and in bytes', async () => {
  const get = ['GET /bucket/k HTTP/1.1', host]
  assert.equal((await answerTo(...get, `X: ${'x'.repeat(32_000)}`)).status, 404)
  for (const bytes of [33_000, 100_000, 400_000, 700_000]) {
    await isRefused('RequestHeaderSectionTooLarge', ...get, `X: ${'x'.repeat(bytes)}`)
  }
  const many = (count: number): string[] => Array.from({ length: count }, (_, i) => `a${i}:`)
  assert.equal((await answerTo(...get, ...many(1900))).status, 404)
  await isRefused('RequestHeaderSectionTooLarge', ...get, ...many(2000))
  await isRefused('RequestHeaderSectionTooLarge', ...get, ...many(5000))
})

test("S3's URLs are as long as ever", async () => {
  for (const bytes of [17_000, 100_000, 300_000]) {
    await isRefused('InvalidURI', `GET /bucket/${'k'.repeat(bytes)} HTTP/1.1`, host)
  }
})
