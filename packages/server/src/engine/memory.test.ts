// The engine in memory: the engine suite, and its bound.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '../base/bytes.ts'
import { MemoryRoom } from '../base/memory-room.ts'
import { engineSuite } from './engine.suite.ts'
import { openMemoryEngine } from './memory.ts'

const mebibyte = 1_048_576

engineSuite('the engine in memory', async ({ readMs } = {}) => {
  const room = new MemoryRoom(256 * mebibyte)
  const engine = openMemoryEngine({ room, ...(readMs === undefined ? {} : { readMs }) })
  return { engine, destroy: () => engine.close() }
})

test('rows beyond the memory allowed are refused, and removals make room', async () => {
  const room = new MemoryRoom(mebibyte)
  const engine = openMemoryEngine({ room })
  const half = Buffer.alloc(mebibyte / 2)
  await engine.write(async (tx) => tx.put(utf8('a'), half))
  const refused = { code: 'InsufficientStorage' }
  await assert.rejects(
    engine.write(async (tx) => tx.put(utf8('b'), half)),
    refused,
  )
  assert.throws(() => engine.checkRoom(mebibyte / 2), refused)
  await engine.write(async (tx) => tx.delete(utf8('a')))
  engine.checkRoom(mebibyte / 2)
  await engine.write(async (tx) => tx.put(utf8('b'), half))
  await engine.close()
})

test('a buffer that was put may be reused after the commit', async () => {
  const engine = openMemoryEngine({ room: new MemoryRoom(mebibyte) })
  const [key, value] = [utf8('key'), utf8('value')]
  await engine.write(async (tx) => tx.put(key, value))
  key.fill(0)
  value.fill(0)
  const found = await engine.read((tx) => tx.get(utf8('key')))
  assert.deepEqual(found, utf8('value'))
  await engine.close()
})
