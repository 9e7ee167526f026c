// The background collection by several processes on one store.

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises'
import { Sweeper } from '../src/background/sweep.ts'
import { systemClock } from '../src/base/clock.ts'
import { isStoreError, StoreError } from '../src/base/errors.ts'
import type { Verdict } from '../src/base/liveness.ts'
import { asBlobId, asBucketId, type BlobId, type StartId } from '../src/base/terms.ts'
import { blobsWith } from '../src/blob/blob.fixture.ts'
import type { BlobStore, ByteSource } from '../src/blob/blob.ts'
import type { OpenServices } from '../src/compose.ts'
import type { Engine } from '../src/engine/engine.ts'
import { silentLog } from '../src/observe/log.ts'
import { putBlobBody, releaseBody } from '../src/store/body/body.ts'
import { advanceEpoch, currentEpoch, Readers } from '../src/store/body/epoch.ts'
import { countGarbage, markGarbage } from '../src/store/body/garbage.ts'
import { listStarts } from '../src/store/body/process.ts'
import * as bodySchema from '../src/store/body/schema.ts'
import { nextAbandonedBucket, putPart, putUpload } from '../src/store/body/upload.ts'
import { createBucket, deleteBucket } from '../src/store/tree/bucket.ts'
import { readDirectory } from '../src/store/tree/entry.ts'
import { putObject } from '../src/store/tree/object.ts'
import * as treeSchema from '../src/store/tree/schema.ts'
import { openStore } from './store.fixture.ts'

const folders: string[] = []
after(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
})

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-sweep-'))
  folders.push(folder)
  return folder
}

/** A process on a store, with the state that others see. */
interface Process extends OpenServices {
  readonly sweeper: Sweeper
}

/** Opens a store for several processes, of which those in `dead` count as dead. */
async function openProcess(folder: string, token: string, dead: Set<string>): Promise<Process> {
  const open = await openStore(folder, { liveness: token })
  const sweeper = new Sweeper({ ...open.services, verdictOn: verdictBy(dead) })
  return { ...open, sweeper }
}

/** A verdict function: tokens in `dead` are dead, all others alive. */
function verdictBy(dead: ReadonlySet<string>): (liveness: string) => Verdict {
  return (liveness) => (dead.has(liveness) ? 'dead' : 'alive')
}

async function writeBlob({ services }: Process, text: string): Promise<BlobId> {
  const source: ByteSource = (async function* () {
    yield Buffer.from(text)
  })()
  return (await services.blobs.write(source)).id
}

const sweepRounds = 500

/** Sweeps in all processes until `isDone`. */
async function sweepUntil(
  processes: readonly Process[],
  isDone: () => Promise<boolean>,
): Promise<void> {
  for (let round = 0; round < sweepRounds; round++) {
    if (await isDone()) return
    for (const { sweeper } of processes) await sweeper.sweep()
    await turn()
  }
  assert.fail(`not done after ${sweepRounds} rounds`)
}

async function exists({ services }: Process, id: BlobId): Promise<boolean> {
  return (await services.blobs.size(id)) !== undefined
}

test('an overwritten blob stays while another process still reads it, and goes afterwards', async () => {
  const folder = await newFolder()
  const dead = new Set<string>()
  const [a, b] = [await openProcess(folder, 'a', dead), await openProcess(folder, 'b', dead)]
  const { engine } = a.services
  const id = await writeBlob(a, 'old')
  await engine.write(async (tx) => putBlobBody(tx, id))
  const reading = b.services.readers.begin()
  await engine.write((tx) => releaseBody(tx, { kind: 'blob', id }))
  assert.equal(await engine.read((tx) => countGarbage(tx, 10)), 1)
  // The collector begins a new epoch, and reaches it itself, but the reader holds the other back.
  await sweepUntil([a, b], async () => {
    const epoch = await engine.read(currentEpoch)
    const starts = await engine.read(listStarts)
    return (
      epoch > 0 && starts.some(({ number, record }) => number === a.start && record.epoch === epoch)
    )
  })
  for (const { sweeper } of [a, b, a, b, a, b]) await sweeper.sweep()
  assert.ok(await exists(a, id))
  reading.end()
  await sweepUntil([a, b], async () => !(await exists(a, id)))
  assert.equal(await engine.read((tx) => countGarbage(tx, 10)), 0)
  await a.close()
  await b.close()
})

