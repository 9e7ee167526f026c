// Numbers as people read them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatCount, formatSize, formatSpan, formatTime, printable } from './format.ts'

test('sizes have two or three digits and the unit that fits', () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1536, '1.5 KiB'],
    [10_240, '10 KiB'],
    [1_048_575, '1.0 MiB'],
    [1_048_576 * 1.25, '1.3 MiB'],
    [5 * 1024 ** 4, '5.0 TiB'],
    [9 * 1024 ** 6, '9216 PiB'],
  ]
  for (const [bytes, text] of cases) assert.equal(formatSize(bytes), text)
})

test('counts, spans and times', () => {
  assert.equal(formatCount(1, 'object'), '1 object')
  assert.equal(formatCount(0, 'object'), '0 objects')
  assert.equal(formatCount(1_234_567, 'object'), '1,234,567 objects')
  assert.equal(formatSpan(-5), '0 s')
  assert.equal(formatSpan(9400), '9 s')
  assert.equal(formatSpan(245_000), '4:05 min')
  assert.equal(formatSpan(7_200_000), '2:00 h')
  assert.equal(formatTime(new Date(2026, 2, 1, 4, 5)), '2026-03-01 04:05')
})

test('a key can’t send commands to the terminal', () => {
  assert.equal(printable('a\x1b[2Jb\nc'), 'a\\x1b[2Jb\\x0ac')
  assert.equal(printable('ä€😀'), 'ä€😀')
})
