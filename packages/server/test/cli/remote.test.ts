// The commands for a running server, against a real one. Run in this process where possible, since starting one
// takes longer than the command.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import {
  CreateBucketCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { createHoldfast } from 'holdfast-client'
import { freePort, startServer, type TestServer } from '../harness.ts'
import { accessTo, failure, lines, type Ran, runInChild, runInProcess } from './command-line.ts'

const main = join(import.meta.dirname, '../../src/cli/main.ts')
let server: TestServer
let s3: S3Client
let scratch: string
let count = 0
let bucket = ''

before(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'holdfast-cli-'))
  server = await startServer({ workers: 1 })
  s3 = server.client()
})

after(async () => {
  await server.close()
  await rm(scratch, { recursive: true, force: true })
})

beforeEach(async () => {
  bucket = `cli-${count++}`
  await s3.send(new CreateBucketCommand({ Bucket: bucket }))
})

/** Runs a command in this process. */
function run(command: string, ...args: string[]): Promise<Ran> {
  return runInProcess([command, ...accessTo(server), ...args])
}

function runPlain(...args: string[]): Promise<Ran> {
  return runInProcess(args)
}

/** Runs a command, which must succeed. Returns its lines. */
function done(command: string, ...args: string[]): Promise<string[]> {
  return lines(command, ...accessTo(server), ...args)
}

/** Runs a command, which must fail. Returns its messages. */
function fails(exitCode: number, command: string, ...args: string[]): Promise<string> {
  return failure(exitCode, command, ...accessTo(server), ...args)
}

/** Runs a command in a process of its own. */
function spawned(
  args: readonly string[],
  { input = '', env = {}, cwd = scratch } = {},
): Promise<Ran> {
  return runInChild(args, { input, env, cwd })
}

async function put(...keys: string[]): Promise<void> {
  for (const Key of keys) await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: Key }))
}

async function keys(name = bucket): Promise<string[]> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: name }))
  return Contents.map(({ Key }) => Key ?? '')
}

test('ls shows folders and objects with sizes and their sums', async () => {
  await put('a/1', 'a/b/22', 'a.txt', 'c')
  const [first, second, third, sum] = await done('ls', bucket)
  assert.match(first ?? '', /^\d{4}-\d\d-\d\d \d\d:\d\d {2} {6}5 B {2}a\.txt$/)
  assert.match(second ?? '', /^ +a\/$/)
  assert.match(third ?? '', / 1 B {2}c$/)
  assert.equal(sum, '1 folder, 2 objects, 6 B')
  assert.match((await done('ls', '--sizes', `s3://${bucket}/`))[1] ?? '', / 2 objects +9 B {2}a\/$/)
  assert.match((await done('ls', `${bucket}/a/`))[1] ?? '', / b\/$/)
  assert.match((await done('ls', `${bucket}/a`))[0] ?? '', /^ +a\/$/)
  assert.equal((await done('ls', '--recursive', bucket)).length, 5)
  assert.ok((await done('ls')).some((line) => line.endsWith(` ${bucket}`)))
  assert.match(
    await fails(1, 'ls', `${bucket}/none/`),
    /there is nothing at s3:\/\/cli-\d+\/none\//,
  )
  assert.match(await fails(1, 'ls', `${bucket}/c/`), /s3:\/\/cli-\d+\/c is an object/)
  assert.match(await fails(1, 'ls', 'no-such-bucket'), /NoSuchBucket/)
})

test('every listing can be JSON, one object a line', async () => {
  await put('a/1', 'c')
  const parsed = async (...args: string[]): Promise<Record<string, unknown>[]> =>
    (await done(args[0] ?? '', '--json', ...args.slice(1))).map((line) => JSON.parse(line))
  const [folder, object, last] = await parsed('ls', bucket)
  assert.deepEqual(folder, { type: 'folder', bucket, key: 'a/' })
  assert.equal(object?.['sizeBytes'], 1)
  assert.deepEqual(last, { summary: { folders: 1, objects: 1, bytes: 1 } })
  const [, counted] = await parsed('ls', '--sizes', bucket, '--recursive')
  assert.equal(counted?.['key'], 'c')
  const tree = await parsed('tree', `${bucket}/`)
  assert.deepEqual(tree[1], { type: 'object', bucket, key: 'a/1', level: 2, sizeBytes: 3 })
  const buckets = await parsed('ls')
  assert.ok(buckets.some((found) => found['bucket'] === bucket))
})

