// biome-ignore-all lint/suspicious/noTemplateCurlyInString: policy variables have that form.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RequestContext } from '../context.ts'
import { type Facts, outcome, principal } from './policy.fixture.ts'

type Block = Readonly<Record<string, unknown>>

/** True if an Allow with this condition applies to a request with this context. */
function holds(Condition: Block, from: Partial<RequestContext> = {}, facts: Facts = {}): boolean {
  const Resource = ['arn:aws:s3:::photos', 'arn:aws:s3:::photos/*']
  return outcome({ Condition, Action: 's3:*', Resource }, { from, ...facts }) === 'allow'
}

const agent = (value: string | undefined): Partial<RequestContext> => ({
  headers: { 'user-agent': value },
})

test('operators on texts', () => {
  const cases = [
    ['StringEquals', 'curl', 'curl', true],
    ['StringEquals', 'curl', 'Curl', false],
    ['StringEquals', 'c*', 'curl', false],
    ['StringEquals', 'c*', 'c*', true],
    ['StringEquals', ['a', 'b'], 'b', true],
    ['StringEquals', [], 'b', false],
    ['StringEquals', '', '', true],
    ['StringEquals', 5, '5', true],
    ['StringEquals', true, 'true', true],
    ['StringNotEquals', 'curl', 'curl', false],
    ['StringNotEquals', 'curl', 'wget', true],
    ['StringNotEquals', ['a', 'b'], 'b', false],
    ['StringNotEquals', ['a', 'b'], 'c', true],
    ['StringEqualsIgnoreCase', 'CURL', 'curl', true],
    ['StringNotEqualsIgnoreCase', 'CURL', 'curl', false],
    ['StringLike', 'c*', 'curl', true],
    ['StringLike', 'c?rl', 'curl', true],
    ['StringLike', 'c?rl', 'cuurl', false],
    ['StringLike', 'C*', 'curl', false],
    ['StringLike', ['x*', 'c*'], 'curl', true],
    ['StringNotLike', 'c*', 'curl', false],
    ['StringNotLike', 'c*', 'wget', true],
  ] as const
  for (const [operator, wanted, found, expected] of cases) {
    const condition = { [operator]: { 'aws:UserAgent': wanted } }
    assert.equal(holds(condition, agent(found)), expected, JSON.stringify([condition, found]))
  }
})

test('operators on numbers', () => {
  const cases = [
    ['NumericEquals', '10', '10', true],
    ['NumericEquals', 10, '10.0', true],
    ['NumericEquals', 10, 'x', false],
    ['NumericNotEquals', 10, '11', true],
    ['NumericNotEquals', [10, 11], '11', false],
    ['NumericLessThan', 10, '9', true],
    ['NumericLessThan', 10, '10', false],
    ['NumericLessThanEquals', 10, '10', true],
    ['NumericGreaterThan', 10, '10', false],
    ['NumericGreaterThan', -1, '0', true],
    ['NumericGreaterThanEquals', 10, '10', true],
    ['NumericGreaterThanEquals', [20, 5], '10', true],
  ] as const
  for (const [operator, wanted, found, expected] of cases) {
    const condition = { [operator]: { 's3:max-keys': wanted } }
    const query = new Map([['max-keys', found]])
    const listing = { action: 's3:ListBucket' }
    assert.equal(holds(condition, { query }, listing), expected, JSON.stringify([condition, found]))
  }
})

test('operators on dates', () => {
  const cases = [
    ['DateEquals', '2026-01-02T03:04:05Z', true],
    ['DateEquals', '2026-01-02T04:04:05+01:00', true],
    ['DateEquals', '2026-01-02T03:04:05', true],
    ['DateEquals', String(Date.UTC(2026, 0, 2, 3, 4, 5) / 1000), true],
    ['DateNotEquals', '2026-01-02', true],
    ['DateLessThan', '2026-01-02', false],
    ['DateLessThan', '2026-01-03', true],
    ['DateLessThan', '2027', true],
    ['DateLessThanEquals', '2026-01-02T03:04:05.000Z', true],
    ['DateGreaterThan', '2026-01', true],
    ['DateGreaterThan', '2026-01-02T03:04Z', true],
    ['DateGreaterThanEquals', '2026-01-02T03:04:06Z', false],
  ] as const
  for (const [operator, wanted, expected] of cases) {
    assert.equal(holds({ [operator]: { 'aws:CurrentTime': wanted } }), expected, operator + wanted)
    assert.equal(holds({ [operator]: { 'aws:EpochTime': wanted } }), expected, operator + wanted)
  }
})

