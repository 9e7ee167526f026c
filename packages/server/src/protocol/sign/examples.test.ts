// Amazon's own examples of signed S3 requests, from the S3 API reference ("Examples: signature
// calculations"): they hold for everything that signs or verifies here.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SignedRequest } from './canonical.ts'
import { verifiedBody } from './payload.ts'
import { Verifier } from './verifier.ts'

const accessKeyId = 'AKIAIOSFODNN7EXAMPLE'
const verifier = new Verifier({
  lookup: (id) =>
    id === accessKeyId
      ? { secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', principal: 'owner' }
      : undefined,
  clock: { now: () => Date.UTC(2013, 4, 24), monotonicMs: () => 0 },
  region: 'us-east-1',
})
const emptyHash = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

function request(
  method: string,
  target: string,
  headers: Record<string, string>,
  signedHeaders?: string,
  signature?: string,
): SignedRequest {
  const url = new URL(`http://x${target}`)
  const all: { [name: string]: string; authorization?: string } = {
    host: 'examplebucket.s3.amazonaws.com',
    ...headers,
  }
  if (signature !== undefined) {
    all.authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20130524/us-east-1/s3/aws4_request,SignedHeaders=${signedHeaders},Signature=${signature}`
  }
  return {
    method,
    path: url.pathname,
    parameters: [...url.searchParams].map(([name, value]) => ({ name, value })),
    headers: all,
    rawHeaders: Object.entries(all).flat(),
  }
}

test('GET of an object with a Range verifies', () => {
  const verified = verifier.verify(
    request(
      'GET',
      '/test.txt',
      { range: 'bytes=0-9', 'x-amz-content-sha256': emptyHash, 'x-amz-date': '20130524T000000Z' },
      'host;range;x-amz-content-sha256;x-amz-date',
      'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    ),
  )
  assert.deepEqual(verified, {
    principal: 'owner',
    accessKeyId,
    method: 'header',
    version: 'AWS4-HMAC-SHA256',
    payload: { kind: 'sha256', hex: emptyHash },
  })
})

test('PUT of an object with a dollar sign in its key verifies, and so does its body', async () => {
  const headers = {
    date: 'Fri, 24 May 2013 00:00:00 GMT',
    'content-length': '21',
    'x-amz-content-sha256': '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
    'x-amz-date': '20130524T000000Z',
    'x-amz-storage-class': 'REDUCED_REDUNDANCY',
  }
  const { payload } = verifier.verify(
    request(
      'PUT',
      '/test$file.text',
      headers,
      'date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class',
      '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
    ),
  )
  const body = verifiedBody(stream([Buffer.from('Welcome to Amazon S3.')]), payload, headers)
  assert.equal(body.decodedBytes, 21)
  assert.equal((await collect(body.source)).toString(), 'Welcome to Amazon S3.')
})

test('GET of a subresource without a value verifies', () => {
  const headers = { 'x-amz-content-sha256': emptyHash, 'x-amz-date': '20130524T000000Z' }
  const signature = 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543'
  const signed = 'host;x-amz-content-sha256;x-amz-date'
  assert.equal(
    verifier.verify(request('GET', '/?lifecycle', headers, signed, signature)).principal,
    'owner',
  )
})

test('a listing verifies with its parameters in any order', () => {
  const headers = { 'x-amz-content-sha256': emptyHash, 'x-amz-date': '20130524T000000Z' }
  const signature = '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7'
  const signed = 'host;x-amz-content-sha256;x-amz-date'
  for (const query of ['?max-keys=2&prefix=J', '?prefix=J&max-keys=2']) {
    assert.equal(
      verifier.verify(request('GET', `/${query}`, headers, signed, signature)).principal,
      'owner',
    )
  }
})

test('a presigned URL verifies', () => {
  const target =
    '/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404'
  const verified = verifier.verify(request('GET', target, {}))
  assert.equal(verified.method, 'query')
  assert.deepEqual(verified.payload, { kind: 'unsigned' })
})

const a = (length: number): Buffer => Buffer.alloc(length, 'a')

function chunkedRequest(headers: Record<string, string>, names: string, signature: string) {
  const all = {
    host: 's3.amazonaws.com',
    'x-amz-date': '20130524T000000Z',
    'x-amz-storage-class': 'REDUCED_REDUNDANCY',
    'content-encoding': 'aws-chunked',
    'x-amz-decoded-content-length': '66560',
    ...headers,
  }
  const head = request('PUT', '/examplebucket/chunkObject.txt', all, names, signature)
  return { headers: all, payload: verifier.verify(head).payload }
}

test('a body in signed chunks verifies and is unframed', async () => {
  const { payload, headers } = chunkedRequest(
    {
      'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
      'content-length': '66824',
    },
    'content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class',
    '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9',
  )
  const framed = Buffer.concat([
    Buffer.from(
      '10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n',
    ),
    a(65536),
    Buffer.from(
      '\r\n400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n',
    ),
    a(1024),
    Buffer.from(
      '\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n',
    ),
  ])
  assert.equal(framed.byteLength, 66824)
  const body = verifiedBody(stream([framed]), payload, headers)
  assert.equal(body.decodedBytes, 66560)
  assert.ok((await collect(body.source)).equals(a(66560)))
})

test('a body in signed chunks with a signed trailer verifies', async () => {
  const { payload, headers } = chunkedRequest(
    {
      'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
      'x-amz-trailer': 'x-amz-checksum-crc32c',
    },
    'content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer',
    '106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e',
  )
  const framed = Buffer.concat([
    Buffer.from(
      '10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n',
    ),
    a(65536),
    Buffer.from(
      '\r\n400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n',
    ),
    a(1024),
    Buffer.from(
      '\r\n0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n' +
        'x-amz-checksum-crc32c:sOO8/Q==\n\r\n' +
        'x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n',
    ),
  ])
  const body = verifiedBody(stream([framed]), payload, headers)
  assert.ok((await collect(body.source)).equals(a(66560)))
  assert.deepEqual({ ...body.trailers() }, { 'x-amz-checksum-crc32c': 'sOO8/Q==' })
})

async function* stream(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of source) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}
