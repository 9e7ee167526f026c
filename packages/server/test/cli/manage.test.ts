// The commands that make and inspect buckets and objects, against a real server.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import {
  CreateMultipartUploadCommand,
  ListBucketsCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { startServer, type TestServer } from '../harness.ts'
import { accessTo, failure, lines, runInChild } from './command-line.ts'

let server: TestServer
let s3: S3Client
let scratch: string
let count = 0
let bucket = ''

before(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'holdfast-manage-'))
  server = await startServer({ workers: 1 })
  s3 = server.client()
})

after(async () => {
  await server.close()
  await rm(scratch, { recursive: true, force: true })
})

beforeEach(async () => {
  bucket = `manage-${count++}`
  await done('mb', bucket)
})

function done(command: string, ...args: string[]): Promise<string[]> {
  return lines(command, ...accessTo(server), ...args)
}

function fails(command: string, ...args: string[]): Promise<string> {
  return failure(1, command, ...accessTo(server), ...args)
}

async function put(key: string, body = key): Promise<void> {
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }))
}

async function buckets(): Promise<string[]> {
  const { Buckets = [] } = await s3.send(new ListBucketsCommand({}))
  return Buckets.map(({ Name = '' }) => Name)
}

test('mb creates buckets, and reports those that exist', async () => {
  assert.deepEqual(await done('mb', 's3://made-one', 'made-two'), [
    'created s3://made-one',
    'created s3://made-two',
  ])
  assert.match(await fails('mb', 'made-one'), /s3:\/\/made-one exists already, and is yours/)
  assert.deepEqual(await done('mb', '--ignore-existing', 'made-one'), ['s3://made-one exists'])
  assert.match(await fails('mb', 'Not_A_Bucket'), /InvalidBucketName/)
  assert.match(await failure(2, 'mb', 's3://a-bucket/key'), /name the bucket alone/)
})

test('rb removes a bucket with its contents only if told to', async () => {
  await put('a/b/c')
  await put('d')
  await s3.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: 'unfinished' }))
  assert.match(await fails('rb', bucket), /is not empty; --force removes its contents/)
  assert.match(await fails('rb', '--dry-run', bucket), /is not empty/)
  assert.deepEqual(await done('rb', '--force', '--dry-run', bucket), [
    `would remove s3://${bucket} (2 objects, 6 B)`,
  ])
  assert.ok((await buckets()).includes(bucket))
  assert.deepEqual(await done('rb', '--force', bucket), [`removed s3://${bucket}`])
  assert.ok(!(await buckets()).includes(bucket))
  assert.match(await fails('rb', bucket), /NoSuchBucket/)
})

test('cat writes objects one after the other', async () => {
  await put('one', '1\n')
  await put('two', '2\n')
  const args = ['cat', ...accessTo(server), `${bucket}/one`, `${bucket}/two`]
  const { exitCode, out, err } = await runInChild(args, { cwd: scratch })
  assert.deepEqual({ exitCode, out, err }, { exitCode: 0, out: '1\n2\n', err: '' })
  assert.match(await fails('cat', `${bucket}/three`), /there is no object/)
  assert.match(await failure(2, 'cat', `${bucket}/folder/`), /cat takes objects/)
})

test('stat shows the metadata of an object, and the sums of folders and buckets', async () => {
  await s3.send(
    new PutObjectCommand({
      ...{ Bucket: bucket, Key: 'f/a.txt', Body: 'hello', ContentType: 'text/plain' },
      Metadata: { colour: 'blue' },
    }),
  )
  const object = (await done('stat', `${bucket}/f/a.txt`)).join('\n')
  assert.match(object, /bytes: +5\n/)
  assert.match(object, /etag: +"5d41402abc4b2a76b9719d911017c592"\n/)
  assert.match(object, /content-type: +text\/plain\n/)
  assert.match(object, /x-amz-meta-colour: +blue/)
  const [folder = ''] = await done('stat', '--json', `${bucket}/f/`)
  assert.deepEqual(JSON.parse(folder), {
    ...{ name: `s3://${bucket}/f/`, type: 'folder', objects: 1, bytes: 5 },
  })
  const [whole = ''] = await done('stat', '--json', bucket)
  assert.deepEqual(JSON.parse(whole), {
    ...{ name: `s3://${bucket}/`, type: 'bucket', region: 'us-east-1', objects: 1, bytes: 5 },
  })
  assert.match(await fails('stat', `${bucket}/f`), /is a folder: write it with its slash/)
  assert.match(await fails('stat', `${bucket}/g/`), /there is nothing under/)
})

