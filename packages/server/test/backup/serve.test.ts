// Backups beside a server under load, by the commands, which are killed in the middle, too.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { unfinishedRestore } from '../../src/base/store-location.ts'
import { plainEnvironment } from '../environment.ts'
import { runHoldfast, startServer, type TestServer } from '../harness.ts'
import { pairsIn, QueryClient } from '../simpledb/query.ts'
import { WireClient, xmlText } from '../wire.ts'
import { bodyOf, newPath, restored } from './backup.fixture.ts'

const main = join(import.meta.dirname, '../../src/cli/main.ts')
const Bucket = 'loaded'
const DomainName = 'kept'
const partBytes = 5_242_880
let server: TestServer
let client: S3Client

before(async () => {
  server = await startServer({ workers: 2 })
  client = server.client()
  await client.send(new CreateBucketCommand({ Bucket }))
})

after(() => server.close())

function put(Key: string, Body: Buffer | string): Promise<unknown> {
  return client.send(new PutObjectCommand({ Bucket, Key, Body }))
}

/** A wire client of `of`, with the key of the server that was backed up. */
function wireOf(of: TestServer): WireClient {
  const { host, port, accessKeyId, secretAccessKey } = of
  return new WireClient({ host, port, accessKeyId, secretAccessKey })
}

/** Requests a lease, and returns its ticket. */
async function takeLease(): Promise<number> {
  const wire = wireOf(server)
  const body = Buffer.from(JSON.stringify({ write: ['leased/'], ttlMs: 600_000, label: 'held' }))
  const answer = await wire.send({ method: 'POST', path: `/${Bucket}`, query: { lease: '' }, body })
  wire.close()
  assert.equal(answer.status, 200, answer.body.toString())
  return JSON.parse(answer.body.toString()).ticket
}

/** Puts `first/n`, then `second/n`, with growing `n`, and removes folders, until it is aborted. */
async function write(writer: number, signal: AbortSignal): Promise<void> {
  for (let round = 0; !signal.aborted; round++) {
    const name = `${writer}/${String(round).padStart(6, '0')}`
    const body = round % 3 === 0 ? randomBytes(100_000) : `${name}`
    await put(`first/${name}`, body)
    await put(`second/${name}`, body)
    await put(`passing/${writer}/${round % 5}/x`, randomBytes(80_000))
    if (round % 5 === 4) await removeFolder(`passing/${writer}/`)
  }
}

async function removeFolder(prefix: string): Promise<void> {
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket, Prefix: prefix }))
  for (const { Key } of Contents) await client.send(new DeleteObjectCommand({ Bucket, Key }))
}

async function keysOf(of: S3Client, Prefix: string): Promise<string[]> {
  const keys: string[] = []
  let token: string | undefined
  do {
    const page = await of.send(
      new ListObjectsV2Command({ Bucket, Prefix, ContinuationToken: token }),
    )
    for (const { Key = '' } of page.Contents ?? []) keys.push(Key.slice(Prefix.length))
    token = page.NextContinuationToken
  } while (token !== undefined)
  return keys
}

