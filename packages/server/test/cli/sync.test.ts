// `holdfast sync` and `holdfast check`, between a server and this machine.

import assert from 'node:assert/strict'
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import {
  CreateBucketCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { startServer, type TestServer } from '../harness.ts'
import { accessTo, failure, lines, runInProcess } from './command-line.ts'

let server: TestServer
let s3: S3Client
let scratch: string
let folder: string
let bucket = ''
let count = 0

before(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'holdfast-sync-'))
  server = await startServer({ workers: 1 })
  s3 = server.client()
})

after(async () => {
  await server.close()
  await rm(scratch, { recursive: true, force: true })
})

beforeEach(async () => {
  bucket = `sync-${count}`
  folder = `${join(scratch, `folder-${count++}`)}/`
  await mkdir(folder)
  await s3.send(new CreateBucketCommand({ Bucket: bucket }))
})

function done(command: string, ...args: string[]): Promise<string[]> {
  return lines(command, ...accessTo(server), ...args)
}

async function put(key: string, body: string | Buffer): Promise<void> {
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }))
}

async function write(name: string, content: string | Buffer): Promise<void> {
  await mkdir(join(folder, name, '..'), { recursive: true })
  await writeFile(join(folder, name), content)
}

async function keys(): Promise<string[]> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket }))
  return Contents.map(({ Key = '' }) => Key)
}

async function files(): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length))
    .sort()
}

/** Makes all files older than any object. */
async function age(...names: string[]): Promise<void> {
  for (const name of names) await utimes(join(folder, name), 1, 1)
}

test('sync uploads what is missing or newer, and removes only if told to', async () => {
  for (const name of ['a/b', 'a.b', 'a-b/c', 'd']) await write(name, name)
  await age('a/b', 'a.b', 'a-b/c', 'd')
  const target = `s3://${bucket}/t/`
  const first = await done('sync', folder, target)
  assert.match(first[0] ?? '', /^copied 4 objects \(12 B\), left 0 as they are/)
  assert.deepEqual(await keys(), ['t/a-b/c', 't/a.b', 't/a/b', 't/d'])
  assert.match((await done('sync', folder, target))[0] ?? '', /^copied 0 objects.* left 4 as/)
  await write('d', 'D')
  await put('t/surplus', 'x')
  const dry = await done('sync', '--delete', '--dry-run', folder, target)
  assert.deepEqual(dry.slice(0, 2), [
    `would have copied ${folder}d`,
    `would have removed s3://${bucket}/t/surplus`,
  ])
  assert.equal((await keys()).length, 5)
  assert.match((await done('sync', folder, target))[0] ?? '', /^copied 1 object .* left 3 as/)
  assert.equal((await keys()).length, 5)
  await age('d')
  const last = await done('sync', '--delete', folder, target)
  assert.match(last[0] ?? '', /^copied 0 objects \(0 B\), removed 1, left 4 as/)
  assert.equal((await keys()).length, 4)
})

test('sync downloads, keeps the times, and removes files that the source lacks', async () => {
  await put('x/one', '1')
  await put('x/deep/two', '22')
  await put('x/deep/', '')
  await write('old', 'old')
  await done('sync', `s3://${bucket}/x/`, folder)
  assert.deepEqual(await files(), ['deep/two', 'old', 'one'])
  assert.match((await done('sync', `s3://${bucket}/x/`, folder))[0] ?? '', /copied 0 objects/)
  await done('sync', '--delete', `s3://${bucket}/x/`, folder)
  assert.deepEqual(await files(), ['deep/two', 'one'])
  assert.equal(await readFile(join(folder, 'deep/two'), 'utf8'), '22')
})

test('sync between folders of a server copies on the server', async () => {
  await put('x/one', '1')
  await put('x/two', '2')
  await done('sync', `s3://${bucket}/x/`, `s3://${bucket}/y/`)
  assert.deepEqual(await keys(), ['x/one', 'x/two', 'y/one', 'y/two'])
  await put('x/two', '3')
  const [summary] = await done('sync', `s3://${bucket}/x/`, `s3://${bucket}/y/`)
  assert.match(summary ?? '', /^copied 1 object \(1 B\), left 1 as/)
})

test('sync removes nothing where the source is empty or a part of it cannot be read', async () => {
  await put('t/precious', 'x')
  const target = `s3://${bucket}/t/`
  const refusal = await failure(1, 'sync', ...accessTo(server), '--delete', folder, target)
  assert.match(refusal, /is empty: nothing was removed/)
  await write('a', 'a')
  await symlink('a', join(folder, 'link'))
  await put('t/link', 'x')
  await mkdir(join(folder, 'closed'))
  await chmod(join(folder, 'closed'), 0)
  const { exitCode, err } = await runInProcess([
    ...['sync', ...accessTo(server), '--delete', folder, target],
  ])
  await chmod(join(folder, 'closed'), 0o700)
  assert.match(err, /skipped .*link: no file/)
  // The superuser may read every folder.
  if (process.getuid?.() !== 0) {
    assert.equal(exitCode, 1)
    assert.deepEqual(await keys(), ['t/a', 't/link', 't/precious'])
  }
})

test('sync leaves out what is excluded, on both sides', async () => {
  await write('a.txt', 'a')
  await write('cache/b', 'b')
  await put('cache/c', 'c')
  await put('d.tmp', 'd')
  const rules = ['--exclude', 'cache/**', '--exclude', '*.tmp']
  await done('sync', '--delete', ...rules, folder, `s3://${bucket}/`)
  assert.deepEqual(await keys(), ['a.txt', 'cache/c', 'd.tmp'])
})

test('check and sync --checksum see changes that sizes and times hide, in parts too', async () => {
  const large = Buffer.alloc(9 * 1_048_576, 'x')
  await write('large', large)
  await write('small', 'small')
  const target = `s3://${bucket}/`
  await done('sync', folder, target)
  assert.match((await done('check', folder, target)).at(-1) ?? '', /^2 names the same, 0 different/)
  large[5] = 0
  await write('large', large)
  await write('small', 'SMALL')
  await write('new', 'new')
  await put('gone', 'gone')
  await age('large', 'small')
  const differing = await runInProcess(['check', ...accessTo(server), folder, target])
  assert.equal(differing.exitCode, 1)
  assert.deepEqual(differing.out.split('\n').slice(0, 4), ['- gone', '* large', '+ new', '* small'])
  const quick = await runInProcess(['check', ...accessTo(server), '--size-only', folder, target])
  assert.match(quick.out, /2 names the same, 0 different, 1 only in .*, 1 only in/)
  assert.match((await done('sync', folder, target))[0] ?? '', /^copied 1 object/)
  assert.match((await done('sync', '--checksum', folder, target))[0] ?? '', /^copied 2 objects/)
  const after = await runInProcess(['check', ...accessTo(server), target, folder])
  assert.match(after.out, /^\+ gone\n3 names the same/)
})

test('sync refuses names that are no folders', async () => {
  assert.match(await failure(2, 'sync', folder, `s3://${bucket}/key`), /is no folder: end it with/)
  assert.match(await failure(2, 'sync', './a', './b'), /one of the two must be in a bucket/)
  assert.match(await failure(2, 'sync', '-', `s3://${bucket}/`), /a stream is no folder/)
})
