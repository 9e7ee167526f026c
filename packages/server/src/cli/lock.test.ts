import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, cp, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { CommandError } from '../base/exit.ts'
import { livenessOf, ownLiveness, verdictOn } from '../base/liveness.ts'
import { FolderLock, type Holder, isLocked, killSurvivors, readHolder } from './lock.ts'

const scratch = await mkdtemp(join(tmpdir(), 'holdfast-lock-'))
after(() => rm(scratch, { recursive: true, force: true }))
let folders = 0

/** A data folder whose rows are a file that is there. */
async function newFolder(): Promise<string> {
  const folder = join(scratch, String(++folders))
  await mkdir(join(folder, 'engine'), { recursive: true })
  await writeFile(join(folder, 'engine', 'data.mdb'), 'rows')
  return folder
}

function holder(facts: Partial<Holder> = {}): Holder {
  const startedAt = new Date(0).toISOString()
  const endpoint = 'http://127.0.0.1:9000'
  return { pid: process.pid, token: ownLiveness(), endpoint, startedAt, workers: [], ...facts }
}

function isRefusal(error: unknown): boolean {
  return error instanceof CommandError && error.exitCode === 3
}

const holding = `
const { openSync, readSync } = require('node:fs')
if (process.argv[1] !== '') openSync(process.argv[1], 'r')
console.log('open')
setInterval(() => undefined, 1000)`

