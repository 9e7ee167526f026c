// Tokens decode to the position encoded, and other bytes are refused.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compareBytes, utf8 } from '../base/bytes.ts'
import { StoreError } from '../base/errors.ts'
import { parseSelect } from './parse.ts'
import type { SelectPosition } from './plan.ts'
import { decodePosition, encodePosition, tokenScope } from './token.ts'

const small = fc.nat({ max: 255 })
const item = fc.maxSafeNat()
const value = fc.uint8Array({ maxLength: 1024 }).map((bytes) => Buffer.from(bytes))

const position: fc.Arbitrary<SelectPosition> = fc.oneof(
  fc.record({ kind: fc.constant('items'), item }, { noNullPrototype: true }),
  fc.record(
    {
      kind: fc.constant('indexes'),
      choices: fc.array(small, { maxLength: 20 }),
      path: small,
      value,
      item,
    },
    { noNullPrototype: true },
  ),
  fc.record({ kind: fc.constant('sorted'), value, item }, { noNullPrototype: true }),
)

test('a position comes back as it was', () => {
  fc.assert(
    fc.property(position, (before) => {
      const after = decodePosition(encodePosition(before))
      assert.deepEqual(
        { ...after, value: 'value' in after && Buffer.from(after.value) },
        { ...before, value: 'value' in before && before.value },
      )
    }),
  )
})

test('a cut token is refused', () => {
  const bytes = encodePosition({ kind: 'items', item: 5 })
  for (let length = 0; length < bytes.byteLength; length++) {
    assert.throws(
      () => decodePosition(bytes.subarray(0, length)),
      (error) => error instanceof StoreError && /NextToken$/.test(error.code),
    )
  }
})

test('a token of another version asks for the query to be sent again', () => {
  const bytes = Buffer.from(encodePosition({ kind: 'items', item: 5 }))
  bytes[0] = 99
  assert.throws(
    () => decodePosition(bytes),
    (error) => error instanceof StoreError && error.code === 'UnsupportedNextToken',
  )
})

test('any bytes are read or refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      try {
        const found = decodePosition(bytes)
        assert.equal(compareBytes(encodePosition(found), bytes), 0)
      } catch (error) {
        if (!(error instanceof StoreError)) throw error
      }
    }),
  )
})

test('a token goes with its conditions and order, and not with output and limit', () => {
  const scope = (expression: string) => tokenScope(parseSelect(expression))
  const same = scope("select * from d where a='1' and b > '2' order by b")
  assert.equal(
    scope('SELECT count(*) FROM d WHERE (a = "1") AND b>\'2\' ORDER BY b asc LIMIT 9'),
    same,
  )
  assert.notEqual(scope("select * from d where a='1' and b > '2' order by b desc"), same)
  assert.notEqual(scope("select * from d where a='1' and b > '3' order by b"), same)
  assert.notEqual(scope("select * from d where a='1' and b > '2'"), same)
  assert.ok(utf8(same).byteLength > 0)
})
