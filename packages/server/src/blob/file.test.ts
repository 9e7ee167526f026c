// Blobs in files: the contract, and the cases specific to files: descriptors, folders, full disks.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, open, readdir, readlink, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { asStartId } from '../base/terms.ts'
import { chunked, collect, idsOf } from './blob.fixture.ts'
import { testBlobs } from './blob.suite.ts'
import { type BlobStore, type ByteSource, closeSource } from './blob.ts'
import { createBuffers } from './buffer.ts'
import { openFileBlobs } from './file.ts'
import { writeBody } from './file-write.ts'

const first = asStartId(1)
const second = asStartId(2)

testBlobs('file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'blobs-'))
  return {
    open: (start) => openFileBlobs({ folder: join(folder, 'made', 'when needed'), start }),
    remove: () => rm(folder, { recursive: true }),
  }
})

async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'blobs-'))
  try {
    await body(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function withBlobs(body: (blobs: BlobStore, folder: string) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const blobs = await openFileBlobs({ folder, start: first })
    await body(blobs, folder)
    await blobs.close()
  })
}

/** Every file below a folder, as paths. */
async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

/** The number of descriptors that this process has open below `folder`. */
async function openFiles(folder: string): Promise<number> {
  const targets = await Promise.all(
    (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
  )
  return targets.filter((target) => target.startsWith(folder)).length
}

/** Turns the event loop until `isDone`, up to a limit. */
async function eventually(isDone: () => Promise<boolean>): Promise<boolean> {
  for (let turn = 0; turn < 1000; turn++) {
    if (await isDone()) return true
    await new Promise((resolve) => setImmediate(resolve))
  }
  return false
}

test('a file is closed when its last byte was read, early or late, and by nobody', async () => {
  await withBlobs(async (blobs, folder) => {
    const bytes = Buffer.alloc(3_000_000, 1)
    const { id } = await blobs.write(chunked(bytes, 65_536))
    const none = async (): Promise<boolean> => (await openFiles(folder)) === 0

    await collect(await blobs.read(id))
    assert.equal(await openFiles(folder), 0, 'read to the end')

    for await (const _ of await blobs.read(id)) break
    assert.equal(await openFiles(folder), 0, 'ended early')

    const untouched = await blobs.read(id)
    assert.equal(await openFiles(folder), 1)
    await closeSource(untouched)
    assert.equal(await openFiles(folder), 0, 'never iterated, but ended')

    const small = await blobs.read(id, { start: 5, end: 500_000 })
    assert.ok(await eventually(none), 'held whole by the first read')
    assert.equal((await collect(small)).byteLength, 499_996)

    await assert.rejects(blobs.read(id, { start: 5, end: 3_000_000 }))
    assert.equal(await openFiles(folder), 0, 'refused')

    await forget(blobs.read(id))
    setFlagsFromString('--expose-gc')
    const collectGarbage: unknown = runInNewContext('gc')
    assert.ok(typeof collectGarbage === 'function')
    const isForgotten = await eventually(() => {
      collectGarbage()
      return none()
    })
    assert.ok(isForgotten, 'forgotten')
  })
})

async function forget(reading: Promise<ByteSource>): Promise<void> {
  await reading
}

test('a body that fails leaves neither a file nor a descriptor', async () => {
  await withBlobs(async (blobs, folder) => {
    async function* broken(): ByteSource {
      yield* chunked(Buffer.alloc(9_000_000), 65_536)
      throw new Error('aborted')
    }
    await Promise.all([1, 2, 3].map(() => assert.rejects(blobs.write(broken()), /aborted/)))
    assert.deepEqual(await filesBelow(folder), [])
    assert.equal(await openFiles(folder), 0)
  })
})

test('no folder gets more than 1,024 entries', async () => {
  await withBlobs(async (blobs, folder) => {
    const count = 1040
    const writers = Array.from({ length: 16 }, async (_, writer) => {
      for (let index = writer; index < count; index += 16) {
        await blobs.write(chunked(Buffer.from(String(index)), 10))
      }
    })
    await Promise.all(writers)
    assert.equal((await idsOf(blobs, first)).length, count)
    const entries = await readdir(folder, { recursive: true, withFileTypes: true })
    const perFolder = Map.groupBy(entries, (entry) => entry.parentPath)
    assert.ok([...perFolder.values()].every((names) => names.length <= 1024))
    assert.ok(perFolder.size >= 4)
  })
})

test('a file that is not a blob is neither listed nor removed, and stops nothing', async () => {
  await withBlobs(async (blobs, folder) => {
    const { id } = await blobs.write(chunked(Buffer.from('a body'), 10))
    const [path = ''] = await filesBelow(folder)
    for (const name of ['.DS_Store', '01', '1e3', 'x.part'])
      await writeFile(path.replace(/0$/, name), '')
    assert.deepEqual(await idsOf(blobs, first), [id])
    await blobs.delete(id)
    await blobs.removeStart(first)
    assert.ok((await filesBelow(folder)).length >= 3)
  })
})

test('nobody but the owner can read a blob', async () => {
  await withBlobs(async (blobs, folder) => {
    await blobs.write(chunked(Buffer.from('secret'), 10))
    const [path = ''] = await filesBelow(folder)
    assert.equal((await stat(path)).mode & 0o077, 0)
    assert.equal((await stat(join(folder, '1'))).mode & 0o077, 0)
  })
})

test('the number of a start cannot be used twice', async () => {
  await withBlobs(async (blobs, folder) => {
    const { id } = await blobs.write(chunked(Buffer.from('first'), 10))
    const again = await openFileBlobs({ folder, start: first })
    await assert.rejects(again.write(chunked(Buffer.from('second'), 10)), /EEXIST/)
    assert.equal(String(await collect(await blobs.read(id))), 'first')
    for (const start of [-1, 0.5, Number.NaN]) {
      await assert.rejects(openFileBlobs({ folder, start: asStartId(start) }))
    }
  })
})

test('a file that became shorter is an error, not a short body', async () => {
  await withBlobs(async (blobs, folder) => {
    const { id } = await blobs.write(chunked(Buffer.alloc(3_000_000), 65_536))
    const source = await blobs.read(id)
    const [path = ''] = await filesBelow(folder)
    const handle = await open(path, 'r+')
    await handle.truncate(2_000_000)
    await handle.close()
    await assert.rejects(collect(source), /shorter/)
    assert.equal(await openFiles(folder), 0)
  })
})

/** Starts Node on a plain JavaScript module with `openFileBlobs` and `folder` in scope. */
function startScript(
  folder: string,
  script: string,
  wrapper: readonly string[] = [],
): ChildProcess {
  const address = JSON.stringify(new URL('./file.ts', import.meta.url).href)
  const source = `import { openFileBlobs } from ${address}
    const folder = ${JSON.stringify(folder)}
    ${script}`
  const command = [...wrapper, process.execPath, '--input-type=module', '--eval', source]
  return spawn(command[0] ?? '', command.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] })
}

