// The contract suite of blob stores. Each implementation runs it.

import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { DamagedBody } from '../base/damaged-body.ts'
import { asBlobId, asStartId, type StartId } from '../base/terms.ts'
import { chunked, collect, idsOf } from './blob.fixture.ts'
import { type BlobStore, type ByteSource, closeSource } from './blob.ts'

/** A location of blobs that can be opened repeatedly, each time with a start of its own. */
export interface BlobPlace {
  open(start: StartId): Promise<BlobStore>
  remove(): Promise<void>
}

/** A body of `sizeBytes`; bodies of different sizes have different content. */
function body(sizeBytes: number): Buffer {
  return Buffer.alloc(sizeBytes, createHash('sha256').update(String(sizeBytes)).digest())
}

// Sizes around those of the implementations' buffers, and far above them.
const sizes = [65_536, 524_288, 1_048_576, 2_097_152].flatMap((size) => [size - 1, size, size + 1])

/** The start of the blobs under test, and two others. */
const own = asStartId(1)
const second = asStartId(2)
const twentieth = asStartId(20)

/** Registers the tests. `makePlace` creates an empty place for each test. */
export function testBlobs(name: string, makePlace: () => Promise<BlobPlace>): void {
  const run = (
    title: string,
    body: (blobs: BlobStore, place: BlobPlace) => Promise<void>,
  ): void => {
    test(`${name}: ${title}`, async () => {
      const place = await makePlace()
      const blobs = await place.open(own)
      try {
        await body(blobs, place)
      } finally {
        await blobs.close()
        await place.remove()
      }
    })
  }
  testBytes(run)
  testSums(run)
  testFailures(run)
  testSweep(run)
}

type Run = (title: string, body: (blobs: BlobStore, place: BlobPlace) => Promise<void>) => void

function testBytes(run: Run): void {
  run('bodies of any size come back as they were', async (blobs) => {
    for (const size of [0, 1, 1000, ...sizes, 20 * 1_048_576]) {
      const bytes = body(size)
      const { id, sizeBytes } = await blobs.write(chunked(bytes, 65_536))
      assert.equal(sizeBytes, size)
      const read = await collect(await blobs.read(id))
      assert.ok(read.equals(bytes), `${size} bytes`)
    }
  })

  run('neither the chunks of a body nor a range of it make a difference', async (blobs) => {
    const part = fc.record({ size: fc.integer({ min: 1, max: 3_000_000 }), chunk: fc.nat(700_000) })
    const ends = fc.tuple(fc.double({ min: 0, max: 1 }), fc.double({ min: 0, max: 1 }))
    const property = fc.asyncProperty(part, ends, async ({ size, chunk }, fractions) => {
      const bytes = randomBytes(size)
      const { id } = await blobs.write(chunked(bytes, chunk + 1000))
      const [start = 0, end = 0] = fractions
        .filter((fraction) => !Number.isNaN(fraction))
        .map((fraction) => Math.floor(fraction * (size - 1)))
        .sort((a, b) => a - b)
      const read = await collect(await blobs.read(id, { start, end: Math.max(start, end) }))
      assert.ok(read.equals(bytes.subarray(start, Math.max(start, end) + 1)))
      await blobs.delete(id)
    })
    await fc.assert(property, { numRuns: 20 })
  })

  run('a chunk stays as it is until the next one is asked for', async (blobs) => {
    const bytes = randomBytes(3_000_000)
    const { id } = await blobs.write(chunked(bytes, 300_000))
    let at = 0
    for await (const chunk of await blobs.read(id)) {
      // Give a faulty read-ahead time to overwrite the chunk.
      for (let turn = 0; turn < 20; turn++) await new Promise((done) => setImmediate(done))
      assert.ok(bytes.subarray(at, at + chunk.byteLength).equals(chunk))
      at += chunk.byteLength
    }
    assert.equal(at, bytes.byteLength)
  })

  run('writers and readers at the same time do not disturb each other', async (blobs) => {
    const bodies = Array.from({ length: 24 }, (_, index) => randomBytes(index * 70_001))
    const written = await Promise.all(bodies.map((bytes) => blobs.write(chunked(bytes, 40_000))))
    assert.equal(new Set(written.map(({ id }) => id)).size, bodies.length)
    const read = await Promise.all(written.map(async ({ id }) => collect(await blobs.read(id))))
    for (const [index, bytes] of bodies.entries()) assert.ok(read[index]?.equals(bytes))
  })

  run('a reader that has begun, or was only opened, survives the deletion', async (blobs) => {
    const bytes = randomBytes(5_000_000)
    const { id } = await blobs.write(chunked(bytes, 65_536))
    const opened = await blobs.read(id)
    const begun = (await blobs.read(id))[Symbol.asyncIterator]()
    const first = Buffer.from((await begun.next()).value ?? '')
    await blobs.delete(id)
    await assert.rejects(blobs.read(id))
    const rest = await collect({ [Symbol.asyncIterator]: () => begun })
    assert.ok(Buffer.concat([first, rest]).equals(bytes))
    assert.ok((await collect(opened)).equals(bytes))
  })

  run('a source that was ended gives nothing more', async (blobs) => {
    const { id } = await blobs.write(chunked(body(3_000_000), 65_536))
    const unread = await blobs.read(id)
    await closeSource(unread)
    assert.equal((await collect(unread)).byteLength, 0)
    const left = await blobs.read(id)
    for await (const _ of left) break
    assert.equal((await collect(left)).byteLength, 0)
    const waiting = (await blobs.read(id))[Symbol.asyncIterator]()
    const [next] = await Promise.all([waiting.next(), waiting.return?.()])
    assert.ok(next.done === true || next.value.byteLength > 0)
    assert.equal((await waiting.next()).done, true)
  })
}

