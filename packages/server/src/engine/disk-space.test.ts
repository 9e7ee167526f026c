import assert from 'node:assert/strict'
import { mkdtemp, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { DiskSpace, reserveOf } from './disk-space.ts'

test('an addition that fits on the disk is accepted without reading the store', () => {
  const room = new DiskSpace(tmpdir(), () => assert.fail('looked'))
  room.check(-(2 ** 50))
})

test('the disk is asked again when there was plenty long enough ago, or much is wanted', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-room-'))
  let nowMs = 1000
  const room = new DiskSpace(
    folder,
    () => 0,
    () => nowMs,
  )
  room.check(0)
  // statfs fails on a deleted folder, so success proves that it was not called.
  await rmdir(folder)
  nowMs += 19
  room.check(0)
  assert.throws(() => room.check(2 ** 30), { code: 'ENOENT' })
  nowMs += 1
  assert.throws(() => room.check(0), { code: 'ENOENT' })
})

test('a check that finds too little space ends the period without checks', () => {
  const room = new DiskSpace(
    tmpdir(),
    () => 0,
    () => 1000,
  )
  room.check(0)
  assert.throws(() => room.check(2 ** 60), { code: 'InsufficientStorage' })
  assert.throws(() => room.check(2 ** 60), { code: 'InsufficientStorage' })
})

test('an addition that fits neither on the disk nor into the store is refused', () => {
  assert.throws(() => new DiskSpace(tmpdir(), () => 4096).check(2 ** 60), {
    code: 'InsufficientStorage',
  })
})

test('a full disk accepts an addition that fits into the store', () => {
  new DiskSpace(tmpdir(), () => 2 ** 61).check(2 ** 60)
})

test('the reserve is an eighth of a small disk, and bounded on a large one', () => {
  assert.equal(reserveOf(32_000_000), 4_000_000)
  assert.equal(reserveOf(2 ** 40), 67_108_864)
})
