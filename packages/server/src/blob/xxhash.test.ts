// xxHash: equal to Amazon's own library, regardless of how bodies are split and interleaved.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { chunked, collect } from './blob.fixture.ts'
import { digesting, startDigest } from './digest.ts'
import { startXxhash, type XxhashAlgorithm } from './xxhash.ts'

const algorithms: readonly XxhashAlgorithm[] = ['XXHASH64', 'XXHASH3', 'XXHASH128']

async function hashOf(algorithm: XxhashAlgorithm, ...chunks: Uint8Array[]): Promise<string> {
  const hash = await startXxhash(algorithm)
  for (const chunk of chunks) hash.update(chunk)
  return hash.digest().toString('base64')
}

/** Sizes of a byte pattern, with XXH64, XXH3 and XXH128 by awscrt 0.38.1 in base64. */
const known: readonly [size: number, ...values: string[]][] = [
  [0, '70bbN1HY6Zk=', 'LQaABTjTlMI=', 'maoG0wFHmNhgAcMkRo1Jfw=='],
  [3, 'VuaVdjKkh/k=', 'FfcJOxc9AFw=', 'RvZsuTU4FWUV9wk7Fz0AXA=='],
  [9, 'Sxepup4hXAk=', 'y+OTOZ8X/70=', '1GVWhy0jDyJDdmc1gDEBVA=='],
  [17, '/p8P637u3Ak=', 'IIveXuK+1Ac=', 'GCFzALUTLVp4w0n+gbLybA=='],
  [129, 'KPyDYmQ2J9c=', '+PdnE/K7YPo=', 'aIFjNlDNiSTFG8iHl2rvYw=='],
  [241, '0/UEltW/J+A=', 'CztjCUjOSgA=', 'krmRpxkvPwgLO2MJSM5KAA=='],
  [1025, 'LJ0LA4tKSzU=', 'wJ/fvDmMfYI=', 'cKTrG5aR13/An9+8OYx9gg=='],
  [100000, 'OsnLxam3+EM=', 'zPkN9+fjcDY=', 'jOeiTTHNlLHM+Q335+NwNg=='],
]

test('the hashes are those of the library in Amazon’s SDKs, highest byte first', async () => {
  for (const [size, ...values] of known) {
    const bytes = Uint8Array.from({ length: size }, (_, index) => index * 31 + 7)
    const found = await Promise.all(algorithms.map((algorithm) => hashOf(algorithm, bytes)))
    assert.deepEqual(found, values, String(size))
  }
})

test('how a body is cut makes no difference to its hashes', async () => {
  const cuts = fc.array(fc.nat(5000), { maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(fc.nat(5000), cuts, async (size, places) => {
      const bytes = randomBytes(size)
      const ends = [...places.map((place) => Math.min(place, size)), size].sort((a, b) => a - b)
      const chunks = ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end))
      for (const algorithm of algorithms) {
        assert.equal(await hashOf(algorithm, ...chunks), await hashOf(algorithm, bytes), algorithm)
      }
    }),
    { numRuns: 30 },
  )
})

test('hashes under way at the same time do not disturb each other', async () => {
  const bodies = [1, 2, 3].map(() => randomBytes(100_000))
  for (const algorithm of algorithms) {
    const hashes = await Promise.all(bodies.map(() => startXxhash(algorithm)))
    const abandoned = await startXxhash(algorithm)
    for (let at = 0; at < 100_000; at += 1000) {
      for (const [index, body] of bodies.entries())
        hashes[index]?.update(body.subarray(at, at + 1000))
      abandoned.update(Buffer.alloc(10))
    }
    const found = hashes.map((hash) => hash.digest().toString('base64'))
    assert.deepEqual(found, await Promise.all(bodies.map((body) => hashOf(algorithm, body))))
  }
})

test('a source is hashed by them while it passes', async () => {
  const bytes = randomBytes(300_001)
  const hashed = digesting(chunked(bytes, 65_536), ['MD5', ...algorithms])
  assert.ok((await collect(hashed.source)).equals(bytes))
  const results = await hashed.results()
  for (const algorithm of algorithms) {
    const digest = await startDigest(algorithm)
    digest.update(bytes)
    assert.deepEqual(results[algorithm], digest.digest(), algorithm)
  }
})
