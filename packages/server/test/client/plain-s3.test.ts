// Folder operations over plain S3, as implemented by any server. An interruption at any request loses nothing, and the
// operation can be continued.

import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import {
  FolderExistsError,
  FolderNotFoundError,
  type Guard,
  lockGuard,
  type PlainS3Folders,
  type PlainS3Progress,
  plainS3Folders,
  SourceChangedError,
  UnfinishedFolderError,
} from 'holdfast-client'
import { PathLock } from 'pathlock'
import { objectsOf, startForFile } from '../s3/bucket.fixture.ts'

const server = await startForFile()
const client = server.client()
const note = '.holdfast-unfinished'
const mebibyte = 1_048_576
let count = 0
let Bucket = ''

beforeEach(async () => {
  Bucket = `foreign-${count++}`
  await client.send(new CreateBucketCommand({ Bucket }))
})

function folders(s3: S3Client = client, options: object = {}): PlainS3Folders {
  return plainS3Folders(s3, { guard: lockGuard(new PathLock()), concurrency: 2, ...options })
}

const { put, keys, bodyOf } = objectsOf(client, () => Bucket)

/** A client whose `last`th request is the last that arrives. */
function failing(last: number): S3Client {
  const s3 = server.client()
  let sent = 0
  s3.middlewareStack.add(
    (next) => async (args) => {
      sent += 1
      if (sent > last) throw new Error('the network is gone')
      return next(args)
    },
    { step: 'finalizeRequest' },
  )
  return s3
}

test('a folder is renamed, copied and removed, and progress is told', async () => {
  await put('a/', 'a/1', 'a/b/ä +%2F', 'ab')
  const seen: PlainS3Progress[] = []
  const onProgress = (progress: PlainS3Progress): void => void seen.push(progress)
  const renamed = await folders().rename({ bucket: Bucket, from: 'a/', to: 'x/y/' }, { onProgress })
  assert.deepEqual(renamed, { objects: 3, bytes: 16, isContinued: false })
  assert.deepEqual(await keys(), ['ab', 'x/y/', 'x/y/1', 'x/y/b/ä +%2F'])
  assert.equal(await bodyOf('x/y/b/ä +%2F'), 'a/b/ä +%2F')
  const copies = seen.filter(({ phase }) => phase === 'copying')
  assert.deepEqual(
    copies.map(({ objects }) => objects),
    [0, 1, 2, 3],
  )
  assert.ok(copies.every(({ bytesTotal }) => bytesTotal === 16))
  assert.deepEqual(seen.at(-1), {
    phase: 'deleting',
    objects: 3,
    bytes: 16,
    objectsTotal: 3,
    bytesTotal: 16,
  })
  const other = `${Bucket}-other`
  await client.send(new CreateBucketCommand({ Bucket: other }))
  await folders().copy({ bucket: Bucket, from: 'x/', to: 'z/', toBucket: other })
  assert.deepEqual(await keys(other), ['z/y/', 'z/y/1', 'z/y/b/ä +%2F'])
  assert.deepEqual((await folders().remove({ bucket: Bucket, folder: 'x/' })).objects, 3)
  assert.deepEqual((await folders().remove({ bucket: Bucket, folder: 'x/' })).objects, 0)
  assert.deepEqual(await keys(), ['ab'])
})

test('an impossible operation is refused before anything changes', async () => {
  await put('a/1', 'c/2')
  const rename = (from: string, to: string) => folders().rename({ bucket: Bucket, from, to })
  await assert.rejects(rename('a/', 'c/'), FolderExistsError)
  await assert.rejects(rename('none/', 'x/'), FolderNotFoundError)
  await assert.rejects(rename('a/', 'a/b/'), RangeError)
  await assert.rejects(rename('a/', 'a/'), RangeError)
  await assert.rejects(rename('a', 'b/'), RangeError)
  await assert.rejects(rename('a/', `${'k'.repeat(1023)}/`), RangeError)
  assert.deepEqual(await keys(), ['a/1', 'c/2'])
})

test('with replace, the old contents of the target are removed', async () => {
  await put('a/1', 'c/2', 'c/d/3')
  await folders().rename({ bucket: Bucket, from: 'a/', to: 'c/' }, { replace: true })
  assert.deepEqual(await keys(), ['c/1'])
})

for (const replace of [false, true]) {
  const what = replace ? 'a replacing rename' : 'a rename'
  test(`${what} that is interrupted at any request loses nothing, and continues`, async () => {
    const names = ['1', 'b/2']
    let isDone = false
    let interruptions = 0
    for (let last = 0; !isDone; last++) {
      const from = `from-${last}/`
      const to = `to-${last}/`
      await put(...names.map((name) => from + name))
      if (replace) await put(`${to}old`, `${to}1`)
      const rename = (s3: S3Client) => folders(s3).rename({ bucket: Bucket, from, to }, { replace })
      isDone = await rename(failing(last)).then(
        () => true,
        () => false,
      )
      if (!isDone) {
        interruptions += 1
        for (const name of names) {
          const isSafe = [bodyOf(from + name), bodyOf(to + name)].map((body) =>
            body.then((text) => text === from + name).catch(() => false),
          )
          assert.ok((await Promise.all(isSafe)).includes(true), `${name} after ${last} requests`)
        }
        const hasBegun = (await keys()).includes(to + note)
        const { isContinued } = await rename(client)
        assert.equal(isContinued, hasBegun)
      }
      const found = (await keys()).filter((key) => key.startsWith(from) || key.startsWith(to))
      assert.deepEqual(
        found,
        names.map((name) => to + name),
      )
      for (const name of names) assert.equal(await bodyOf(to + name), from + name)
    }
    assert.ok(interruptions > names.length)
  })
}

