// biome-ignore-all lint/suspicious/noTemplateCurlyInString: policy variables have that form.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Facts, outcome, principal, request } from './policy.fixture.ts'

const key = (name: string) => ({ resource: { kind: 'key', bucket: 'photos', key: name } }) as const
const below = (prefix: string) =>
  ({ resource: { kind: 'below', bucket: 'photos', prefix } }) as const
const anonymous = { from: { principal: undefined } }

test('Principal names owners by id, account, user and canonical id', () => {
  const cases = [
    ['*', true],
    [{ AWS: '*' }, true],
    [{ AWS: 'ann' }, true],
    [{ AWS: 'arn:aws:iam::ann:root' }, true],
    [{ AWS: 'arn:aws-cn:iam::ann:root' }, true],
    [{ AWS: 'arn:aws:iam::ann:user/Ann' }, true],
    [{ AWS: 'arn:aws:iam::ann:user/ann' }, true],
    [{ AWS: 'arn:aws:iam:::user/ann' }, true],
    [{ AWS: ['bob', 'ann'] }, true],
    [{ CanonicalUser: 'ann' }, true],
    [{ AWS: 'bob', CanonicalUser: 'ann' }, true],
    [{ AWS: 'Ann' }, false],
    [{ AWS: 'arn:aws:iam::bob:user/Ann' }, false],
    [{ AWS: 'arn:aws:iam::ann:user/Bob' }, false],
    [{ AWS: 'arn:aws:iam::ann:user/path/Ann' }, false],
    [{ AWS: 'arn:aws:iam::ann:role/Ann' }, false],
    [{ AWS: 'arn:aws:sts::ann:assumed-role/role/Ann' }, false],
    [{ AWS: '123456789012' }, false],
    [{ Service: 'cloudfront.amazonaws.com' }, false],
    [{ Federated: 'cognito-identity.amazonaws.com' }, false],
  ] as const
  for (const [Principal, expected] of cases) {
    const text = JSON.stringify(Principal)
    assert.equal(outcome({ Principal }), expected ? 'allow' : 'none', text)
    const negated = Principal === '*' ? { AWS: '*' } : Principal
    assert.equal(
      outcome({ NotPrincipal: negated, Effect: 'Deny' }),
      expected ? 'none' : 'deny',
      `not ${text}`,
    )
  }
})

test('only the star names the makers of anonymous requests', () => {
  assert.equal(outcome({ Principal: '*' }, anonymous), 'allow')
  assert.equal(outcome({ Principal: { AWS: '*' } }, anonymous), 'allow')
  assert.equal(outcome({ Principal: { AWS: 'ann' } }, anonymous), 'none')
  assert.equal(outcome({ NotPrincipal: { AWS: 'ann' }, Effect: 'Deny' }, anonymous), 'deny')
})

test('Action and NotAction match in any case and with wildcards', () => {
  const cases = [
    ['s3:GetObject', true],
    ['S3:GETOBJECT', true],
    ['s3:Get*', true],
    ['s3:G?tObject', true],
    ['*', true],
    [['s3:PutObject', 's3:GetObject'], true],
    ['s3:PutObject', false],
    ['s3:GetObjectAcl', false],
  ] as const
  for (const [Action, expected] of cases) {
    assert.equal(outcome({ Action }), expected ? 'allow' : 'none', String(Action))
    assert.equal(outcome({ NotAction: Action }), expected ? 'none' : 'allow', String(Action))
  }
})