test('a backup under load is one moment, with everything that was acknowledged before it began', async () => {
  const sdb = new QueryClient(server.port, server)
  await sdb.ok('CreateDomain', { DomainName })
  const item = { 'Attribute.1.Name': 'color', 'Attribute.1.Value': 'green' }
  await sdb.ok('PutAttributes', { DomainName, ItemName: 'leaf', ...item })
  const ticket = await takeLease()
  const upload = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'parts' }))
  const UploadId = upload.UploadId ?? ''
  const part = randomBytes(partBytes)
  const named = { Bucket, Key: 'parts', UploadId }
  const sent = await client.send(new UploadPartCommand({ ...named, PartNumber: 1, Body: part }))
  const acknowledged = new Map<string, Buffer>()
  for (let index = 0; index < 40; index++) {
    const body = randomBytes(index % 2 === 0 ? 500 : 150_000)
    acknowledged.set(`before/${index}`, body)
    await put(`before/${index}`, body)
  }
  const stop = new AbortController()
  const writers = [0, 1, 2, 3].map((writer) => write(writer, stop.signal))
  const backup = newPath()
  const ran = await runHoldfast(['backup', backup, '--data', server.dataFolder])
  const second = newPath()
  const incremental = ['--incremental-from', backup, '--data', server.dataFolder]
  const more = await runHoldfast(['backup', second, ...incremental])
  stop.abort()
  await Promise.all(writers)
  assert.deepEqual([ran.exitCode, more.exitCode], [0, 0], ran.output + more.output)

  for (const source of [backup, second]) {
    const dataFolder = await restored(source)
    // The original goes on serving.
    await using other = await startServer({
      workers: 1,
      dataFolder,
      credentials: server.credentials,
    })
    const reader = other.client()
    for (const [key, body] of acknowledged) {
      assert.deepEqual(await bodyOf(reader, Bucket, key), body, key)
    }
    const [first, then] = [await keysOf(reader, 'first/'), new Set(await keysOf(reader, 'second/'))]
    for (const key of then) assert.ok(first.includes(key), key)
    // Of each writer, at most the last one.
    assert.ok(first.filter((key) => !then.has(key)).length <= 4)
    for (const key of then) {
      const [one, two] = [`first/${key}`, `second/${key}`]
      assert.deepEqual(await bodyOf(reader, Bucket, one), await bodyOf(reader, Bucket, two), key)
    }
    const Parts = [{ PartNumber: 1, ETag: sent.ETag }]
    const MultipartUpload = { Parts }
    await reader.send(new CompleteMultipartUploadCommand({ ...named, MultipartUpload }))
    assert.deepEqual(await bodyOf(reader, Bucket, 'parts'), part)
    const items = new QueryClient(other.port, server)
    const found = await items.ok('GetAttributes', {
      DomainName,
      ItemName: 'leaf',
      ConsistentRead: 'true',
    })
    assert.match(JSON.stringify(pairsIn(found.body)), /green/)
    items.close()
    const wire = wireOf(other)
    const leases = await wire.send({ method: 'GET', path: `/${Bucket}`, query: { lease: '' } })
    assert.equal(JSON.parse(leases.body.toString()).leases[0]?.ticket, ticket)
    const blocked = await wire.send({ method: 'PUT', path: `/${Bucket}/leased/x` })
    assert.equal(xmlText(blocked.body, 'Code'), 'SlowDown')
    wire.close()
  }
  await put('after', 'the original is unharmed')
  sdb.close()
  const { exitCode, output } = await server.fsck()
  assert.equal(exitCode, 0, output)
})

/** Starts a command that is going to be killed; `args` of `holdfast`. */
function start(args: readonly string[], input: 'ignore' | 'pipe' = 'ignore'): ChildProcess {
  return spawn(process.execPath, [main, ...args], {
    stdio: [input, 'ignore', 'inherit'],
    env: plainEnvironment(),
    detached: true,
  })
}

/** Kills a command with the process that works for it, once `isDue`. */
async function killOnce(child: ChildProcess, isDue: () => boolean): Promise<void> {
  const exited = once(child, 'exit')
  while (!isDue() && child.exitCode === null) await delay(2)
  assert.equal(child.exitCode, null)
  process.kill(-(child.pid ?? 0), 'SIGKILL')
  await exited
}

test('a restore that is killed leaves no store, and can be repeated', async () => {
  const stream = await collect(['backup', '-', '--data', server.dataFolder])
  const [folder, file] = [newPath(), `${newPath()}.tar`]
  const child = start(['restore', '-', '--data', folder], 'pipe')
  // Most of the stream, and then nothing more.
  const fed = feed(child, stream.subarray(0, stream.byteLength - 2000), false)
  await killOnce(child, () => existsSync(join(folder, 'blobs', '1')))
  await fed
  assert.ok(existsSync(join(folder, unfinishedRestore)))
  const refused = await runHoldfast(['serve', '--data', folder, '--port', '0'])
  assert.equal(refused.exitCode, 3, refused.output)
  assert.match(refused.output, /is no store: a restore into it was interrupted/)
  await writeFile(file, stream)
  const again = await runHoldfast(['restore', file, '--data', folder])
  assert.equal(again.exitCode, 0, again.output)
  assert.equal((await runHoldfast(['fsck', '--content', '--data', folder])).exitCode, 0)
})

