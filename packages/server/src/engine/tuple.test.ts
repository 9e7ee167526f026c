import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compareBytes, startsWith } from '../base/bytes.ts'
import { isStoreError } from '../base/errors.ts'
import {
  decodeCounter,
  encodeCounter,
  type KeyWriter,
  key,
  maxKeyBytes,
  prefixRange,
  readKey,
} from './tuple.ts'

type Part =
  | { readonly kind: 'u64' | 'descending'; readonly value: number }
  | { readonly kind: 'big'; readonly value: bigint }
  | { readonly kind: 'u32'; readonly value: number }
  | { readonly kind: 'bytes'; readonly value: Uint8Array }
  | { readonly kind: 'shifted'; readonly value: Uint8Array }

/** A small alphabet, so that prefixes, escapes and ties are frequent. */
const bytes = fc
  .array(fc.constantFrom(0, 1, 2, 97, 254, 255), { maxLength: 5 })
  .map((values) => Uint8Array.from(values))
const textBytes = bytes.filter((value) => !value.includes(255))
const small = fc.oneof(fc.nat({ max: 3 }), fc.maxSafeNat())
const big = fc.oneof(fc.bigInt({ min: 0n, max: 3n }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }))

const part: fc.Arbitrary<Part> = fc.oneof(
  fc.record({ kind: fc.constantFrom('u64', 'descending'), value: small }),
  fc.record({ kind: fc.constant('big'), value: big }),
  fc.record({ kind: fc.constant('u32'), value: fc.nat({ max: 2 ** 32 - 1 }) }),
  fc.record({ kind: fc.constant('bytes'), value: bytes }),
  fc.record({ kind: fc.constant('shifted'), value: textBytes }),
)

/** Two tuples of the same shape with tails, like two keys of one key space. */
const pairOfTuples = fc
  .array(part, { maxLength: 4 })
  .chain((shape) =>
    fc.tuple(fc.constant(shape), fc.tuple(...shape.map(sameKind)), fc.tuple(bytes, bytes)),
  )

function sameKind(other: Part): fc.Arbitrary<Part> {
  return fc.oneof(
    fc.constant(other),
    part.filter(({ kind }) => kind === other.kind),
  )
}

function write(parts: readonly Part[]): KeyWriter {
  const writer = key(7)
  for (const part of parts) {
    if (part.kind === 'bytes') writer.bytes(part.value)
    else if (part.kind === 'shifted') writer.shifted(part.value)
    else if (part.kind === 'u32') writer.u32(part.value)
    else if (part.kind === 'descending') writer.u64Descending(part.value)
    else writer.u64(part.value)
  }
  return writer
}

function comparePart(a: Part, b: Part): number {
  if (typeof a.value === 'object' && typeof b.value === 'object') {
    return compareBytes(a.value, b.value)
  }
  const order = a.value === b.value ? 0 : a.value < b.value ? -1 : 1
  return a.kind === 'descending' ? -order : order
}

test('written parts are read back', () => {
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), bytes, (parts, tail) => {
      const reader = readKey(write(parts).tail(tail))
      assert.equal(reader.space, 7)
      for (const { kind, value } of parts) {
        if (kind === 'bytes') assert.deepEqual([...reader.bytes()], [...value])
        else if (kind === 'shifted') assert.deepEqual([...reader.shifted()], [...value])
        else if (kind === 'u32') assert.equal(reader.u32(), value)
        else if (kind === 'descending') assert.equal(reader.u64Descending(), value)
        else if (kind === 'u64') assert.equal(reader.u64(), value)
        else assert.equal(reader.bigU64(), value)
      }
      assert.deepEqual([...reader.tail()], [...tail])
    }),
  )
})

test('keys sort as their tuples do', () => {
  fc.assert(
    fc.property(pairOfTuples, ([a, b, [tailA, tailB]]) => {
      const differing = a.map((one, index) => comparePart(one, b[index] ?? one)).find(Boolean)
      const expected = differing ?? compareBytes(tailA, tailB)
      const actual = compareBytes(write(a).tail(tailA), write(b).tail(tailB))
      assert.equal(Math.sign(actual), Math.sign(expected))
    }),
    { numRuns: 1000 },
  )
})

test('a prefix range holds the keys that continue it, and no others', () => {
  fc.assert(
    fc.property(pairOfTuples, ([a, b, [tail]]) => {
      const prefix = write(a).end()
      const { start, end } = prefixRange(prefix)
      for (const candidate of [write(a).tail(tail), write(b).tail(tail)]) {
        const isInside =
          compareBytes(candidate, start) >= 0 &&
          (end === undefined || compareBytes(candidate, end) < 0)
        assert.equal(isInside, startsWith(candidate, prefix))
      }
    }),
  )
})

test('a prefix range can be had in reverse, and of the last keys there are', () => {
  assert.equal(prefixRange(Buffer.from([1]), { reverse: true }).reverse, true)
  assert.equal(prefixRange(Buffer.from([255, 255])).end, undefined)
})

test('a key may have 1978 bytes and no more', () => {
  const longest = key(1).tail(Buffer.alloc(maxKeyBytes - 1, 255))
  assert.equal(longest.length, 1978)
  assert.throws(
    () => key(1).tail(Buffer.alloc(maxKeyBytes)),
    (error) => isStoreError(error, 'RowKeyTooLong'),
  )
  assert.throws(
    () =>
      key(1)
        .bytes(Buffer.alloc(maxKeyBytes / 2))
        .end(),
    (error) => isStoreError(error, 'RowKeyTooLong'),
  )
})

test('a key that outgrows the room it began with is whole', () => {
  for (const length of [100, 118, 119, 120, 127, 128, 129, 300, maxKeyBytes - 10]) {
    const value = Buffer.from(Array.from({ length }, (_, i) => i % 256))
    const tail = readKey(key(7).u64(5).tail(value))
    assert.equal(tail.u64(), 5)
    assert.ok(value.equals(tail.tail()), `a tail of ${length} bytes`)
    const text = value.subarray(0, Math.floor(length / 3))
    const middle = readKey(key(7).bytes(text).bytes(text).u64(6).end())
    assert.ok(text.equals(middle.bytes()))
    assert.ok(text.equals(middle.bytes()))
    assert.equal(middle.u64(), 6)
  }
})

test('numbers that do not fit are our mistake and throw', () => {
  for (const value of [-1, 1.5, 2 ** 53, Number.NaN, -1n, 2n ** 64n]) {
    assert.throws(() => key(1).u64(value))
    assert.throws(() => key(1).u64Descending(value))
  }
  assert.throws(() => key(256))
  assert.throws(() =>
    readKey(
      key(1)
        .u64(2n ** 60n)
        .end(),
    ).u64(),
  )
})

test('a finished key takes nothing more, and a malformed one is not read', () => {
  const writer = key(1)
  writer.end()
  assert.throws(() => writer.u64(1))
  assert.throws(() => readKey(Buffer.from([1, 2, 3])).u64())
  assert.throws(() => readKey(Buffer.from([1, 2, 3])).bytes())
  assert.throws(() => readKey(Buffer.from([1, 1, 9, 0])).bytes())
  assert.throws(() => readKey(Buffer.alloc(0)))
})

test('a counter keeps any 64-bit signed number, and absence is 0', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
      assert.equal(decodeCounter(encodeCounter(value)), value)
    }),
  )
  assert.equal(decodeCounter(undefined), 0n)
  assert.equal(decodeCounter(encodeCounter(2n ** 63n)), -(2n ** 63n))
  assert.throws(() => decodeCounter(Buffer.alloc(7)))
})
