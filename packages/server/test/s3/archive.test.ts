// Archives of folders over the wire: their contents, read by other programs, and that an archive is a snapshot,
// unaffected by later changes and by slow clients.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, test } from 'node:test'
import { promisify } from 'node:util'
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import type { Row } from '../../src/engine/engine.ts'
import { decodeName } from '../../src/protocol/archive/name.ts'
import * as treeSchema from '../../src/store/tree/schema.ts'
import { bodyOf } from '../crash/content.ts'
import { canonicalQuery, objectPath, signedHeaders, type WireAnswer, xmlText } from '../wire.ts'
import { startForFile } from './bucket.fixture.ts'

const run = promisify(execFile)
const server = await startForFile()
const client = server.client()
const scratch = await mkdtemp(join(tmpdir(), 'holdfast-archive-'))
let count = 0
let Bucket = ''

after(() => rm(scratch, { recursive: true }))

beforeEach(async () => {
  Bucket = `archives-${count++}`
  await client.send(new CreateBucketCommand({ Bucket }))
})

async function put(Key: string, Body: string | Buffer = Key): Promise<void> {
  await client.send(new PutObjectCommand({ Bucket, Key, Body }))
}

function get(folder: string, archive: string, method = 'GET'): Promise<WireAnswer> {
  return server.send({ method, path: objectPath(Bucket, folder), query: { archive } })
}

/** Names and contents of an archive's files, and names of its folders, as Python reads them. */
async function contentsOf(archive: Buffer, form: 'zip' | 'tar'): Promise<Record<string, string>> {
  const path = join(scratch, `archive.${form}`)
  await writeFile(path, archive)
  const program =
    form === 'zip'
      ? `
import json, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as a:
    assert a.testzip() is None
    print(json.dumps({i.filename: a.read(i).hex() for i in a.infolist()}))
`
      : `
import json, sys, tarfile
with tarfile.open(sys.argv[1]) as a:
    print(json.dumps({i.name + ('/' if i.isdir() else ''): a.extractfile(i).read().hex() if i.isfile() else '' for i in a.getmembers()}))
`
  const { stdout } = await run('python3', ['-c', program, path], { maxBuffer: 2 ** 28 })
  return JSON.parse(stdout)
}

const hex = (content: string | Buffer): string => Buffer.from(content).toString('hex')

test('an archive has every object of a folder, of every kind and name', async () => {
  const expected = new Map<string, Buffer>()
  const odd = ['', 'plain', 'a/b/c', '../up', './here', 'a//b', '/lead', 'back\\slash', 'x', 'x/y']
  for (const key of [...odd, '100%', '%_', 'ünïcode/\u{10000}', `${'long/'.repeat(50)}name`]) {
    expected.set(key, Buffer.from(`content of ${key}`))
  }
  expected.set('empty', Buffer.alloc(0))
  expected.set('marker/', Buffer.alloc(0))
  expected.set('large', bodyOf('large', 300_000))
  for (const [key, content] of expected) await put(`some/folder/${key}`, content)
  await put('some/other', 'not in it')
  const parts = [bodyOf('one', 5_242_880), bodyOf('two', 1000)]
  const Key = 'some/folder/parts'
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }))
  const Parts = []
  for (const [index, Body] of parts.entries()) {
    const PartNumber = index + 1
    const part = new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body })
    Parts.push({ PartNumber, ETag: (await client.send(part)).ETag })
  }
  const whole = { Bucket, Key, UploadId, MultipartUpload: { Parts } }
  await client.send(new CompleteMultipartUploadCommand(whole))
  expected.set('parts', Buffer.concat(parts))
  for (const form of ['zip', 'tar'] as const) {
    const { status, headers, body } = await get('some/folder/', form)
    assert.equal(status, 200)
    assert.equal(headers['content-type'], form === 'zip' ? 'application/zip' : 'application/x-tar')
    assert.equal(
      headers['content-disposition'],
      `attachment; filename="folder.${form}"; filename*=UTF-8''folder.${form}`,
    )
    const found = Object.entries(await contentsOf(body, form))
    assert.deepEqual(
      new Map(found.map(([name, content]) => [decodeName(name), content])),
      new Map([...expected].map(([key, content]) => [key, hex(content)])),
    )
  }
})

test('an archive that is empty, or of no folder, or of no known form, is refused', async () => {
  await put('a/1')
  const refused = async (answer: Promise<WireAnswer>, status: number, code: string) => {
    const { status: found, body } = await answer
    assert.deepEqual([found, xmlText(body, 'Code')], [status, code])
  }
  await refused(get('none/', 'zip'), 404, 'NoSuchKey')
  await refused(get('a', 'zip'), 400, 'InvalidRequest')
  await refused(get('a/', 'rar'), 400, 'InvalidArgument')
  await refused(get('a/', ''), 400, 'InvalidArgument')
  const whole = { method: 'GET', path: `/${Bucket}`, query: { archive: 'zip' } }
  await refused(server.send(whole), 501, 'NotImplemented')
  assert.equal((await get('none/', 'zip', 'HEAD')).status, 404)
})