test('unreferenced blobs of a dead process are swept; those of a live one are not', async () => {
  const folder = await newFolder()
  const dead = new Set<string>()
  const [a, b] = [await openProcess(folder, 'a', dead), await openProcess(folder, 'b', dead)]
  const committed = await writeBlob(b, 'committed')
  const orphaned = await writeBlob(b, 'never committed')
  const begun = await writeBlob(a, 'not committed yet')
  await b.services.engine.write(async (tx) => putBlobBody(tx, committed))
  for (let round = 0; round < 5; round++) await a.sweeper.sweep()
  assert.ok(await exists(a, orphaned))
  dead.add('b')
  await sweepUntil([a], async () => !(await exists(a, orphaned)))
  const starts = await a.services.engine.read(listStarts)
  assert.deepEqual(
    starts.map(({ number }) => number),
    [a.start],
  )
  assert.ok(await exists(a, committed))
  assert.ok(await exists(a, begun))
  await a.close()
  await b.close()
})

test('a process that was closed is swept like a dead one', async () => {
  const folder = await newFolder()
  const [a, b] = [
    await openProcess(folder, 'a', new Set()),
    await openProcess(folder, 'b', new Set()),
  ]
  const orphaned = await writeBlob(b, 'never committed')
  await b.close()
  await sweepUntil([a], async () => !(await exists(a, orphaned)))
  await a.close()
})

test('a process that could not open its blobs leaves no start behind', async () => {
  const folder = await newFolder()
  await writeFile(join(folder, 'blobs'), 'no folder')
  await assert.rejects(openStore(folder))
  await rm(join(folder, 'blobs'))
  const a = await openProcess(folder, 'a', new Set())
  const starts = await a.services.engine.read(listStarts)
  assert.deepEqual(
    starts.map(({ record }) => record.liveness),
    ['a'],
  )
  await a.close()
})

test('a process that leaves the collection to others does not delay it', async () => {
  const folder = await newFolder()
  const dead = new Set<string>()
  const [a, b] = [await openProcess(folder, 'a', dead), await openProcess(folder, 'b', dead)]
  const id = await writeBlob(a, 'old')
  await a.services.engine.write(async (tx) => {
    putBlobBody(tx, id)
    await releaseBody(tx, { kind: 'blob', id })
  })
  const deadline = performance.now() + 30_000
  while (await exists(a, id)) {
    assert.ok(performance.now() < deadline, 'the blob is still there')
    await a.sweeper.sweep()
    await wait(20)
  }
  await a.close()
  await b.close()
})

test('draining readers also waits for readers that another drain already waits for', async () => {
  const readers = new Readers()
  const reading = readers.begin()
  let drained = 0
  const drains = [readers.drain(), readers.drain()].map((drain) => drain.then(() => drained++))
  await turn()
  assert.equal(drained, 0)
  reading.end()
  await Promise.all(drains)
})

test('the snapshots of a dead process are released; those of a living one stay', async () => {
  const folder = await newFolder()
  const dead = new Set<string>()
  const [a, b] = [await openProcess(folder, 'a', dead), await openProcess(folder, 'b', dead)]
  const { engine, ids } = a.services
  const facts = { etag: 'e', sizeBytes: 0, modifiedAt: 1, ownerId: 'o', storageClass: 'STANDARD' }
  const record = { ...facts, body: { kind: 'empty' }, headers: {}, metadata: {} } as const
  const held = await engine.write(async (tx) => {
    const { root } = createBucket({ tx, ids }, 'bucket', {
      ...{ ownerId: 'o', createdAt: 0, region: 'us-east-1' },
    })
    await putObject({ tx, ids }, root, Buffer.from('a/1'), record)
    await a.services.snapshots.take(tx, root, Buffer.from('a/'))
    return b.services.snapshots.take(tx, root, Buffer.from('a/'))
  })
  assert.ok(held)
  const refs = async () => (await engine.read((tx) => readDirectory(tx, held.view.id))).refs
  for (let round = 0; round < 5; round++) await a.sweeper.sweep()
  assert.equal(await refs(), 3)
  dead.add('b')
  await sweepUntil([a], async () => (await refs()) === 2)
  for (let round = 0; round < 5; round++) await a.sweeper.sweep()
  assert.equal(await refs(), 2)
  await a.close()
})