test('a folder that isn’t finished can’t be the source or target of another task', async () => {
  await put('a/1', 'a/2', 'b/1')
  await assert.rejects(folders(failing(6)).copy({ bucket: Bucket, from: 'a/', to: 'c/' }))
  assert.ok((await keys()).includes(`c/${note}`))
  const rename = (from: string, to: string) => folders().rename({ bucket: Bucket, from, to })
  await assert.rejects(rename('c/', 'd/'), UnfinishedFolderError)
  await assert.rejects(rename('b/', 'c/'), UnfinishedFolderError)
  await assert.rejects(rename('a/', 'c/'), UnfinishedFolderError)
  await folders().copy({ bucket: Bucket, from: 'a/', to: 'c/' })
  assert.deepEqual(await keys(), ['a/1', 'a/2', 'b/1', 'c/1', 'c/2'])
})

test('writes into the source that bypass the guard are not lost', async () => {
  await put('a/1', 'a/2')
  const onProgress = ({ phase, objects }: PlainS3Progress): void => {
    if (phase === 'copying' && objects === 2) writes.push(put('a/3'))
  }
  const writes: Promise<void>[] = []
  const s3 = server.client()
  s3.middlewareStack.add(
    (next) => async (args) => {
      await Promise.all(writes)
      return next(args)
    },
    { step: 'finalizeRequest' },
  )
  const rename = folders(s3).rename({ bucket: Bucket, from: 'a/', to: 'b/' }, { onProgress })
  await assert.rejects(rename, SourceChangedError)
  assert.equal(await bodyOf('a/3'), 'a/3')
  await folders().rename({ bucket: Bucket, from: 'a/', to: 'b/' })
  assert.deepEqual(await keys(), ['b/1', 'b/2', 'b/3'])
})

test('large objects are copied in parts, with their descriptions', async () => {
  const Body = Buffer.alloc(12 * mebibyte, 'large')
  const settings = { ContentType: 't/x', CacheControl: 'no-store', Metadata: { m: '1' } }
  await client.send(new PutObjectCommand({ Bucket, Key: 'a/l', Body, ...settings }))
  const sizes = { wholeBytes: 6 * mebibyte, partBytes: 5 * mebibyte }
  await folders(client, sizes).rename({ bucket: Bucket, from: 'a/', to: 'b/' })
  const found = await client.send(new HeadObjectCommand({ Bucket, Key: 'b/l' }))
  assert.match(found.ETag ?? '', /-3"$/)
  for (const [name, value] of Object.entries(settings)) {
    assert.deepEqual(found[name as keyof typeof found], value)
  }
  const { Body: stream } = await client.send(new GetObjectCommand({ Bucket, Key: 'b/l' }))
  assert.ok(Buffer.from((await stream?.transformToByteArray()) ?? []).equals(Body))
})

test('a copy in parts that fails leaves no upload behind', async () => {
  await client.send(new PutObjectCommand({ Bucket, Key: 'a/l', Body: Buffer.alloc(12 * mebibyte) }))
  const s3 = server.client()
  s3.middlewareStack.add(
    (next, { commandName }) => {
      if (commandName !== 'CompleteMultipartUploadCommand') return next
      return () => Promise.reject(new Error('the network is gone'))
    },
    { step: 'finalizeRequest' },
  )
  const sizes = { wholeBytes: 6 * mebibyte, partBytes: 5 * mebibyte }
  const copy = folders(s3, sizes).copy({ bucket: Bucket, from: 'a/', to: 'b/' })
  await assert.rejects(copy, /the network is gone/)
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }))
  assert.deepEqual(Uploads, [])
})

test('tasks that share a lock do their folders one after the other, and an abort ends the wait', async () => {
  await put('a/1', 'a/2')
  const guard = lockGuard(new PathLock())
  const [first, second, third] = await Promise.allSettled([
    folders(client, { guard }).rename({ bucket: Bucket, from: 'a/', to: 'b/' }),
    folders(client, { guard }).rename({ bucket: Bucket, from: 'b/', to: 'c/' }),
    folders(client, { guard }).remove(
      { bucket: Bucket, folder: 'c/' },
      { signal: AbortSignal.abort(new Error('enough')) },
    ),
  ])
  assert.equal(first.status, 'fulfilled')
  assert.equal(second.status, 'fulfilled')
  assert.equal(third.status === 'rejected' && third.reason.message, 'enough')
  assert.deepEqual(await keys(), ['c/1', 'c/2'])
})

test('when the guard loses the folders, the work stops, and can be continued', async () => {
  await put('a/1', 'a/2', 'a/3')
  const lost = new AbortController()
  const reason = new Error('the lease was lost')
  const guard: Guard = async () => ({
    held: true,
    signal: lost.signal,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  })
  const onProgress = ({ phase, objects }: PlainS3Progress): void => {
    if (phase === 'copying' && objects === 1) lost.abort(reason)
  }
  const names = { bucket: Bucket, from: 'a/', to: 'b/' }
  const rename = folders(client, { guard, concurrency: 1 }).rename(names, { onProgress })
  await assert.rejects(rename, reason)
  assert.deepEqual(await keys(), ['a/1', 'a/2', 'a/3', `b/${note}`, 'b/1'])
  assert.deepEqual(await folders().rename(names), { objects: 3, bytes: 9, isContinued: true })
  assert.deepEqual(await keys(), ['b/1', 'b/2', 'b/3'])
})
