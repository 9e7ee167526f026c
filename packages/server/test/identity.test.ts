// Rows and blobs that don't match, in real folders: refusals, acceptance by the operator, and that files of unknown
// process starts are never removed.

import assert from 'node:assert/strict'
import {
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Sweeper } from '../src/background/sweep.ts'
import { storeIn } from '../src/base/store-location.ts'
import { asBlobId, asStartId, type StartId } from '../src/base/terms.ts'
import type { BlobMark } from '../src/blob/mark.ts'
import type { OpenServices } from '../src/compose.ts'
import { openEngine } from '../src/engine/open.ts'
import type { Acceptance } from '../src/operation/acceptance.ts'
import { examineFit, type Misfit, MisfitError } from '../src/operation/fit.ts'
import { checkStore } from '../src/operation/fsck.ts'
import { putBlobBody } from '../src/store/body/body.ts'
import { countGarbage } from '../src/store/body/garbage.ts'
import { putIdentity, readIdentity } from '../src/store/body/identity.ts'
import { endStart, listStarts } from '../src/store/body/process.ts'
import * as bodySchema from '../src/store/body/schema.ts'
import { runHoldfast, startServer } from './harness.ts'
import { openStore } from './store.fixture.ts'

const scratch = await mkdtemp(join(tmpdir(), 'holdfast-identity-'))
after(() => rm(scratch, { recursive: true, force: true }))
let folders = 0

function newFolder(): string {
  return join(scratch, String(++folders))
}

function open(dataFolder: string, ...accepts: Acceptance[]): Promise<OpenServices> {
  return openStore(dataFolder, { accepts })
}

/** Stores a blob; a row refers to it if it `isUsed`. */
async function put({ services }: OpenServices, isUsed = true): Promise<string> {
  const source = (async function* () {
    yield Buffer.from('bytes')
  })()
  const { id } = await services.blobs.write(source)
  if (isUsed) await services.engine.write(async (tx) => putBlobBody(tx, id))
  return id
}

/** Starts a process that stores a blob and ends; returns the number of the start. */
async function storeOne(dataFolder: string, ...accepts: Acceptance[]): Promise<StartId> {
  const store = await open(dataFolder, ...accepts)
  await put(store)
  await store.close()
  return store.start
}