test('the uploads of a deleted bucket end, and their parts go', async () => {
  const folder = await newFolder()
  const a = await openProcess(folder, 'a', new Set())
  const { engine, ids } = a.services
  const blobs = [await writeBlob(a, 'one'), await writeBlob(a, 'two')]
  await engine.write(async (tx) => {
    const record = { ownerId: 'o', createdAt: 0, region: 'us-east-1' }
    const bucket = createBucket({ tx, ids }, 'bucket', record)
    for (const [index, blobId] of blobs.entries()) {
      const address = { bucketId: bucket.id, key: Buffer.from(`key ${index}`), number: ids.next() }
      putUpload(tx, address, {
        nonce: 'n',
        ownerId: 'o',
        initiatedAt: 0,
        headers: {},
        metadata: {},
        storageClass: 'STANDARD',
        keyExisted: false,
      })
      putBlobBody(tx, blobId)
      await putPart(tx, address.number, 1, { etag: '', sizeBytes: 3, blobId, modifiedAt: 0 })
    }
    await deleteBucket(tx, 'bucket')
  })
  await sweepUntil([a], async () => {
    const left = await Promise.all(blobs.map((id) => exists(a, id)))
    return !left.includes(true) && (await engine.read(nextAbandonedBucket)) === undefined
  })
  await a.close()
})

test('one process has the duty; another takes it over when the first is dead', async () => {
  const folder = await newFolder()
  const dead = new Set<string>()
  const [a, b] = [await openProcess(folder, 'a', dead), await openProcess(folder, 'b', dead)]
  await a.sweeper.sweep()
  const id = await writeBlob(b, 'x')
  await b.services.engine.write(async (tx) => {
    putBlobBody(tx, id)
    await releaseBody(tx, { kind: 'blob', id })
  })
  for (let round = 0; round < 5; round++) await b.sweeper.sweep()
  assert.equal(await b.services.engine.read(currentEpoch), 0)
  dead.add('a')
  await sweepUntil([b], async () => !(await exists(b, id)))
  await a.close()
  await b.close()
})

/** `open` with a sweeper that logs to `logged` and sees blobs through `other`. */
function withFaults(
  open: Process,
  options: { readonly logged: string[]; readonly blobs?: Partial<BlobStore>; dead?: Set<string> },
): Process {
  const { logged, dead = new Set() } = options
  const note = (message: string, fields = {}): void => {
    const { what, error } = Object(fields)
    logged.push([message, what, error?.message].filter((part) => part !== undefined).join(': '))
  }
  const log = { ...silentLog, warn: note, error: note }
  const blobs = blobsWith(open.services.blobs, options.blobs ?? {})
  const services = { ...open.services, log, blobs }
  return { ...open, sweeper: new Sweeper({ ...services, verdictOn: verdictBy(dead) }) }
}

async function garbageCount({ services }: Process): Promise<number> {
  return services.engine.read((tx) => countGarbage(tx, 1000))
}

test('blobs that can not be removed stay garbage, and do not block later ones', async () => {
  const open = await openProcess(await newFolder(), 'a', new Set())
  const { engine, blobs } = open.services
  const stuck = Array.from({ length: 300 }, (_, i) => asBlobId(`1-${100_000 + i}`))
  const behind = await writeBlob(open, 'behind')
  await engine.write((tx) => markGarbage(tx, stuck))
  await engine.write((tx) => advanceEpoch(tx))
  await engine.write((tx) => markGarbage(tx, [behind]))
  const logged: string[] = []
  let isDiskFailing = true
  const faulty = withFaults(open, {
    logged,
    blobs: {
      async deleteAll(ids) {
        const unremoved = await blobs.deleteAll(ids.filter((id) => !stuck.includes(id)))
        const failed = isDiskFailing ? ids.filter((id) => stuck.includes(id)) : []
        return [...unremoved, ...failed.map((id) => ({ id, error: new Error('the disk fails') }))]
      },
    },
  })
  await sweepUntil([faulty], async () => !(await exists(open, behind)))
  assert.equal(await garbageCount(open), stuck.length)
  assert.match(logged.at(-1) ?? '', /: blobs: some blobs could not be removed, such as 1-100000$/)
  const epoch = await engine.read(currentEpoch)
  for (let round = 0; round < 5; round++) assert.equal(await faulty.sweeper.sweep(), false)
  assert.equal(await engine.read(currentEpoch), epoch, 'garbage that stays begins no epochs')
  isDiskFailing = false
  await sweepUntil([faulty], async () => (await garbageCount(open)) === 0)
  await open.close()
})