test('what a killed process left is listed, and the unfinished part of it removed', async () => {
  await withBlobs(async (blobs, folder) => {
    const child = startScript(
      folder,
      `const blobs = await openFileBlobs({ folder, start: 2 })
      async function* body(chunks) {
        for (let chunk = 0; chunk < chunks; chunk++) yield Buffer.alloc(65536, 7)
        if (chunks === 40) await new Promise(() => { console.log('now'); setInterval(() => {}, 1000) })
      }
      await blobs.write(body(3))
      await blobs.write(body(40))`,
    )
    assert.ok(child.stdout !== null)
    await once(child.stdout, 'data')
    child.kill('SIGKILL')
    await once(child, 'exit')

    assert.deepEqual(await idsOf(blobs, second), ['2-0', '2-1'])
    await blobs.removeStart(second)
    const left = await idsOf(blobs, second)
    assert.deepEqual(left, ['2-0'])
    for (const id of left) {
      assert.ok((await collect(await blobs.read(id))).equals(Buffer.alloc(196_608, 7)))
      await blobs.delete(id)
    }
    await blobs.removeStart(second)
    assert.deepEqual(await blobs.starts(), [])
    assert.deepEqual(await readdir(folder), [])
  })
})

test('an unfinished blob can be deleted by its listed id, and its writer fails', async () => {
  await withBlobs(async (blobs, folder) => {
    const begun = Promise.withResolvers<void>()
    const swept = Promise.withResolvers<void>()
    async function* body(): ByteSource {
      yield Buffer.alloc(10)
      begun.resolve()
      await swept.promise
    }
    const writing = assert.rejects(blobs.write(body()), { code: 'ENOENT' })
    await begun.promise
    const sweeper = await openFileBlobs({ folder, start: second })
    const ids = await idsOf(sweeper, first)
    assert.equal(ids.length, 1)
    for (const id of ids) await sweeper.delete(id)
    assert.deepEqual(await filesBelow(folder), [])
    swept.resolve()
    await writing
  })
})