function testSums(run: Run): void {
  run('any range is checked against the checksums of the write', async (blobs) => {
    const chunk = fc.integer({ min: 1000, max: 700_000 })
    const sizes = fc.record({ size: fc.integer({ min: 1, max: 2_000_000 }), chunk })
    const ends = fc.tuple(fc.nat(1_000_000), fc.nat(1_000_000), fc.nat(1_000_000))
    const property = fc.asyncProperty(sizes, ends, async ({ size, chunk }, [a, b, c]) => {
      const bytes = randomBytes(size)
      const { id, sizeBytes, sums } = await blobs.write(chunked(bytes, chunk))
      const [start, end] = [Math.min(a, b) % size, Math.max(a, b) % size].sort((x, y) => x - y)
      const range = { start: start ?? 0, end: end ?? 0 }
      const read = await collect(await blobs.read(id, range, { sizeBytes, sums }))
      assert.ok(read.equals(bytes.subarray(range.start, range.end + 1)))
      // Simulate a changed checksum.
      const changed = c % Math.ceil(size / 65_536)
      const others = Buffer.from(sums)
      others.writeUInt8(others.readUInt8(changed * 4) ^ 1, changed * 4)
      const isTouched =
        changed >= Math.floor(range.start / 65_536) && changed <= Math.floor(range.end / 65_536)
      const reading = blobs.read(id, range, { sizeBytes, sums: others }).then(collect)
      if (isTouched) await assert.rejects(reading, DamagedBody)
      else assert.ok((await reading).equals(read))
      await blobs.delete(id)
    })
    await fc.assert(property, { numRuns: 30 })
  })

  run('a blob that is gone, or has another size than expected, is damaged', async (blobs) => {
    const { id, sizeBytes, sums } = await blobs.write(chunked(body(100), 100))
    for (const expected of [{ sizeBytes: 101 }, { sizeBytes: 0 }, { sizeBytes: 99, sums }]) {
      await assert.rejects(blobs.read(id, undefined, expected), DamagedBody)
    }
    await assert.rejects(
      blobs.read(id, undefined, { sizeBytes, sums: new Uint8Array() }),
      DamagedBody,
    )
    await blobs.delete(id)
    await assert.rejects(blobs.read(id, undefined, { sizeBytes, sums }), DamagedBody)
  })
}

