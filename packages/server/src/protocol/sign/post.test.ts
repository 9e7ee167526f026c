import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { isSignError } from './error.ts'
import { evaluatePolicy, filenamePlaceholder, type PostFields } from './post.ts'
import { refusalOf } from './refusal.fixture.ts'
import { Verifier } from './verifier.ts'

const { HOLDFAST_TEST_SCALE: scale = '1' } = process.env
const secretAccessKey = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
const nowMs = Date.UTC(2015, 11, 29, 12)
const verifier = new Verifier({
  lookup: (id) =>
    id === 'AKIAIOSFODNN7EXAMPLE' ? { secretAccessKey, principal: 'owner' } : undefined,
  clock: { now: () => nowMs, monotonicMs: () => 0 },
})

function form(values: Readonly<Record<string, string | undefined>>): PostFields {
  const fields = Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [{ name, value }],
  )
  return { fields, get: (name) => fields.find((field) => field.name.toLowerCase() === name)?.value }
}

function sign(policy: string): string {
  let key: Buffer = Buffer.from(`AWS4${secretAccessKey}`)
  for (const step of ['20151229', 'us-east-1', 's3', 'aws4_request']) {
    key = createHmac('sha256', key).update(step).digest()
  }
  return createHmac('sha256', key).update(policy).digest('hex')
}

function signedForm(
  policy: string,
  changes: Readonly<Record<string, string | undefined>> = {},
): PostFields {
  return form({
    policy,
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': 'AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request',
    'X-Amz-Date': '20151229T000000Z',
    'X-Amz-Signature': sign(policy),
    ...changes,
  })
}

const encode = (document: unknown): string =>
  Buffer.from(JSON.stringify(document)).toString('base64')
const policyOf = (...conditions: unknown[]): string =>
  encode({ expiration: '2015-12-30T12:00:00.000Z', conditions })

const evaluate = (policy: string, values: Readonly<Record<string, string>>) =>
  evaluatePolicy(policy, form({ policy, ...values }), { bucket: 'b', nowMs })

test("Amazon's example of a signed policy verifies", () => {
  // https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-post-example.html
  const policy =
    'eyAiZXhwaXJhdGlvbiI6ICIyMDE1LTEyLTMwVDEyOjAwOjAwLjAwMFoiLA0KICAiY29uZGl0aW9ucyI6IFsNCiAgICB7ImJ1Y2tldCI6ICJzaWd2NGV4YW1wbGVidWNrZXQifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRrZXkiLCAidXNlci91c2VyMS8iXSwNCiAgICB7ImFjbCI6ICJwdWJsaWMtcmVhZCJ9LA0KICAgIHsic3VjY2Vzc19hY3Rpb25fcmVkaXJlY3QiOiAiaHR0cDovL3NpZ3Y0ZXhhbXBsZWJ1Y2tldC5zMy5hbWF6b25hd3MuY29tL3N1Y2Nlc3NmdWxfdXBsb2FkLmh0bWwifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRDb250ZW50LVR5cGUiLCAiaW1hZ2UvIl0sDQogICAgeyJ4LWFtei1tZXRhLXV1aWQiOiAiMTQzNjUxMjM2NTEyNzQifSwNCiAgICB7IngtYW16LXNlcnZlci1zaWRlLWVuY3J5cHRpb24iOiAiQUVTMjU2In0sDQogICAgWyJzdGFydHMtd2l0aCIsICIkeC1hbXotbWV0YS10YWciLCAiIl0sDQoNCiAgICB7IngtYW16LWNyZWRlbnRpYWwiOiAiQUtJQUlPU0ZPRE5ON0VYQU1QTEUvMjAxNTEyMjkvdXMtZWFzdC0xL3MzL2F3czRfcmVxdWVzdCJ9LA0KICAgIHsieC1hbXotYWxnb3JpdGhtIjogIkFXUzQtSE1BQy1TSEEyNTYifSwNCiAgICB7IngtYW16LWRhdGUiOiAiMjAxNTEyMjlUMDAwMDAwWiIgfQ0KICBdDQp9'
  const fields = signedForm(policy, {
    key: 'user/user1/a.jpg',
    acl: 'public-read',
    success_action_redirect: 'http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html',
    'Content-Type': 'image/jpeg',
    'x-amz-meta-uuid': '14365123651274',
    'x-amz-server-side-encryption': 'AES256',
    'x-amz-meta-tag': '',
    'X-Amz-Signature': '8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e',
  })
  assert.equal(verifier.verifyForm(fields).principal, 'owner')
  evaluatePolicy(policy, fields, { bucket: 'sigv4examplebucket', nowMs })
})