// The test needs a file system of its own, and not every machine permits the mount.
const own = ['unshare', '--map-root-user', '--mount'] as const
const canMount = spawnSync(own[0], [...own.slice(1), 'true']).status === 0

async function runOnSmallDisk(options: string, script: string): Promise<void> {
  await withFolder(async (folder) => {
    const mount = `mount -t tmpfs -o ${options} tmpfs "$1" && shift && exec "$@"`
    const child = startScript(
      folder,
      `import assert from 'node:assert/strict'
      import { execFileSync } from 'node:child_process'
      import { readdirSync, statfsSync } from 'node:fs'
      const blobs = await openFileBlobs({ folder, start: 1 })
      const isFull = { code: 'InsufficientStorage' }
      async function* body(size) {
        for (; size > 0; size -= 65536) yield Buffer.alloc(Math.min(size, 65536))
      }
      const files = () => readdirSync(folder, { recursive: true }).length
      ${script}`,
      [...own, 'sh', '-c', mount, 'sh', folder],
    )
    const [code] = await once(child, 'exit')
    assert.equal(code, 0)
  })
}

if (canMount) {
  test('a body that finds the disk full is refused, and later ones that fit are stored', async () => {
    await runOnSmallDisk(
      'size=8m',
      `await blobs.write(body(3_000_000))
      const before = files()
      await Promise.all([1, 2, 3].map(() => assert.rejects(blobs.write(body(9_000_000)), isFull)))
      assert.equal(files(), before)
      assert.equal((await blobs.write(body(3_000_000))).sizeBytes, 3_000_000)
      const { bavail, bsize } = statfsSync(folder)
      assert.ok(bavail * bsize < 3_000_000)`,
    )
  })

  test('a disk without room for a folder or a name refuses the body until it has', async () => {
    // Inodes for the root, the folder of the start, and one more.
    await runOnSmallDisk(
      'size=8m,nr_inodes=3',
      `await assert.rejects(blobs.write(body(10)), isFull)
      await assert.rejects(blobs.write(body(10)), isFull)
      execFileSync('mount', ['-o', 'remount,nr_inodes=5', folder])
      const { id } = await blobs.write(body(10))
      await assert.rejects(blobs.write(body(10)), isFull)
      await blobs.delete(id)
      await blobs.write(body(10))`,
    )
  })
}

test('a full device refuses the body and ends the source', async () => {
  let hasEnded = false
  async function* endless(): ByteSource {
    try {
      for (;;) yield Buffer.alloc(65_536)
    } finally {
      hasEnded = true
    }
  }
  let removals = 0
  const remove = async (): Promise<void> => {
    removals += 1
  }
  const create = async () => ({ handle: await open('/dev/full', 'w'), remove })
  const buffers = createBuffers({ smallBytes: 65_536, inUseBytes: 10_000_000, idleBytes: 0 })
  await assert.rejects(
    writeBody(create, endless(), buffers, () => undefined),
    { code: 'ENOSPC' },
  )
  assert.ok(hasEnded)
  assert.equal(removals, 1)
})

test('bodies are checked in small buffers, too, while memory is short', async () => {
  await withBlobs(async (blobs) => {
    const large = Buffer.alloc(3_000_000, 'large')
    const { id, sizeBytes, sums } = await blobs.write(chunked(large, 65_536))
    const held = await Promise.all(Array.from({ length: 140 }, () => blobs.read(id)))
    const written = await blobs.write(chunked(large, 100_000))
    assert.ok(Buffer.from(written.sums).equals(sums))
    const range = { start: 70_000, end: 2_999_998 }
    const read = await collect(await blobs.read(id, range, { sizeBytes, sums }))
    assert.ok(read.equals(large.subarray(70_000, 2_999_999)))
    for (const source of held) await closeSource(source)
  })
})
