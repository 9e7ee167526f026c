// Digests: known values, independence of how the bytes are cut, and the combination of CRCs.

import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { chunked, collect } from './blob.fixture.ts'
import { type ByteSource, closeSource } from './blob.ts'
import type { CrcAlgorithm } from './crc.ts'
import { combineCrc } from './crc.ts'
import { createDigest, digesting } from './digest.ts'

const crcs: readonly CrcAlgorithm[] = ['CRC32', 'CRC32C', 'CRC64NVME']
const algorithms = [...crcs, 'MD5', 'SHA1', 'SHA256', 'SHA512'] as const

function digestOf(
  algorithm: (typeof algorithms)[number],
  ...chunks: readonly Uint8Array[]
): Buffer {
  const digest = createDigest(algorithm)
  for (const chunk of chunks) digest.update(chunk)
  return digest.digest()
}

/** A CRC computed bit by bit, by definition. */
function slowCrc(bytes: Uint8Array, bits: 32 | 64, polynomial: bigint): Buffer {
  const ones = (1n << BigInt(bits)) - 1n
  let register = ones
  for (const byte of bytes) {
    register ^= BigInt(byte)
    for (let bit = 0; bit < 8; bit++) {
      register = (register & 1n) === 1n ? (register >> 1n) ^ polynomial : register >> 1n
    }
  }
  return Buffer.from((register ^ ones).toString(16).padStart(bits / 4, '0'), 'hex')
}

test('the CRCs have the check values of the catalogue', () => {
  const check = Buffer.from('123456789')
  assert.equal(digestOf('CRC32', check).toString('hex'), 'cbf43926')
  assert.equal(digestOf('CRC32C', check).toString('hex'), 'e3069283')
  assert.equal(digestOf('CRC64NVME', check).toString('hex'), 'ae8b14860a799888')
})

// https://www.rfc-editor.org/rfc/rfc3720#appendix-B.4, and the NVM Command Set Specification.
test('the CRCs have the values of the documents that define them', () => {
  const zeros = Buffer.alloc(32)
  const ones = Buffer.alloc(32, 0xff)
  const rising = Buffer.from(Array.from({ length: 32 }, (_, index) => index))
  assert.equal(digestOf('CRC32C', zeros).toString('hex'), '8a9136aa')
  assert.equal(digestOf('CRC32C', ones).toString('hex'), '62a8ab43')
  assert.equal(digestOf('CRC32C', rising).toString('hex'), '46dd794e')
  assert.equal(digestOf('CRC64NVME', Buffer.alloc(4096)).toString('hex'), '6482d367eb22b64e')
  assert.equal(digestOf('CRC64NVME', Buffer.alloc(4096, 0xff)).toString('hex'), 'c0ddba7302eca3ac')
})

test('the CRCs of long input, taken in two streams at once, are those of its definition', () => {
  const bytes = randomBytes(40_001)
  const polynomials = { CRC32C: 0x82f6_3b78n, CRC64NVME: 0x9a6c_9329_ac4b_c9b5n }
  assert.deepEqual(digestOf('CRC32C', bytes), slowCrc(bytes, 32, polynomials.CRC32C))
  assert.deepEqual(digestOf('CRC64NVME', bytes), slowCrc(bytes, 64, polynomials.CRC64NVME))
})

test('nothing at all has a digest', () => {
  assert.equal(digestOf('MD5').toString('hex'), 'd41d8cd98f00b204e9800998ecf8427e')
  assert.equal(digestOf('SHA1').toString('hex'), 'da39a3ee5e6b4b0d3255bfef95601890afd80709')
  assert.equal(digestOf('SHA256').toString('hex').slice(0, 16), 'e3b0c44298fc1c14')
  assert.equal(digestOf('CRC32').toString('hex'), '00000000')
  assert.equal(digestOf('CRC32C').toString('hex'), '00000000')
  assert.equal(digestOf('CRC64NVME').toString('hex'), '0000000000000000')
})

test('every CRC is what its definition gives, bit by bit', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      assert.deepEqual(digestOf('CRC32', bytes), slowCrc(bytes, 32, 0xedb88320n))
      assert.deepEqual(digestOf('CRC32C', bytes), slowCrc(bytes, 32, 0x82f63b78n))
      assert.deepEqual(digestOf('CRC64NVME', bytes), slowCrc(bytes, 64, 0x9a6c9329ac4bc9b5n))
    }),
  )
})

