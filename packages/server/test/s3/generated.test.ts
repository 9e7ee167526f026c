// Generated requests of every shape: the response is valid for S3, never a fault of the server.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { encodeUri } from '../wire.ts'
import { startWithBucket } from './bucket.fixture.ts'
import { RawConnection, signHead } from './raw.ts'

const scale = Number(process.env['HOLDFAST_TEST_SCALE'] ?? 1)
const { server } = await startWithBucket('bucket')

const junk = fc.oneof(
  fc.constantFrom(
    '',
    '0',
    '1',
    '-1',
    '10000',
    '1e9',
    '*',
    'null',
    'true',
    'url',
    '/',
    'bucket/a',
    '"etag"',
    'AAAAAA==',
  ),
  fc.string({ unit: 'grapheme-ascii', maxLength: 20 }),
)
const textual = fc.oneof(
  junk,
  fc.string({ unit: 'binary', maxLength: 20 }).filter((text) => text.isWellFormed()),
)
const parameter = fc.constantFrom(
  'acl',
  'attributes',
  'continuation-token',
  'delete',
  'delimiter',
  'encoding-type',
  'fetch-owner',
  'key-marker',
  'list-type',
  'location',
  'marker',
  'max-keys',
  'max-parts',
  'max-uploads',
  'part-number-marker',
  'partNumber',
  'policy',
  'prefix',
  'renameObject',
  'response-content-type',
  'start-after',
  'tagging',
  'upload-id-marker',
  'uploadId',
  'uploads',
  'version-id-marker',
  'versionId',
  'versioning',
  'versions',
  'max-buckets',
  'bucket-region',
  '__proto__',
)
const header = fc.constantFrom(
  'content-encoding',
  'content-md5',
  'content-type',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'range',
  'if-unmodified-since',
  'x-amz-checksum-algorithm',
  'x-amz-checksum-crc32',
  'x-amz-checksum-mode',
  'x-amz-checksum-type',
  'x-amz-copy-source',
  'x-amz-copy-source-if-match',
  'x-amz-copy-source-range',
  'x-amz-decoded-content-length',
  'x-amz-if-match-size',
  'x-amz-max-parts',
  'x-amz-meta-a',
  'x-amz-metadata-directive',
  'x-amz-mp-object-size',
  'x-amz-object-attributes',
  'x-amz-part-number-marker',
  'x-amz-sdk-checksum-algorithm',
  'x-amz-storage-class',
  'x-amz-trailer',
  'x-amz-rename-source',
  'x-amz-acl',
)
const path = fc.oneof(
  fc.constantFrom('/', '/bucket', '/bucket/', '/bucket/key', '/bucket/a/b', '/none', '/none/key'),
  textual.map((key) => `/bucket/${encodeUri(key)}`),
)
const body = fc.oneof(
  fc.constantFrom(
    '',
    '<Delete><Object><Key>key</Key></Object></Delete>',
    '<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>x</ETag></Part></CompleteMultipartUpload>',
    '<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>',
  ),
  textual,
)
const request = fc.record({
  method: fc.constantFrom('GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'OPTIONS', 'PATCH'),
  path,
  query: fc.dictionary(parameter, textual, { maxKeys: 4 }),
  // Only valid header values are generated, since they are sent verbatim.
  headers: fc.dictionary(
    header,
    junk.map((text) => text.trim().replace(/ +/g, ' ')),
    { maxKeys: 4 },
  ),
  body,
  payload: fc.constantFrom(
    undefined,
    'UNSIGNED-PAYLOAD',
    'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
    'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
  ),
})

test('a signed request of any shape gets an answer that S3 could give', async () => {
  await fc.assert(
    fc.asyncProperty(request, async (wanted) => {
      const content = Buffer.from(wanted.body)
      const { payload, ...rest } = wanted
      const signed = {
        ...rest,
        body: content,
        ...(payload === undefined ? {} : { payloadHash: payload }),
      }
      const { text } = signHead(server, signed)
      using connection = await RawConnection.open(server)
      connection.write(`${text}content-length: ${content.length}\r\n\r\n`)
      connection.write(content)
      const answer = await connection.answer(wanted.method === 'HEAD')
      assert.ok(answer.status < 500 || answer.status === 501, `${answer.status} ${answer.body}`)
      assert.deepEqual(server.faults.splice(0), [])
    }),
    { numRuns: 300 * scale, includeErrorInReport: true },
  )
})

test('an unsigned request of any shape gets a refusal', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('GET', 'PUT', 'POST', 'DELETE'),
      fc.webPath(),
      fc.webQueryParameters(),
      fc.dictionary(header, junk, { maxKeys: 3 }),
      async (method, target, query, headers) => {
        const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
        using connection = await RawConnection.open(server)
        connection.write(
          `${method} ${target || '/'}?${query} HTTP/1.1\r\nHost: x\r\n${lines.join('')}Content-Length: 0\r\n\r\n`,
        )
        const { status } = await connection.answer()
        assert.ok((status >= 400 && status < 500) || status === 501, String(status))
        assert.deepEqual(server.faults.splice(0), [])
      },
    ),
    { numRuns: 300 * scale, includeErrorInReport: true },
  )
})
