// The refusals of presigned URLs, each with AWS's code and words. The URL is Amazon's example.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refusalOf } from './refusal.fixture.ts'
import { Verifier } from './verifier.ts'
import type { SignWords } from './wording.ts'

const example = {
  'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
  'X-Amz-Credential': 'AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request',
  'X-Amz-Date': '20130524T000000Z',
  'X-Amz-Expires': '86400',
  'X-Amz-SignedHeaders': 'host',
  'X-Amz-Signature': 'aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
}
const day = Date.UTC(2013, 4, 24)

interface Attempt {
  readonly query?: Readonly<Record<string, string | undefined>>
  readonly more?: readonly { readonly name: string; readonly value: string }[]
  readonly headers?: Readonly<Record<string, string>>
  readonly nowMs?: number
  readonly region?: string
}

function attempt({ query = {}, more = [], headers = {}, nowMs = day, region }: Attempt): unknown {
  const verifier = new Verifier({
    lookup: (id) =>
      id === 'AKIAIOSFODNN7EXAMPLE'
        ? { secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', principal: 'owner' }
        : undefined,
    clock: { now: () => nowMs, monotonicMs: () => 0 },
    ...(region === undefined ? {} : { region }),
  })
  const parameters = Object.entries({ ...example, ...query }).flatMap(([name, value]) =>
    value === undefined ? [] : [{ name, value }],
  )
  const all = { host: 'examplebucket.s3.amazonaws.com', ...headers }
  return verifier.verify({
    method: 'GET',
    path: '/test.txt',
    parameters: [...parameters, ...more],
    headers: all,
    rawHeaders: Object.entries(all).flat(),
  }).principal
}

const refusal = (of: Attempt): SignWords => refusalOf(() => attempt(of))

test('a URL may be used from a quarter of an hour before it was signed until it expires', () => {
  const expiry = day + 86_400_000
  assert.equal(attempt({}), 'owner')
  assert.equal(attempt({ nowMs: expiry }), 'owner')
  assert.equal(attempt({ nowMs: day - 900_000 }), 'owner')
  const late = refusal({ nowMs: expiry + 1 })
  assert.deepEqual([late.code, late.message], ['ExpiredUrl', 'Request has expired'])
  assert.deepEqual(late.fields, {
    'X-Amz-Expires': '86400',
    Expires: '2013-05-25T00:00:00Z',
    ServerTime: '2013-05-25T00:00:00Z',
  })
  const early = refusal({ nowMs: day - 900_001 })
  assert.deepEqual([early.code, early.message], ['AccessDenied', 'Request is not valid yet'])
})

test('a bad parameter is named in the words of AWS', () => {
  const missing =
    'Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.'
  const credential = 'Error parsing the X-Amz-Credential parameter; '
  const cases: readonly (readonly [Attempt, string])[] = [
    ...Object.keys(example).map((name) => [{ query: { [name]: undefined } }, missing] as const),
    [{ query: { 'X-Amz-Signature': '' } }, missing],
    ...['host;host', 'Host', 'host;'].map(
      (list) =>
        [
          { query: { 'X-Amz-SignedHeaders': list } },
          'X-Amz-SignedHeaders must be distinct header names in lower case.',
        ] as const,
    ),
    [{ query: { 'X-Amz-Algorithm': 'HMAC' } }, 'X-Amz-Algorithm only supports "AWS4-HMAC-SHA256"'],
    [
      { query: { 'X-Amz-Date': '20130524' } },
      "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"",
    ],
    [
      { query: { 'X-Amz-Date': '20130525T000000Z' } },
      'Invalid credential date "20130524". This date is not the same as X-Amz-Date: "20130525".',
    ],
    [{ query: { 'X-Amz-Expires': 'soon' } }, 'X-Amz-Expires should be a number'],
    [{ query: { 'X-Amz-Expires': '-1' } }, 'X-Amz-Expires must be non-negative'],
    [
      { query: { 'X-Amz-Expires': '604801' } },
      'X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds',
    ],
    [
      { query: { 'X-Amz-Credential': 'a/b' } },
      `${credential}the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".`,
    ],
    [
      { region: 'eu-west-1' },
      `${credential}the region 'us-east-1' is wrong; expecting 'eu-west-1'`,
    ],
    [{ more: [{ name: 'X-Amz-Expires', value: '1' }] }, 'X-Amz-Expires must be given only once.'],
    [{ more: [{ name: 'x-amz-expires', value: '1' }] }, 'x-amz-expires must be given only once.'],
    [
      { query: { 'x-amz-meta-a': '1', 'X-Amz-Meta-A': '2' } },
      'X-Amz-Meta-A must be given only once.',
    ],
  ]
  for (const [of, expected] of cases) {
    const { code, message } = refusal(of)
    assert.equal(message, expected)
    assert.equal(code, 'AuthorizationQueryParametersError')
  }
})

test('what a URL does not sign cannot be added to it', () => {
  const header = refusal({ headers: { 'x-amz-acl': 'public-read' } })
  assert.deepEqual(header.fields, { HeadersNotSigned: 'x-amz-acl' })
  assert.equal(refusal({ query: { versionId: 'v' } }).code, 'SignatureDoesNotMatch')
  assert.equal(refusal({ query: { 'X-Amz-Expires': '604800' } }).code, 'SignatureDoesNotMatch')
  for (const name of ['X-Amz-Security-Token', 'x-amz-security-token']) {
    assert.equal(refusal({ query: { [name]: 't' } }).code, 'InvalidToken')
  }
  const unknown = example['X-Amz-Credential'].replace('AKIA', 'ASIA')
  assert.equal(refusal({ query: { 'X-Amz-Credential': unknown } }).code, 'InvalidAccessKeyId')
})