test('HEAD has the headers of GET, without a length, and a range is ignored', async () => {
  await put('a/1')
  const { status, headers } = await get('a/', 'tar', 'HEAD')
  assert.equal(status, 200)
  assert.equal(headers['content-type'], 'application/x-tar')
  assert.equal(headers['content-length'], undefined)
  const ranged = await server.send({
    method: 'GET',
    path: objectPath(Bucket, 'a/'),
    query: { archive: 'tar' },
    headers: { range: 'bytes=0-9' },
  })
  assert.equal(ranged.status, 200)
  assert.deepEqual(await contentsOf(ranged.body, 'tar'), { '1': hex('a/1') })
})

/** A response whose body is not yet read. */
async function begin(
  folder: string,
  archive: string,
): Promise<{ readonly outgoing: ClientRequest; readonly answer: IncomingMessage }> {
  const { accessKeyId, secretAccessKey } = server.credential()
  const host = `127.0.0.1:${server.port}`
  const path = objectPath(Bucket, folder)
  const query = { archive }
  const key = { accessKeyId, secretAccessKey }
  const parts = { method: 'GET', host, path, query, date: new Date() }
  const outgoing = request({
    ...{ host: '127.0.0.1', port: server.port, agent: false },
    path: `${path}?${canonicalQuery(query)}`,
    headers: signedHeaders(key, parts),
  })
  outgoing.on('error', () => undefined)
  outgoing.end()
  const [answer] = await once(outgoing, 'response')
  return { outgoing, answer }
}

function snapshots(): Promise<Row[]> {
  return server.store.services.engine.read(async (tx) => {
    const rows: Row[] = []
    for await (const row of tx.range(treeSchema.allSnapshots())) rows.push(row)
    return rows
  })
}

/** Resolves when no snapshot is left. */
async function untilReleased(): Promise<void> {
  const { signal } = new AbortController()
  for (const { key, value } of await snapshots()) {
    await server.store.services.engine.watch(key, value, signal)
  }
}

async function putLarge(folder: string, objects: number, sizeBytes: number): Promise<void> {
  await put(`${folder}000`, bodyOf('large', sizeBytes))
  for (let n = 1; n < objects; n++) {
    const Key = `${folder}${String(n).padStart(3, '0')}`
    await client.send(new CopyObjectCommand({ Bucket, Key, CopySource: `${Bucket}/${folder}000` }))
  }
}

test('an archive is the folder as of its beginning, unaffected by later changes', async () => {
  await putLarge('a/b/', 12, 2_000_000)
  await put('a/b/z/last', 'as it was')
  const { answer } = await begin('a/', 'zip')
  assert.equal((await snapshots()).length, 1)
  await put('a/b/z/last', 'changed')
  await put('a/b/z/new')
  const recursive = { 'x-holdfast-recursive': 'true' }
  await server.send({
    method: 'PUT',
    path: objectPath(Bucket, 'c/'),
    query: { renameObject: '' },
    headers: { 'x-amz-rename-source': 'a/' },
  })
  await server.send({ method: 'DELETE', path: objectPath(Bucket, 'c/'), headers: recursive })
  const chunks: Buffer[] = []
  for await (const chunk of answer) chunks.push(chunk)
  const contents = await contentsOf(Buffer.concat(chunks), 'zip')
  assert.equal(Object.keys(contents).length, 13)
  assert.equal(contents['b/z/last'], hex('as it was'))
  assert.equal(contents['b/011'], hex(bodyOf('large', 2_000_000)))
  await untilReleased()
})

test('when the client goes, the snapshot is released', async () => {
  await putLarge('a/', 12, 2_000_000)
  const { outgoing } = await begin('a/', 'tar')
  assert.equal((await snapshots()).length, 1)
  outgoing.destroy()
  await untilReleased()
  assert.equal((await snapshots()).length, 0)
})

test('a client that reads slowly costs no memory', async () => {
  await putLarge('a/', 200, 2_000_000)
  const before = process.memoryUsage().arrayBuffers
  const { outgoing } = await begin('a/', 'zip')
  let highest = 0
  // Nothing is read, for as long as the server would need to send several hundred megabytes.
  for (let turn = 0; turn < 5000; turn++) {
    highest = Math.max(highest, process.memoryUsage().arrayBuffers - before)
    await new Promise(setImmediate)
  }
  outgoing.destroy()
  assert.ok(highest < 30_000_000, `${highest} bytes`)
  await untilReleased()
})