function testFailures(run: Run): void {
  run('an error of the source is passed on and leaves nothing', async (blobs) => {
    const failure = new Error('the client went away')
    for (const sizeBytes of [0, 10, 100_000, 12_000_000]) {
      async function* broken(): ByteSource {
        yield* chunked(body(sizeBytes), 65_536)
        throw failure
      }
      await assert.rejects(blobs.write(broken()), (error) => error === failure)
    }
    assert.deepEqual(await idsOf(blobs, own), [])
    const { id } = await blobs.write(chunked(body(10), 10))
    assert.deepEqual(await idsOf(blobs, own), [id])
  })

  run('a finished blob tells when it was written, and one that is gone does not', async (blobs) => {
    const before = Date.now()
    const { id } = await blobs.write(chunked(body(100), 100))
    const writtenAt = await blobs.writtenAt(id)
    // File systems take times from a clock with ticks of a few milliseconds.
    assert.ok(writtenAt !== undefined && writtenAt > before - 1000, `${writtenAt} ${before}`)
    await blobs.delete(id)
    assert.equal(await blobs.writtenAt(id), undefined)
  })

  run('a range that is not within the blob is refused', async (blobs) => {
    const { id } = await blobs.write(chunked(body(100), 100))
    for (const [start, end] of [
      [0, 100],
      [100, 100],
      [5, 4],
      [-1, 3],
      [0.5, 3],
      [0, Number.NaN],
    ]) {
      await assert.rejects(blobs.read(id, { start: start ?? 0, end: end ?? 0 }))
    }
    assert.equal((await collect(await blobs.read(id, { start: 99, end: 99 }))).byteLength, 1)
  })

  run('an id that was never given out finds nothing, whatever it says', async (blobs) => {
    const { id } = await blobs.write(chunked(body(100), 100))
    const strange = [
      `${id}0`,
      '7-0',
      '',
      '-',
      '1-',
      '-1',
      '01-0',
      '1-00',
      '1-0/',
      '../1-0',
      '1-0\0',
      '1-1e3',
      '../../../../etc/passwd',
      '1-../../../../etc/passwd',
      '1-9007199254740993',
      `${id}.part`,
    ]
    for (const text of strange) {
      // An id as a damaged row could hold it.
      await assert.rejects(blobs.read(asBlobId(text)), text)
    }
  })

  run('a blob may be deleted twice', async (blobs) => {
    const { id } = await blobs.write(chunked(body(100), 100))
    await blobs.delete(id)
    await blobs.delete(id)
    assert.deepEqual(await idsOf(blobs, own), [])
  })

  run(
    'after close nothing is written any more, and what was under way is finished',
    async (blobs) => {
      const last = Promise.withResolvers<void>()
      async function* slow(): ByteSource {
        yield body(10)
        await last.promise
        yield body(10)
      }
      const writing = blobs.write(slow())
      const closing = blobs.close()
      await assert.rejects(blobs.write(chunked(body(10), 10)))
      last.resolve()
      await closing
      assert.deepEqual(await idsOf(blobs, own), [(await writing).id])
    },
  )
}

function testSweep(run: Run): void {
  run('starts have their blobs apart, and any of them reads them all', async (blobs, place) => {
    const other = await place.open(twentieth)
    const mine = await blobs.write(chunked(body(10), 10))
    const theirs = await other.write(chunked(body(11), 11))
    assert.deepEqual(await idsOf(blobs, own), [mine.id])
    assert.deepEqual(await idsOf(blobs, twentieth), [theirs.id])
    assert.deepEqual(await idsOf(blobs, second), [])
    assert.deepEqual([...(await blobs.starts())].sort(), [1, 20])
    assert.ok((await collect(await blobs.read(theirs.id))).equals(body(11)))
    await blobs.delete(theirs.id)
    assert.deepEqual(await idsOf(other, twentieth), [])
    await other.close()
  })

  run('a start is removed once it is empty, and not before', async (blobs, place) => {
    const dead = await place.open(second)
    const { id } = await dead.write(chunked(body(10), 10))
    await dead.close()
    await blobs.removeStart(second)
    assert.deepEqual(await idsOf(blobs, second), [id])
    assert.ok((await collect(await blobs.read(id))).equals(body(10)))
    await blobs.delete(id)
    await blobs.removeStart(second)
    await blobs.removeStart(second)
    assert.deepEqual(await blobs.starts(), [])
  })
}
