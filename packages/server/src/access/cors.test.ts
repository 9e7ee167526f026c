import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CorsMatch, type CorsRule, type CrossOrigin, compileCors, matchCors } from './cors.ts'

function rule(fields: Partial<CorsRule>): CorsRule {
  return {
    allowedOrigins: ['*'],
    allowedMethods: ['GET'],
    allowedHeaders: [],
    exposeHeaders: [],
    ...fields,
  }
}

function match(rules: readonly CorsRule[], wanted: CrossOrigin): CorsMatch | undefined {
  return matchCors(compileCors(rules), wanted)
}

const asked: CrossOrigin = { origin: 'http://a.example', method: 'GET', headers: [] }

test('the first rule that allows origin, method and all headers decides', () => {
  const rules = [
    rule({ id: '1', allowedOrigins: ['http://b.example'] }),
    rule({ id: '2', allowedMethods: ['PUT'], allowedHeaders: ['x-amz-*', 'Content-Type'] }),
    rule({ id: '3', allowedMethods: ['PUT', 'GET'], allowedHeaders: ['*'] }),
    rule({ id: '4' }),
  ]
  const idOf = (changes: Partial<CrossOrigin>): string | undefined =>
    match(rules, { ...asked, ...changes })?.rule.id
  assert.equal(idOf({}), '3')
  assert.equal(idOf({ origin: 'http://b.example' }), '1')
  assert.equal(idOf({ method: 'PUT' }), '2')
  assert.equal(idOf({ method: 'PUT', headers: ['content-type', 'x-amz-meta-a'] }), '2')
  assert.equal(idOf({ method: 'PUT', headers: ['content-type', 'other'] }), '3')
  assert.equal(idOf({ method: 'DELETE' }), undefined)
  assert.equal(idOf({ method: 'get' }), undefined)
})

test('a star stands for any text at its place, also for none', () => {
  const cases: [pattern: string, origin: string, isAllowed: boolean][] = [
    ['http://*.example', 'http://a.example', true],
    ['http://*.example', 'http://a.b.example', true],
    ['http://*.example', 'http://.example', true],
    ['http://*.example', 'https://a.example', false],
    ['http://*.example', 'http://a.example.org', false],
    ['*suffix', 'foo.suffix', true],
    ['prefix*', 'prefix.foo', true],
    ['start*end', 'startend', true],
    ['start*end', 'start1end', true],
    ['aba*aba', 'aba', false],
    ['http://a.example', 'http://A.example', false],
    ['*', 'null', true],
  ]
  for (const [pattern, origin, isAllowed] of cases) {
    const found = match([rule({ allowedOrigins: [pattern] })], { ...asked, origin })
    assert.equal(found !== undefined, isAllowed, `${pattern} ${origin}`)
  }
})

test('only the star alone is for all origins', () => {
  const isForAll = (allowedOrigins: string[]): boolean | undefined =>
    match([rule({ allowedOrigins })], asked)?.isForAll
  assert.equal(isForAll(['*']), true)
  assert.equal(isForAll(['http://*']), false)
  assert.equal(isForAll(['http://a.example', '*']), false)
  assert.equal(isForAll(['http://b.example', '*']), true)
})

test('the header names of rules have no case', () => {
  const rules = [rule({ allowedHeaders: ['X-Amz-Date', 'X-Amz-Meta-*'] })]
  assert.ok(match(rules, { ...asked, headers: ['x-amz-date', 'x-amz-meta-b'] }))
  assert.equal(match(rules, { ...asked, headers: ['x-amz-dates'] }), undefined)
})
