// Large SimpleDB requests, by URL or form, and forms with a key id but without a valid signature.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { ownLimits } from '../../src/base/limits.ts'
import { InProcessServer } from '../s3/in-process.ts'
import { type RawAnswer, RawConnection } from '../s3/raw.ts'
import { encodeUri, xmlText } from '../wire.ts'
import { pairsIn, QueryClient } from './query.ts'

const server = await InProcessServer.start()
const sdb = new QueryClient(server.port, server.credential())
const { accessKeyId } = server.credential()
const DomainName = 'domain'
await sdb.ok('CreateDomain', { DomainName })

after(async () => {
  sdb.close()
  await server.closeWithoutFaults()
})

function attributes(count: number, value: string): Record<string, string> {
  const all: Record<string, string> = {}
  for (let i = 0; i < count; i++) {
    all[`Attribute.${i}.Name`] = `n${i}`
    all[`Attribute.${i}.Value`] = value
  }
  return all
}

async function answerTo(text: string): Promise<RawAnswer> {
  using connection = await RawConnection.open(server)
  connection.write(text)
  const answer = await connection.answer()
  return { ...answer, body: Buffer.from(answer.body) }
}

const getHead = (url: string): string => `GET ${url} HTTP/1.1\r\nHost: x\r\n\r\n`

function postHead(length: number): string {
  const type = 'Content-Type: application/x-www-form-urlencoded'
  return `POST / HTTP/1.1\r\nHost: x\r\n${type}\r\nContent-Length: ${length}\r\n\r\n`
}

test('everything that one call may carry fits into a GET of 250 KB', async () => {
  const item = { DomainName, ItemName: 'item' }
  const values = attributes(240, 'v'.repeat(980))
  const put = await sdb.call('PutAttributes', { ...item, ...values }, { method: 'GET' })
  assert.equal(put.status, 200, put.body)
  const { body } = await sdb.ok('GetAttributes', item)
  assert.equal(pairsIn(body).length, 240)
})

test('a longer URL is refused in the words of SimpleDB', async () => {
  const start = `/?AWSAccessKeyId=${accessKeyId}&Action=PutAttributes&DomainName=d`
  const value = `&Attribute.1.Value=${'v'.repeat(1000)}`
  for (const bytes of [ownLimits.simpleDbUrlBytes + 1, 300_000, 500_000, 1_000_000]) {
    const url = start + value.repeat(Math.ceil(bytes / value.length))
    const { status, body } = await answerTo(getHead(url))
    assert.deepEqual([status, xmlText(body, 'Code')], [400, 'URITooLong'], `${bytes}`)
    const limit = `The URI exceeded the maximum limit of ${ownLimits.simpleDbUrlBytes}.`
    assert.equal(xmlText(body, 'Message'), limit)
  }
  for (const bytes of [400_000, 700_000, 2_000_000]) {
    const expression = `&SelectExpression=${'s'.repeat(bytes)}`
    for (const head of [
      getHead(start + expression),
      getHead(start + expression).replace('GET', 'POST'),
    ]) {
      const { status, body } = await answerTo(head)
      assert.deepEqual([status, xmlText(body, 'Code')], [400, 'URITooLong'], `${bytes}`)
    }
  }
})

test('long requests of S3 are refused in the words of S3, whatever their parameters are called', async () => {
  for (const bytes of [300_000, 700_000]) {
    const value = 'v'.repeat(bytes)
    for (const url of [
      `/bucket/key?Action=a&Version=${value}`,
      `/?list-type=2&a&prefix=${value}`,
    ]) {
      const { status, body } = await answerTo(getHead(url))
      assert.equal(status, 400)
      assert.match(String(xmlText(body, 'Code')), /^(InvalidURI|RequestHeaderSectionTooLarge)$/)
    }
  }
})

test('too many headers of a request to SimpleDB are refused in its own words', async () => {
  for (const bytes of [100_000, 700_000]) {
    const head = postHead(1).replace('\r\n\r\n', `\r\nA: ${'a'.repeat(bytes)}\r\n\r\n`)
    const { status, body } = await answerTo(head)
    assert.deepEqual([status, xmlText(body, 'Code')], [400, 'InvalidHttpRequest'])
  }
})

