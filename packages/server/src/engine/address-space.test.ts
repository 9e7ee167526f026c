import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mapBytes, mapBytesWithin } from './address-space.ts'

const unlimited = 'Max address space         unlimited            unlimited            bytes     \n'
const wide = '7ffcad772000-7ffcad793000 rw-p 00000000 00:00 0                          [stack]\n'
const vsyscall = 'ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0              [vsyscall]\n'

test('a store maps a tebibyte where addresses are wide', () => {
  assert.equal(mapBytesWithin(unlimited, wide + vsyscall), 2 ** 40)
  assert.equal(mapBytesWithin('', ''), 2 ** 40)
})

test('a store maps less where addresses are narrow or limited', () => {
  const narrow = '7fe5c6f000-7fe5c90000 rw-p 00000000 00:00 0                          [stack]\n'
  assert.ok(mapBytesWithin(unlimited, narrow) <= 2 ** 36)
  assert.ok(mapBytesWithin(unlimited, narrow) > 2 ** 35)
  const limited = 'Max address space         8192000000           unlimited            bytes     \n'
  assert.ok(mapBytesWithin(limited, wide) <= 1_024_000_000)
  assert.equal(mapBytesWithin(limited, wide) % 65_536, 0)
})

test('this machine has room for a store', () => {
  assert.ok(mapBytes() >= 2 ** 28)
})