test('tree draws the contents of a folder, to a depth', async () => {
  await put('a/', 'a/1', 'a/b/c/2', 'a/b/3', 'd')
  assert.deepEqual(await done('tree', `${bucket}/`), [
    `s3://${bucket}/`,
    '├── a/',
    '│   ├── 1  (3 B)',
    '│   └── b/',
    '│       ├── 3  (5 B)',
    '│       └── c/',
    '│           └── 2  (7 B)',
    '└── d  (1 B)',
    '',
    '3 folders, 4 objects, 16 B',
  ])
  assert.equal((await done('tree', '--depth', '1', `${bucket}/a/`)).length, 5)
  assert.match(await fails(1, 'tree', `${bucket}/none/`), /there is nothing under/)
})

test('mv renames objects and folders, and refuses ambiguous names', async () => {
  await put('a/1', 'a/b/2', 'o', 'c/3')
  assert.deepEqual(await done('mv', `${bucket}/a/`, `${bucket}/x/y/`), [
    `moved s3://${bucket}/a/ to s3://${bucket}/x/y/`,
  ])
  await done('mv', `${bucket}/o`, `${bucket}/c/`)
  assert.deepEqual(await keys(), ['c/3', 'c/o', 'x/y/1', 'x/y/b/2'])
  const move = (...args: string[]) => fails(1, 'mv', ...args)
  assert.match(await move(`${bucket}/x/`, `${bucket}/c/`), /something under c\/; --replace puts/)
  assert.match(await move(`${bucket}/none/`, `${bucket}/n/`), /there is nothing under/)
  assert.match(
    await move(`${bucket}/x`, `${bucket}/n`),
    /\/x\/ is a folder: write it with its slash/,
  )
  assert.match(
    await move('--no-clobber', `${bucket}/c/3`, `${bucket}/c/o`),
    /there is an object s3:\/\/cli-\d+\/c\/o already/,
  )
  assert.match(await fails(2, 'mv', `${bucket}/x/`, `${bucket}/n`), /the target's name ends in \//)
  assert.match(await fails(2, 'mv', `${bucket}/x/`, 'other-bucket/x/'), /within its bucket/)
  const [json] = await done('mv', '--json', '--replace', `${bucket}/x/`, `${bucket}/c/`)
  assert.deepEqual(JSON.parse(json ?? ''), {
    moved: { from: `s3://${bucket}/x/`, to: `s3://${bucket}/c/` },
  })
  assert.deepEqual(await keys(), ['c/y/1', 'c/y/b/2'])
})

test('cp between buckets copies folders as a whole and objects one by one', async () => {
  const other = `${bucket}-other`
  await s3.send(new CreateBucketCommand({ Bucket: other }))
  await put('a/1', 'a/b/2')
  await done('cp', `s3://${bucket}/a/`, `s3://${other}/deep/`)
  await done('cp', `${bucket}/a/1`, `${other}/`)
  assert.deepEqual(await keys(other), ['1', 'deep/1', 'deep/b/2'])
  const copy = (...args: string[]) => fails(1, 'cp', ...args)
  assert.match(await copy(`${bucket}/a/`, `${other}/deep/`), /--replace/)
  assert.match(await copy(`${bucket}/a`, `${other}/x`), /write it with its slash/)
  assert.match(await copy('--no-clobber', `${bucket}/a/1`, `${other}/1`), /already/)
})

test('cp takes whole trees from this machine and brings them back', async () => {
  const folder = join(scratch, 'tree')
  await mkdir(join(folder, 'ä b/c'), { recursive: true })
  const large = Buffer.alloc(20_000_000, 'large')
  await writeFile(join(folder, 'page.html'), '<p>')
  await writeFile(join(folder, 'ä b/c/large'), large)
  await writeFile(join(folder, 'empty'), '')
  await symlink('page.html', join(folder, 'link'))
  const { exitCode, out, err } = await run('cp', `${folder}/`, `s3://${bucket}/in/`)
  assert.equal(exitCode, 0, err)
  assert.match(out, /\(3 objects, 19 MiB\)/)
  assert.match(err, /skipped .*link/)
  assert.deepEqual(await keys(), ['in/empty', 'in/page.html', 'in/ä b/c/large'])
  const head = new HeadObjectCommand({ Bucket: bucket, Key: 'in/page.html' })
  assert.equal((await s3.send(head)).ContentType, 'text/html')
  await done('cp', `s3://${bucket}/in/`, `${scratch}/out/`)
  const found = (await readdir(join(scratch, 'out'), { recursive: true })).sort()
  assert.deepEqual(found, ['empty', 'page.html', 'ä b', 'ä b/c', 'ä b/c/large'])
  assert.ok(large.equals(await readFile(join(scratch, 'out/ä b/c/large'))))
  assert.match(await fails(1, 'cp', folder, `s3://${bucket}/x`), /is a folder: write it/)
  assert.match(await fails(2, 'cp', `${folder}/`, `s3://${bucket}/x`), /ends in \/ too/)
  assert.match(await fails(1, 'cp', 'nothing', `s3://${bucket}/x`), /in a bucket: s3:\/\/nothing/)
})

test('cp of one file keeps its name in a folder, and overwrites unless told not to', async () => {
  const file = join(scratch, 'note.txt')
  await writeFile(file, 'one')
  await done('cp', file, `s3://${bucket}/n/`)
  await done('cp', '--content-type', 'x/y', file, `s3://${bucket}/n/`)
  const head = new HeadObjectCommand({ Bucket: bucket, Key: 'n/note.txt' })
  assert.equal((await s3.send(head)).ContentType, 'x/y')
  assert.match(await fails(1, 'cp', '--no-clobber', file, `s3://${bucket}/n/`), /already/)
  const target = join(scratch, 'fetched')
  await mkdir(target)
  await done('cp', `s3://${bucket}/n/note.txt`, `${target}/`)
  assert.equal(await readFile(join(target, 'note.txt'), 'utf8'), 'one')
  const again = [`s3://${bucket}/n/note.txt`, `${target}/`]
  assert.match(await fails(1, 'cp', '--no-clobber', ...again), /there is a file .* already/)
  assert.match(await fails(1, 'cp', `s3://${bucket}/n`, `${target}/x`), /write it with its slash/)
})

test('cp leaves out keys that no path can stand for, and says so', async () => {
  await put('k/../../escaped', 'k//double', 'k/fine', 'k/both', 'k/both/below')
  const said = await fails(1, 'cp', `s3://${bucket}/k/`, `${scratch}/keys/`)
  assert.match(said, /skipped k\/\.\.\/\.\.\/escaped/)
  assert.match(said, /skipped k\/\/double/)
  assert.match(said, /skipped k\/both/)
  assert.match(said, /3 of 5 objects were not copied/)
  assert.ok((await readdir(join(scratch, 'keys'))).includes('fine'))
  assert.ok(!(await readdir(scratch)).includes('escaped'))
})

test('cp reads standard input and writes standard output, and zip does too', async () => {
  const options = accessTo(server)
  const input = 'from a pipe'
  const sent = await spawned(['cp', ...options, '-', `${bucket}/z/piped`], { input })
  assert.equal(sent.exitCode, 0, sent.err)
  const read = await spawned(['cp', ...options, '--json', `${bucket}/z/piped`, '-'])
  assert.equal(read.out, input)
  assert.equal(JSON.parse(read.err).copied.bytes, input.length)
  const zipped = await spawned(['zip', ...options, `${bucket}/z/`, '-'])
  assert.equal(zipped.exitCode, 0, zipped.err)
  assert.ok(zipped.out.startsWith('PK'))
})

test('rm removes objects, and folders only with their slash', async () => {
  await put('a/1', 'a/2', 'b/3', 'c', 'd')
  assert.match(await fails(1, 'rm', `${bucket}/a`), /\/a\/ is a folder: write it with its slash/)
  assert.match(await fails(1, 'rm', `${bucket}/none`), /there is no object/)
  assert.match(await fails(2, 'rm', `${bucket}/`), /is a bucket/)
  await done('rm', `${bucket}/a/`, `s3://${bucket}/c`)
  const [json] = await done('rm', '--json', `${bucket}/b/`)
  assert.deepEqual(JSON.parse(json ?? ''), { removed: `s3://${bucket}/b/` })
  assert.deepEqual(await keys(), ['d'])
})

test('zip writes a file, whole or not at all, and overwrites none', async () => {
  await put('a/1', 'a/b/2')
  const file = join(scratch, 'a.zip')
  assert.match((await done('zip', `${bucket}/a/`, file))[0] ?? '', /^wrote s3:.*a\.zip \(\d+ B\)$/)
  assert.equal((await readFile(file)).subarray(0, 2).toString(), 'PK')
  assert.match(
    await fails(1, 'zip', `${bucket}/a/`, file),
    /there is a file .*a\.zip already; --replace overwrites it/,
  )
  await done('zip', '--tar', '--replace', `${bucket}/a/`, file)
  assert.equal((await readFile(file)).length % 512, 0)
  const none = await fails(1, 'zip', `${bucket}/none/`, join(scratch, 'none.zip'))
  assert.match(none, /there is nothing under/)
  assert.ok(!(await readdir(scratch)).some((name) => name.startsWith('none.zip')))
})

test('lock runs a command under a lease, which commands in it use, and passes its exit code on', async () => {
  await put('p/1')
  const inside = [
    `${process.execPath} ${main} lock --list ${bucket}`,
    `${process.execPath} ${main} cp ${bucket}/p/1 ${bucket}/p/2`,
    'exit 7',
  ].join('\n')
  const { endpoint, accessKeyId, secretAccessKey } = server
  const env = {
    HOLDFAST_ENDPOINT: endpoint,
    HOLDFAST_ACCESS_KEY: accessKeyId,
    HOLDFAST_SECRET_KEY: secretAccessKey,
  }
  const args = ['lock', `${bucket}/p/`, '--label', 'nightly', '--', 'sh', '-c', inside]
  const { exitCode, out, err } = await spawned(args, { env })
  assert.equal(exitCode, 7, out + err)
  assert.match(out, /^cli-\d+:\d+ {2}held {2}write p\/ {2}"nightly" {2}since/)
  assert.match(out, /1 lease held, 0 waiting/)
  assert.deepEqual(await keys(), ['p/1', 'p/2'])
  assert.deepEqual(await done('lock', '--list', bucket), ['0 leases held, 0 waiting'])
})

test('lock gives up when it may not wait, ends its command when the lease is lost, and releases', async () => {
  const { leases } = createHoldfast(s3)
  const held = await leases.acquire({ bucket, write: ['p/'] }, { label: 'other' })
  const busy = await fails(5, 'lock', '--wait', '0', `${bucket}/p/`, '--', 'true')
  assert.match(busy, /lease \d+ \(other\) is before this one/)
  await done('lock', '--release', `${bucket}:${held.ticket}`)
  const lost = run('lock', '--ttl', '1', `${bucket}/p/`, '--', 'sleep', '60')
  for (;;) {
    const [line = ''] = await done('lock', '--json', '--list', bucket)
    const { lease } = JSON.parse(line)
    if (typeof lease === 'string') {
      await done('lock', '--json', '--release', lease)
      break
    }
  }
  const { exitCode, err } = await lost
  assert.equal(exitCode, 5, err)
  assert.match(err, /the lease has ended|was not renewed/)
  assert.match(await fails(1, 'lock', `${bucket}/p/`, '--', 'no-such-program'), /no such program/)
})

test('the server and its key are found in the data folder', async () => {
  await copyFile(server.credentialsFile, join(server.dataFolder, 'credentials.json'))
  await put('x')
  const named = await runPlain('ls', '--data', server.dataFolder, bucket)
  assert.equal(named.exitCode, 0, named.err)
  await symlink(server.dataFolder, join(scratch, 'data'))
  const here = await spawned(['ls', bucket])
  assert.equal(here.exitCode, 0, here.err)
  assert.match(here.out, /1 B {2}x/)
  await rm(join(scratch, 'data'))
  const none = await runPlain('ls', '--data', scratch)
  assert.equal(none.exitCode, 1)
  assert.match(none.err, /there is no root key in .*: is it a data folder\?/)
})

test('the settings of the shell that runs the tests do not reach the commands under test', async (t) => {
  const shell = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b', HOLDFAST_ENDPOINT: 'c' }
  const before = { ...process.env }
  t.after(() => {
    process.env = before
  })
  Object.assign(process.env, shell)
  const { exitCode, err } = await runPlain('ls', '--data', scratch)
  assert.equal(exitCode, 1)
  assert.match(err, /there is no root key in .*: is it a data folder\?/)
  assert.equal(process.env['HOLDFAST_ENDPOINT'], 'c')
})

test('a profile of ~/.aws names key and server', async () => {
  await mkdir(join(scratch, '.aws'))
  const { endpoint, accessKeyId, secretAccessKey } = server
  await writeFile(
    join(scratch, '.aws/config'),
    `[profile here]\nendpoint_url = ${endpoint}\nregion = r-1\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`,
  )
  const { exitCode, out, err } = await spawned(['ls', '--profile', 'here'])
  assert.equal(exitCode, 0, err)
  assert.ok(out.includes(` ${bucket}\n`))
})

test('failures of the connection are explained', async () => {
  const endpoint = `http://127.0.0.1:${await freePort()}`
  const key = ['--access-key', 'AKNOBODY', '--secret-key', 'none']
  const gone = await runPlain('ls', '--endpoint', endpoint, ...key)
  assert.equal(gone.exitCode, 1)
  assert.match(
    gone.err,
    /no server answers at .* \(ECONNREFUSED\): start one with `holdfast serve`/,
  )
  const stranger = await runPlain('ls', '--endpoint', server.endpoint, ...key)
  assert.match(stranger.err, /refuses the access key AKNOBODY \(InvalidAccessKeyId\)/)
  const nobody = await spawned(['ls'], { env: { HOME: '/nonexistent' }, cwd: tmpdir() })
  assert.equal(nobody.exitCode, 1)
  assert.match(nobody.err, /neither a data folder here nor an access key: start a server/)
})

test('an upload that is stopped leaves nothing behind', async () => {
  const file = join(scratch, 'big')
  await writeFile(file, Buffer.alloc(200_000_000))
  const child = spawn(process.execPath, [
    main,
    'cp',
    ...accessTo(server),
    file,
    `s3://${bucket}/big`,
  ])
  const uploads = async (): Promise<number> => {
    const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand({ Bucket: bucket }))
    return Uploads.length
  }
  let err = ''
  child.stderr.on('data', (chunk) => {
    err += chunk
  })
  while ((await uploads()) === 0) await new Promise((resolve) => setTimeout(resolve, 10))
  child.kill('SIGINT')
  await once(child, 'close')
  assert.equal(child.exitCode, 1)
  assert.match(err, /stopped by SIGINT/)
  assert.equal(await uploads(), 0)
  assert.deepEqual(await keys(), [])
})

test('every command explains itself', async () => {
  for (const name of ['ls', 'tree', 'mv', 'cp', 'rm', 'zip', 'lock']) {
    const { exitCode, out } = await runPlain(name, '--help')
    assert.equal(exitCode, 0)
    assert.match(out, new RegExp(`^holdfast ${name}: `))
    assert.match(out, /--endpoint URL/)
    assert.equal((await runPlain('help', name)).out, out)
    assert.ok((await runPlain('help')).out.includes(`holdfast ${name} `))
  }
})