test('a long URL of an export is refused in JSON', async () => {
  for (const bytes of [20_000, 700_000]) {
    const head = getHead(`/v2/ListExports?a=${'a'.repeat(bytes)}`).replace('GET', 'POST')
    const { status, body } = await answerTo(head)
    assert.equal(status, 400)
    assert.match(String(body), /^\{"message":"The URI exceeded the maximum limit of 16384\."\}$/)
  }
})

test('a key that is not there is told before the rest is read', async () => {
  const url = `/?AWSAccessKeyId=NOBODY&Action=ListDomains&${'a&'.repeat(100_000)}`
  const get = await answerTo(getHead(url))
  assert.deepEqual([get.status, xmlText(get.body, 'Code')], [403, 'InvalidClientTokenId'])
  const form = await answerTo(`${postHead(3_000_000)}AWSAccessKeyId=NOBODY&Action=ListDomains`)
  assert.deepEqual([form.status, xmlText(form.body, 'Code')], [403, 'InvalidClientTokenId'])
  const v4 = `Authorization: AWS4-HMAC-SHA256 Credential=NOBODY/20260101/us-east-1/sdb/aws4_request, SignedHeaders=host, Signature=0`
  const head = postHead(3_000_000).replace('Host: x', `Host: x\r\n${v4}`)
  const signed = await answerTo(head)
  assert.deepEqual([signed.status, xmlText(signed.body, 'Code')], [403, 'InvalidClientTokenId'])
})

test('too many parameters are refused as soon as they are', async () => {
  const form = await answerTo(postHead(4_000_000) + 'a&'.repeat(ownLimits.parameters + 1))
  assert.deepEqual([form.status, xmlText(form.body, 'Code')], [400, 'InvalidHttpRequest'])
  const url = `/?AWSAccessKeyId=${accessKeyId}&Action=ListDomains&${'a&'.repeat(100_000)}`
  const get = await answerTo(getHead(url))
  assert.deepEqual([get.status, xmlText(get.body, 'Code')], [400, 'InvalidHttpRequest'])
})

test('a form that says it is too long is not read at all', async () => {
  const { status, body } = await answerTo(postHead(ownLimits.formBytes + 1))
  assert.deepEqual([status, xmlText(body, 'Code')], [400, 'InvalidHttpRequest'])
})

test('the memory of forms without a key is bounded, and small requests pass all the same', async () => {
  const connections: RawConnection[] = []
  const share = ownLimits.keylessBytes / 2
  const each = 4_000_000
  const refused: string[] = []
  try {
    for (let i = 0; i < Math.ceil(share / each) + 3; i++) {
      const connection = await RawConnection.open(server)
      connections.push(connection)
      connection.write(postHead(each))
      connection.write('x'.repeat(each - 1))
      connection.socket.once('data', (data) => refused.push(String(data)))
    }
    while (refused.length < 4) await new Promise((resolve) => setImmediate(resolve))
    assert.match(refused[0] ?? '', /^HTTP\/1\.1 503 .*<Code>ServiceUnavailable<\/Code>/s)
    await sdb.ok('ListDomains')
    // An existing key has its own budget, at any position in the form.
    const long = { DomainName, ItemName: 'long', ...attributes(200, 'ü'.repeat(200)) }
    const { status } = await sdb.call('PutAttributes', long)
    assert.equal(status, 200)
  } finally {
    for (const connection of connections) connection[Symbol.dispose]()
  }
})

test('a batch of the most that SimpleDB allows is understood', async () => {
  const batch: Record<string, string> = { DomainName }
  for (let item = 0; item < 25; item++) {
    batch[`Item.${item}.ItemName`] = `i${item}`
    for (let pair = 0; pair < 256; pair++) {
      const prefix = `Item.${item}.Attribute.${pair}`
      batch[`${prefix}.Name`] = `n${pair}`
      batch[`${prefix}.Value`] = 'v'
      batch[`${prefix}.Replace`] = 'true'
    }
  }
  const bytes = Object.entries(batch)
    .map((pair) => pair.map(encodeUri).join('='))
    .join('&').length
  assert.ok(bytes < 1_048_576)
  const answer = await sdb.call('BatchPutAttributes', batch)
  assert.equal(answer.status, 200, answer.body.slice(0, 500))
})