/** A store that had two starts with a blob each. */
async function newStore(): Promise<string> {
  const folder = newFolder()
  await storeOne(folder)
  await storeOne(folder)
  return folder
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(join(folder, 'blobs'), { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && !entry.name.startsWith('store'))
    .map(({ parentPath, name }) => join(parentPath, name))
    .toSorted()
}

async function markOf(folder: string): Promise<BlobMark> {
  return JSON.parse(await readFile(join(folder, 'blobs', 'store.json'), 'utf8'))
}

async function assertRefused(
  folder: string,
  misfit: Misfit,
  ...accepts: Acceptance[]
): Promise<void> {
  const before = await readdir(folder, { recursive: true })
  await assert.rejects(open(folder, ...accepts), (error) => {
    return error instanceof MisfitError && error.misfit === misfit && error.message.includes(folder)
  })
  // The refusal has created nothing, so the next start is refused too.
  await assert.rejects(open(folder, ...accepts), { misfit })
  assert.deepEqual(await readdir(folder, { recursive: true }), before)
}

const sweepRounds = 500

/** Sweeps the remains of dead starts until none is left. Then closes the store. */
async function sweepAll(store: OpenServices): Promise<void> {
  const sweeper = new Sweeper(store.services)
  const isSwept = (): Promise<boolean> =>
    store.services.engine.read(
      async (tx) => (await listStarts(tx)).length === 1 && (await countGarbage(tx, 1)) === 0,
    )
  for (let round = 0; round < sweepRounds; round++) {
    await sweeper.sweep()
    if (await isSwept()) break
    await new Promise(setImmediate)
  }
  assert.ok(await isSwept())
  await store.close()
}

/** The same after the end of start `start`, which is missing from rows that were copied while it ran. */
async function sweepAfter(store: OpenServices, start: StartId): Promise<void> {
  await store.services.engine.write((tx) => endStart(tx, start))
  await sweepAll(store)
}

/** The findings of fsck, except that the blob rows of these tests belong to no object. */
async function findingsOf(folder: string): Promise<string[]> {
  const { output } = await runHoldfast(['fsck', '--json', '--data', folder])
  return output
    .split('\n')
    .filter((line) => line.includes('"finding"'))
    .map((line) => JSON.parse(line).finding)
    .map(({ where, detail }) => `${where}: ${detail}`)
    .filter((finding) => !finding.endsWith(': counts 1, has 0'))
}

test('a new store has one identity in its rows and beside its blobs, and keeps it', async () => {
  const folder = newFolder()
  await storeOne(folder)
  const mark = await markOf(folder)
  assert.match(mark.id, /^[0-9a-f-]{36}$/)
  assert.deepEqual([mark.starts, mark.former], [1, []])
  await storeOne(folder)
  assert.deepEqual(await markOf(folder), { ...mark, starts: 2 })
  const store = await open(folder)
  assert.deepEqual(await store.services.engine.read(readIdentity), { id: mark.id })
  await store.close()
  assert.deepEqual(await findingsOf(folder), [])
})

test('workers that make a store at the same time agree on its identity', async () => {
  const folder = newFolder()
  const server = await startServer({ workers: 4, dataFolder: folder })
  assert.equal((await server.fsck()).exitCode, 0)
  await server.close()
  const store = await open(folder)
  const identity = await store.services.engine.read(readIdentity)
  await store.close()
  assert.deepEqual(identity, { id: (await markOf(folder)).id })
})

test('a store whose making was interrupted starts, wherever that was', async () => {
  const folder = newFolder()
  const engine = await openEngine(storeIn(folder).engine)
  await engine.close()
  await (await open(folder)).close()

  const id = 'the identity'
  for (const hasMark of [false, true]) {
    const other = newFolder()
    const rows = await openEngine(storeIn(other).engine)
    await rows.write(async (tx) => {
      putIdentity(tx, { id, adopts: null })
    })
    await rows.close()
    await mkdir(join(other, 'blobs'))
    if (hasMark) {
      const mark = JSON.stringify({ id, starts: 0, former: [] })
      await writeFile(join(other, 'blobs', 'store.json'), mark)
    }
    const store = await open(other)
    assert.deepEqual(await store.services.engine.read(readIdentity), { id })
    await store.close()
    assert.deepEqual(await markOf(other), { id, starts: 1, former: [] })
  }
})

test('a store that was written before there were identities gets one, and keeps its blobs', async () => {
  const folder = await newStore()
  const engine = await openEngine(storeIn(folder).engine)
  await engine.write(async (tx) => {
    tx.delete(bodySchema.identity())
    for await (const { key } of tx.range(bodySchema.pulses())) tx.delete(key)
    tx.delete(bodySchema.collector())
  })
  await engine.close()
  await rm(join(folder, 'blobs', 'store.json'))
  const files = await filesIn(folder)
  await sweepAll(await open(folder))
  assert.deepEqual(await filesIn(folder), files)
  assert.equal((await markOf(folder)).starts, 3)
  assert.deepEqual(await findingsOf(folder), [])
})

const losses: readonly [what: string, lose: (folder: string) => Promise<void>][] = [
  ['engine/ missing', (folder) => rm(join(folder, 'engine'), { recursive: true })],
  ['data.mdb deleted', (folder) => rm(join(folder, 'engine', 'data.mdb'))],
  ['data.mdb emptied', (folder) => truncate(join(folder, 'engine', 'data.mdb'), 0)],
  [
    'engine/ an empty folder, as of a disk that is not mounted',
    async (folder) => {
      await rm(join(folder, 'engine'), { recursive: true })
      await mkdir(join(folder, 'engine'))
    },
  ],
]

for (const [what, lose] of losses) {
  test(`blobs without rows are refused, and never removed: ${what}`, async () => {
    const folder = await newStore()
    const files = await filesIn(folder)
    const { id } = await markOf(folder)
    await lose(folder)
    assert.match((await findingsOf(folder)).join(), /^the data folder: engine\/ has no rows/)
    await assertRefused(folder, 'lost-rows')
    await assertRefused(folder, 'lost-rows', 'lost-blobs')
    // After the acceptance, the store is empty, with a new identity and new numbers.
    assert.equal(await storeOne(folder, 'lost-rows'), 3)
    const mark = await markOf(folder)
    assert.notEqual(mark.id, id)
    assert.deepEqual(mark.former, [id])
    for (let start = 0; start < 3; start++) await sweepAll(await open(folder))
    assert.equal((await filesIn(folder)).length, 3)
    for (const file of files) assert.ok((await filesIn(folder)).includes(file))
    const findings = await findingsOf(folder)
    assert.match(
      findings.join('\n'),
      /^blobs\/1: it has 1 files, 0 of which .*\nblobs\/2: it has 1/,
    )
  })
}

test('blobs without rows are refused though they have no identity yet', async () => {
  const folder = await newStore()
  await rm(join(folder, 'engine'), { recursive: true })
  await rm(join(folder, 'blobs', 'store.json'))
  await assertRefused(folder, 'lost-rows')
  await storeOne(folder, 'lost-rows')
  await sweepAll(await open(folder))
  assert.equal((await filesIn(folder)).length, 3)
})

test('rows of a store without blobs that are lost are missed, too', async () => {
  const folder = newFolder()
  await (await open(folder)).close()
  await rm(join(folder, 'engine'), { recursive: true })
  await assertRefused(folder, 'lost-rows')
})

test('rows that are older than the blobs are refused; accepted, they go on beside newer files', async () => {
  const folder = await newStore()
  const backup = newFolder()
  await cp(join(folder, 'engine'), backup, { recursive: true })
  await storeOne(folder)
  await storeOne(folder)
  const files = await filesIn(folder)
  await rm(join(folder, 'engine'), { recursive: true })
  await cp(backup, join(folder, 'engine'), { recursive: true })
  await assertRefused(folder, 'older-rows')
  assert.match(
    (await findingsOf(folder)).join('\n'),
    /^the data folder: engine\/ is older .*blobs\/3/s,
  )
  assert.equal(await storeOne(folder, 'lost-rows'), 5)
  for (let start = 0; start < 3; start++) await sweepAll(await open(folder))
  const left = await filesIn(folder)
  assert.deepEqual(left.length, 5)
  for (const file of files) assert.ok(left.includes(file))
})

test('older rows are found out by the number of starts alone, when those wrote no blob', async () => {
  const folder = newFolder()
  await (await open(folder)).close()
  const backup = newFolder()
  await cp(join(folder, 'engine'), backup, { recursive: true })
  await (await open(folder)).close()
  await rm(join(folder, 'engine'), { recursive: true })
  await cp(backup, join(folder, 'engine'), { recursive: true })
  await assertRefused(folder, 'older-rows')
})

test('older rows without an identity are refused, whether the blobs have one or not', async () => {
  for (const hasMark of [true, false]) {
    const folder = await newStore()
    const engine = await openEngine(storeIn(folder).engine)
    await engine.write(async (tx) => tx.delete(bodySchema.identity()))
    await engine.close()
    await mkdir(join(folder, 'blobs', '9', '0', '0'), { recursive: true })
    await writeFile(join(folder, 'blobs', '9', '0', '0', '0'), 'newer')
    if (!hasMark) await rm(join(folder, 'blobs', 'store.json'))
    await assertRefused(folder, 'older-rows')
    assert.equal(await storeOne(folder, 'lost-rows'), 10)
    await sweepAll(await open(folder))
    assert.equal((await filesIn(folder)).length, 4)
  }
})

test('the rows that were lost can come back after that was accepted', async () => {
  const folder = await newStore()
  const lost = newFolder()
  await cp(join(folder, 'engine'), lost, { recursive: true })
  await rm(join(folder, 'engine'), { recursive: true })
  await storeOne(folder, 'lost-rows')
  await rm(join(folder, 'engine'), { recursive: true })
  await cp(lost, join(folder, 'engine'), { recursive: true })
  await assertRefused(folder, 'older-rows')
  assert.equal(await storeOne(folder, 'lost-rows'), 4)
  await sweepAll(await open(folder))
  assert.equal((await filesIn(folder)).length, 4)
})

test('a later blob of a start that the rows know is kept: they may be an older copy of a running store', async () => {
  const folder = newFolder()
  const store = await open(folder)
  await put(store)
  const backup = newFolder()
  await cp(join(folder, 'engine'), backup, { recursive: true })
  const [later, orphan] = [await put(store), await put(store, false)]
  await store.close()
  // As if an hour had passed between the copy and that blob.
  const [, laterFile = ''] = await filesIn(folder)
  assert.ok(laterFile.endsWith('/1'), later)
  // And by a version without marks, which detect this regardless of time.
  await rm(join(folder, 'blobs', 'store-1.json'))
  const inAnHour = new Date(Date.now() + 3_600_000)
  await utimes(laterFile, inAnHour, inAnHour)
  await rm(join(folder, 'engine'), { recursive: true })
  await cp(backup, join(folder, 'engine'), { recursive: true })
  const restored = await open(folder)
  const { engine } = restored.services
  await engine.write((tx) => endStart(tx, asStartId(1)))
  await sweepAll(restored)
  const names = (await filesIn(folder)).map((file) => file.split('/').at(-1))
  assert.deepEqual(names, ['0', '1'], orphan)
  assert.match((await findingsOf(folder)).join(), /^blob 1-1: nothing refers to it/)
})

/** Puts `copy` in the place of `part` of a data folder. */
async function restore(folder: string, part: 'engine' | 'blobs', copy: string): Promise<void> {
  await rm(join(folder, part), { recursive: true })
  await cp(copy, join(folder, part), { recursive: true })
}

test('rows copied while a start wrote blobs are refused beside the later blobs of the same start', async () => {
  const folder = newFolder()
  const store = await open(folder)
  await put(store)
  const backup = newFolder()
  await cp(join(folder, 'engine'), backup, { recursive: true })
  await put(store)
  await store.close()
  const newest = newFolder()
  await cp(join(folder, 'engine'), newest, { recursive: true })
  const files = await filesIn(folder)
  assert.equal(files.length, 2)
  await restore(folder, 'engine', backup)
  await assertRefused(folder, 'older-rows')
  assert.match((await findingsOf(folder)).join(), /^the data folder: engine\/ is older/)
  // The newer rows can be restored, and match.
  await restore(folder, 'engine', newest)
  assert.equal(await storeOne(folder), 2)
  await sweepAll(await open(folder))
  for (const file of files) assert.ok((await filesIn(folder)).includes(file))
  // After the acceptance of older rows, unknown files are kept, and the next start needs no acceptance.
  await restore(folder, 'engine', backup)
  await storeOne(folder, 'lost-rows')
  await sweepAfter(await open(folder), asStartId(1))
  for (const file of files) assert.ok((await filesIn(folder)).includes(file))
})

test('rows copied before the first blob of a start are refused beside it', async () => {
  const folder = newFolder()
  const store = await open(folder)
  const backup = newFolder()
  await cp(join(folder, 'engine'), backup, { recursive: true })
  await put(store)
  await store.close()
  await restore(folder, 'engine', backup)
  await assertRefused(folder, 'older-rows')
  await sweepAfter(await open(folder, 'lost-rows'), asStartId(1))
  assert.equal((await filesIn(folder)).length, 1)
})

test('rows copied before blobs were removed are refused beside those that are left', async () => {
  const folder = newFolder()
  const store = await open(folder)
  const { blobs } = store.services
  const ids = [asBlobId(await put(store)), asBlobId(await put(store))]
  const backup = newFolder()
  await store.close()
  const remover = await open(folder)
  await cp(join(folder, 'engine'), backup, { recursive: true })
  await remover.services.blobs.deleteAll(ids)
  await remover.close()
  assert.equal(await blobs.size(ids[0] ?? asBlobId('')), undefined)
  await restore(folder, 'engine', backup)
  await assertRefused(folder, 'older-rows')
})

test("blobs that are older than the rows are refused; accepted, it needn't be said again", async () => {
  const folder = newFolder()
  await storeOne(folder)
  const backup = newFolder()
  await cp(join(folder, 'blobs'), backup, { recursive: true })
  await storeOne(folder)
  await restore(folder, 'blobs', backup)
  await assertRefused(folder, 'older-blobs')
  await assertRefused(folder, 'older-blobs', 'lost-rows')
  assert.match((await findingsOf(folder)).join(), /^the data folder: blobs\/ is older/)
  await storeOne(folder, 'lost-blobs')
  await storeOne(folder)
})

test('a number of starts that leaves none to give out makes a mark malformed', async () => {
  const folder = await newStore()
  const mark = await markOf(folder)
  const text = JSON.stringify({ ...mark, starts: Number.MAX_SAFE_INTEGER })
  await writeFile(join(folder, 'blobs', 'store.json'), text)
  await assertRefused(folder, 'damaged-mark', 'lost-rows', 'lost-blobs')
  await writeFile(join(folder, 'blobs', 'store.json'), JSON.stringify(mark))
  await mkdir(join(folder, 'blobs', String(Number.MAX_SAFE_INTEGER)))
  assert.equal(await storeOne(folder), 3)
})

const missing: readonly [what: string, lose: (folder: string) => Promise<void>][] = [
  ['blobs/ missing', (folder) => rm(join(folder, 'blobs'), { recursive: true })],
  [
    'blobs/ empty, as of a disk that is not mounted',
    async (folder) => {
      await rm(join(folder, 'blobs'), { recursive: true })
      await mkdir(join(folder, 'blobs'))
    },
  ],
]

for (const [what, lose] of missing) {
  test(`rows whose blobs are missing are refused: ${what}`, async () => {
    const folder = await newStore()
    const { id } = await markOf(folder)
    await lose(folder)
    assert.match((await findingsOf(folder)).join('\n'), /^the data folder: blobs\/ is missing/)
    await assertRefused(folder, 'lost-blobs')
    await assertRefused(folder, 'lost-blobs', 'lost-rows')
    assert.equal(await storeOne(folder, 'lost-blobs'), 3)
    // The acceptance is needed only once.
    await sweepAll(await open(folder))
    assert.deepEqual(await markOf(folder), { id, starts: 4, former: [] })
  })
}

test('fsck makes no blobs/ where there is none', async () => {
  const folder = await newStore()
  await rm(join(folder, 'blobs'), { recursive: true })
  await findingsOf(folder)
  assert.deepEqual((await readdir(folder)).includes('blobs'), false)
})

test('blobs that lost their mark may be of anybody: accepted, all of them are kept', async () => {
  const folder = newFolder()
  const store = await open(folder)
  await put(store)
  await put(store, false)
  await store.close()
  await rm(join(folder, 'blobs', 'store.json'))
  await assertRefused(folder, 'lost-blobs')
  await sweepAll(await open(folder, 'lost-blobs'))
  assert.equal((await filesIn(folder)).length, 2)
})

test('a malformed mark is refused, with the remedy', async () => {
  for (const text of ['', '{', '{"id":"","starts":1,"former":[]}', '{"id":"x","starts":-1}', '7']) {
    const folder = await newStore()
    await writeFile(join(folder, 'blobs', 'store.json'), text)
    await assertRefused(folder, 'damaged-mark', 'lost-rows', 'lost-blobs')
    assert.match((await findingsOf(folder)).join('\n'), /store\.json.* are malformed/)
  }
})

test('rows and blobs of two stores are refused, whatever is accepted', async () => {
  const [one, other] = [await newStore(), await newStore()]
  await rm(join(one, 'engine'), { recursive: true })
  await cp(join(other, 'engine'), join(one, 'engine'), { recursive: true })
  await assertRefused(one, 'other-store', 'lost-rows', 'lost-blobs')
  assert.match((await findingsOf(one)).join('\n'), /two different stores/)
})

test('the folders of another store that were merged into the blobs are kept', async () => {
  const [one, other] = [await newStore(), await newStore()]
  for (let start = 0; start < 2; start++) await storeOne(other)
  for (const start of ['3', '4']) {
    const path = join('blobs', start)
    await cp(join(other, path), join(one, path), { recursive: true })
  }
  await assertRefused(one, 'older-rows')
  await storeOne(one, 'lost-rows')
  await sweepAll(await open(one))
  assert.equal((await filesIn(one)).length, 5)
})

test('fsck counts what does not fit among its findings', async () => {
  const folder = await newStore()
  const store = await open(folder)
  const { engine, blobs } = store.services
  assert.equal(await examineFit(engine, folder), 'fits')
  const misfit = { invariant: 'i', where: 'w', detail: 'd' }
  const findings: unknown[] = []
  for await (const finding of checkStore({ engine, blobs, misfit })) findings.push(finding)
  assert.deepEqual(findings[0], misfit)
  await store.close()
})
