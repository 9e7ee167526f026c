import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isStoreError } from '../../base/errors.ts'
import { ownLimits } from '../../base/limits.ts'
import { decodeText, parseQuery, parseTarget } from './request.ts'

const { HOLDFAST_TEST_SCALE: scale = '1' } = process.env
const invalid = (error: unknown): boolean => isStoreError(error, 'InvalidUri')

test('the path is kept as it was sent', () => {
  for (const path of ['/', '//', '/b/a//b', '/b/./../c', '/b/%2F%2f+~', '/b/a;b=c', '*']) {
    assert.equal(parseTarget(path).path, path)
    assert.equal(parseTarget(`${path}?x`).path, path)
  }
})

test('an absolute-form target gives its host and its path', () => {
  const target = parseTarget('HTTP://example.com:9000/b/k?acl')
  assert.deepEqual([target.path, target.authority], ['/b/k', 'example.com:9000'])
  assert.ok(target.query.has('acl'))
  assert.equal(parseTarget('http://example.com').path, '/')
  assert.equal(parseTarget('http://example.com?list').query.get('list'), '')
  for (const bad of [
    '',
    'b/k',
    '?x',
    'http:///b',
    'ftp://h/b',
    'example.com:80',
    '/b#c',
    '/?a#b',
  ]) {
    assert.throws(() => parseTarget(bad), invalid, bad)
  }
})

test('query parameters keep their order, with and without a value, repeated or empty', () => {
  const { query } = parseTarget('/b?uploads&prefix=a%2Fb+c&x=&x=2&&=v&k=a=b')
  assert.deepEqual(query.parameters, [
    { name: 'uploads', value: '' },
    { name: 'prefix', value: 'a/b c' },
    { name: 'x', value: '' },
    { name: 'x', value: '2' },
    { name: '', value: 'v' },
    { name: 'k', value: 'a=b' },
  ])
  assert.deepEqual(query.all('x'), ['', '2'])
  assert.equal(query.get('X'), undefined)
  assert.equal(query.has('uploads'), true)
  assert.deepEqual(parseTarget('/b?').query.parameters, [])
})

test('percent-encoding is decoded strictly, as UTF-8', () => {
  assert.equal(decodeText('/a%20b+c%2B%e2%82%ac%F0%9F%98%80'), '/a b+c+€😀')
  for (const bad of [
    '%',
    '%4',
    '%zz',
    '%80',
    '%C0%AF',
    '%ED%A0%80',
    '%F4%90%80%80',
    '%E2%82',
    '€',
  ]) {
    assert.throws(() => decodeText(bad), invalid, bad)
  }
})

test('bytes that were sent unescaped count as the UTF-8 they are', () => {
  assert.equal(decodeText(Buffer.from('/ä€😀').toString('latin1')), '/ä€😀')
  assert.throws(() => decodeText('\u00e4'), invalid)
})

test('a URL beyond the limit is refused', () => {
  assert.throws(() => parseTarget(`/${'a'.repeat(ownLimits.urlBytes)}`), invalid)
})

test('decoding undoes encoding', () => {
  const character = fc.string({ unit: 'binary' })
  fc.assert(
    fc.property(fc.array(fc.tuple(character, character), { maxLength: 5 }), (pairs) => {
      const raw = pairs.map((pair) => pair.map(encodeURIComponent).join('=')).join('&')
      const expected = pairs.map(([name, value]) => ({ name, value }))
      assert.deepEqual(parseQuery(raw).parameters, expected)
    }),
    { numRuns: 500 * Number(scale) },
  )
})

test('any target is taken apart or refused', () => {
  const piece = fc.oneof(
    fc.constantFrom('/', '//', '?', '&', '=', '%', '%2F', '%e2%82', '%80', '+', '#', 'http://h'),
    fc.string({ unit: 'binary', maxLength: 4 }),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      for (const prefix of ['', '/']) {
        try {
          decodeText(parseTarget(prefix + pieces.join('')).path)
        } catch (error) {
          assert.ok(invalid(error), String(error))
        }
      }
    }),
    { numRuns: 2000 * Number(scale) },
  )
})