test('a form without policy is anonymous', () => {
  assert.equal(verifier.verifyForm(form({ key: 'a' })).method, 'anonymous')
})

test('a form whose signature is not right is refused', () => {
  const policy = policyOf()
  const refused = (changes: Readonly<Record<string, string | undefined>>) =>
    refusalOf(() => verifier.verifyForm(signedForm(policy, changes)))
  for (const name of [
    'policy',
    'X-Amz-Algorithm',
    'X-Amz-Credential',
    'X-Amz-Date',
    'X-Amz-Signature',
  ]) {
    const { code, message } = refused({ [name]: undefined })
    assert.equal(code, 'InvalidArgument')
    assert.equal(
      message,
      `Bucket POST must contain a field named '${name.toLowerCase()}'.  If it is specified, please check the order of the fields.`,
    )
  }
  assert.equal(refused({ policy: policyOf(['eq', '$key', 'a']) }).code, 'SignatureDoesNotMatch')
  assert.equal(refused({ 'X-Amz-Signature': sign('x') }).code, 'SignatureDoesNotMatch')
  assert.equal(
    refused({ 'X-Amz-Credential': 'AKID/20151229/us-east-1/s3/aws4_request' }).code,
    'InvalidAccessKeyId',
  )
  assert.equal(refused({ 'X-Amz-Credential': 'AKID/20151229' }).code, 'InvalidArgument')
  assert.equal(refused({ 'X-Amz-Date': '20151230T000000Z' }).code, 'InvalidArgument')
  assert.equal(refused({ 'X-Amz-Date': '20151229T235959Z' }).code, 'RequestTimeTooSkewed')
  assert.equal(refused({ 'X-Amz-Algorithm': 'HMAC' }).code, 'InvalidArgument')
  assert.equal(refused({ 'X-Amz-Security-Token': 't' }).code, 'InvalidToken')
  const version2 = form({ policy, AWSAccessKeyId: 'a', signature: 'b' })
  assert.equal(refusalOf(() => verifier.verifyForm(version2)).code, 'InvalidRequest')
})

test('every condition must hold, and the size of the file is bounded', () => {
  const policy = policyOf(
    { bucket: 'b' },
    ['starts-with', '$key', 'user/'],
    ['EQ', '$Content-Type', 'text/plain'],
    ['content-length-range', 1, '10'],
    ['content-length-range', 0, 20],
    ['starts-with', '$success_action_status', ''],
  )
  const good = { Key: 'user/1', 'content-type': 'text/plain', 'x-ignore-me': '1', file: '' }
  assert.deepEqual(evaluate(policy, good), { minimumBytes: 1, maximumBytes: 10 })
  const cases: readonly (readonly [Record<string, string>, string])[] = [
    [{ ...good, Key: 'other/1' }, 'Policy Condition failed: ["starts-with", "$key", "user/"]'],
    [
      { ...good, 'content-type': 'text/html' },
      'Policy Condition failed: ["eq", "$Content-Type", "text/plain"]',
    ],
    [{ Key: 'user/1' }, 'Policy Condition failed: ["eq", "$Content-Type", "text/plain"]'],
    [{ ...good, acl: 'private', 'X-Amz-Meta-A': '' }, 'Extra input fields: acl, X-Amz-Meta-A'],
    [{ ...good, bucket: 'c' }, 'Policy Condition failed: ["eq", "$bucket", "b"]'],
  ]
  for (const [values, reason] of cases) {
    const { code, message } = refusalOf(() => evaluate(policy, values))
    assert.deepEqual([code, message], ['AccessDenied', `Invalid according to Policy: ${reason}`])
  }
  const elsewhere = () => evaluatePolicy(policy, form(good), { bucket: 'c', nowMs })
  assert.match(refusalOf(elsewhere).message, /\["eq", "\$bucket", "b"\]$/)
})

