// Backups and restores of a store, and what they refuse.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import fc from 'fast-check'
import { Sweeper } from '../../src/background/sweep.ts'
import { RestoredFolder } from '../../src/backup/data-folder.ts'
import { readBackup } from '../../src/backup/read.ts'
import type { BackupSink } from '../../src/backup/sink.ts'
import { filesOfFolder } from '../../src/backup/source.ts'
import { storeIn, unfinishedRestore } from '../../src/base/store-location.ts'
import { readMark } from '../../src/blob/mark.ts'
import { FolderLock } from '../../src/cli/lock.ts'
import { refuseOtherUser } from '../../src/cli/offline/backup.ts'
import { silentLog } from '../../src/observe/log.ts'
import { silentMetrics } from '../../src/observe/metrics.ts'
import { openShared } from '../../src/open-shared.ts'
import { MisfitError } from '../../src/operation/fit.ts'
import type { Services } from '../../src/operation/operation.ts'
import * as bodySchema from '../../src/store/body/schema.ts'
import { failure, lines } from '../cli/command-line.ts'
import { runHoldfast } from '../harness.ts'
import { InProcessServer } from '../s3/in-process.ts'
import { openStore } from '../store.fixture.ts'
import { bodyOf, newPath, refusal, restored, takeInto, takeStream } from './backup.fixture.ts'

const Bucket = 'kept'
const largeBytes = 300_000
const quiet = { region: 'us-east-1', log: silentLog, metrics: silentMetrics, isSweeping: false }
/** The objects of the server. */
const contents = new Map<string, Buffer>()
let server: InProcessServer
let client: S3Client

before(async () => {
  server = await InProcessServer.start()
  client = server.client()
  await client.send(new CreateBucketCommand({ Bucket }))
  await put('small', randomBytes(1000))
  await put('empty', Buffer.alloc(0))
  await put('folder/large', randomBytes(largeBytes))
  await put('folder/second', randomBytes(largeBytes))
})

after(() => server.closeWithoutFaults())

async function put(Key: string, Body: Buffer): Promise<void> {
  contents.set(Key, Body)
  await client.send(new PutObjectCommand({ Bucket, Key, Body }))
}

/** Asserts that the store in `dataFolder` has the objects of the server, and removes it. */
async function assertSame(dataFolder: string): Promise<void> {
  const { credentials } = server
  await using other = await InProcessServer.start({ dataFolder, credentials })
  const reader = other.client()
  for (const [key, body] of contents) assert.deepEqual(await bodyOf(reader, Bucket, key), body, key)
  assert.deepEqual(other.faults, [])
}

/** The names of the server's blobs, beside which there are marks. */
async function blobFiles(): Promise<string[]> {
  return (await server.blobFiles()).filter((name) => /^\d+$/.test(name))
}

/** The names of the files below a folder. */
async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1))
    .toSorted()
}

async function flip(path: string, at: number): Promise<void> {
  const bytes = await readFile(path)
  const index = Math.min(bytes.byteLength - 1, at)
  bytes[index] = (bytes[index] ?? 0) ^ 1
  await writeFile(path, bytes)
}

test('a backup is restored beside its store, to a store of its own', async () => {
  const backup = newPath()
  const summary = await takeInto(backup, server.dataFolder)
  assert.deepEqual([summary.blobs, summary.blobBytes, summary.damaged], [2, 2 * largeBytes, []])
  const folder = await restored(backup)
  const marks = await Promise.all(
    [server.dataFolder, folder].map((data) => readMark(storeIn(data).blobs)),
  )
  const ids = marks.map((mark) => (mark === 'damaged' ? mark : mark?.id))
  assert.equal(new Set(ids).size, 2)
  assert.ok(ids.every((id) => id !== undefined && id !== 'damaged'))
  await assertSame(folder)
})

test('a stream is a tar archive of the folder, and restores to the same', async () => {
  const file = `${newPath()}.tar`
  await writeFile(file, await takeStream(server.dataFolder))
  await assertSame(await restored(file))
  const [checked] = await lines('restore', file, '--check')
  assert.match(checked ?? '', /^the backup is sound, as of \d{4}-/)
})