test('Resource and NotResource match whole names, with wildcards and variables', () => {
  const cases = [
    ['arn:aws:s3:::photos/*', true],
    ['arn:aws:s3:::photos/a/b.jpg', true],
    ['arn:aws:s3:::photos/a/?.jpg', true],
    ['arn:aws:s3:::phot*', true],
    ['arn:aws:s3:::*', true],
    ['arn:aws:s3:::photos/A/*', false],
    ['arn:aws:s3:::photos/a', false],
    ['arn:aws:s3:::photos/a/', false],
    ['arn:aws:s3:::photos/${aws:username}/*', false],
  ] as const
  for (const [Resource, expected] of cases) {
    assert.equal(outcome({ Resource }), expected ? 'allow' : 'none', Resource)
    assert.equal(outcome({ NotResource: Resource }), expected ? 'none' : 'allow', Resource)
  }
  const own = { Resource: 'arn:aws:s3:::photos/${aws:username}/*' }
  assert.equal(outcome(own, key('Ann/x')), 'allow')
  assert.equal(outcome(own, key('Bob/x')), 'none')
  assert.equal(outcome({ Resource: 'arn:aws:s3:::photos/${*}/*' }, key('*/x')), 'allow')
  assert.equal(outcome({ Resource: 'arn:aws:s3:::photos/${*}/*' }, key('a/x')), 'none')
  const star = { from: { principal: principal('star', '*') }, ...key('Ann/x') }
  assert.equal(outcome(own, star), 'none')
})

test('an Allow reaches a prefix only as a whole; a Deny already by one key of it', () => {
  const cases = [
    ['arn:aws:s3:::photos/*', 'allow', 'deny'],
    ['arn:aws:s3:::photos/a/*', 'allow', 'deny'],
    ['arn:aws:s3:::photos/a*', 'allow', 'deny'],
    ['arn:aws:s3:::photos/a/b/*', 'none', 'deny'],
    ['arn:aws:s3:::photos/*.jpg', 'none', 'deny'],
    ['arn:aws:s3:::photos/a/', 'none', 'deny'],
    ['arn:aws:s3:::photos/b/*', 'none', 'none'],
  ] as const
  for (const [Resource, allow, deny] of cases) {
    assert.equal(outcome({ Resource }, below('a/')), allow, Resource)
    assert.equal(outcome({ Resource, Effect: 'Deny' }, below('a/')), deny, Resource)
  }
  const others = [
    ['arn:aws:s3:::photos/b/*', 'allow', 'deny'],
    ['arn:aws:s3:::photos/a/b/*', 'none', 'deny'],
    ['arn:aws:s3:::photos/a/*', 'none', 'none'],
  ] as const
  for (const [NotResource, allow, deny] of others) {
    assert.equal(outcome({ NotResource }, below('a/')), allow, `not ${NotResource}`)
    assert.equal(outcome({ NotResource, Effect: 'Deny' }, below('a/')), deny, `not ${NotResource}`)
  }
})

test('a condition on the tags of an object waits for the object', () => {
  const Condition = { StringEquals: { 's3:ExistingObjectTag/state': 'done' } }
  const tagged = (state: string) => ({ object: { tags: { state } } })
  for (const [Effect, found, possible] of [
    ['Allow', 'allow', 'may allow'],
    ['Deny', 'deny', 'may deny'],
  ] as const) {
    assert.equal(outcome({ Condition, Effect }), possible)
    assert.equal(outcome({ Condition, Effect }, below('a/')), possible)
    assert.equal(outcome({ Condition, Effect }, tagged('done')), found)
    assert.equal(outcome({ Condition, Effect }, tagged('open')), 'none')
    assert.equal(outcome({ Condition, Effect }, { object: 'absent' }), 'none')
    const alsoIp = { ...Condition, IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } }
    assert.equal(outcome({ Condition: alsoIp, Effect }, { from: { sourceIp: '11.0.0.1' } }), 'none')
  }
})