test('a referenced blob is kept even if it was marked as garbage', async () => {
  const open = await openProcess(await newFolder(), 'a', new Set())
  const { engine } = open.services
  const id = await writeBlob(open, 'precious')
  await engine.write((tx) => markGarbage(tx, [id]))
  await engine.write(async (tx) => putBlobBody(tx, id))
  const logged: string[] = []
  const watched = withFaults(open, { logged })
  await sweepUntil([watched], async () => (await garbageCount(open)) === 0)
  assert.ok(await exists(open, id))
  assert.deepEqual(logged, ['kept referenced blobs that were marked as garbage'])
  await engine.write((tx) => releaseBody(tx, { kind: 'blob', id }))
  await sweepUntil([watched], async () => !(await exists(open, id)))
  await open.close()
})

test('a failed step is logged by its name, and does not keep others from being collected', async () => {
  const folder = await newFolder()
  const dead = new Set<string>()
  const open = await openProcess(folder, 'a', dead)
  const { engine, ids, blobs } = open.services
  const others = [await openProcess(folder, 'b', dead), await openProcess(folder, 'c', dead)]
  const [first, second] = others
  assert.ok(first && second)
  const left = await writeBlob(second, 'never committed')
  dead.add('b').add('c')
  await engine.write(async (tx) => {
    const record = { ownerId: 'o', createdAt: 0, region: 'us-east-1' }
    const { root } = createBucket({ tx, ids }, 'bucket', record)
    tx.put(treeSchema.queued(root), new Uint8Array())
    tx.put(bodySchema.abandonedUploads(asBucketId(5)), new Uint8Array())
  })
  const logged: string[] = []
  const removeStart = async (number: StartId): Promise<void> => {
    if (number === first.start) throw new Error('the folder is damaged')
    await blobs.removeStart(number)
  }
  const faulty = withFaults(open, { logged, blobs: { removeStart }, dead })
  await sweepUntil([faulty], async () => !(await exists(open, left)))
  assert.equal(await engine.read(nextAbandonedBucket), undefined)
  const told = logged.map((line) => line.replace(/^.*?will retry: /, ''))
  assert.ok(told.includes('remains of dead processes: the folder is damaged'), told.join('\n'))
  assert.ok(
    told.some((line) => /^rows: directory \d+ is queued but has 1 references$/.test(line)),
    told.join('\n'),
  )
  for (const process of [open, ...others]) await process.close()
})

test('a failure is logged, and sweeping goes on until it is closed', async () => {
  const folder = await newFolder()
  const open = await openProcess(folder, 'a', new Set())
  const { engine } = open.services
  let failures = 2
  const succeeded = Promise.withResolvers<void>()
  const faulty: Engine = {
    ...engine,
    read: (body, options) => engine.read(body, options),
    async write(body) {
      if (failures-- > 0) throw new StoreError({ code: 'InsufficientStorage', space: 'disk' })
      succeeded.resolve()
      return engine.write(body)
    },
  }
  const errors: unknown[] = []
  const log = { ...silentLog, warn: (_: string, fields = {}) => void errors.push(fields) }
  const options = { ...open.services, engine: faulty, log, intervalMs: 1 }
  const sweeper = new Sweeper({ ...options, clock: systemClock })
  sweeper.start()
  await succeeded.promise
  await sweeper.close()
  assert.equal(errors.length, 2)
  assert.ok(
    errors.every((fields) => {
      const { error } = Object(fields)
      return isStoreError(error, 'InsufficientStorage')
    }),
  )
  await open.close()
})