test('an incremental backup has only what is new, and needs those below it to be restored', async () => {
  const [full, second, third] = [newPath(), newPath(), newPath()]
  await takeInto(full, server.dataFolder)
  await put('added', randomBytes(largeBytes))
  const more = await takeInto(second, server.dataFolder, { base: full })
  assert.deepEqual([more.blobBytes, more.inherited], [largeBytes, 2])
  const nothing = await takeInto(third, server.dataFolder, { base: second })
  assert.deepEqual([nothing.blobBytes, nothing.inherited], [0, 3])
  await assertSame(await restored(third))
  const moved = newPath()
  await rename(second, moved)
  assert.match(await refusal(third), /builds on another one.*: name its folder with --base/)
  assert.match(await refusal(third, '--base', full), /name its folder with --base/)
  // The moved one names the full one relative to itself, and lies in the same folder.
  await assertSame(await restored(third, '--base', moved))
  await flip(join(full, (await filesIn(full)).find((name) => name.startsWith('blobs')) ?? ''), 5)
  assert.match(await refusal(third, '--base', moved), /differs from its checksum/)
})

test('an incremental backup of another store is refused, and one on an incomplete backup', async () => {
  const base = newPath()
  await takeInto(base, server.dataFolder)
  const other = await restored(base)
  await assert.rejects(takeInto(newPath(), other, { base }), /is of another store/)
  await rm(join(base, 'complete.json'))
  await assert.rejects(takeInto(newPath(), server.dataFolder, { base }), /is incomplete/)
})

test('after a rollback of the file system, a new blob with an old id is copied', async () => {
  const backup = newPath()
  await takeInto(backup, server.dataFolder)
  const [earlier, later] = [await restored(backup), newPath()]
  await cp(earlier, later, { recursive: true })
  const store = async (dataFolder: string, body: Buffer): Promise<void> => {
    const { credentials } = server
    const from = await InProcessServer.start({ dataFolder, credentials })
    await from.client().send(new PutObjectCommand({ Bucket, Key: 'after', Body: body }))
    from.client().destroy()
    await cp(dataFolder, `${dataFolder}-kept`, { recursive: true })
    await from.close()
  }
  const body = randomBytes(largeBytes)
  await store(earlier, randomBytes(largeBytes))
  await store(later, body)
  const [base, second] = [newPath(), newPath()]
  await takeInto(base, `${earlier}-kept`)
  const summary = await takeInto(second, `${later}-kept`, { base })
  assert.deepEqual([summary.inherited, summary.blobBytes], [contents.size - 2, largeBytes])
  const [own = ''] = (await filesIn(second)).filter((name) => name.startsWith('blobs'))
  const twins = (await filesIn(base)).filter((name) => name.startsWith(own.replace(/\w+$/, '')))
  assert.equal(twins.length, 1)
  assert.notEqual(twins[0], own)
})

test('an interrupted backup is refused, and goes on where it was', async () => {
  const backup = newPath()
  const stop = new AbortController()
  const isOver = takeInto(backup, server.dataFolder, {
    signal: stop.signal,
    onProgress: ({ blobs }) => {
      if (blobs === 1) stop.abort(new Error('stopped'))
    },
  })
  await assert.rejects(isOver, /stopped/)
  assert.match(await refusal(backup), /is incomplete: it has no complete.json/)
  await writeFile(join(backup, 'backup.json.part'), 'cut of')
  const summary = await takeInto(backup, server.dataFolder)
  assert.deepEqual([summary.kept, summary.blobs], [1, contents.size - 2])
  assert.ok((await filesIn(backup)).every((name) => !/earlier|\.part$/.test(name)))
  await assertSame(await restored(backup))
})

test('a body that an interrupted backup has left damaged is copied again, one without use removed', async () => {
  const backup = newPath()
  await takeInto(backup, server.dataFolder)
  await rm(join(backup, 'complete.json'))
  const blob = (await filesIn(backup)).find((name) => name.startsWith('blobs')) ?? ''
  await flip(join(backup, blob), 70_000)
  await writeFile(join(backup, 'blobs', '77'), 'of a blob that was removed')
  const summary = await takeInto(backup, server.dataFolder)
  assert.equal(summary.kept, contents.size - 3)
  assert.ok(!(await filesIn(backup)).includes('blobs/77'))
  await assertSame(await restored(backup))
})