test('a backup into a folder that is killed at any moment can be repeated there', async () => {
  const backup = newPath()
  const child = start(['backup', backup, '--data', server.dataFolder])
  await killOnce(child, () => existsSync(join(backup, 'rows')))
  if (!existsSync(join(backup, 'complete.json'))) {
    const refused = await runHoldfast(['restore', backup, '--data', newPath()])
    assert.equal(refused.exitCode, 1, refused.output)
    assert.match(refused.output, /is incomplete/)
    const again = await runHoldfast(['backup', backup, '--data', server.dataFolder])
    assert.equal(again.exitCode, 0, again.output)
  }
  await restored(backup)
})

test('a backup that is killed holds up no collection', async () => {
  await put('passing/last', randomBytes(200_000))
  const child = spawn(process.execPath, [main, 'backup', '-', '--data', server.dataFolder], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: plainEnvironment(),
    detached: true,
  })
  // Its output isn't read, so it waits in the middle.
  let isBegun = false
  child.stdout.once('readable', () => {
    isBegun = true
  })
  await killOnce(child, () => isBegun)
  const files = await blobFiles()
  await removeFolder('passing/')
  while ((await blobFiles()) >= files) await delay(50)
})

/** The number of files with bodies in the server's data folder. */
async function blobFiles(): Promise<number> {
  const folder = join(server.dataFolder, 'blobs')
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).length
}

test('a stream goes to another server, and from there back into a folder', async () => {
  await using other = await startServer({ workers: 1 })
  await other.client().send(new CreateBucketCommand({ Bucket: 'backups' }))
  const { endpoint, accessKeyId, secretAccessKey } = other
  const access = [
    '--endpoint',
    endpoint,
    '--access-key',
    accessKeyId,
    '--secret-key',
    secretAccessKey,
  ]
  const stream = await collect(['backup', '-', '--data', server.dataFolder])
  const upload = start(['cp', '-', 's3://backups/today.tar', ...access], 'pipe')
  const uploaded = once(upload, 'exit')
  await feed(upload, stream)
  assert.deepEqual(await uploaded, [0, null])
  const file = `${newPath()}.tar`
  await writeFile(file, await collect(['cp', 's3://backups/today.tar', '-', ...access]))
  await restored(file)
})

test('a folder is synced to another server with all that is new, and from there back', async () => {
  await using other = await startServer({ workers: 1 })
  await other.client().send(new CreateBucketCommand({ Bucket: 'backups' }))
  const { endpoint, accessKeyId, secretAccessKey } = other
  const access = [
    '--endpoint',
    endpoint,
    '--access-key',
    accessKeyId,
    '--secret-key',
    secretAccessKey,
  ]
  const [folder, back] = [newPath(), newPath()]
  const at = (name: string): string => join(folder, name)
  const holdfast = async (...args: string[]): Promise<void> => {
    const { exitCode, output } = await runHoldfast(args)
    assert.equal(exitCode, 0, output)
  }
  await holdfast('backup', at('monday'), '--data', server.dataFolder)
  await holdfast('sync', `${folder}/`, 's3://backups/', ...access)
  await put('tuesday', randomBytes(100_000))
  const from = ['--incremental-from', at('monday'), '--data', server.dataFolder]
  await holdfast('backup', at('tuesday'), ...from)
  await holdfast('sync', `${folder}/`, 's3://backups/', ...access)
  await holdfast('sync', 's3://backups/', `${back}/`, ...access)
  await restored(join(back, 'tuesday'))
})

/** What a command writes to standard output. */
async function collect(args: readonly string[]): Promise<Buffer> {
  const child = spawn(process.execPath, [main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: plainEnvironment(),
  })
  const errors: Buffer[] = []
  child.stderr.on('data', (piece: Buffer) => errors.push(piece))
  const pieces: Buffer[] = []
  for await (const piece of child.stdout) pieces.push(piece)
  if (child.exitCode === null) await once(child, 'exit')
  assert.equal(child.exitCode, 0, Buffer.concat(errors).toString())
  return Buffer.concat(pieces)
}

/** Writes to a command's standard input; its end, by a kill or not, ends this. */
async function feed({ stdin }: ChildProcess, bytes: Buffer, end = true): Promise<void> {
  if (stdin === null) throw new Error('the command has no input')
  await pipeline(Readable.from([bytes]), stdin, { end }).catch(() => undefined)
}
