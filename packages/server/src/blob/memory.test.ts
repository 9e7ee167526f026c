// Blobs in memory: the contract, and their bound.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryRoom } from '../base/memory-room.ts'
import { asStartId } from '../base/terms.ts'
import { chunked, idsOf } from './blob.fixture.ts'
import { testBlobs } from './blob.suite.ts'
import type { ByteSource } from './blob.ts'
import { MemoryBlobPlace } from './memory.ts'

const mebibyte = 1_048_576

testBlobs('memory', async () => {
  const place = new MemoryBlobPlace(new MemoryRoom(256 * mebibyte))
  return {
    open: async (start) => place.open(start),
    remove: async () => undefined,
  }
})

test('a body beyond the memory allowed is refused, and gives back what it took', async () => {
  const room = new MemoryRoom(8 * mebibyte)
  const blobs = new MemoryBlobPlace(room).open(asStartId(1))
  const body = (bytes: number): ByteSource => chunked(Buffer.alloc(bytes), 65_536)
  await assert.rejects(blobs.write(body(9 * mebibyte)), { code: 'InsufficientStorage' })
  assert.equal(room.usedBytes, 0)
  const { id } = await blobs.write(body(6 * mebibyte))
  await assert.rejects(blobs.write(body(2 * mebibyte)), { code: 'InsufficientStorage' })
  assert.deepEqual(await idsOf(blobs, asStartId(1)), [id])
  await blobs.delete(id)
  assert.equal(room.usedBytes, 0)
  await blobs.write(body(2 * mebibyte))
})