test('a folder with anything else in it, or a complete backup, is refused and left as it is', async () => {
  const [strange, complete] = [newPath(), newPath()]
  await mkdir(strange)
  await writeFile(join(strange, 'letter.txt'), 'dear')
  await assert.rejects(takeInto(strange, server.dataFolder), /is not empty/)
  assert.deepEqual(await filesIn(strange), ['letter.txt'])
  await takeInto(complete, server.dataFolder)
  const before = await filesIn(complete)
  await assert.rejects(takeInto(complete, server.dataFolder), /has a complete backup already/)
  assert.deepEqual(await filesIn(complete), before)
  const other = await restored(complete)
  await rm(join(complete, 'complete.json'))
  await assert.rejects(takeInto(complete, other), /an unfinished backup of another store/)
})

test('a flipped bit in any file of a backup is found, and leaves no store', async () => {
  const backup = newPath()
  await takeInto(backup, server.dataFolder)
  for (const name of await filesIn(backup)) {
    const copy = newPath()
    await cp(backup, copy, { recursive: true })
    await flip(join(copy, name), 100)
    const folder = newPath()
    const words = await failure(1, 'restore', copy, '--data', folder)
    assert.match(
      words,
      /^holdfast: nothing was restored: the backup .*is (damaged|incomplete)/,
      name,
    )
    assert.deepEqual(await filesIn(folder), ['lock'], name)
    assert.match(await failure(1, 'restore', copy, '--check'), /damaged|incomplete/)
    // What the refused restore left doesn't hinder the next one.
    await lines('restore', backup, '--data', folder)
  }
})

test('a missing file of a backup is found', async () => {
  const backup = newPath()
  await takeInto(backup, server.dataFolder)
  for (const name of await filesIn(backup)) {
    const copy = newPath()
    await cp(backup, copy, { recursive: true })
    await rm(join(copy, name))
    assert.match(await refusal(copy), /is missing|has no (backup|complete)\.json/, name)
  }
})

test('a stream that is cut off or changed anywhere is refused, or restores to the same', async () => {
  const stream = await takeStream(server.dataFolder)
  const file = `${newPath()}.tar`
  const check = async (bytes: Buffer): Promise<string> => {
    await writeFile(file, bytes)
    const result = await lines('restore', file, '--check').catch((error: unknown) => String(error))
    return String(result)
  }
  const sound = await check(stream)
  const totals = (text: string): string => text.replace(/; [\d.]+ s.*/s, '')
  await fc.assert(
    fc.asyncProperty(fc.nat(stream.byteLength - 1), fc.nat(7), async (at, bit) => {
      const changed = Buffer.from(stream)
      changed[at] = (changed[at] ?? 0) ^ (1 << bit)
      const result = await check(changed)
      if (!/damaged|incomplete|no backup/.test(result)) assert.equal(totals(result), totals(sound))
    }),
    { numRuns: 100 },
  )
  // Two blocks of zeros end an archive, of which the first is enough.
  await fc.assert(
    fc.asyncProperty(fc.nat(stream.byteLength - 1024), async (length) => {
      assert.match(await check(stream.subarray(0, length)), /is incomplete|is damaged/)
    }),
    { numRuns: 50 },
  )
})

test('blobs that are deleted and collected while they are backed up are in the backup', async () => {
  const key = 'passing'
  const body = randomBytes(largeBytes)
  await put(key, body)
  const backup = newPath()
  const sweeper = new Sweeper(server.store.services)
  /** Collects what may be collected, in all processes on the store. */
  const collect = async (...others: Sweeper[]): Promise<void> => {
    for (let round = 0; round < 50; round++) {
      for (const one of [sweeper, ...others]) await one.sweep()
      await turn()
    }
  }
  const files = (await blobFiles()).length
  let left: number | undefined
  const deleting = (sink: BackupSink, services: Services): BackupSink => ({
    findEarlier: sink.findEarlier.bind(sink),
    keepEarlier: sink.keepEarlier.bind(sink),
    finish: sink.finish.bind(sink),
    async put(name, sizeBytes, content) {
      if (name.startsWith('blobs') && left === undefined) {
        await client.send(new DeleteObjectCommand({ Bucket, Key: key }))
        const own = new Sweeper({ ...services, isCollecting: false })
        await collect(own)
        left = (await blobFiles()).length
        // A sweeper that is closed waits for no read.
        await own.close()
      }
      await sink.put(name, sizeBytes, content)
    },
  })
  const { damaged } = await takeInto(backup, server.dataFolder, { sink: deleting })
  assert.deepEqual([left, damaged], [files, []])
  await assertSame(await restored(backup))
  contents.delete(key)
  // The process that backed up has ended.
  for (let attempt = 0; attempt < 10 && (await blobFiles()).length >= files; attempt++) {
    await collect()
  }
  assert.equal((await blobFiles()).length, files - 1)
  await sweeper.close()
})

