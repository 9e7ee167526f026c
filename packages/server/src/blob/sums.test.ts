import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { findChange, fitsSums, joinSums, Summer, summedBytes } from './sums.ts'

function sumsOf(...pieces: readonly Uint8Array[]): Uint8Array {
  const summer = new Summer()
  for (const piece of pieces) summer.update(piece)
  return summer.finish()
}

test('the checksums are a CRC32 of every 64 KiB, big-endian', () => {
  const bytes = randomBytes(summedBytes + 10)
  const expected = Buffer.alloc(8)
  expected.writeUInt32BE(crc32(bytes.subarray(0, summedBytes)))
  expected.writeUInt32BE(crc32(bytes.subarray(summedBytes)), 4)
  assert.ok(expected.equals(sumsOf(bytes)))
  assert.equal(sumsOf().byteLength, 0)
  assert.equal(sumsOf(new Uint8Array()).byteLength, 0)
})

test('the pieces in which bytes come make no difference', () => {
  const bytes = randomBytes(4 * summedBytes)
  const cuts = fc.array(fc.nat(bytes.byteLength), { maxLength: 20 })
  const property = fc.property(cuts, fc.nat(bytes.byteLength), (at, size) => {
    const whole = bytes.subarray(0, size)
    const ends = [0, ...at.filter((cut) => cut < size).sort((a, b) => a - b), size]
    const pieces = ends.slice(1).map((end, index) => whole.subarray(ends[index], end))
    assert.ok(Buffer.from(sumsOf(...pieces)).equals(sumsOf(whole)))
  })
  fc.assert(property)
})

test('any bit that changes is found, in the 64 KiB that it is in', () => {
  const bytes = randomBytes(3 * summedBytes + 100)
  const sums = sumsOf(bytes)
  assert.equal(findChange(sums, bytes, 0), undefined)
  const property = fc.property(fc.nat(bytes.byteLength - 1), fc.nat(7), (at, bit) => {
    const changed = Buffer.from(bytes)
    changed.writeUInt8(changed.readUInt8(at) ^ (1 << bit), at)
    const start = Math.floor(at / summedBytes) * summedBytes
    assert.equal(findChange(sums, changed, 0), start)
    assert.equal(findChange(sums, changed.subarray(start), start), start)
    assert.equal(
      findChange(sums, changed.subarray(start + summedBytes), start + summedBytes),
      undefined,
    )
  })
  fc.assert(property)
})

test('checksums fit the sizes that they can be of, and no others', () => {
  for (const size of [0, 1, summedBytes, summedBytes + 1, 5 * summedBytes]) {
    const sums = sumsOf(Buffer.alloc(size))
    assert.ok(fitsSums(sums, size))
    assert.ok(!fitsSums(sums, size + summedBytes))
    assert.ok(size === 0 || !fitsSums(sums, 0))
  }
})

test('the checksums tell that of the whole', () => {
  const bytes = randomBytes(4 * summedBytes)
  const property = fc.property(fc.nat(bytes.byteLength), (size) => {
    const whole = bytes.subarray(0, size)
    assert.equal(joinSums(sumsOf(whole), size).readUInt32BE(), crc32(whole))
  })
  fc.assert(property)
  assert.equal(joinSums(sumsOf(bytes), bytes.byteLength).readUInt32BE(), crc32(bytes))
})
