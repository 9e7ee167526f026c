// biome-ignore-all lint/suspicious/noTemplateCurlyInString: policy variables have that form.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compilePolicy } from './compile.ts'
import { compiled, faultOf, policyText, statement } from './policy.fixture.ts'

function kindOf(text: string): string | undefined {
  return faultOf(text)?.kind
}

function kindOfStatement(elements: Readonly<Record<string, unknown>>): string | undefined {
  return kindOf(policyText(statement(elements)))
}

test('a document that is no policy is refused with the reason', () => {
  const one = JSON.stringify(statement())
  const cases = [
    ['', 'not an object'],
    ['nonsense', 'not an object'],
    ['[]', 'not an object'],
    [` {"Statement": ${one}}`, 'not an object'],
    ['"{}"', 'not an object'],
    ['{', 'invalid JSON'],
    ['{"Version": "2012-10-17",}', 'invalid JSON'],
    [`{"Statement": ${one}, "Statement": ${one}}`, 'invalid JSON'],
    [`{"Statement": ${one}, "St\\u0061tement": ${one}}`, 'invalid JSON'],
    ['{}', 'missing element'],
    ['{"Version": "2012-10-17"}', 'missing element'],
    ['{"Statement": []}', 'no statement'],
    ['{"Statement": "none"}', 'invalid syntax'],
    ['{"Statement": [[]]}', 'invalid syntax'],
    ['{"Statement": null}', 'invalid syntax'],
    [`{"Version": "2020-01-01", "Statement": ${one}}`, 'invalid version'],
    [`{"Version": 2012, "Statement": ${one}}`, 'invalid version'],
    [`{"Id": 5, "Statement": ${one}}`, 'invalid syntax'],
    [`{"Foo": 5, "Statement": ${one}}`, 'unknown element'],
    [`{"version": "2012-10-17", "Statement": ${one}}`, 'unknown element'],
  ] as const
  for (const [text, kind] of cases) assert.equal(kindOf(text), kind, text)
})

test('a policy may have one statement without a list, either version or none, and an id', () => {
  const one = JSON.stringify(statement())
  for (const text of [
    `{"Statement": ${one}}`,
    `{\n "Version": "2008-10-17", "Id": "x", "Statement": [${one}]}`,
    `{"Version": "2012-10-17", "Statement": [${one}, ${one}]}`,
  ]) {
    assert.equal(faultOf(text), undefined, text)
  }
})

test('20 KB without white space is the limit', () => {
  const sized = (bytes: number): string => {
    const empty = policyText(statement({ Sid: '' }))
    return policyText(statement({ Sid: 'x'.repeat(bytes - empty.length) }))
  }
  assert.equal(faultOf(sized(20_480)), undefined)
  assert.equal(faultOf(sized(20_480).replaceAll(',', ' ,\n\n')), undefined)
  assert.deepEqual(faultOf(sized(20_481)), { kind: 'too large', maximumBytes: 20_480 })
})

test('a statement needs an effect, a principal, an action and a resource', () => {
  for (const element of ['Effect', 'Principal', 'Action', 'Resource']) {
    const { [element]: _, ...others } = statement()
    assert.deepEqual(faultOf(policyText(others)), { kind: 'missing element', element })
  }
})