test('damaged bodies are named, and the rest is backed up and restored', async () => {
  const source = newPath()
  await using damaged = await InProcessServer.start({ dataFolder: source })
  const writer = damaged.client()
  await writer.send(new CreateBucketCommand({ Bucket }))
  const body = randomBytes(largeBytes)
  for (const Key of ['flipped', 'gone', 'sound']) {
    await writer.send(new PutObjectCommand({ Bucket, Key, Body: body }))
  }
  const CopySource = `${Bucket}/flipped`
  await writer.send(new CopyObjectCommand({ Bucket, Key: 'copies/flipped', CopySource }))
  const files = (await filesIn(join(source, 'blobs'))).filter((name) => !name.endsWith('.json'))
  const [flipped = '', gone = ''] = files.map((name) => join(source, 'blobs', name))
  await flip(flipped, 100_000)
  await rm(gone)
  const [backup, folder] = [newPath(), newPath()]
  const made = await runHoldfast(['backup', backup, '--data', source])
  assert.equal(made.exitCode, 1, made.output)
  assert.match(
    made.output,
    /blob 1-0: the 65536 bytes at 65536 differ.*\n {2}read as: "kept\/flipped"\n/,
  )
  assert.match(made.output, /\n {2}read as: "kept\/copies\/flipped"\n/)
  assert.match(made.output, /blob 1-1: its file is missing\n {2}read as: "kept\/gone"\n/)
  assert.match(made.output, /backed up but for 2 bodies, as of /)
  const stream = `${newPath()}.tar`
  await writeFile(stream, await takeStream(source))
  for (const from of [backup, stream]) {
    await failure(1, 'restore', from, '--check')
    await rm(folder, { recursive: true, force: true })
    const ran = await runHoldfast(['restore', from, '--data', folder, '--json'])
    assert.equal(ran.exitCode, 1)
    const { restore } = JSON.parse(ran.output)
    assert.deepEqual([restore.blobs, restore.damaged.length], [1, 2])
    assert.equal((await filesIn(join(folder, 'blobs'))).length, 2)
  }
  const { credentials } = damaged
  const other = await InProcessServer.start({ dataFolder: folder, credentials })
  assert.deepEqual(await bodyOf(other.client(), Bucket, 'sound'), body)
  await assert.rejects(bodyOf(other.client(), Bucket, 'gone'))
  await other.close()
})

test('a small body whose row has changed is named, and found again in the restored store', async () => {
  const source = await (async () => {
    const backup = newPath()
    await takeInto(backup, server.dataFolder)
    return restored(backup)
  })()
  const { services, close } = await openStore(source)
  await services.engine.write(async (tx) => {
    for await (const { key } of tx.range(bodySchema.rowBodies())) tx.put(key, Buffer.from('other'))
  })
  await close()
  const backup = newPath()
  const { damaged } = await takeInto(backup, source)
  assert.deepEqual(
    damaged.map(({ fault, objects }) => [fault, objects]),
    [['its row has 5 bytes instead of 1000', ['kept/small']]],
  )
  await failure(1, 'restore', backup, '--data', newPath())
})

test('an unfinished restore is no store to any program, and is begun anew', async () => {
  const backup = newPath()
  await takeInto(backup, server.dataFolder)
  const folder = await restored(backup)
  await writeFile(join(folder, unfinishedRestore), '')
  for (const args of [['serve', '--port', '0'], ['fsck'], ['backup', newPath()]]) {
    const ran = await runHoldfast([...args, '--data', folder])
    assert.equal(ran.exitCode, 3, ran.output)
    assert.match(ran.output, /is no store: a restore into it was interrupted, or is under way/)
  }
  const doctor = await runHoldfast(['doctor', '--data', folder, '--port', '1'])
  assert.match(doctor.output, /^bad .*is no store: a restore/m)
  await lines('restore', backup, '--data', folder)
  await assertSame(folder)
})

