import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { httpTime } from './answer.ts'
import { parseDate, parseEntityTags, parseRange, readConditions } from './header.ts'

test('a date that is written is read back, to the second', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4e12 }), (ms) => {
      assert.equal(parseDate(httpTime(ms)), Math.floor(ms / 1000) * 1000)
    }),
  )
})

test('every form of date that HTTP knows is read, and nothing else', () => {
  const moment = Date.UTC(1994, 10, 6, 8, 49, 37)
  const forms = [
    'Sun, 06 Nov 1994 08:49:37 GMT',
    'Sunday, 06-Nov-94 08:49:37 GMT',
    'Sun Nov  6 08:49:37 1994',
    '1994-11-06T08:49:37Z',
    '1994-11-06T08:49:37.000Z',
  ]
  for (const form of forms) assert.equal(parseDate(form), moment, form)
  const others = ['', '0', '784111777', 'yesterday', '1994-11-06', 'Sun, 99 Nov 1994 08:49:37 GMT']
  for (const text of others) assert.equal(parseDate(text), undefined, text)
})

test('tags are read with and without quotes, and weak ones only where they count', () => {
  assert.deepEqual(parseEntityTags('*', 'strong'), '*')
  assert.deepEqual(parseEntityTags(' * ', 'strong'), '*')
  assert.deepEqual(parseEntityTags('"a"', 'strong'), ['a'])
  assert.deepEqual(parseEntityTags('a', 'strong'), ['a'])
  assert.deepEqual(parseEntityTags('"a", b ,W/"c","d,e"', 'strong'), ['a', 'b', 'd,e'])
  assert.deepEqual(parseEntityTags('"a", b ,W/"c","d,e"', 'weak'), ['a', 'b', 'c', 'd,e'])
  assert.deepEqual(parseEntityTags('', 'strong'), [])
  assert.deepEqual(parseEntityTags('"', 'strong'), [])
})

test('tags that are written in a list are read back', () => {
  const tag = fc.stringMatching(/^[!#-~]{1,20}$/)
  fc.assert(
    fc.property(fc.array(tag, { minLength: 1, maxLength: 10 }), (tags) => {
      const list = tags.map((text) => `"${text}"`).join(', ')
      assert.deepEqual(parseEntityTags(list, 'strong'), tags)
    }),
  )
})

test('an empty list of tags matches nothing, where no header matches all', () => {
  assert.deepEqual(readConditions({ headers: { 'if-match': '' } }).ifMatch, [])
  assert.equal(readConditions({ headers: {} }).ifMatch, undefined)
})

test('a single range of bytes is read, anything else is none', () => {
  assert.deepEqual(parseRange('bytes=0-0'), { start: 0, end: 0 })
  assert.deepEqual(parseRange('Bytes = 3 - 4'), { start: 3, end: 4 })
  assert.deepEqual(parseRange('bytes=5-'), { start: 5 })
  assert.deepEqual(parseRange('bytes=-5'), { suffix: 5 })
  const others = ['', 'bytes=', 'bytes=-', 'bytes=2-1', 'bytes=0-1,2-3', 'items=0-1', 'bytes=a-b']
  for (const text of others) assert.equal(parseRange(text), undefined, text)
  assert.equal(parseRange(undefined), undefined)
})

test('no text breaks a parser', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
      parseDate(text)
      parseEntityTags(text, 'weak')
      parseRange(text)
      parseRange(`bytes=${text}`)
    }),
    { numRuns: 1000 },
  )
})
