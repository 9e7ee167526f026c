import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { S3Error } from './error.ts'
import { refuseBesideForm, withHoisted } from './hoisted-header.ts'

const { HOLDFAST_TEST_SCALE: scale = '1' } = process.env

const parametersOf = (given: Readonly<Record<string, string>>) =>
  Object.entries(given).map(([name, value]) => ({ name, value }))

const isS3Error = (error: unknown, code: string): error is S3Error =>
  error instanceof S3Error && error.code === code

test('what the signer of a URL decided acts, what tells of a body or signs does not', () => {
  const acting = {
    'x-amz-acl': 'public-read',
    'x-amz-checksum-algorithm': 'CRC32',
    'x-amz-checksum-mode': 'ENABLED',
    'x-amz-checksum-type': 'COMPOSITE',
    'x-amz-copy-source': 'b/k',
    'x-amz-copy-source-if-match': 'etag',
    'x-amz-expected-bucket-owner': 'o',
    'x-amz-grant-read': 'id=1',
    'x-amz-meta-a': '1',
    'x-amz-meta-checksum-crc32': '1',
    'x-amz-object-lock-mode': 'GOVERNANCE',
    'x-amz-rename-source': 'k',
    'x-amz-server-side-encryption-customer-key': 'k',
    'x-amz-storage-class': 'STANDARD_IA',
    'x-amz-tagging': 'a=b',
    'x-amz-website-redirect-location': '/x',
    'x-holdfast-lease': '1',
  }
  const signed = {
    'X-Amz-Algorithm': 'a',
    'X-Amz-Content-Sha256': 'UNSIGNED-PAYLOAD',
    'X-Amz-Credential': 'c',
    'X-Amz-Date': 'd',
    'X-Amz-Expires': '1',
    'X-Amz-Security-Token': 't',
    'X-Amz-Signature': 's',
    'X-Amz-SignedHeaders': 'host',
    'x-amz-checksum-crc32': 'AAAAAA==',
    'x-amz-checksum-sha512': 'x',
    'X-Amz-Checksum-CRC64NVME': 'x',
    'x-amz-decoded-content-length': '5',
    'x-amz-sdk-checksum-algorithm': 'CRC32',
    'x-amz-trailer': 'x-amz-checksum-crc32',
    'x-id': 'PutObject',
    'Content-Type': 'text/html',
  }
  const headers = { host: 'h', 'x-amz-checksum-crc32': 'sent' }
  const parameters = parametersOf({ ...signed, ...acting })
  assert.deepEqual(withHoisted(headers, parameters), { ...headers, ...acting })
  assert.equal(withHoisted(headers, parametersOf(signed)), headers)
})

test('a header that is sent wins over its parameter, whose name has no case', () => {
  const merged = withHoisted(
    { 'x-amz-meta-a': 'sent' },
    parametersOf({ 'X-Amz-Meta-A': 'hoisted', 'X-Amz-Meta-B': ' é ' }),
  )
  assert.deepEqual(merged, { 'x-amz-meta-a': 'sent', 'x-amz-meta-b': 'Ã©' })
})

test('a parameter that no header could be is refused', () => {
  const refused = [
    ['x-amz-meta-a b', 'v'],
    ['x-amz-meta-é', 'v'],
    // The sign for kelvin, whose lower case is an ordinary k.
    ['x-amz-meta-\u212a', 'v'],
    ['x-amz-acl:', 'v'],
    ['x-amz-acl ', 'public-read'],
    ['x-amz-meta-a\r\nx', 'v'],
    ['x-amz-meta-a', 'v\r\nx: y'],
    ['x-amz-meta-a', '\u0000'],
    ['x-amz-meta-a', '\u007f'],
    ['x-amz-storage-class', 'STANDARD\n'],
  ] as const
  for (const [name, value] of refused) {
    assert.throws(
      () => withHoisted({}, [{ name, value }]),
      (error) => isS3Error(error, 'InvalidArgument'),
      JSON.stringify([name, value]),
    )
  }
})

test('any parameters end in headers that can be sent, or in a refusal', () => {
  const name = fc
    .tuple(
      fc.constantFrom('x-amz-meta-', 'X-Amz-Meta-', 'x-amz-', 'x-holdfast-', ''),
      fc.string({ unit: 'binary', maxLength: 5 }),
    )
    .map((pieces) => pieces.join(''))
  const parameter = fc.record({ name, value: fc.string({ unit: 'binary', maxLength: 8 }) })
  fc.assert(
    fc.property(fc.array(parameter, { maxLength: 4 }), (parameters) => {
      try {
        for (const [header, value] of Object.entries(withHoisted({}, parameters))) {
          assert.match(header, /^[!-9;-~]+$/)
          assert.match(String(value), /^(?:[!-~\u0080-ÿ](?:[\t -~\u0080-ÿ]*[!-~\u0080-ÿ])?)?$/)
        }
      } catch (error) {
        assert.ok(isS3Error(error, 'InvalidArgument'), String(error))
      }
    }),
    { numRuns: 500 * Number(scale) },
  )
})

test('beside a form, what would be ignored is refused, and what browsers send is not', () => {
  refuseBesideForm({
    accept: '*/*',
    'accept-language': 'de',
    'cache-control': 'no-cache',
    connection: 'keep-alive',
    'content-length': '5',
    'content-type': 'multipart/form-data; boundary=x',
    cookie: 'a=b',
    expires: '0',
    host: 'h',
    origin: 'http://app.example',
    pragma: 'no-cache',
    referer: 'http://app.example/',
    'sec-fetch-mode': 'cors',
    'user-agent': 'Mozilla/5.0',
    'x-amz-cf-id': 'of a proxy',
    'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
    'x-amz-date': '20260101T000000Z',
    'x-amz-expected-bucket-owner': 'o',
    'x-forwarded-for': '10.0.0.1',
    'x-requested-with': 'XMLHttpRequest',
  })
  const refused = {
    'cache-control': 'max-age=3600',
    'content-disposition': 'inline',
    'content-encoding': 'gzip',
    'content-language': 'de',
    'content-md5': 'x',
    expires: 'Thu, 01 Dec 2033 16:00:00 GMT',
    'if-match': '"x"',
    'if-modified-since': 'Thu, 01 Dec 2033 16:00:00 GMT',
    'if-none-match': '*',
    'if-unmodified-since': 'Thu, 01 Dec 2033 16:00:00 GMT',
    'x-amz-acl': 'private',
    'x-amz-checksum-crc32': 'AAAAAA==',
    'x-amz-copy-source': 'b/k',
    'x-amz-meta-a': '1',
    'x-amz-sdk-checksum-algorithm': 'CRC32',
    'x-amz-security-token': 't',
    'x-amz-storage-class': 'STANDARD',
    'x-amz-tagging': 'a=b',
    'x-amz-trailer': 'x-amz-checksum-crc32',
    'x-holdfast-lease': '1',
  }
  for (const [name, value] of Object.entries(refused)) {
    assert.throws(
      () => refuseBesideForm({ [name]: value }),
      (error) => isS3Error(error, 'NotImplemented') && error.wire.fields?.['Header'] === name,
      name,
    )
  }
})