test('at no moment is a restore taken for a store, not even by a version that does not know its mark', async () => {
  const [backup, folder] = [newPath(), newPath()]
  await takeInto(backup, server.dataFolder)
  await mkdir(folder)
  const target = await RestoredFolder.begin(folder)
  let looks = 0
  const check = async (): Promise<void> => {
    await assert.rejects(openShared({ ...quiet, dataFolder: folder }), /is no store: a restore/)
    const copy = newPath()
    await cp(folder, copy, { recursive: true })
    await rm(join(copy, unfinishedRestore))
    await assert.rejects(openStore(copy), MisfitError)
    looks++
  }
  const files = (async function* () {
    for await (const file of filesOfFolder(backup)) {
      await check()
      yield file
    }
    await check()
  })()
  const { signal } = new AbortController()
  await readBackup({ files, folder: backup, bases: [], target, signal })
  await target.finish('its own', undefined)
  assert.equal(looks, (await filesIn(backup)).length + 1)
  await assertSame(folder)
})

test('two backups into one folder, and two restores, exclude each other', async () => {
  const [backup, folder, other] = [newPath(), newPath(), newPath()]
  await mkdir(backup)
  const lock = FolderLock.take(backup)
  const ran = await runHoldfast(['backup', backup, '--data', server.dataFolder])
  assert.equal(ran.exitCode, 3)
  assert.match(ran.output, /another backup into .* is under way/)
  lock.leave()
  const made = await runHoldfast(['backup', backup, '--data', server.dataFolder])
  assert.equal(made.exitCode, 0, made.output)
  assert.ok(!(await filesIn(backup)).includes('lock'))
  await mkdir(folder)
  const taken = FolderLock.take(folder)
  assert.match(await failure(3, 'restore', backup, '--data', folder), /has the data folder/)
  taken.leave()
  await lines('restore', backup, '--data', other)
})

test('a backup needs a store, and a folder outside of it', async () => {
  const [missing, nested] = [newPath(), join(server.dataFolder, 'backup')]
  const without = await runHoldfast(['backup', newPath(), '--data', missing])
  assert.equal(without.exitCode, 1)
  assert.match(without.output, /there is no store in .*; name the data folder with --data/)
  assert.ok(!existsSync(missing))
  const inside = await runHoldfast(['backup', nested, '--data', server.dataFolder])
  assert.equal(inside.exitCode, 1)
  assert.match(inside.output, /is in the data folder: name a folder elsewhere/)
  assert.ok(!existsSync(nested))
  assert.match(await failure(2, 'backup'), /backup needs the name of a folder, or -/)
  assert.match(await failure(2, 'restore'), /restore needs the name of a backup, or -/)
})

test('a backup by another user than the owner of the store is refused', async () => {
  const uid = process.getuid?.() ?? 0
  await refuseOtherUser(server.dataFolder, uid)
  await refuseOtherUser(server.dataFolder, undefined)
  await assert.rejects(refuseOtherUser(server.dataFolder, uid + 1), {
    name: 'CommandError',
    exitCode: 3,
    message: new RegExp(`belongs to the user with number ${uid}: run the backup as that user`),
  })
})

test('a restore goes into a new or an empty folder only', async () => {
  const backup = newPath()
  await takeInto(backup, server.dataFolder)
  const strange = newPath()
  await mkdir(strange)
  await writeFile(join(strange, 'letter.txt'), 'dear')
  for (const folder of [strange, server.dataFolder]) {
    const words = await failure(3, 'restore', backup, '--data', folder)
    assert.match(words, /is not empty: a backup is restored into a new or an empty folder only/)
  }
  assert.deepEqual(await filesIn(strange), ['letter.txt'])
})

test('what is no backup is refused in plain words', async () => {
  const [text, empty] = [newPath(), newPath()]
  await writeFile(text, 'dear')
  await mkdir(empty)
  assert.match(await refusal(text), /stream ends too early/)
  assert.match(await refusal(empty), /is no backup: it has no backup\.json/)
  assert.match(await refusal(newPath()), /can't read the backup .*: it is not there/)
  await writeFile(join(empty, 'backup.json'), '{"holdfastBackup":2,"rowFormat":1,"version":"9.0"}')
  await writeFile(join(empty, 'complete.json'), '')
  assert.match(await refusal(empty), /made by a newer version, Holdfast 9\.0: restore it with/)
})