test('how a body is cut makes no difference to its digests', () => {
  const cuts = fc.array(fc.nat(200_000), { maxLength: 8 })
  fc.assert(
    fc.property(fc.nat(200_000), cuts, (size, places) => {
      const bytes = randomBytes(size)
      const ends = [...places.map((place) => Math.min(place, size)), size].sort((a, b) => a - b)
      const chunks = ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end))
      for (const algorithm of algorithms) {
        assert.deepEqual(digestOf(algorithm, ...chunks), digestOf(algorithm, bytes), algorithm)
      }
    }),
    { numRuns: 30 },
  )
})

test('digests under way at the same time do not disturb each other', () => {
  const bytes = randomBytes(100_000)
  const three = crcs.flatMap((algorithm) => [1, 2, 3].map(() => createDigest(algorithm)))
  for (let at = 0; at < bytes.byteLength; at += 1000) {
    for (const digest of three) digest.update(bytes.subarray(at, at + 1000))
  }
  const whole = crcs.flatMap((algorithm) => [1, 2, 3].map(() => digestOf(algorithm, bytes)))
  assert.deepEqual(
    three.map((digest) => digest.digest()),
    whole,
  )
})

test('the CRC of a whole is the combination of those of its parts', () => {
  const part = fc.uint8Array({ maxLength: 5000 })
  fc.assert(
    fc.property(fc.constantFrom(...crcs), part, part, (algorithm, a, b) => {
      const combined = combineCrc(
        algorithm,
        digestOf(algorithm, a),
        digestOf(algorithm, b),
        b.length,
      )
      assert.deepEqual(combined, digestOf(algorithm, a, b))
    }),
  )
})

test('CRCs of parts of any length combine as if the zeros between were there', () => {
  // crc(A‖0ⁿ) in two ways: in one step, and by doubling the zeros, up to five tebibytes.
  for (const algorithm of crcs) {
    const a = digestOf(algorithm, Buffer.from('the first part'))
    const zeros = { crc: digestOf(algorithm, Buffer.alloc(1)), length: 1 }
    let stepwise = combineCrc(algorithm, a, zeros.crc, zeros.length)
    let total = 1
    let totalCrc = zeros.crc
    while (total < 5 * 2 ** 40) {
      zeros.crc = combineCrc(algorithm, zeros.crc, zeros.crc, zeros.length)
      zeros.length *= 2
      stepwise = combineCrc(algorithm, stepwise, zeros.crc, zeros.length)
      totalCrc = combineCrc(algorithm, totalCrc, zeros.crc, zeros.length)
      total += zeros.length
    }
    assert.deepEqual(combineCrc(algorithm, a, totalCrc, total), stepwise)
    assert.deepEqual(zeros.crc, combineCrc(algorithm, zeros.crc, digestOf(algorithm), 0))
  }
})

test('what is not a CRC of the algorithm cannot be combined', () => {
  const four = Buffer.alloc(4)
  assert.throws(() => combineCrc('CRC64NVME', four, Buffer.alloc(8), 1), RangeError)
  assert.throws(() => combineCrc('CRC32', four, Buffer.alloc(8), 1), RangeError)
  for (const length of [-1, 0.5, Number.NaN, 2 ** 53]) {
    assert.throws(() => combineCrc('CRC32', four, four, length), RangeError)
  }
})

test('bytes that pass are counted and hashed, and stay what they are', async () => {
  const bytes = randomBytes(3_000_001)
  const hashed = digesting(chunked(bytes, 65_536), ['MD5', 'CRC32'])
  await assert.rejects(hashed.results())
  assert.ok((await collect(hashed.source)).equals(bytes))
  assert.equal(hashed.sizeBytes(), bytes.byteLength)
  const results = await hashed.results()
  assert.deepEqual(results, {
    MD5: createHash('md5').update(bytes).digest(),
    CRC32: Buffer.from(crc32(bytes).toString(16).padStart(8, '0'), 'hex'),
  })
})

test('a hashed source that ends early ends the one below, and has no digest', async () => {
  let ends = 0
  const below: ByteSource = {
    [Symbol.asyncIterator]: () => ({
      next: async () => ({ done: false, value: Buffer.alloc(10) }),
      return: async () => {
        ends += 1
        return { done: true, value: undefined }
      },
    }),
  }
  const begun = digesting(below, ['MD5'])
  for await (const _ of begun.source) break
  assert.equal(ends, 1)
  await assert.rejects(begun.results())
  await closeSource(digesting(below, ['MD5']).source)
  assert.equal(ends, 2)
})