test('operators on addresses', () => {
  const cases = [
    ['IpAddress', '203.0.113.0/24', '203.0.113.9', true],
    ['IpAddress', '203.0.113.7/24', '203.0.113.9', true],
    ['IpAddress', '203.0.113.0/24', '203.0.114.9', false],
    ['IpAddress', '203.0.113.9', '203.0.113.9', true],
    ['IpAddress', '0.0.0.0/0', '203.0.113.9', true],
    ['IpAddress', '203.0.113.0/24', '::ffff:203.0.113.9', true],
    ['IpAddress', ['10.0.0.0/8', '2001:db8::/32'], '2001:db8:1::1', true],
    ['IpAddress', '2001:db8::/32', '2001:db9::1', false],
    ['IpAddress', '0.0.0.0/0', '2001:db9::1', false],
    ['IpAddress', '10.0.0.0/8', 'unix', false],
    ['NotIpAddress', '10.0.0.0/8', '10.1.2.3', false],
    ['NotIpAddress', '10.0.0.0/8', '11.1.2.3', true],
    ['NotIpAddress', ['10.0.0.0/8', '11.0.0.0/8'], '11.1.2.3', false],
    ['IpAddress', 'fe80::/10', 'fe80::1%eth0', true],
  ] as const
  for (const [operator, wanted, sourceIp, expected] of cases) {
    const condition = { [operator]: { 'aws:SourceIp': wanted } }
    assert.equal(holds(condition, { sourceIp }), expected, JSON.stringify([condition, sourceIp]))
  }
})

test('operators on ARNs compare each part by itself', () => {
  const cases = [
    ['ArnEquals', 'arn:aws:iam::ann:user/Ann', true],
    ['ArnLike', 'arn:aws:iam::*:user/*', true],
    ['ArnEquals', 'arn:aws:iam::*:user/A?n', true],
    ['ArnLike', 'arn:*:iam::ann:*', true],
    ['ArnLike', 'arn:aws:*::ann:user/Ann:x', false],
    ['ArnLike', 'arn:aws:iam:*:*:root', false],
    ['ArnLike', '*', true],
    ['ArnLike', 'arn:aws:iam::${aws:userid}:user/*', true],
    ['ArnNotEquals', 'arn:aws:iam::bob:user/Bob', true],
    ['ArnNotLike', 'arn:aws:iam::*:user/*', false],
  ] as const
  for (const [operator, wanted, expected] of cases) {
    assert.equal(holds({ [operator]: { 'aws:PrincipalArn': wanted } }), expected, wanted)
  }
})

test('Bool, BinaryEquals and Null', () => {
  const secure = { isSecure: true }
  assert.ok(holds({ Bool: { 'aws:SecureTransport': 'true' } }, secure))
  assert.ok(holds({ Bool: { 'aws:SecureTransport': true } }, secure))
  assert.ok(holds({ Bool: { 'aws:SecureTransport': 'TRUE' } }, secure))
  assert.ok(!holds({ Bool: { 'aws:SecureTransport': 'false' } }, secure))
  assert.ok(holds({ Bool: { 'aws:SecureTransport': ['true', 'false'] } }, secure))
  assert.ok(holds({ BinaryEquals: { 'aws:UserAgent': 'QUI=' } }, agent('QUI=')))
  assert.ok(holds({ Null: { 'aws:Referer': 'true' } }))
  assert.ok(!holds({ Null: { 'aws:Referer': false } }))
  assert.ok(holds({ Null: { 'aws:Referer': 'false' } }, { headers: { referer: '' } }))
  assert.ok(holds({ Null: { 's3:RequestObjectTagKeys': 'true' } }, {}, { action: 's3:PutObject' }))
})

test('a key that the request lacks fails an operator, and holds for its negation and IfExists', () => {
  const of = (operator: string, wanted: unknown): boolean =>
    holds({ [operator]: { 'aws:Referer': wanted } })
  for (const [operator, wanted] of [
    ['StringEquals', 'x'],
    ['StringLike', '*'],
    ['NumericLessThan', 5],
    ['DateLessThan', '2030-01-01'],
    ['Bool', 'false'],
    ['IpAddress', '0.0.0.0/0'],
    ['ArnLike', '*'],
  ] as const) {
    assert.equal(of(operator, wanted), false, operator)
    assert.equal(of(`${operator}IfExists`, wanted), true, operator)
  }
  for (const [operator, wanted] of [
    ['StringNotEquals', 'x'],
    ['StringNotLike', '*'],
    ['NumericNotEquals', 5],
    ['NotIpAddress', '0.0.0.0/0'],
    ['ArnNotLike', '*'],
  ] as const) {
    assert.equal(of(operator, wanted), true, operator)
  }
  assert.equal(holds({ StringEqualsIfExists: { 'aws:UserAgent': 'x' } }, agent('y')), false)
})

