// biome-ignore-all lint/suspicious/noTemplateCurlyInString: policy variables have that form.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compiled, statement } from './policy.fixture.ts'

function isPublic(...elements: readonly Readonly<Record<string, unknown>>[]): boolean {
  return compiled(...elements.map((each) => statement(each))).isPublic
}

test('a policy is public if one Allow is for everybody', () => {
  assert.equal(isPublic({}), true)
  assert.equal(isPublic({ Principal: { AWS: '*' } }), true)
  assert.equal(isPublic({ Principal: { AWS: ['ann', '*'] } }), true)
  assert.equal(isPublic({ Principal: { AWS: 'ann' } }), false)
  assert.equal(isPublic({ Principal: { AWS: 'ann' } }, {}), true)
  assert.equal(isPublic({ Principal: { Service: 'logging.s3.amazonaws.com' } }), false)
  assert.equal(isPublic({ Effect: 'Deny' }), false)
})

test('fixed values of keys that the public cannot choose make it private', () => {
  const fixed = [
    { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } },
    { IpAddress: { 'aws:SourceIp': ['203.0.113.7', '2001:db8::/32'] } },
    { StringEquals: { 'aws:SourceVpc': 'vpc-1' } },
    { StringEquals: { 'aws:SourceVpce': ['vpce-1', 'vpce-2'] } },
    { StringEquals: { 'aws:PrincipalOrgID': 'o-1' } },
    { StringEqualsIgnoreCase: { 'aws:SourceAccount': '1' } },
    { StringLike: { 'aws:SourceOwner': '1' } },
    { StringEquals: { 'aws:userid': 'AIDA1' } },
    { ArnLike: { 'aws:SourceArn': 'arn:aws:sns:eu-west-1:1:topic' } },
    { ArnEquals: { 'aws:PrincipalArn': 'arn:aws:iam::1:user/u' } },
    { StringEquals: { 's3:DataAccessPointAccount': '1' } },
    { ArnLike: { 's3:DataAccessPointArn': 'arn:aws:s3:eu-west-1:1:accesspoint/*' } },
    { 'ForAnyValue:StringEquals': { 'aws:PrincipalOrgPaths': 'o-1/r-1/' } },
  ]
  for (const Condition of fixed) {
    assert.equal(isPublic({ Condition }), false, JSON.stringify(Condition))
    assert.equal(isPublic({ Condition }, {}), true, JSON.stringify(Condition))
  }
})

test('patterns, variables, wide ranges, negations and keys of the caller leave it public', () => {
  const open = [
    { IpAddress: { 'aws:SourceIp': '0.0.0.0/0' } },
    { IpAddress: { 'aws:SourceIp': '0.0.0.0/7' } },
    { IpAddress: { 'aws:SourceIp': ['10.0.0.0/8', '::/31'] } },
    { IpAddressIfExists: { 'aws:SourceIp': '10.0.0.0/8' } },
    { NotIpAddress: { 'aws:SourceIp': '10.0.0.0/8' } },
    { StringNotEquals: { 'aws:SourceVpc': 'vpc-1' } },
    { StringLike: { 'aws:SourceVpc': 'vpc-*' } },
    { StringEquals: { 'aws:SourceVpc': ['vpc-1', '${aws:userid}'] } },
    { StringEqualsIfExists: { 'aws:SourceVpc': 'vpc-1' } },
    { 'ForAllValues:StringEquals': { 'aws:PrincipalOrgPaths': 'o-1/r-1/' } },
    { StringLike: { 'aws:userid': 'AROAID:*' } },
    { ArnLike: { 's3:DataAccessPointArn': 'arn:aws:s3:*:*:accesspoint/x' } },
    { StringEquals: { 'aws:Referer': 'http://example.com/' } },
    { StringEquals: { 'aws:UserAgent': 'secret' } },
    { Bool: { 'aws:SecureTransport': 'true' } },
    { DateLessThan: { 'aws:CurrentTime': '2020-01-01' } },
    { Null: { 'aws:SourceVpc': 'false' } },
  ]
  for (const Condition of open) {
    assert.equal(isPublic({ Condition }), true, JSON.stringify(Condition))
  }
})
