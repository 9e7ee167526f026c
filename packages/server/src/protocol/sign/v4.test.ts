// The refusals of the Authorization header, each with AWS's code and words. The request is Amazon's
// example of a signed GET.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refusalOf } from './refusal.fixture.ts'
import { Verifier } from './verifier.ts'
import type { SignWords } from './wording.ts'

const signedHeaders = 'host;range;x-amz-content-sha256;x-amz-date'
const signature = 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41'
const credential = 'AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request'
const authorization = `AWS4-HMAC-SHA256 Credential=${credential},SignedHeaders=${signedHeaders},Signature=${signature}`
const day = Date.UTC(2013, 4, 24)

interface Attempt {
  readonly headers?: Readonly<Record<string, string | undefined>>
  readonly parameters?: readonly { readonly name: string; readonly value: string }[]
  readonly nowMs?: number
  readonly region?: string
}

function attempt({ headers = {}, parameters = [], nowMs = day, region }: Attempt): unknown {
  const verifier = new Verifier({
    lookup: (id) =>
      id === 'AKIAIOSFODNN7EXAMPLE'
        ? { secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', principal: 'owner' }
        : undefined,
    clock: { now: () => nowMs, monotonicMs: () => 0 },
    ...(region === undefined ? {} : { region }),
  })
  const all: Record<string, string | undefined> = {
    host: 'examplebucket.s3.amazonaws.com',
    range: 'bytes=0-9',
    'x-amz-content-sha256': 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    'x-amz-date': '20130524T000000Z',
    authorization,
    ...headers,
  }
  const present = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
  const rawHeaders = Object.entries(present).flatMap(([name, value]) => [name, value ?? ''])
  return verifier.verify({
    method: 'GET',
    path: '/test.txt',
    parameters,
    headers: present,
    rawHeaders,
  }).principal
}

const refusal = (of: Attempt): SignWords => refusalOf(() => attempt(of))

const auth = (value: string): Attempt => ({ headers: { authorization: value } })
const changed = (from: string, to: string): Attempt => auth(authorization.replace(from, to))

test('the components may come in any order, with any spaces', () => {
  assert.equal(attempt({}), 'owner')
  assert.equal(attempt({ region: 'us-east-1' }), 'owner')
  const [first = '', names = '', last = ''] = authorization
    .slice('AWS4-HMAC-SHA256 '.length)
    .split(',')
  assert.equal(attempt(auth(`AWS4-HMAC-SHA256  ${last} , ${names},${first}`)), 'owner')
})

test('a malformed header is named in the words of AWS', () => {
  const cases: readonly (readonly [Attempt, string])[] = [
    [
      changed('/us-east-1', ''),
      'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
    ],
    [
      changed('/20130524/', '/2013052/'),
      'incorrect date format "2013052". This date in the credential must be in the format "yyyyMMdd".',
    ],
    [changed('/s3/', '/ec2/'), 'incorrect service "ec2". This endpoint belongs to "s3".'],
    [
      changed('aws4_request', 'aws4'),
      'incorrect terminal "aws4". This endpoint uses "aws4_request".',
    ],
    [
      changed('/20130524/', '/20130523/'),
      'Invalid credential date "20130523". This date is not the same as X-Amz-Date: "20130524".',
    ],
    [{ region: 'eu-west-1' }, "the region 'us-east-1' is wrong; expecting 'eu-west-1'"],
    [
      changed(',Signature=', ''),
      'the authorization header requires three components: Credential, SignedHeaders, and Signature.',
    ],
    [auth('AWS4-HMAC-SHA256 a,b'), 'the authorization component "a" is malformed.'],
    [
      changed(',Signature=', ',Credential=a,Signature='),
      'the authorization component "Credential" is repeated.',
    ],
  ]
  for (const [of, problem] of cases) {
    const { code, message } = refusal(of)
    assert.equal(code, 'AuthorizationHeaderMalformed')
    assert.equal(message, `The authorization header is malformed; ${problem}`)
  }
  assert.equal(refusal({ region: 'eu-west-1' }).fields['Region'], 'eu-west-1')
})

test('other mechanisms are not supported', () => {
  const presigned = [
    { name: 'AWSAccessKeyId', value: 'a' },
    { name: 'Signature', value: 'b' },
  ]
  for (const of of [
    auth('AWS AKIAIOSFODNN7EXAMPLE:frJIUN8DYpKDtOLCwo//yllqDzg='),
    auth('AWS4-ECDSA-P256-SHA256 Credential=a'),
    auth('AWS4-HMAC-SHA512 Credential=a'),
    { headers: { authorization: undefined }, parameters: presigned },
  ]) {
    const { code, message } = refusal(of)
    assert.equal(code, 'InvalidRequest')
    assert.match(
      message,
      /^The authorization mechanism you have provided is not supported\. Please use AWS4-HMAC-SHA256\.$/,
    )
  }
  const bearer = refusal(auth('Bearer token'))
  assert.equal(bearer.message, 'Unsupported Authorization Type')
  assert.deepEqual(bearer.fields, { ArgumentName: 'Authorization', ArgumentValue: 'Bearer token' })
  assert.match(refusal(auth('AWS4-HMAC-SHA256')).message, /^Authorization header is invalid/)
})

test('a header and a URL that are both signed are refused', () => {
  const parameters = [{ name: 'X-Amz-Algorithm', value: 'AWS4-HMAC-SHA256' }]
  const { code, message } = refusal({ parameters })
  assert.equal(code, 'InvalidArgument')
  assert.match(message, /^Only one auth mechanism allowed/)
})

test('x-amz-content-sha256 must be there and be one of its values', () => {
  const missing = refusal({ headers: { 'x-amz-content-sha256': undefined } })
  assert.deepEqual(
    [missing.code, missing.message],
    ['InvalidRequest', 'Missing required header for this request: x-amz-content-sha256'],
  )
  const wrong = refusal({ headers: { 'x-amz-content-sha256': 'STREAMING' } })
  assert.equal(wrong.code, 'InvalidArgument')
  assert.deepEqual(wrong.fields, {
    ArgumentName: 'x-amz-content-sha256',
    ArgumentValue: 'STREAMING',
  })
})

test('a date must be there, exist, and be close to the clock', () => {
  for (const date of [
    undefined,
    '20130524',
    '20130532T000000Z',
    '20131301T000000Z',
    '20130524T240000Z',
    'yesterday',
  ]) {
    const { code, message } = refusal({ headers: { 'x-amz-date': date } })
    assert.equal(code, 'AccessDenied')
    assert.equal(message, 'AWS authentication requires a valid Date or x-amz-date header')
  }
  assert.equal(attempt({ nowMs: day + 900_000 }), 'owner')
  assert.equal(attempt({ nowMs: day - 900_000 }), 'owner')
  for (const nowMs of [day + 900_001, day - 900_001]) {
    const { code, fields } = refusal({ nowMs })
    assert.equal(code, 'RequestTimeTooSkewed')
    assert.equal(fields['RequestTime'], '20130524T000000Z')
    assert.equal(fields['MaxAllowedSkewMilliseconds'], '900000')
    assert.match(fields['ServerTime'] ?? '', /^2013-05-2[34]T\d\d:\d\d:00Z$|T23:44:59Z$/)
  }
})

test('host and every header that means something must be signed', () => {
  const withAcl = refusal({
    headers: { 'x-amz-acl': 'public-read', 'x-holdfast-recursive': 'true', accept: '*/*' },
  })
  assert.equal(withAcl.code, 'AccessDenied')
  assert.equal(withAcl.message, 'There were headers present in the request which were not signed')
  assert.deepEqual(withAcl.fields, { HeadersNotSigned: 'x-amz-acl, x-holdfast-recursive' })
  assert.deepEqual(refusal(changed('host;', '')).fields, { HeadersNotSigned: 'host' })
  assert.deepEqual(
    refusal({
      ...changed('host;', ''),
      headers: { ...changed('host;', '').headers, host: undefined },
    }).fields,
    { HeadersNotSigned: 'host' },
  )
})

test('a header can be signed once, by its name in lower case', () => {
  for (const list of [
    `${signedHeaders};range`,
    signedHeaders.replace('range', 'Range'),
    `${signedHeaders};`,
    `${signedHeaders};a:b`,
  ]) {
    const { code, message } = refusal(changed(signedHeaders, list))
    assert.equal(code, 'AuthorizationHeaderMalformed')
    assert.match(message, /SignedHeaders must be distinct header names in lower case\.$/)
  }
})

test('a header that is signed and not there is empty, whatever its name', () => {
  const names = `${signedHeaders};absent;constructor;__proto__`
  const { code, fields } = refusal(changed(signedHeaders, names))
  assert.equal(code, 'SignatureDoesNotMatch')
  assert.match(fields['CanonicalRequest'] ?? '', /\nabsent:\nconstructor:\n__proto__:\n/)
})

test('a wrong signature over more than is worth showing is refused without it', () => {
  const { code, fields } = refusal({ headers: { range: 'x'.repeat(20_000) } })
  assert.equal(code, 'SignatureDoesNotMatch')
  assert.deepEqual(Object.keys(fields).sort(), [
    'AWSAccessKeyId',
    'SignatureProvided',
    'StringToSign',
    'StringToSignBytes',
  ])
})

test('an unknown access key, a session token and a wrong signature are told apart', () => {
  const unknown = refusal(changed('AKIAIOSFODNN7EXAMPLE', 'AKIDUNKNOWN'))
  assert.equal(unknown.code, 'InvalidAccessKeyId')
  assert.deepEqual(unknown.fields, { AWSAccessKeyId: 'AKIDUNKNOWN' })
  const token = refusal({
    headers: {
      ...changed('x-amz-date', 'x-amz-date;x-amz-security-token').headers,
      'x-amz-security-token': 't',
    },
  })
  assert.equal(token.code, 'InvalidToken')
  const wrong = refusal({ headers: { range: 'bytes=0-10' } })
  assert.equal(wrong.code, 'SignatureDoesNotMatch')
  assert.equal(wrong.fields['AWSAccessKeyId'], 'AKIAIOSFODNN7EXAMPLE')
  assert.equal(wrong.fields['SignatureProvided'], signature)
  assert.match(
    wrong.fields['StringToSign'] ?? '',
    /^AWS4-HMAC-SHA256\n20130524T000000Z\n20130524\/us-east-1\/s3\/aws4_request\n[0-9a-f]{64}$/,
  )
  assert.match(wrong.fields['StringToSignBytes'] ?? '', /^41 57 53 34 /)
  assert.equal(
    wrong.fields['CanonicalRequest'],
    `GET\n/test.txt\n\nhost:examplebucket.s3.amazonaws.com\nrange:bytes=0-10\nx-amz-content-sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\nx-amz-date:20130524T000000Z\n\n${signedHeaders}\ne3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855`,
  )
  assert.ok(!JSON.stringify(wrong.fields).includes('wJalr'))
})