test('ForAllValues and ForAnyValue', () => {
  const tagged = (...keys: readonly string[]): Partial<RequestContext> => ({
    requestTags: () => Object.fromEntries(keys.map((key) => [key, 'v'])),
  })
  const cases = [
    ['ForAllValues:StringEquals', ['a', 'b'], ['a', 'b'], true],
    ['ForAllValues:StringEquals', ['a', 'b'], ['a', 'c'], false],
    ['ForAllValues:StringEquals', ['a', 'b'], [], true],
    ['ForAnyValue:StringEquals', ['a', 'b'], ['c', 'b'], true],
    ['ForAnyValue:StringEquals', ['a', 'b'], ['c'], false],
    ['ForAnyValue:StringEquals', ['a', 'b'], [], false],
    ['ForAllValues:StringNotEquals', ['a'], ['b', 'c'], true],
    ['ForAllValues:StringNotEquals', ['a'], ['a', 'c'], false],
    ['ForAnyValue:StringNotEquals', ['a'], ['a', 'c'], true],
    ['ForAnyValue:StringNotEquals', ['a'], ['a'], false],
    ['ForAnyValue:StringNotEquals', ['a'], [], false],
    ['ForAllValues:StringLike', ['a*'], ['a1', 'a2'], true],
    ['ForAnyValue:StringEqualsIfExists', ['a'], [], true],
    ['StringEquals', ['a'], ['c', 'a'], true],
    ['StringNotEquals', ['a'], ['c', 'a'], false],
  ] as const
  for (const [operator, wanted, keys, expected] of cases) {
    const condition = { [operator]: { 's3:RequestObjectTagKeys': wanted } }
    const found = holds(condition, tagged(...keys), { action: 's3:PutObject' })
    assert.equal(found, expected, JSON.stringify([operator, wanted, keys]))
  }
  assert.ok(holds({ 'ForAnyValue:StringEquals': { 'aws:UserAgent': 'x' } }, agent('x')))
})

test('all operators and all keys of a condition must hold', () => {
  const secure = { ...agent('curl'), isSecure: true, sourceIp: '10.0.0.1' }
  const condition = (address: string, name: string): Block => ({
    StringEquals: { 'aws:UserAgent': name, 'aws:username': 'Ann' },
    IpAddress: { 'aws:SourceIp': address },
  })
  assert.ok(holds(condition('10.0.0.1', 'curl'), secure))
  assert.ok(!holds(condition('10.0.0.2', 'curl'), secure))
  assert.ok(!holds(condition('10.0.0.1', 'wget'), secure))
})

test('policy variables stand for values, literally, with defaults and escapes', () => {
  const of = (wanted: string, found: string, from: Partial<RequestContext> = {}): boolean =>
    holds({ StringLike: { 'aws:UserAgent': wanted } }, { ...agent(found), ...from })
  assert.ok(of('${aws:username}', 'Ann'))
  assert.ok(of('x/${AWS:UserName}/*', 'x/Ann/1'))
  assert.ok(of("${aws:PrincipalTag/team, 'none'}", 'none'))
  assert.ok(of("${ aws:username , 'none'}", "${ aws:username , 'none'}"))
  assert.ok(!of('${aws:PrincipalTag/team}', ''))
  assert.ok(!of('${no:such}', '${no:such}'))
  assert.ok(of('${*}${?}${$}', '*?$'))
  assert.ok(!of('${*}', 'anything'))
  assert.ok(of('${aws:username', '${aws:username'))
  const star = { principal: principal('star', '*') }
  assert.ok(of('${aws:username}', '*', star))
  assert.ok(!of('${aws:username}', 'Ann', star))
  assert.ok(holds({ StringEquals: { 'aws:UserAgent': '${aws:username}' } }, agent('Ann')))
  assert.ok(holds({ StringEqualsIgnoreCase: { 'aws:UserAgent': '${aws:username}' } }, agent('ANN')))
})

test('a variable without a value opens nothing', () => {
  const Condition = { StringNotEquals: { 'aws:UserAgent': '${aws:PrincipalTag/x}' } }
  assert.equal(outcome({ Condition }, { from: agent('curl') }), 'none')
  assert.equal(outcome({ Condition, Effect: 'Deny' }, { from: agent('curl') }), 'deny')
  const NotResource = 'arn:aws:s3:::photos/${aws:PrincipalTag/x}/*'
  assert.equal(outcome({ NotResource }), 'none')
  assert.equal(outcome({ NotResource, Effect: 'Deny' }), 'deny')
  assert.equal(outcome({ Resource: NotResource }), 'none')
})
