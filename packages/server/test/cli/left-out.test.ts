// Copies of folders with an entry that can't be copied: it is reported, the rest is copied, the exit code is 1.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import {
  CreateBucketCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { type CommandResult, runHoldfast, startServer, type TestServer } from '../harness.ts'

let server: TestServer
let s3: S3Client
let scratch: string
let target: string
let count = 0
let bucket = ''

before(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'holdfast-left-out-'))
  server = await startServer({ workers: 1 })
  s3 = server.client()
})

after(async () => {
  await server.close()
  await rm(scratch, { recursive: true, force: true })
})

beforeEach(async () => {
  bucket = `left-out-${count++}`
  target = join(scratch, bucket)
  await s3.send(new CreateBucketCommand({ Bucket: bucket }))
})

async function cp(...args: string[]): Promise<CommandResult> {
  const { endpoint, accessKeyId, secretAccessKey } = server
  const access = ['--access-key', accessKeyId, '--secret-key', secretAccessKey]
  return runHoldfast(['cp', '--endpoint', endpoint, ...access, ...args])
}

async function put(...keys: string[]): Promise<void> {
  await Promise.all(
    keys.map((Key) => s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: 'text' }))),
  )
}

async function mark(Key: string): Promise<void> {
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: Buffer.alloc(0) }))
}

/** The names below the target folder, without temporary files. */
async function arrived(): Promise<string[]> {
  return (await readdir(target, { recursive: true })).sort()
}

test('names up to 255 bytes arrive, longer ones are named and left out', async () => {
  const fine = Array.from({ length: 30 }, (_, index) => `k/fine-${index}`)
  const long = [250, 254, 255].map((length) => `k/${'a'.repeat(length)}`)
  const wide = `k/${'ä'.repeat(127)}`
  const tooLong = [`k/${'a'.repeat(256)}`, `k/${'ä'.repeat(128)}`, `k/${'b'.repeat(300)}/below`]
  await put(...fine, ...long, wide, ...tooLong)
  const { exitCode, output } = await cp(`s3://${bucket}/k/`, `${target}/`)
  assert.equal(exitCode, 1)
  for (const key of tooLong) {
    assert.ok(output.includes(`holdfast: skipped ${key}: its name is too long`), output)
  }
  assert.match(output, /^copied s3:.*\(34 objects/m)
  assert.match(output, /^holdfast: 3 of 37 objects were not copied; they are named above$/m)
  const names = [...fine, ...long, wide].map((key) => key.slice(2))
  assert.deepEqual(await arrived(), names.sort())
})

test('marks of folders become folders, and their bytes are named as left out', async () => {
  await mark('k/')
  await mark('k/empty/')
  await mark('k/a/b/')
  await put('k/a/b/file')
  const clean = await cp(`s3://${bucket}/k/`, `${target}/`)
  assert.equal(clean.exitCode, 0, clean.output)
  assert.deepEqual(await arrived(), ['a', 'a/b', 'a/b/file', 'empty'])
  await put('k/full/', 'k//double', 'k/./dot', 'k/../up')
  const { exitCode, output } = await cp(`s3://${bucket}/k/`, `${target}/`)
  assert.equal(exitCode, 1)
  for (const key of ['k/full/', 'k//double', 'k/./dot', 'k/../up']) {
    assert.ok(output.includes(`skipped ${key}: `), output)
  }
  assert.match(output, /4 of 8 objects were not copied/)
  assert.deepEqual(await arrived(), ['a', 'a/b', 'a/b/file', 'empty'])
})

test('a file in the way on this machine is named, and stays', async () => {
  await put('k/file', 'k/folder', 'k/link/below', 'k/circle/below', 'k/fine')
  await mkdir(join(target, 'folder/inside'), { recursive: true })
  await mkdir(join(target, 'file'))
  await symlink('nowhere', join(target, 'link'))
  await symlink('circle', join(target, 'circle'))
  const { exitCode, output } = await cp(`s3://${bucket}/k/`, `${target}/`)
  assert.equal(exitCode, 1)
  assert.match(output, /skipped k\/folder: there is a folder of this name/)
  assert.match(output, /skipped k\/link\/below: .*a link that leads nowhere/)
  assert.match(output, /skipped k\/circle\/below: .*a link that leads nowhere/)
  assert.match(output, /\(1 object, 4 B\)/)
  assert.match(output, /4 of 5 objects were not copied/)
  assert.equal(await readFile(join(target, 'fine'), 'utf8'), 'text')
  assert.ok((await stat(join(target, 'folder/inside'))).isDirectory())
})

test('--no-clobber leaves out existing ones, one by one, both ways', async () => {
  await put('k/1', 'k/2', 'k/3')
  await mkdir(target)
  await writeFile(join(target, '2'), 'mine')
  const down = await cp('--no-clobber', `s3://${bucket}/k/`, `${target}/`)
  assert.equal(down.exitCode, 1)
  assert.match(down.output, /skipped k\/2: there is a file .*2 already/)
  assert.match(down.output, /1 of 3 objects were not copied/)
  assert.equal(await readFile(join(target, '2'), 'utf8'), 'mine')
  await writeFile(join(target, '4'), 'new')
  const up = await cp('--no-clobber', `${target}/`, `s3://${bucket}/k/`)
  assert.equal(up.exitCode, 1)
  assert.match(up.output, /skipped .*\/1: there is an object s3:.*k\/1 already/)
  assert.match(up.output, /3 of 4 files were not copied/)
})

test('an upload leaves out files whose keys are too long or whose names are no text', async () => {
  const deep = join(target, ...Array.from({ length: 5 }, () => 'd'.repeat(220)))
  await mkdir(deep, { recursive: true })
  await writeFile(join(deep, 'x'), '')
  await writeFile(join(target, 'fine'), 'text')
  await writeFile(Buffer.concat([Buffer.from(`${target}/`), Buffer.from([0xff, 0x61])]), '')
  const { exitCode, output } = await cp(`${target}/`, `s3://${bucket}/up/`)
  assert.equal(exitCode, 1)
  assert.match(output, /skipped .*\/x: KeyTooLongError: /)
  assert.match(output, /skipped .*: its name is not UTF-8/)
  assert.match(output, /2 of 3 files were not copied/)
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket }))
  assert.deepEqual(
    Contents.map(({ Key }) => Key),
    ['up/fine'],
  )
})

