// Mistreated data folders: copied while a server runs, restored in part, opened by two servers.

import assert from 'node:assert/strict'
import { cp, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { storeIn } from '../../src/base/store-location.ts'
import { openEngine } from '../../src/engine/open.ts'
import { open } from '../../src/index.ts'
import { declareDead, listStarts } from '../../src/store/body/process.ts'
import { freePort, runHoldfast, startServer, type TestServer } from '../harness.ts'

const scratch = await mkdtemp(join(tmpdir(), 'holdfast-folder-'))
after(() => rm(scratch, { recursive: true, force: true }))
const deadlineMs = 30_000
const large = 200_000

async function until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + deadlineMs
  while (!(await isTrue())) {
    assert.ok(performance.now() < end, `not in time: ${what}`)
    await delay(20)
  }
}

async function put(client: S3Client, key: string): Promise<void> {
  await client.send(
    new PutObjectCommand({ Bucket: 'bucket', Key: key, Body: Buffer.alloc(large, key) }),
  )
}

async function get(client: S3Client, key: string): Promise<number | undefined> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket: 'bucket', Key: key }))
  return (await Body?.transformToByteArray())?.byteLength
}

/** A server with a bucket and a large object. */
async function startFilled(): Promise<TestServer> {
  const server = await startServer({ workers: 2 })
  const client = server.client()
  await client.send(new CreateBucketCommand({ Bucket: 'bucket' }))
  await put(client, 'a')
  return server
}

async function serve(
  server: TestServer,
  ...args: readonly string[]
): Promise<{ readonly exitCode: number | null; readonly output: string }> {
  const { dataFolder, credentialsFile } = server
  const facts = ['--data', dataFolder, '--credentials', credentialsFile, '--workers', '1']
  return runHoldfast(['serve', '--port', String(await freePort()), ...facts, ...args])
}