test('du counts folders to a depth, and the whole last', async () => {
  for (const key of ['a/b/1', 'a/b/2', 'a/c/3', 'a/4', 'd/5', '6']) await put(key, '12')
  const usage = async (...args: string[]): Promise<string[]> =>
    (await done('du', ...args)).map((line) => line.trim().replace(/ +/g, ' '))
  assert.deepEqual(await usage(bucket), [`12 B 6 objects s3://${bucket}/`])
  assert.deepEqual(await usage('--depth', '2', bucket), [
    `4 B 2 objects s3://${bucket}/a/b/`,
    `2 B 1 object s3://${bucket}/a/c/`,
    `8 B 4 objects s3://${bucket}/a/`,
    `2 B 1 object s3://${bucket}/d/`,
    `12 B 6 objects s3://${bucket}/`,
  ])
  assert.deepEqual(await usage('--depth', '1', `${bucket}/a/`), [
    `4 B 2 objects s3://${bucket}/a/b/`,
    `2 B 1 object s3://${bucket}/a/c/`,
    `8 B 4 objects s3://${bucket}/a/`,
  ])
  assert.match(await fails('du', `${bucket}/none/`), /there is nothing at/)
})

test('find lists the objects that meet all conditions', async () => {
  for (const key of ['logs/a.csv', 'logs/deep/b.csv', 'logs/c.txt']) await put(key)
  await put('logs/empty.csv', '')
  const found = async (...args: string[]): Promise<string[]> =>
    (await done('find', bucket, ...args)).map((line) => line.replace(`s3://${bucket}/`, ''))
  assert.deepEqual(await found('--name', '*.csv', '--larger', '0'), [
    'logs/a.csv',
    'logs/deep/b.csv',
  ])
  assert.deepEqual(await found('--path', 'logs/*.csv'), ['logs/a.csv', 'logs/empty.csv'])
  assert.deepEqual(await found('--path', '**/b.*'), ['logs/deep/b.csv'])
  assert.deepEqual(await found('--smaller', '1b'), ['logs/empty.csv'])
  assert.deepEqual(await found('--older-than', '1d'), [''])
  assert.equal((await found('--newer-than', '1d')).length, 4)
  assert.match(
    await failure(2, 'find', bucket, '--larger', 'much'),
    /--larger takes a number of bytes/,
  )
})

test('presign makes URLs that work without a key', async () => {
  const [upload = ''] = await done('presign', '--put', '--expires', '5m', `${bucket}/a b+c`)
  const sent = await fetch(upload, { method: 'PUT', body: 'presigned' })
  assert.equal(sent.status, 200, await sent.text())
  const [download = ''] = await done('presign', `${bucket}/a b+c`)
  assert.match(download, /X-Amz-Expires=3600/)
  assert.equal(await (await fetch(download)).text(), 'presigned')
  const message = await failure(2, 'presign', '--expires', '8d', `${bucket}/a`)
  assert.match(message, /--expires takes a time such as 30m, 12h or 7d, at most 7d/)
})

test('rm and mv show what they would do', async () => {
  for (const key of ['a/1', 'a/2', 'b/1']) await put(key)
  assert.deepEqual(await done('rm', '--dry-run', `${bucket}/a/`, `${bucket}/b/1`), [
    `would remove s3://${bucket}/a/ (2 objects, 6 B)`,
    `would remove s3://${bucket}/b/1 (1 object, 3 B)`,
  ])
  assert.deepEqual(await done('mv', '--dry-run', `${bucket}/a/`, `${bucket}/b/`), [
    `would move s3://${bucket}/a/ to s3://${bucket}/b/ (2 objects, 6 B)`,
    'there, it would meet 1 object, 3 B',
  ])
  assert.equal((await done('find', bucket)).length, 3)
  assert.match(await fails('rm', '--dry-run', `${bucket}/c`), /there is no object/)
  assert.match(await fails('mv', '--dry-run', `${bucket}/c/`, `${bucket}/d/`), /there is nothing/)
})

test('completion prints a script for each shell', async () => {
  const bash = (await lines('completion', 'bash')).join('\n')
  assert.match(bash, /ls\) words='--recursive --sizes --json/)
  assert.match(bash, /complete -o filenames -F _holdfast holdfast/)
  assert.match((await lines('completion', 'zsh')).join('\n'), /^autoload -Uz bashcompinit/)
  assert.match(
    (await lines('completion', 'fish')).join('\n'),
    /complete -c holdfast -n '__fish_seen_subcommand_from cp' -l content-type -r -d/,
  )
  assert.match(await failure(2, 'completion', 'tcsh'), /bash, zsh or fish/)
})
