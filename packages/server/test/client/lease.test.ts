// The client's folders and leases against a real server with several workers.

import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import {
  AbortMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import {
  type Clock,
  createHoldfast,
  FolderExistsError,
  FolderNotFoundError,
  type LeaseInfo,
  LeaseLostError,
  LeaseNotCoveringError,
  LeaseNotGrantedError,
  leaseGuard,
  plainS3Folders,
  withLease,
} from 'holdfast-client'
import { startServer, type TestServer } from '../harness.ts'

let server: TestServer
let s3: S3Client
let count = 0
let bucket = ''

before(async () => {
  server = await startServer({ workers: 2 })
  s3 = server.client({ maxAttempts: 3 })
})

after(() => server.close())

beforeEach(async () => {
  bucket = `leases-${count++}`
  await s3.send(new CreateBucketCommand({ Bucket: bucket }))
})

async function put(client: S3Client, ...keys: string[]): Promise<void> {
  for (const Key of keys)
    await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body: Key }))
}

async function keys(): Promise<string[]> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket }))
  return Contents.map(({ Key }) => Key ?? '')
}

async function listed(name = bucket): Promise<LeaseInfo[]> {
  const found: LeaseInfo[] = []
  for await (const lease of createHoldfast(s3).leases.list(name)) found.push(lease)
  return found
}

test('folders are renamed, copied and removed', async () => {
  const { folders } = createHoldfast(s3)
  await put(s3, 'a b/1', 'a b/ä/2', 'c/3')
  await folders.copy({ bucket, from: 'a b/', to: 'd/' })
  await folders.rename({ bucket, from: 'a b/', to: 'e/f/' })
  await assert.rejects(folders.rename({ bucket, from: 'd/', to: 'c/' }), FolderExistsError)
  await assert.rejects(folders.copy({ bucket, from: 'none/', to: 'x/' }), FolderNotFoundError)
  await folders.rename({ bucket, from: 'd/', to: 'c/' }, { replace: true })
  await folders.remove({ bucket, folder: 'e/' })
  assert.deepEqual(await keys(), ['c/1', 'c/ä/2'])
})

test('the holder writes; writes of others wait, and succeed after the release', async () => {
  const { leases } = createHoldfast(s3)
  const handle = await leases.acquire({ bucket, write: ['a/'] }, { label: 'holder' })
  const mine = withLease(s3, handle)
  await put(mine, 'a/1')
  await createHoldfast(mine).folders.copy({ bucket, from: 'a/', to: 'a/copy/' })
  const upload = { Bucket: bucket, Key: 'a/large' }
  const { UploadId } = await mine.send(new CreateMultipartUploadCommand(upload))
  await mine.send(new UploadPartCommand({ ...upload, UploadId, PartNumber: 1, Body: 'part' }))
  await mine.send(new AbortMultipartUploadCommand({ ...upload, UploadId }))
  await mine.send(new CreateBucketCommand({ Bucket: bucket })).catch(({ name }) => {
    assert.match(name, /^BucketAlready/)
  })
  await assert.rejects(put(mine, 'b/1'), LeaseNotCoveringError)
  const other = put(s3, 'a/2')
  await put(s3, 'b/2')
  await handle.release()
  await other
  assert.deepEqual(await keys(), ['a/1', 'a/2', 'a/copy/1', 'b/2'])
  await assert.rejects(put(mine, 'a/3'), LeaseLostError)
  await assert.rejects(put(withLease(s3, { bucket, ticket: handle.ticket }), 'a/3'), LeaseLostError)
})

test('leases of overlapping paths are held one after the other, in the order of asking', async () => {
  const { leases } = createHoldfast(s3)
  const first = await leases.acquire({ bucket, write: ['a/'] })
  await using reader = await leases.acquire({ bucket, read: ['b/'] })
  const refused = leases.acquire({ bucket, write: ['a/b/'] }, { waitMs: 0, label: 'now' })
  await assert.rejects(refused, LeaseNotGrantedError)
  const order: string[] = []
  const second = leases.run({ bucket, write: ['a/x'], read: ['b/'] }, () => order.push('second'))
  const waiting = async (): Promise<number> => {
    let found = 0
    for await (const { state } of leases.list(bucket)) if (state === 'waiting') found += 1
    return found
  }
  while ((await waiting()) < 1) await new Promise((resolve) => setImmediate(resolve))
  const third = leases.run({ bucket, write: ['a/'] }, () => order.push('third'))
  while ((await waiting()) < 2) await new Promise((resolve) => setImmediate(resolve))
  order.push('release')
  await first.release()
  await Promise.all([second, third])
  assert.deepEqual(order, ['release', 'second', 'third'])
  assert.ok(reader.held)
  assert.equal(await waiting(), 0)
})

test('a lease outlives its time by renewal', async () => {
  const timers = new Set<{ readonly atMs: number; readonly run: () => void }>()
  let nowMs = 0
  const clock: Clock = {
    now: () => nowMs,
    after(delayMs, run) {
      const timer = { atMs: nowMs + delayMs, run }
      timers.add(timer)
      return () => timers.delete(timer)
    },
  }
  const { leases } = createHoldfast(s3, { clock })
  await using handle = await leases.acquire({ bucket, write: ['a/'] }, { ttlMs: 60_000 })
  const [first] = await listed()
  nowMs = 30_000
  for (const { atMs, run } of timers) if (atMs <= nowMs) run()
  const isRenewed = (): boolean => [...timers].some(({ atMs }) => atMs > 60_000)
  while (!isRenewed()) await new Promise((resolve) => setImmediate(resolve))
  nowMs = 70_000
  assert.ok(handle.held)
  const [renewed] = await listed()
  assert.ok(Number(renewed?.expiresAt) > Number(first?.expiresAt))
})

test('a lease outlives the server', async () => {
  const { leases } = createHoldfast(s3)
  await using handle = await leases.acquire({ bucket, write: ['a/'] }, { ttlMs: 60_000 })
  await server.restart()
  assert.deepEqual(
    (await listed()).map(({ ticket }) => ticket),
    [handle.ticket],
  )
  await put(withLease(s3, handle), 'a/1')
})

test('a wait that is broken off leaves the queue', async () => {
  const { leases } = createHoldfast(s3)
  await using _ = await leases.acquire({ bucket, write: [''] })
  const controller = new AbortController()
  const attempt = leases.acquire({ bucket, write: ['a/'] }, controller)
  while ((await listed()).length < 2) await new Promise((resolve) => setImmediate(resolve))
  const reason = new Error('enough')
  controller.abort(reason)
  await assert.rejects(attempt, reason)
  assert.equal((await listed()).length, 1)
})

test('folder work over any S3 is guarded by leases on the names of its folders', async () => {
  const { leases } = createHoldfast(s3)
  await put(s3, 'a/1', 'a/2')
  const names = `${bucket}-names`
  await s3.send(new CreateBucketCommand({ Bucket: names }))
  const folders = plainS3Folders(s3, { guard: leaseGuard(leases, { bucket: names, label: 'mv' }) })
  let held: Promise<LeaseInfo[]> | undefined
  const onProgress = (): void => {
    held ??= listed(names)
  }
  await folders.rename({ bucket, from: 'a/', to: 'b/' }, { onProgress })
  assert.deepEqual(await keys(), ['b/1', 'b/2'])
  assert.deepEqual(
    (await held)?.map(({ write, label }) => [write, label]),
    [[[`${bucket}/a/`, `${bucket}/b/`], 'mv']],
  )
  assert.deepEqual(await listed(names), [])
})