test('rows that are lost, and then accepted to be, leave the files of all bodies there', async () => {
  await using server = await startFilled()
  await server.stop()
  const { dataFolder } = server
  const elsewhere = join(scratch, 'engine')
  await rename(join(dataFolder, 'engine'), elsewhere)
  const refused = await serve(server)
  assert.equal(refused.exitCode, 3)
  assert.match(refused.output, /^holdfast: can't use .* --accept-lost-rows/m)
  assert.equal((await readdir(dataFolder)).includes('engine'), false)
  assert.equal((await server.fsck()).exitCode, 4)
  // With the rows restored, the store is intact.
  await rename(elsewhere, join(dataFolder, 'engine'))
  await server.restart()
  assert.equal(await get(server.client(), 'a'), large)
})

test('an older engine/ beside newer blobs/ is refused; accepted, large bodies can be stored', async () => {
  await using server = await startFilled()
  await server.stop()
  const { dataFolder } = server
  const backup = join(scratch, 'backup')
  await cp(join(dataFolder, 'engine'), backup, { recursive: true })
  await server.restart()
  await put(server.client(), 'b')
  await server.stop()
  await rm(join(dataFolder, 'engine'), { recursive: true })
  await rename(backup, join(dataFolder, 'engine'))
  const refused = await serve(server)
  assert.equal(refused.exitCode, 3)
  assert.match(refused.output, /engine\/ is older than blobs\//)
  assert.match((await server.fsck()).output, /engine\/ is older than blobs\//)
  assert.match((await runHoldfast(['doctor', '--data', dataFolder])).output, /engine\/ is older/)

  const accepting = await startServer({
    workers: 2,
    dataFolder,
    credentials: server.credentials,
    args: ['--accept-lost-rows'],
  })
  const client = accepting.client()
  for (const key of ['c', 'd', 'e', 'f']) await put(client, key)
  assert.equal(await get(client, 'a'), large)
  assert.equal(await get(client, 'f'), large)
  await accepting.close()
  // From now on, rows and blobs match again.
  await server.restart()
  assert.equal(await get(server.client(), 'f'), large)
})

test('accepted losses stay visible in fsck without failing it, and a later loss fails it', async () => {
  await using server = await startFilled()
  await put(server.client(), 'b')
  await server.stop()
  const { dataFolder, credentials } = server
  const blobs = join(dataFolder, 'blobs')
  const backup = join(scratch, 'blobs')
  await rename(blobs, backup)
  assert.equal((await server.fsck()).exitCode, 4)
  const accepting = await startServer({ dataFolder, credentials, args: ['--accept-lost-blobs'] })
  const client = accepting.client()
  assert.match(
    await accepting.log(),
    /"misfit":"lost-blobs","lost":2,"message":"rows and bodies that do not match/,
  )
  await put(client, 'c')
  await assert.rejects(get(client, 'a'), { name: 'InternalError' })
  await accepting.close()

  const accepted = await server.fsck()
  assert.equal(accepted.exitCode, 0)
  assert.match(
    accepted.output,
    /file of blob .* is missing\n {2}read as: "bucket\/a"\n.*\n {2}accepted: by/,
  )
  assert.match(accepted.output, /^clean but for 2 that were accepted: /m)
  const json = await runHoldfast(['fsck', '--json', '--data', dataFolder])
  const lines = json.output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.deepEqual(
    lines.map(
      ({ finding, summary }) => finding?.isAccepted ?? [summary.findings, summary.accepted],
    ),
    [true, true, [0, 2]],
  )

  await server.restart()
  await server.client().send(new DeleteObjectCommand({ Bucket: 'bucket', Key: 'a' }))
  await put(server.client(), 'd')
  await server.stop()
  assert.match((await server.fsck()).output, /^clean but for 1 that were accepted: /m)
  for (const file of await readdir(blobs, { recursive: true, withFileTypes: true })) {
    if (file.isFile() && /^\d+$/.test(file.name)) await rm(join(file.parentPath, file.name))
  }
  const lost = await server.fsck()
  assert.equal(lost.exitCode, 4)
  assert.match(lost.output, /^2 findings beside 1 that were accepted: /m)
})

test('kept files of other stores stay visible in fsck without failing it', async () => {
  await using server = await startFilled()
  await server.stop()
  const { dataFolder, credentials } = server
  await rm(join(dataFolder, 'engine'), { recursive: true })
  const accepting = await startServer({ dataFolder, credentials, args: ['--accept-lost-rows'] })
  await accepting.client().send(new CreateBucketCommand({ Bucket: 'bucket' }))
  await put(accepting.client(), 'b')
  await accepting.close()
  const { exitCode, output } = await server.fsck()
  assert.equal(exitCode, 0)
  assert.match(output, /^blobs\/\d+: it has 1 files, 0 of which objects refer to/m)
  assert.match(output, /^clean but for 1 that were accepted: /m)
})

test('a server on a copy of a folder that is served leaves the workers of the original alone', async () => {
  await using server = await startFilled()
  await until('two workers', async () => (await server.workers()).length === 2)
  const workers = await server.workers()
  const copy = join(scratch, 'copy')
  await cp(server.dataFolder, copy, { recursive: true, preserveTimestamps: true })
  assert.ok((await readdir(copy)).includes('server.json'))
  const { credentials } = server
  await using other = await startServer({ dataFolder: copy, credentials, workers: 2 })
  assert.equal(await get(other.client(), 'a'), large)
  assert.deepEqual(await server.workers(), workers)
  assert.doesNotMatch(await other.log(), /outlived/)
  assert.doesNotMatch(await server.log(), /died/)
})

test('the lock and the folder are for their owner only', async () => {
  await using server = await startServer({ workers: 1 })
  const { dataFolder } = server
  assert.equal((await stat(dataFolder)).mode & 0o777, 0o700)
  assert.equal((await stat(join(dataFolder, 'lock'))).mode & 0o777, 0o600)
  const note = JSON.parse(await readFile(join(dataFolder, 'server.json'), 'utf8'))
  const { dev, ino } = await stat(dataFolder, { bigint: true })
  assert.equal(note.folder, `${dev}:${ino}`)
})

test('a program may open the folder of a server, and the other way round; a second server may not', async () => {
  await using server = await startFilled()
  const { dataFolder, credentials } = server
  const program = await open({ dataFolder, keys: credentials })
  assert.equal((await serve(server)).exitCode, 3)
  await server.stop()
  await server.restart()
  await put(server.client(), 'b')
  assert.equal(await get(server.client(), 'b'), large)
  await program.close()
})

test('a worker that was declared dead says so, ends, and is replaced', async () => {
  await using server = await startFilled()
  await until('two workers', async () => (await server.workers()).length === 2)
  const [declared] = await server.workers()
  const engine = await openEngine(storeIn(server.dataFolder).engine)
  const starts = await engine.read(listStarts)
  const start = starts.find(({ record }) => record.liveness.startsWith(`${declared}:`))
  assert.ok(start)
  const { number } = start
  await until('it is declared dead', async () => {
    const beat = (await engine.read(listStarts)).find((one) => one.number === number)?.record.beat
    return engine.write((tx) => declareDead(tx, { number, beat: beat ?? 0 }))
  })
  await engine.close()
  await until('it is replaced', async () => {
    const workers = await server.workers()
    return workers.length === 2 && !workers.includes(declared ?? 0)
  })
  assert.match(await server.log(), /was declared dead by another one/)
  await put(server.client(), 'b')
  assert.equal(await get(server.client(), 'b'), large)
})
