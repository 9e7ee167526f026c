import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAge, parseSize } from './quantity.ts'

test('sizes are read with decimal and binary units', () => {
  assert.equal(parseSize('1000'), 1000)
  assert.equal(parseSize('64KiB'), 65_536)
  assert.equal(parseSize('1.5 GB'), 1_500_000_000)
  assert.equal(parseSize('2k'), 2048)
  for (const text of ['', '-1', '1x', 'KiB', '1e9']) assert.equal(parseSize(text), undefined, text)
})

test('ages are read as sums of units', () => {
  assert.equal(parseAge('90s'), 90_000)
  assert.equal(parseAge('1d12h'), 129_600_000)
  for (const text of ['', '5', '1y', '-1h', '1.5h']) assert.equal(parseAge(text), undefined, text)
})