/** A process that has `file` open; killed in the end. */
async function startProcess(file: string): Promise<string> {
  const child = spawn(process.execPath, ['-e', holding, file], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  after(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  return livenessOf(child.pid ?? 0) ?? ''
}

test('a lock file with other bytes is refused with the remedy, and not changed', async () => {
  const folder = await newFolder()
  const file = join(folder, 'lock')
  await writeFile(
    file,
    'a file of another program, longer than the head of a database: '.repeat(20),
  )
  const before = await readFile(file)
  for (const take of [FolderLock.take, FolderLock.share]) {
    assert.throws(
      () => take(folder),
      /can't lock .*lock: it has bytes that are not a lock; remove it/,
    )
  }
  assert.ok((await readFile(file)).equals(before))
  await rm(file)
  FolderLock.take(folder).release()
})

test('one server has a folder, and any number of programs share it', async () => {
  const folder = await newFolder()
  const programs = [FolderLock.share(folder), FolderLock.share(folder)]
  assert.equal(isLocked(folder), false)
  const server = FolderLock.take(folder)
  programs.push(FolderLock.share(folder))
  assert.equal(isLocked(folder), true)
  assert.throws(() => FolderLock.take(folder), isRefusal)
  for (const program of programs) program.leave()
  assert.throws(() => FolderLock.take(folder), isRefusal)
  server.release()
  assert.equal(isLocked(folder), false)
  FolderLock.take(folder).release()
})

test('a server of an earlier version has the folder for itself', async () => {
  const { DatabaseSync } = await import('node:sqlite')
  const folder = await newFolder()
  const earlier = new DatabaseSync(join(folder, 'lock'), { timeout: 0 })
  earlier.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  assert.throws(() => FolderLock.share(folder), isRefusal)
  assert.throws(() => FolderLock.take(folder), isRefusal)
  earlier.close()
  const program = FolderLock.share(folder)
  const another = new DatabaseSync(join(folder, 'lock'), { timeout: 0 })
  assert.throws(() => another.exec('BEGIN EXCLUSIVE'), /locked/)
  another.close()
  program.leave()
})

test('nobody else may open the lock, nor look into the folder; existing ones are closed, too', async () => {
  const folder = await newFolder()
  await chmod(folder, 0o755)
  const modes = async (): Promise<string[]> =>
    Promise.all(
      [folder, join(folder, 'lock')].map(async (path) => {
        return ((await stat(path)).mode & 0o777).toString(8)
      }),
    )
  FolderLock.take(folder).release()
  assert.deepEqual(await modes(), ['700', '600'])
  await chmod(folder, 0o755)
  await chmod(join(folder, 'lock'), 0o644)
  FolderLock.share(folder).leave()
  assert.deepEqual(await modes(), ['700', '600'])
})

test('what a server says of itself counts for its folder while it lives', async () => {
  const folder = await newFolder()
  const lock = FolderLock.take(folder)
  lock.describe(holder())
  assert.equal(readHolder(folder)?.endpoint, 'http://127.0.0.1:9000')
  const copy = await newFolder()
  await cp(folder, copy, { recursive: true })
  assert.equal(readHolder(copy), undefined)
  const [pid, start, ...scope] = ownLiveness().split(':')
  lock.describe(holder({ token: [pid, `${start}0`, ...scope].join(':') }))
  assert.equal(readHolder(folder), undefined)
  // Of one in another container nothing is known, and so it is believed.
  lock.describe(holder({ token: `${pid}:${start}:boot:1:machine` }))
  assert.equal(readHolder(folder)?.pid, process.pid)
  lock.release()
  assert.equal(readHolder(folder), undefined)
})

test('what an earlier server said is gone when it can not be replaced', async () => {
  const folder = await newFolder()
  const lock = FolderLock.take(folder)
  lock.describe(holder())
  // Nothing can be written there, as on a full disk.
  await mkdir(join(folder, 'server.json.part'))
  await writeFile(join(folder, 'server.json.part', 'x'), '')
  lock.describe(holder({ endpoint: 'http://127.0.0.1:9001' }))
  assert.equal(readHolder(folder), undefined)
  lock.release()
})

test('what can not be understood counts for nothing', async () => {
  const folder = await newFolder()
  const texts = ['', '{', '{"pid":1}', '{"pid":1,"startedAt":"x","workers":["1:2:3"],"token":7}']
  for (const text of texts) {
    await writeFile(join(folder, 'server.json'), text)
    assert.equal(readHolder(folder), undefined)
    assert.equal(killSurvivors(folder), 0)
  }
})

test('only workers are killed that work on this very folder', async () => {
  const folder = await newFolder()
  const lock = FolderLock.take(folder)
  const survivor = await startProcess(join(folder, 'engine', 'data.mdb'))
  const stranger = await startProcess('')
  const copied = await newFolder()
  const original = await startProcess(join(copied, 'engine', 'data.mdb'))
  const [pid] = survivor.split(':')
  const workers = [stranger, original, `${pid}`, `${pid}:1:2`, '0', '-1:2:3', '']
  lock.describe(holder({ workers }))
  assert.equal(killSurvivors(folder), 0)

  // A copy of the folder with what the server said, as it was and as earlier versions wrote it.
  lock.describe(holder({ workers: [...workers, survivor] }))
  const note = await readFile(join(folder, 'server.json'), 'utf8')
  await writeFile(join(copied, 'server.json'), note)
  assert.equal(killSurvivors(copied), 0)
  const { folder: _, ...earlier } = JSON.parse(note)
  await writeFile(join(copied, 'server.json'), JSON.stringify({ ...earlier, workers: [survivor] }))
  assert.equal(killSurvivors(copied), 0)
  assert.equal(verdictOn(survivor), 'alive')

  assert.equal(killSurvivors(folder), 1)
  while (verdictOn(survivor) !== 'dead') await new Promise(setImmediate)
  for (const token of [stranger, original]) assert.equal(verdictOn(token), 'alive')
  lock.release()
})

test('a worker that an earlier version wrote down is known by the first part of its token', async () => {
  const folder = await newFolder()
  const survivor = await startProcess(join(folder, 'engine', 'data.mdb'))
  const earlier = survivor.split(':').slice(0, 3).join(':')
  const note = { pid: 1, startedAt: 'x', workers: [earlier] }
  await writeFile(join(folder, 'server.json'), JSON.stringify(note))
  assert.equal(killSurvivors(folder), 1)
})
