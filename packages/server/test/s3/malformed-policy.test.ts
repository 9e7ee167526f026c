// The reasons for which a policy is refused, in Amazon's words.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type WireAnswer, xmlText } from '../wire.ts'
import { startWithBucket } from './bucket.fixture.ts'
import { policyText } from './policy.fixture.ts'

const { Bucket, server } = await startWithBucket('malformed', { owners: 1 })

const put = (text: string): Promise<WireAnswer> =>
  server.send({ method: 'PUT', path: `/${Bucket}`, query: { policy: '' }, body: Buffer.from(text) })

/** A policy of one statement, with these elements in place of good ones. */
function withElements(elements: Readonly<Record<string, unknown>>): string {
  const good = { Effect: 'Allow', Principal: { AWS: '123456789012' }, Action: 's3:GetObject' }
  const statement = { ...good, Resource: `arn:aws:s3:::${Bucket}/*`, ...elements }
  return JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
}

test('a malformed policy is refused with the reason, and the old policy stays', async () => {
  const good = withElements({ Sid: 'good' })
  assert.equal((await put(good)).status, 204)
  const cases = [
    ['policy', "Policies must be valid JSON and the first byte must be '{'"],
    ['{', 'This policy contains invalid Json'],
    ['{"Version": "2012-10-17"}', 'Missing required field Statement'],
    ['{"Statement": []}', 'Could not parse the policy: Statement is empty!'],
    [`{"Version": "1", "Statement": {}}`, 'The policy must contain a valid version string'],
    [withElements({ Effect: undefined }), 'Missing required field Effect'],
    [withElements({ Principal: undefined }), 'Missing required field Principal'],
    [withElements({ Action: undefined }), 'Missing required field Action'],
    [withElements({ Resource: undefined }), 'Missing required field Resource'],
    [withElements({ Foo: 1 }), 'Unknown field Foo'],
    [withElements({ Effect: 'Maybe' }), 'Invalid effect: Maybe'],
    [withElements({ Principal: {} }), 'Missing required field Principal cannot be empty!'],
    [withElements({ Principal: { AWS: 'nobody' } }), 'Invalid principal in policy'],
    [withElements({ Action: 's3:Fetch' }), 'Policy has invalid action'],
    [withElements({ Resource: 'arn:aws:s3:::other/*' }), 'Policy has invalid resource'],
    [
      withElements({ Action: 's3:ListBucket' }),
      'Action does not apply to any resource(s) in statement',
    ],
    [
      withElements({ Condition: { StringEquals: { 's3:foo': 'x' } } }),
      'Policy has an invalid condition key',
    ],
    [
      withElements({ Condition: { StringEquals: { 's3:prefix': 'x' } } }),
      'Conditions do not apply to combination of actions and resources in statement',
    ],
    [
      withElements({ Condition: { StringIs: { 'aws:UserAgent': 'x' } } }),
      'Invalid Condition type : StringIs',
    ],
    [
      withElements({ Sid: 'x'.repeat(20_480) }),
      'Normalized policy document exceeds the maximum allowed size of 20480 bytes.',
    ],
  ] as const
  for (const [text, message] of cases) {
    const { status, body } = await put(text)
    assert.deepEqual([status, xmlText(body, 'Code')], [400, 'MalformedPolicy'], message)
    assert.equal(xmlText(body, 'Message')?.replaceAll('&apos;', "'"), message)
  }
  const { body } = await put(withElements({ Principal: { AWS: ['123456789012', 'nobody'] } }))
  assert.equal(xmlText(body, 'Detail')?.replaceAll('&quot;', '"'), '"AWS" : "nobody"')
  const kept = await server.send({ method: 'GET', path: `/${Bucket}`, query: { policy: '' } })
  assert.equal(kept.body.toString(), good)
})

test('a policy names owners by their ids, and accounts and users of Amazon', async () => {
  const { id } = server.credential(1).owner
  for (const Principal of [
    { AWS: id },
    { AWS: `arn:aws:iam::${id}:root` },
    { AWS: `arn:aws:iam::${id}:user/second` },
    { AWS: 'arn:aws:iam::another:root' },
    { AWS: ['123456789012', 'arn:aws:iam::123456789012:role/reader'] },
    { CanonicalUser: id },
    { CanonicalUser: '0'.repeat(64) },
    { Service: 'cloudfront.amazonaws.com' },
  ]) {
    const text = policyText(Bucket, { Principal, Action: 's3:GetObject', on: '/*' })
    assert.equal((await put(text)).status, 204, JSON.stringify(Principal))
  }
})