test('the keys of S3 have the values of the request', () => {
  const put = { action: 's3:PutObject' }
  const list = { action: 's3:ListBucket', resource: { kind: 'bucket', bucket: 'photos' } } as const
  const headers = (values: Record<string, string>) => ({ from: { headers: values } })
  const query = (values: Record<string, string>) => ({
    from: { query: new Map(Object.entries(values)) },
  })
  const signature = {
    version: 'AWS4-HMAC-SHA256',
    authType: 'REST-QUERY-STRING',
    signedAt: request().nowMs - 5000,
  } as const
  const cases: readonly (readonly [string, string, Facts])[] = [
    ['s3:prefix', 'a/', { ...list, ...query({ prefix: 'a/' }) }],
    ['s3:delimiter', '/', { ...list, ...query({ delimiter: '/' }) }],
    ['s3:max-keys', '10', { ...list, ...query({ 'max-keys': '10' }) }],
    ['s3:VersionId', 'v', query({ versionId: 'v' })],
    ['s3:x-amz-acl', 'public-read', { ...put, ...headers({ 'x-amz-acl': 'public-read' }) }],
    ['s3:x-amz-grant-read', 'id=x', { ...put, ...headers({ 'x-amz-grant-read': 'id=x' }) }],
    [
      's3:x-amz-copy-source',
      'src/a b',
      { ...put, ...headers({ 'x-amz-copy-source': '/src/a%20b?versionId=1' }) },
    ],
    [
      's3:x-amz-metadata-directive',
      'COPY',
      { ...put, ...headers({ 'x-amz-metadata-directive': 'COPY' }) },
    ],
    [
      's3:x-amz-server-side-encryption',
      'AES256',
      { ...put, ...headers({ 'x-amz-server-side-encryption': 'AES256' }) },
    ],
    ['s3:if-none-match', '*', { ...put, ...headers({ 'if-none-match': '*' }) }],
    ['s3:object-lock-mode', 'X', { ...put, ...headers({ 'x-amz-object-lock-mode': 'X' }) }],
    [
      's3:object-lock-remaining-retention-days',
      '2',
      { ...put, ...headers({ 'x-amz-object-lock-retain-until-date': '2026-01-05T00:00:00Z' }) },
    ],
    ['s3:RequestObjectTag/k', 'v', { ...put, from: { requestTags: () => ({ k: 'v' }) } }],
    ['s3:RequestObjectTagKeys', 'k', { ...put, from: { requestTags: () => ({ k: 'v' }) } }],
    ['s3:ObjectCreationOperation', 'true', { ...put, ...query({}) }],
    ['s3:ObjectCreationOperation', 'false', { ...put, ...query({ partNumber: '1' }) }],
    ['s3:authType', 'REST-QUERY-STRING', { from: { signature } }],
    ['s3:signatureversion', 'AWS4-HMAC-SHA256', { from: { signature } }],
    ['s3:signatureAge', '5000', { from: { signature } }],
    ['s3:ResourceAccount', 'owner', {}],
    ['aws:ResourceAccount', 'owner', {}],
    ['aws:RequestedRegion', 'eu-west-1', {}],
    ['aws:PrincipalAccount', 'ann', {}],
    ['aws:PrincipalArn', 'arn:aws:iam::ann:user/Ann', {}],
    ['aws:PrincipalType', 'User', {}],
    ['aws:PrincipalType', 'Anonymous', anonymous],
    ['aws:userid', 'ann', {}],
    ['aws:userid', 'anonymous', anonymous],
    ['aws:username', 'Ann', {}],
    ['aws:Referer', 'http://x/', headers({ referer: 'http://x/' })],
    ['aws:SecureTransport', 'false', { from: { isSecure: false } }],
    ['aws:SourceIp', '::1', { from: { sourceIp: '::1' } }],
    ['aws:EpochTime', String(request().nowMs / 1000), {}],
    ['aws:CurrentTime', '2026-01-02T03:04:05.000Z', {}],
  ]
  const Resource = ['arn:aws:s3:::photos', 'arn:aws:s3:::photos/*']
  for (const [name, value, facts] of cases) {
    for (const written of [name, name.toUpperCase().replace(/\/.*/, name.replace(/^[^/]*/, ''))]) {
      const Condition = { StringEquals: { [written]: value } }
      assert.equal(outcome({ Action: 's3:*', Resource, Condition }, facts), 'allow', written)
    }
  }
})

test('a key has no value for actions that cannot have it', () => {
  const Condition = { Null: { 's3:x-amz-acl': 'true' } }
  const from = { headers: { 'x-amz-acl': 'private' } }
  assert.equal(outcome({ Action: 's3:*', Condition }, { from }), 'allow')
  assert.equal(outcome({ Action: 's3:*', Condition }, { from, action: 's3:PutObject' }), 'none')
})
