import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Row } from '../engine/engine.ts'
import { BackupError } from './error.ts'
import { decodeRows, RowChunker } from './row-chunk.ts'

const bytes = fc.uint8Array({ maxLength: 200 })
const rows: fc.Arbitrary<Row[]> = fc.array(fc.record({ key: bytes, value: bytes }))

function chunkOf(all: readonly Row[]): Buffer {
  const chunker = new RowChunker()
  for (const row of all) chunker.add(row)
  return chunker.take() ?? assert.fail('there are rows')
}

test('rows are read as they were written, in their order', () => {
  fc.assert(
    fc.property(rows, (all) => {
      if (all.length === 0) return
      const read = decodeRows(chunkOf(all))
      const plain = ({ key, value }: Row) => [[...key], [...value]]
      assert.deepEqual(read.map(plain), all.map(plain))
    }),
  )
})

test('a chunk that is cut off between its first and its last row is refused, or has fewer rows', () => {
  const all = [1, 2, 3].map((n) => ({ key: Uint8Array.of(n), value: new Uint8Array(n) }))
  const chunk = chunkOf(all)
  for (let length = 0; length < chunk.byteLength; length++) {
    try {
      assert.ok(decodeRows(chunk.subarray(0, length)).length < all.length)
    } catch (error) {
      assert.ok(error instanceof BackupError)
    }
  }
})

test('a chunk is full after some megabytes, or many rows, and is empty after it was taken', () => {
  const chunker = new RowChunker()
  assert.equal(chunker.take(), undefined)
  assert.equal(chunker.add({ key: Uint8Array.of(1), value: new Uint8Array(5_000_000) }), true)
  assert.equal(decodeRows(chunker.take() ?? Buffer.alloc(0)).length, 1)
  assert.equal(chunker.take(), undefined)
  let rows = 1
  while (!chunker.add({ key: Uint8Array.of(1), value: new Uint8Array() })) rows++
  assert.equal(rows, 10_000)
})