test('a policy without a bucket is good for none', () => {
  const { code, message } = refusalOf(() => evaluate(policyOf({ key: 'k' }), { key: 'k' }))
  const reason = 'Invalid according to Policy: Extra input fields: bucket'
  assert.deepEqual([code, message], ['AccessDenied', reason])
  const named = refusalOf(() => evaluate(policyOf({ key: 'k' }), { key: 'k', bucket: 'b' }))
  assert.equal(named.message, reason)
})

test('conditions name fields in any case', () => {
  const policy = policyOf({ BuCkEt: 'b' }, { KEY: 'k' }, ['Starts-With', '$X-AMZ-Meta-A', 'v'])
  evaluate(policy, { key: 'k', 'x-amz-meta-a': 'v1' })
})

test('conditions are about the form with the name of its file, or about just this template', () => {
  const key = `u/${filenamePlaceholder}`
  const evaluateFilled = (condition: unknown, filled: string) => {
    const policy = policyOf({ bucket: 'b' }, condition)
    const template = form({ policy, key })
    return evaluatePolicy(policy, form({ policy, key: filled }), { bucket: 'b', nowMs, template })
  }
  evaluateFilled({ key: 'u/a.txt' }, 'u/a.txt')
  evaluateFilled(['starts-with', '$key', 'u/a'], 'u/a.txt')
  evaluateFilled({ key }, 'u/a.txt')
  const { code } = refusalOf(() => evaluateFilled(['starts-with', '$key', 'u/$'], 'u/a.txt'))
  assert.equal(code, 'AccessDenied')
})

test('an expired policy is refused', () => {
  const policy = encode({ expiration: new Date(nowMs).toISOString(), conditions: [] })
  const { code, message } = refusalOf(() => evaluate(policy, {}))
  assert.deepEqual(
    [code, message],
    ['AccessDenied', 'Invalid according to Policy: Policy expired.'],
  )
})

test('a policy that is none is InvalidPolicyDocument', () => {
  const expiration = '2015-12-30T12:00:00Z'
  for (const policy of [
    '',
    '!!!',
    encode('text'),
    encode([]),
    encode({ conditions: [] }),
    encode({ expiration }),
    encode({ expiration, conditions: {} }),
    encode({ expiration, conditions: [], more: 1 }),
    encode({ expiration: 'soon', conditions: [] }),
    encode({ Expiration: expiration, conditions: [] }),
    encode({ EXPIRATION: expiration, expiration, conditions: [] }),
    encode({ expiration, CONDITIONS: [] }),
    encode({ expiration, conditions: [], Conditions: [] }),
    encode({ expiration: 1, conditions: [] }),
    ...[1, null, {}, { a: 1 }, { a: '', b: '' }, [], ['eq'], ['like', '$key', 'a']].map(
      (condition) => policyOf(condition),
    ),
    ...[
      ['eq', 'key', 'a'],
      ['eq', '$key', 1],
      ['content-length-range', -1, 5],
      ['content-length-range', 1.5, 5],
    ].map((condition) => policyOf(condition)),
    Buffer.from('{"expiration":').toString('base64'),
    Buffer.from([0x22, 0xff, 0x22]).toString('base64'),
  ]) {
    assert.equal(refusalOf(() => evaluate(policy, {})).code, 'InvalidPolicyDocument', policy)
  }
})

test('any policy ends in bounds or in a refusal', () => {
  const word = fc.constantFrom(
    'eq',
    'starts-with',
    'content-length-range',
    '$key',
    '$bucket',
    'expiration',
    'conditions',
    'a',
    '__proto__',
    '$',
    '',
  )
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      word,
      fc.integer(),
      fc.constant(null),
      fc.array(tie('any'), { maxLength: 4 }),
      fc.dictionary(word, tie('any'), { maxKeys: 3 }),
    ),
  })).any
  const policy = fc.oneof(
    value.map(encode),
    fc.array(value, { maxLength: 4 }).map((conditions) => policyOf(...conditions)),
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes).toString('base64')),
  )
  fc.assert(
    fc.property(
      policy,
      fc.dictionary(word, fc.string({ maxLength: 3 }), { maxKeys: 3 }),
      (policy, values) => {
        try {
          evaluate(policy, values)
          verifier.verifyForm(signedForm(policy, values))
        } catch (error) {
          assert.ok(isSignError(error), String(error))
        }
      },
    ),
    { numRuns: 1500 * Number(scale) },
  )
})
