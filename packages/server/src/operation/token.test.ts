import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isStoreError } from '../base/errors.ts'
import { TokenSealer } from './token.ts'

const tokens = new TokenSealer(Buffer.from('secret'))

test('a token opens to its sealed position', () => {
  fc.assert(
    fc.property(fc.string(), fc.uint8Array({ maxLength: 1024 }), (scope, position) => {
      const opened = tokens.open(scope, tokens.seal(scope, position))
      assert.deepEqual(new Uint8Array(opened), position)
    }),
  )
})

test('an altered token or one of another listing is refused', () => {
  const refused = (scope: string, token: string): void => {
    assert.throws(
      () => tokens.open(scope, token),
      (error) => isStoreError(error, 'InvalidContinuationToken'),
    )
  }
  const token = tokens.seal('a', Buffer.from('position'))
  refused('b', token)
  refused('a', '')
  refused('a', 'not base64url !')
  for (const more of ['A', '=', '!', '\n']) refused('a', token + more)
  fc.assert(
    fc.property(fc.nat(Buffer.from(token, 'base64url').length * 8 - 1), (bit) => {
      const bytes = Buffer.from(token, 'base64url')
      const index = bit >> 3
      bytes[index] = (bytes[index] ?? 0) ^ (1 << (bit & 7))
      refused('a', bytes.toString('base64url'))
    }),
  )
})

test('a mark is specific to its scope, content and secret', () => {
  const content = Buffer.from('content')
  const mark = tokens.mark('scope', content)
  assert.equal(mark.length, 16)
  assert.deepEqual(new TokenSealer(Buffer.from('secret')).mark('scope', content), mark)
  assert.notDeepEqual(tokens.mark('other', content), mark)
  assert.notDeepEqual(tokens.mark('scope', Buffer.from('other')), mark)
  assert.notDeepEqual(new TokenSealer(Buffer.from('another')).mark('scope', content), mark)
})