test('the elements of a statement are checked', () => {
  const cases = [
    [{ Effect: 'Grant' }, 'invalid effect'],
    [{ Effect: 'allow' }, 'invalid effect'],
    [{ Effect: 1 }, 'invalid syntax'],
    [{ Sid: 1 }, 'invalid syntax'],
    [{ Extra: 'x' }, 'unknown element'],
    [{ Principal: '*', NotPrincipal: '*' }, 'invalid syntax'],
    [{ NotPrincipal: { AWS: 'ann' } }, 'allow with NotPrincipal'],
    [{ Action: 's3:*', NotAction: 's3:GetObject' }, 'invalid syntax'],
    [{ Resource: 'arn:aws:s3:::photos/*', NotResource: 'arn:aws:s3:::photos' }, 'invalid syntax'],
    [{ Action: [] }, 'invalid action'],
    [{ Action: '' }, 'invalid action'],
    [{ Action: 's3:' }, 'invalid action'],
    [{ Action: 'GetObject' }, 'invalid action'],
    [{ Action: 's3:NoSuchAction' }, 'invalid action'],
    [{ Action: 'ec2:RunInstances' }, 'invalid action'],
    [{ Action: ['s3:GetObject', 's3:Nothing*'] }, 'invalid action'],
    [{ Action: 5 }, 'invalid syntax'],
    [{ Action: { a: 1 } }, 'invalid syntax'],
    [{ Resource: [] }, 'invalid resource'],
    [{ Resource: '*' }, 'invalid resource'],
    [{ Resource: 'photos/*' }, 'invalid resource'],
    [{ Resource: 'arn:aws:s3:::other/*' }, 'invalid resource'],
    [{ Resource: 'arn:aws:s3:::photos2/*' }, 'invalid resource'],
    [{ Resource: 'arn:aws:s3:::phot' }, 'invalid resource'],
    [{ Resource: 'arn:aws:s3:::' }, 'invalid resource'],
    [{ Resource: 'arn:aws:sqs:::photos' }, 'invalid resource'],
    [{ Resource: 'arn:aws:s3:eu-west-1::photos' }, 'invalid resource'],
    [{ Resource: 5 }, 'invalid syntax'],
    [{ Action: 's3:ListBucket' }, 'action without resource'],
    [{ Resource: 'arn:aws:s3:::photos' }, 'action without resource'],
    [{ Action: ['s3:GetObject', 's3:ListBucket'] }, 'action without resource'],
    [{ Action: 's3:ListAllMyBuckets' }, 'action without resource'],
  ] as const
  for (const [elements, kind] of cases) {
    assert.equal(kindOfStatement(elements), kind, JSON.stringify(elements))
  }
})

test('resources and actions that S3 takes', () => {
  for (const elements of [
    { Resource: 'arn:aws:s3:::photos/a' },
    { Resource: 'arn:aws-cn:s3:::photos/*' },
    { Resource: ['arn:aws:s3:::*', 'arn:aws:s3:::*/*'], Action: 's3:ListBucket' },
    { Resource: 'arn:aws:s3:::phot*' },
    { Resource: 'arn:aws:s3:::photos/${aws:username}/*' },
    { NotResource: 'arn:aws:s3:::photos/private/*' },
    { Action: '*' },
    { Action: 's3:*' },
    { Action: 'S3:getobject' },
    { Action: ['s3:Get*', 's3:PutObject?cl'] },
    { Action: 's3:*', Resource: 'arn:aws:s3:::photos' },
    { NotAction: 's3:DeleteObject' },
  ]) {
    assert.equal(kindOfStatement(elements), undefined, JSON.stringify(elements))
  }
})

test('principals are checked, and the refusal names them', () => {
  const invalid = [
    [{ Principal: 'ann' }, '"AWS" : "ann"'],
    [{ Principal: { AWS: 'arn:aws:iam::ann:user/*' } }, '"AWS" : "arn:aws:iam::ann:user/*"'],
    [{ Principal: { AWS: 'arn:aws:iam::*:root' } }, '"AWS" : "arn:aws:iam::*:root"'],
    [{ Principal: { AWS: 'arn:aws:iam::ann:group/g' } }, '"AWS" : "arn:aws:iam::ann:group/g"'],
    [{ Principal: { AWS: 'arn:aws:iam::ann:user/' } }, '"AWS" : "arn:aws:iam::ann:user/"'],
    [{ Principal: { AWS: 'arn:aws:s3:::photos' } }, '"AWS" : "arn:aws:s3:::photos"'],
    [{ Principal: { AWS: '' } }, '"AWS" : ""'],
    [{ Principal: { AWS: ['ann', 'b*'] } }, '"AWS" : "b*"'],
    [{ Principal: { User: 'ann' } }, '"User" : "ann"'],
    [{ Principal: { CanonicalUser: '*' } }, '"CanonicalUser" : "*"'],
    [{ Principal: { Service: 'nothing' } }, '"Service" : "nothing"'],
    [{ NotPrincipal: { AWS: 'a*' }, Effect: 'Deny' }, '"AWS" : "a*"'],
  ] as const
  for (const [elements, principal] of invalid) {
    assert.deepEqual(faultOf(policyText(statement(elements))), {
      kind: 'invalid principal',
      principal,
    })
  }
  assert.equal(kindOfStatement({ Principal: {} }), 'empty principal')
  assert.equal(kindOfStatement({ Principal: { AWS: [] } }), 'empty principal')
  assert.equal(kindOfStatement({ Principal: null }), 'invalid syntax')
  assert.equal(kindOfStatement({ Principal: { AWS: 5 } }), 'invalid syntax')
  assert.equal(kindOfStatement({ Principal: ['*'] }), 'invalid syntax')
})

