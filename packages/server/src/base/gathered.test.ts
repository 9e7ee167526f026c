import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Gathered } from './gathered.ts'

test('pieces of any sizes are joined in their order', () => {
  const sizes = fc.array(fc.oneof(fc.nat(3), fc.nat(5000), fc.nat(200_000)), { maxLength: 30 })
  fc.assert(
    fc.property(sizes, (all) => {
      const pieces = all.map((size, index) => Buffer.alloc(size, index + 1))
      const gathered = new Gathered()
      for (const piece of pieces) gathered.add(piece)
      assert.equal(
        gathered.sizeBytes,
        all.reduce((sum, size) => sum + size, 0),
      )
      assert.ok(gathered.join().equals(Buffer.concat(pieces)))
    }),
    { numRuns: 50 },
  )
})

test('a piece may change once it was added', () => {
  const gathered = new Gathered()
  const piece = Buffer.from('abc')
  gathered.add(piece)
  piece.fill(0)
  gathered.add(piece.subarray(0, 0))
  assert.equal(gathered.join().toString(), 'abc')
})

test('a million single bytes take little more memory than they are', () => {
  const gathered = new Gathered()
  const before = process.memoryUsage().arrayBuffers
  const piece = Buffer.from('a')
  for (let i = 0; i < 1_000_000; i++) gathered.add(piece)
  const taken = process.memoryUsage().arrayBuffers - before
  assert.ok(taken < 2_000_000, `${taken} bytes`)
  assert.equal(gathered.join().byteLength, 1_000_000)
})
