import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { Room, reserveOf } from './room.ts'

test('what fits on the disk is taken without a look into the store', () => {
  const room = new Room(tmpdir(), () => assert.fail('looked'))
  room.check(-(2 ** 50))
})

test('plenty of room a moment ago is no room for everything', () => {
  const room = new Room(tmpdir(), () => 0)
  room.check(0)
  assert.throws(() => room.check(2 ** 60), { code: 'InsufficientStorage' })
})

test('what fits neither on the disk nor into the store is refused', () => {
  assert.throws(() => new Room(tmpdir(), () => 4096).check(2 ** 60), {
    code: 'InsufficientStorage',
  })
})

test('a full disk takes what fits into the store', () => {
  new Room(tmpdir(), () => 2 ** 61).check(2 ** 60)
})

test('the reserve is an eighth of a small disk, and bounded on a large one', () => {
  assert.equal(reserveOf(32_000_000), 4_000_000)
  assert.equal(reserveOf(2 ** 40), 67_108_864)
})