test('the owners that a policy names by their ids are told', () => {
  const policy = compiled(
    statement({ Principal: { AWS: ['ann', 'arn:aws:iam::bob:root'], CanonicalUser: 'cid' } }),
    statement({ Principal: { AWS: 'arn:aws:iam:::user/dan' } }),
  )
  assert.deepEqual([...policy.namedOwners], ['ann', 'cid', 'dan'])
})

test('conditions are checked', () => {
  const cases = [
    [{ StringMatches: { 'aws:UserAgent': 'x' } }, 'invalid operator'],
    [{ ForSomeValues: { 'aws:UserAgent': 'x' } }, 'invalid operator'],
    [{ 'ForAllValues:Null': { 'aws:UserAgent': 'true' } }, 'invalid operator'],
    [{ NullIfExists: { 'aws:UserAgent': 'true' } }, 'invalid operator'],
    [{ StringEquals: { 'aws:NoSuchKey': 'x' } }, 'invalid condition key'],
    [{ StringEquals: { 's3:nosuchkey': 'x' } }, 'invalid condition key'],
    [{ StringEquals: { 's3:ExistingObjectTag/': 'x' } }, 'invalid condition key'],
    [{ StringEquals: { nothing: 'x' } }, 'invalid condition key'],
    [{ StringEquals: { __proto__: null, constructor: 'x' } }, 'invalid condition key'],
    [{ StringEquals: { 'aws:UserAgent': null } }, 'invalid syntax'],
    [{ StringEquals: { 'aws:UserAgent': [{}] } }, 'invalid syntax'],
    [{ StringEquals: 'x' }, 'invalid syntax'],
    ['x', 'invalid syntax'],
    [[], 'invalid syntax'],
    [{ NumericEquals: { 's3:signatureAge': 'ten' } }, 'invalid condition value'],
    [{ DateLessThan: { 'aws:CurrentTime': 'tomorrow' } }, 'invalid condition value'],
    [{ Bool: { 'aws:SecureTransport': 'yes' } }, 'invalid condition value'],
    [{ Null: { 'aws:Referer': 'yes' } }, 'invalid condition value'],
    [{ IpAddress: { 'aws:SourceIp': '10.0.0.0/33' } }, 'invalid condition value'],
    [{ IpAddress: { 'aws:SourceIp': 'localhost' } }, 'invalid condition value'],
    [{ IpAddress: { 'aws:SourceIp': '::/129' } }, 'invalid condition value'],
    [{ BinaryEquals: { 'aws:UserAgent': '***' } }, 'invalid condition value'],
    [{ ArnLike: { 'aws:SourceArn': 'photos' } }, 'invalid condition value'],
    [{ StringEquals: { 's3:prefix': 'x' } }, 'inapplicable condition'],
    [{ StringEquals: { 's3:x-amz-acl': 'private' } }, 'inapplicable condition'],
  ] as const
  for (const [Condition, kind] of cases) {
    assert.equal(kindOfStatement({ Condition }), kind, JSON.stringify(Condition))
  }
})

test('each action of a statement must have the keys of its conditions', () => {
  const Condition = { StringEquals: { 's3:prefix': 'x' } }
  const Resource = ['arn:aws:s3:::photos', 'arn:aws:s3:::photos/*']
  const of = (Action: unknown): string | undefined =>
    kindOfStatement({ Action, Resource, Condition })
  assert.equal(of('s3:ListBucket'), undefined)
  assert.equal(of('s3:*'), undefined)
  assert.equal(of(['s3:ListBucket', 's3:GetBucketLocation']), 'inapplicable condition')
})

test('a Sid may occur once', () => {
  const text = policyText(statement({ Sid: 'one' }), statement({ Sid: 'one' }))
  assert.equal(kindOf(text), 'repeated Sid')
  assert.equal(kindOf(policyText(statement({ Sid: '' }), statement({ Sid: '' }))), undefined)
})

test('deeply nested JSON is refused like any other', () => {
  const deep = `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`
  assert.throws(() => compilePolicy(deep, 'photos'), { code: 'MalformedPolicy' })
  assert.equal(kindOf(`{"Statement": ${'['.repeat(9000)}${']'.repeat(9000)}}`), 'invalid syntax')
})
