// Bodies across the wire: digests, checksums in headers and trailers, framing, lengths.

import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import {
  ChecksumAlgorithm,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { objectPath, xmlText } from '../wire.ts'
import { startWithBucket } from './bucket.fixture.ts'
import {
  framedLength,
  type RawAnswer,
  RawConnection,
  type RawRequest,
  sendRaw,
  signedChunks,
  signHead,
  unsignedChunks,
} from './raw.ts'

// Of `hello`, computed by the AWS SDK's own packages.
const sums = {
  crc32: 'NhCmhg==',
  crc32c: 'mnG7TA==',
  crc64nvme: 'M3eFcAZSQlc=',
  sha1: createHash('sha1').update('hello').digest('base64'),
  sha256: createHash('sha256').update('hello').digest('base64'),
}
const hello = Buffer.from('hello')
const { Bucket, server, client, at, put } = await startWithBucket('bodies')

function code(answer: { readonly body: Buffer }): string | undefined {
  return xmlText(answer.body, 'Code')
}

async function assertAbsent(key: string): Promise<void> {
  assert.equal((await server.send(at(key))).status, 404, key)
}

test('Content-MD5 is checked', async () => {
  const md5 = createHash('md5').update(hello).digest('base64')
  assert.equal((await put('md5', hello, { 'content-md5': md5 })).status, 200)
  const other = createHash('md5').update('other').digest('base64')
  assert.equal(code(await put('bad-md5', hello, { 'content-md5': other })), 'BadDigest')
  for (const value of ['', 'x', 'AAAA', `${md5}AA`, md5.slice(0, -2)]) {
    const answer = await put('bad-md5', hello, { 'content-md5': value })
    assert.equal(answer.status, 400, value)
    assert.equal(code(answer), 'InvalidDigest', value)
  }
  await assertAbsent('bad-md5')
})

test('each checksum is checked, kept, and told when asked for', async () => {
  for (const [name, value] of Object.entries(sums)) {
    const header = `x-amz-checksum-${name}`
    const answer = await put(name, hello, { [header]: value })
    assert.equal(answer.status, 200, name)
    assert.equal(answer.headers[header], value)
    assert.equal(answer.headers['x-amz-checksum-type'], 'FULL_OBJECT')
    for (const method of ['GET', 'HEAD']) {
      const plain = await server.send(at(name, { method }))
      assert.equal(plain.headers[header], undefined)
      const headers = { 'x-amz-checksum-mode': 'ENABLED' }
      const asked = await server.send(at(name, { method, headers }))
      assert.equal(asked.headers[header], value)
      assert.equal(asked.headers['x-amz-checksum-type'], 'FULL_OBJECT')
    }
    const ranged = { 'x-amz-checksum-mode': 'ENABLED', range: 'bytes=0-1' }
    const part = await server.send(at(name, { headers: ranged }))
    assert.equal(part.headers[header], undefined)
    const wrong = await put(`wrong-${name}`, Buffer.from('hullo'), { [header]: value })
    assert.equal(wrong.status, 400)
    assert.equal(code(wrong), 'BadDigest')
    await assertAbsent(`wrong-${name}`)
  }
})

test('without any checksum of the client’s there is a CRC64NVME', async () => {
  await put('default', hello)
  const headers = { 'x-amz-checksum-mode': 'ENABLED' }
  const answer = await server.send(at('default', { headers }))
  assert.equal(answer.headers['x-amz-checksum-crc64nvme'], sums.crc64nvme)
})

test('checksum headers that contradict each other, or are none, are refused', async () => {
  const { crc32, sha1 } = sums
  const cases: Record<string, string>[] = [
    { 'x-amz-checksum-crc32': crc32, 'x-amz-checksum-sha1': sha1 },
    { 'x-amz-checksum-crc32': 'nonsense' },
    { 'x-amz-checksum-crc32': '' },
    { 'x-amz-checksum-crc32': sha1 },
    { 'x-amz-checksum-md17': 'AAAA' },
    { 'x-amz-checksum-crc32': crc32, 'x-amz-sdk-checksum-algorithm': 'SHA1' },
    { 'x-amz-sdk-checksum-algorithm': 'CRC32' },
    { 'x-amz-sdk-checksum-algorithm': 'ROT13' },
    { 'x-amz-trailer': 'x-amz-checksum-crc32' },
    { 'x-amz-trailer': 'x-amz-meta-a' },
  ]
  for (const headers of cases) {
    const answer = await put('contradiction', hello, headers)
    assert.equal(answer.status, 400, JSON.stringify(headers))
    assert.equal(code(answer), 'InvalidRequest', JSON.stringify(headers))
  }
  await assertAbsent('contradiction')
})

test('the SDK’s checksums of every algorithm pass, in headers and in trailers', async () => {
  const algorithms = [
    ChecksumAlgorithm.CRC32,
    ChecksumAlgorithm.CRC32C,
    ChecksumAlgorithm.CRC64NVME,
    ChecksumAlgorithm.SHA1,
    ChecksumAlgorithm.SHA256,
  ]
  const body = randomBytes(150_000)
  for (const algorithm of algorithms) {
    const Key = `sdk-${algorithm}`
    await client.send(
      new PutObjectCommand({ Bucket, Key, Body: body, ChecksumAlgorithm: algorithm }),
    )
    const Body = Readable.from([body.subarray(0, 70_000), body.subarray(70_000)])
    const streamed = await client.send(
      new PutObjectCommand({
        Bucket,
        Key: `${Key}-stream`,
        Body,
        ContentLength: body.length,
        ChecksumAlgorithm: algorithm,
        ContentEncoding: 'gzip',
      }),
    )
    assert.ok(streamed[`Checksum${algorithm}` as 'ChecksumCRC32'])
    for (const key of [Key, `${Key}-stream`]) {
      const found = await client.send(
        new GetObjectCommand({ Bucket, Key: key, ChecksumMode: 'ENABLED' }),
      )
      assert.deepEqual(Buffer.from((await found.Body?.transformToByteArray()) ?? []), body)
    }
    const head = await client.send(new HeadObjectCommand({ Bucket, Key: `${Key}-stream` }))
    assert.equal(head.ContentEncoding, 'gzip')
    assert.equal(head.ContentLength, body.length)
  }
})

interface Framing {
  readonly payload: string
  readonly trailers?: Readonly<Record<string, string>>
  readonly announced?: string
  readonly decodedLength?: number
  /** Changes the framed body before it is sent. */
  readonly spoil?: (body: Buffer) => Buffer
}

/** A PUT of `chunks` in aws-chunked framing. */
async function putChunked(key: string, chunks: Buffer[], framing: Framing): Promise<RawAnswer> {
  const { payload, trailers, spoil = (body) => body } = framing
  const size = Buffer.concat(chunks).length
  const announced = framing.announced ?? Object.keys(trailers ?? {}).join(',')
  const isSigned = payload.startsWith('STREAMING-AWS4')
  const unsigned = isSigned ? undefined : unsignedChunks(chunks, trailers ?? {})
  const length = unsigned?.length ?? framedLength(chunks, trailers)
  const wanted: RawRequest = {
    method: 'PUT',
    path: objectPath(Bucket, key),
    payloadHash: payload,
    headers: {
      'content-encoding': 'aws-chunked',
      'x-amz-decoded-content-length': String(framing.decodedLength ?? size),
      ...(announced === '' ? {} : { 'x-amz-trailer': announced }),
    },
  }
  const head = signHead(server, wanted)
  const body = spoil(unsigned ?? signedChunks(head, chunks, trailers))
  using connection = await RawConnection.open(server)
  connection.write(`${head.text}content-length: ${length}\r\n\r\n`)
  connection.write(body)
  return await connection.answer()
}

const chunked = [Buffer.alloc(8192, 'a'), Buffer.alloc(8192, 'b'), Buffer.from('end')]
const signedPayload = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'
const signedTrailer = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER'
const unsignedTrailer = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'
const trailers = {
  'x-amz-checksum-sha256': createHash('sha256').update(Buffer.concat(chunked)).digest('base64'),
}

test('signed chunks are a body, whose framing nobody sees again', async () => {
  const answer = await putChunked('signed', chunked, { payload: signedPayload })
  assert.equal(answer.status, 200)
  const found = await server.send(at('signed'))
  assert.deepEqual(found.body, Buffer.concat(chunked))
  assert.equal(found.headers['content-encoding'], undefined)
  assert.equal((await putChunked('signed-empty', [], { payload: signedPayload })).status, 200)
})

test('trailers bring checksums, signed or not', async () => {
  for (const payload of [signedTrailer, unsignedTrailer]) {
    const answer = await putChunked('trailer', chunked, { payload, trailers })
    assert.equal(answer.status, 200, `${payload} ${answer.body}`)
    assert.equal(answer.headers['x-amz-checksum-sha256'], trailers['x-amz-checksum-sha256'])
    assert.deepEqual((await server.send(at('trailer'))).body, Buffer.concat(chunked))
  }
})

test('a wrong chunk, signature, or trailer is refused, and nothing is stored', async () => {
  const flip = (offset: number) => (body: Buffer) => {
    const copy = Buffer.from(body)
    copy[offset] = copy[offset] === 0x61 ? 0x62 : 0x61
    return copy
  }
  const wrong = { 'x-amz-checksum-sha256': sums.sha256 }
  const cases: [string, Framing][] = [
    ['SignatureDoesNotMatch', { payload: signedPayload, spoil: flip(2000) }],
    ['SignatureDoesNotMatch', { payload: signedPayload, spoil: flip(40) }],
    ['BadDigest', { payload: signedTrailer, trailers: wrong }],
    ['BadDigest', { payload: unsignedTrailer, trailers: wrong }],
    ['MalformedTrailerError', { payload: unsignedTrailer, announced: 'x-amz-checksum-sha256' }],
    ['IncompleteBody', { payload: signedPayload, decodedLength: 99_999 }],
    ['IncompleteBody', { payload: signedPayload, decodedLength: 5 }],
    ['InvalidRequest', { payload: unsignedTrailer, trailers, spoil: flip(4) }],
  ]
  for (const [index, [expected, framing]] of cases.entries()) {
    const answer = await putChunked(`spoilt-${index}`, chunked, framing)
    assert.ok(answer.status >= 400 && answer.status < 500, `${index} ${answer.status}`)
    assert.equal(code(answer), expected, `case ${index}`)
    await assertAbsent(`spoilt-${index}`)
  }
})

test('a body that differs from its hash is refused', async () => {
  const answer = await sendRaw(server, {
    method: 'PUT',
    path: objectPath(Bucket, 'hash'),
    body: hello,
    payloadHash: createHash('sha256').update('other').digest('hex'),
  })
  assert.equal(answer.status, 400)
  assert.equal(code(answer), 'XAmzContentSHA256Mismatch')
  await assertAbsent('hash')
})

test('a PUT without a length is 411', async () => {
  const { text } = signHead(server, {
    method: 'PUT',
    path: objectPath(Bucket, 'no-length'),
    payloadHash: 'UNSIGNED-PAYLOAD',
  })
  for (const [rest, body] of [
    ['transfer-encoding: chunked\r\n', '5\r\nhello\r\n0\r\n\r\n'],
    ['', ''],
  ]) {
    using connection = await RawConnection.open(server)
    connection.write(`${text}${rest}\r\n${body}`)
    const answer = await connection.answer()
    assert.equal(answer.status, 411, rest)
    assert.equal(code(answer), 'MissingContentLength')
  }
})

test('a body that is too long is refused before it is sent', async () => {
  const { text } = signHead(server, {
    method: 'PUT',
    path: objectPath(Bucket, 'too-long'),
    payloadHash: 'UNSIGNED-PAYLOAD',
  })
  using connection = await RawConnection.open(server)
  connection.write(`${text}content-length: 5368709121\r\n\r\n`)
  const answer = await connection.answer()
  assert.equal(answer.status, 400)
  assert.equal(code(answer), 'EntityTooLarge')
  assert.equal(xmlText(answer.body, 'MaxSizeAllowed'), '5368709120')
})
