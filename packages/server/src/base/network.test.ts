import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseNetwork } from './network.ts'

test('a network is an address with or without the length of its prefix', () => {
  assert.deepEqual(parseNetwork('10.0.0.0/8'), { address: '10.0.0.0', prefixLength: 8 })
  assert.deepEqual(parseNetwork('::1'), { address: '::1', prefixLength: 128 })
  assert.deepEqual(parseNetwork('0.0.0.0/0'), { address: '0.0.0.0', prefixLength: 0 })
  for (const text of [
    '',
    '10.0.0.0/33',
    '10.0.0/8',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    'a',
    'fe80::1%e/1',
  ])
    assert.equal(parseNetwork(text), undefined, text)
})