test('one object whose name can not be used here says so, and which other name helps', async () => {
  const long = 'a'.repeat(256)
  await put(long, 'x/..')
  await mkdir(target)
  const own = await cp(`s3://${bucket}/${long}`, `${target}/`)
  assert.equal(own.exitCode, 1)
  assert.match(own.output, /needs another name here: its name is too long for the file system/)
  const up = await cp(`s3://${bucket}/x/..`, `${target}/`)
  assert.equal(up.exitCode, 1)
  assert.match(up.output, /needs another name here: on this machine \. and \.\. are no names/)
  const named = await cp(`s3://${bucket}/${long}`, join(target, 'short'))
  assert.equal(named.exitCode, 0, named.output)
  const folder = await cp(`s3://${bucket}/${long}`, target)
  assert.equal(folder.exitCode, 1)
  assert.match(folder.output, /left-out-\d+: there is a folder of this name/)
  assert.deepEqual(await arrived(), ['short'])
})

test('a bucket that is not there, or a key that is refused, ends a copy at once', async () => {
  await mkdir(target)
  for (const name of ['1', '2', '3']) await writeFile(join(target, name), name)
  const { exitCode, output } = await cp(`${target}/`, 's3://no-such-bucket/k/')
  assert.equal(exitCode, 1)
  assert.match(output, /^holdfast: the server refuses: NoSuchBucket: [^\n]*\n$/)
})

test('an object that breaks off, or has gone meanwhile, is named; nothing of it is left', async () => {
  const contents = ['k/broken', 'k/fine', 'k/gone']
    .map((key) => `<Contents><Key>${key}</Key><Size>10</Size></Contents>`)
    .join('')
  const fake = createServer((incoming, response) => {
    response.setHeader('x-amz-request-id', 'r')
    if (incoming.url?.includes('list-type=2')) {
      response.end(`<ListBucketResult>${contents}</ListBucketResult>`)
    } else if (incoming.url?.includes('/k/gone')) {
      response.writeHead(404).end('<Error><Code>NoSuchKey</Code></Error>')
    } else if (incoming.url?.includes('/k/fine')) {
      response.end('0123456789')
    } else {
      response.writeHead(200, { 'content-length': 10 })
      response.write('01234', () => response.destroy())
    }
  }).listen(0, '127.0.0.1')
  await once(fake, 'listening')
  const address = fake.address()
  assert.ok(typeof address === 'object' && address !== null)
  const key = ['--access-key', 'AK', '--secret-key', 'secret']
  const endpoint = ['--endpoint', `http://127.0.0.1:${address.port}`]
  const ran = await runHoldfast(['cp', ...endpoint, ...key, 's3://bucket/k/', `${target}/`])
  fake.close()
  assert.equal(ran.exitCode, 1)
  assert.match(ran.output, /skipped k\/broken: s3:.*broken broke off after \d of 10 bytes/)
  assert.match(ran.output, /skipped k\/gone: there is no object/)
  assert.match(ran.output, /2 of 3 objects were not copied/)
  assert.deepEqual(await arrived(), ['fine'])
})
