// The LMDB engine: the engine suite, and tests with several processes, process death, and full
// disks.

import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { on, once } from 'node:events'
import { chmod, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { open } from 'lmdb'
import { utf8 } from '../base/bytes.ts'
import type { StoreErrorCode } from '../base/errors.ts'
import { storeIn } from '../base/store-location.ts'
import { withinTime } from './engine.fixture.ts'
import { type EngineUnderTest, engineSuite } from './engine.suite.ts'
import {
  childProgram,
  counter,
  exited,
  incrementAll,
  newFolder,
  start,
  withEngine,
  withFolder,
} from './lmdb.fixture.ts'
import { openLmdb } from './lmdb.ts'
import { numberedRow, type ProcessTask } from './lmdb-process.fixture.ts'
import { openEngine } from './open.ts'
import { decodeCounter, encodeCounter } from './tuple.ts'

const scale = Number(process.env['HOLDFAST_TEST_SCALE'] ?? '1')

engineSuite('the LMDB engine', openNew)

test('a row that was acknowledged is there after kill -9 in the middle of writing', () =>
  withFolder(async (path) => {
    for (let round = 0; round < scale; round++) {
      const child = start({ task: 'write', path })
      const acknowledged: number[] = []
      child.on('message', (message) => acknowledged.push(Number(message)))
      while (acknowledged.length < 300 + round * 100) await once(child, 'message')
      child.kill('SIGKILL')
      await once(child, 'exit')
      const engine = await openLmdb({ path })
      await engine.read(async (tx) => {
        for (const number of acknowledged) {
          const value = await tx.get(numberedRow(number))
          assert.deepEqual(value, Buffer.alloc(300, number))
        }
      })
      await engine.write(async (tx) => tx.put(utf8('after'), utf8('the crash')))
      await engine.close()
    }
  }))

test('a read that allows staleness gets a stale snapshot if some are kept, never an older one than allowed', (t) =>
  withFolder(async (path) => {
    t.mock.timers.enable({ apis: ['setInterval'] })
    const keptMs = 2000
    const stepMs = keptMs / 8
    let nowMs = 0
    const clock = { now: () => nowMs, monotonicMs: () => nowMs }
    const engine = await openLmdb({ path, keptMs, clock })
    const read = (maxStalenessMs: number): Promise<string | undefined> =>
      engine.read(async (tx) => (await tx.get(utf8('row')))?.toString(), { maxStalenessMs })
    await engine.write(async (tx) => tx.put(utf8('row'), utf8('new')))
    assert.equal(await read(0), 'new')
    while (nowMs <= keptMs) {
      assert.equal(await read(keptMs), undefined, `after ${nowMs} ms`)
      assert.equal(await read(stepMs), nowMs > stepMs ? 'new' : undefined, `after ${nowMs} ms`)
      nowMs += stepMs
      t.mock.timers.tick(stepMs)
    }
    assert.equal(await read(keptMs), 'new')
    await engine.close()
  }))

test('a write sees what another process was told is stored', () =>
  withEngine(async (engine, path) => {
    const times = 50
    const child = start({ task: 'count', path, times })
    for await (const [number] of on(child, 'message', { close: ['disconnect'] })) {
      const seen = await engine.write(async (tx) => {
        tx.put(utf8('other'), utf8(String(number)))
        return decodeCounter(await tx.get(utf8('count')))
      })
      assert.ok(seen >= BigInt(number))
    }
    assert.equal(await counter(engine, 'count'), BigInt(times))
  }))

test('processes that write separate rows do not conflict', () =>
  withEngine(async (engine, path) => {
    const work = { clients: 1, times: 100, reads: 0 }
    const conflicts = await incrementAll(path, [
      { row: 'a', ...work },
      { row: 'b', ...work },
    ])
    assert.deepEqual(conflicts, [0, 0])
    assert.equal(await counter(engine, 'a'), 100n)
    assert.equal(await counter(engine, 'b'), 100n)
  }))

test('a watch sees what another process writes', () =>
  withEngine(async (engine, path) => {
    const times = 20
    const ended = exited(start({ task: 'count', path, times }))
    const last = encodeCounter(BigInt(times))
    const { signal } = new AbortController()
    let seen: Uint8Array | undefined
    while (seen === undefined || Buffer.compare(seen, last) !== 0) {
      await engine.watch(utf8('count'), seen, signal)
      seen = await engine.read((tx) => tx.get(utf8('count')))
    }
    await ended
  }))

test('a read that was ended holds no pages back', () =>
  withFolder(async (path) => {
    const engine = await openLmdb({ path, readMs: 50 })
    const overwrite = () =>
      withinTime(() => engine.write(async (tx) => tx.put(utf8('a'), Buffer.alloc(200_000, 1))))
    await overwrite()
    const { promise: endless, resolve } = Promise.withResolvers<void>()
    const stuck = engine.read(() => endless)
    const later = engine.read(async (tx) => {
      for (;;) {
        await tx.get(utf8('a'))
        await new Promise((resume) => setImmediate(resume))
      }
    })
    await assert.rejects(later)
    for (let i = 0; i < 100; i++) await overwrite()
    assert.ok(engine.statistics().sizeBytes < 3_000_000, `${engine.statistics().sizeBytes} bytes`)
    await engine.close()
    resolve()
    await stuck
  }))

test('thousands of reads may be open at once', () =>
  withEngine(async (engine) => {
    let open = 0
    const { promise: allOpen, resolve } = Promise.withResolvers<void>()
    const reads = Array.from({ length: 2000 }, async (_, index) => {
      await engine.write(async (tx) => tx.put(utf8(`row${index % 10}`), utf8(String(index))))
      return engine.read(async (tx) => {
        const before = await tx.get(utf8('row1'))
        if (++open === 2000) resolve()
        await allOpen
        assert.deepEqual(await tx.get(utf8('row1')), before)
      })
    })
    await Promise.all(reads)
  }))

test('a store outgrows its map, also while it is read', () =>
  withFolder(async (path) => {
    const engine = await openLmdb({ path, initialMapBytes: 1_048_576 })
    const other = await openLmdb({ path, initialMapBytes: 1_048_576 })
    const value = (number: number) => Buffer.alloc(500_000, number)
    await engine.write(async (tx) => tx.put(numberedRow(0), value(0)))
    await engine.read(async (tx) => {
      assert.deepEqual(await tx.get(numberedRow(0)), value(0))
      for (let number = 1; number <= 60; number++) {
        const writer = number % 2 === 0 ? engine : other
        await writer.write(async (tx) => tx.put(numberedRow(number), value(number)))
        assert.deepEqual(await tx.get(numberedRow(0)), value(0))
      }
      assert.equal(await tx.get(numberedRow(1)), undefined)
    })
    for (const reader of [engine, other]) {
      await reader.read(async (tx) => {
        for (let number = 0; number <= 60; number++) {
          assert.deepEqual(await tx.get(numberedRow(number)), value(number))
        }
      })
    }
    await other.close()
    await engine.close()
  }))

test('a store of a newer format is refused in plain words', () =>
  withFolder(async (path) => {
    const engine = await openLmdb({ path })
    await engine.close()
    const root = open<Buffer, Uint8Array>({
      path,
      overlappingSync: false,
      encoding: 'binary',
      keyEncoding: 'binary',
    })
    root.putSync(utf8('format'), utf8('2'))
    await root.close()
    await assert.rejects(openLmdb({ path }), /has format 2, but this version .* reads format 1/)
  }))

test('several processes may open a new store at once', () =>
  withFolder(async (path) => {
    const children = [1, 2, 3].map(() => start({ task: 'count', path, times: 3 }))
    await Promise.all(children.map(exited))
    const engine = await openLmdb({ path })
    assert.equal(await counter(engine, 'count'), 3n)
    await engine.close()
  }))

test('the folder of a store is for its owner only', () =>
  withFolder(async (path) => {
    await chmod(path, 0o755)
    const engine = await openEngine(storeIn(path).engine)
    await engine.close()
    assert.equal((await stat(join(path, 'engine'))).mode & 0o777, 0o700)
    assert.equal((await stat(join(path, 'engine', 'data.mdb'))).mode & 0o077, 0)
  }))

test('a full disk refuses the write, harms nothing, and is forgotten when there is room', () =>
  withFolder(async (path) => {
    // The file size limit stands in for the disk's. LMDB reports the truncated write as an
    // input/output error, and only the disk's free bytes tell that from a full disk.
    const codes: StoreErrorCode[] = ['InsufficientStorage', 'CommitFailed']
    const task = JSON.stringify({ task: 'fill', path, codes } satisfies ProcessTask)
    const limited = `ulimit -f 16384; exec "$0" "$1" '${task}'`
    const child = spawn('/bin/sh', ['-c', limited, process.execPath, childProgram], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    await exited(child)
  }))

// A real full disk needs a file system of its own, which only root can mount.
if (scale > 1 && process.getuid?.() === 0) {
  test('a full file system is refused and recovers too', () =>
    withFolder(async (path) => {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', path])
      try {
        await exited(start({ task: 'fill', path, codes: ['InsufficientStorage'] }))
      } finally {
        execFileSync('umount', [path])
      }
    }))
}

async function openNew(options: { readonly readMs?: number } = {}): Promise<EngineUnderTest> {
  const path = await newFolder()
  const engine = await openLmdb({ ...options, path })
  return {
    engine,
    reopen: () => openLmdb({ ...options, path }),
    destroy: async () => {
      await engine.close()
      await rm(path, { recursive: true, force: true })
    },
  }
}
