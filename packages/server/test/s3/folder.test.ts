// Folders over the wire: renamed, copied and deleted in one step, by the unmodified SDK if possible, and else with one
// additional header.

import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  RenameObjectCommand,
} from '@aws-sdk/client-s3'
import { objectPath, type WireAnswer, xmlText } from '../wire.ts'
import { objectsOf, startForFile } from './bucket.fixture.ts'

const server = await startForFile()
const client = server.client()
let count = 0
let Bucket = ''

beforeEach(async () => {
  Bucket = `folders-${count++}`
  await client.send(new CreateBucketCommand({ Bucket }))
})

const { put, keys, bodyOf } = objectsOf(client, () => Bucket)

function rename(
  from: string,
  to: string,
  headers: Record<string, string> = {},
): Promise<WireAnswer> {
  return server.send({
    method: 'PUT',
    path: objectPath(Bucket, to),
    query: { renameObject: '' },
    headers: { 'x-amz-rename-source': encodeURIComponent(from), ...headers },
  })
}

function copyFolder(
  from: string,
  to: string,
  headers: Record<string, string> = {},
  target = Bucket,
): Promise<WireAnswer> {
  return server.send({
    method: 'PUT',
    path: objectPath(target, to),
    headers: {
      'x-amz-copy-source': `/${Bucket}/${from}`,
      'x-holdfast-recursive': 'true',
      ...headers,
    },
  })
}

function isRefused(answer: WireAnswer, status: number, code: string): void {
  assert.equal(answer.status, status)
  assert.equal(xmlText(answer.body, 'Code'), code)
}

test("the SDK's RenameObjectCommand renames an object and keeps all that it has", async () => {
  await client.send(
    new PutObjectCommand({
      Bucket,
      Key: 'a b',
      Body: 'x',
      Metadata: { m: '1' },
      ContentType: 't/x',
    }),
  )
  const before = await client.send(new HeadObjectCommand({ Bucket, Key: 'a b' }))
  await client.send(
    new RenameObjectCommand({ Bucket, Key: 'c/d', RenameSource: encodeURIComponent('a b') }),
  )
  const { $metadata: _, ...renamed } = await client.send(
    new HeadObjectCommand({ Bucket, Key: 'c/d' }),
  )
  const { $metadata: __, ...original } = before
  assert.deepEqual(renamed, original)
  assert.deepEqual(await keys(), ['c/d'])
})

test("the SDK's RenameObjectCommand renames a folder with all that is in it", async () => {
  await put('a/1', 'a/b/2', 'a/b/c/3', 'ab')
  await client.send(new RenameObjectCommand({ Bucket, Key: 'x/y/', RenameSource: 'a/' }))
  assert.deepEqual(await keys(), ['ab', 'x/y/1', 'x/y/b/2', 'x/y/b/c/3'])
  assert.equal(await bodyOf('x/y/b/c/3'), 'a/b/c/3')
})

test('a rename names its source as a key or as bucket/key, and needs no query parameter', async () => {
  await put('one', 'two', `${Bucket}/three`)
  assert.equal((await rename(`/${Bucket}/one`, 'moved-one')).status, 200)
  const path = objectPath(Bucket, 'moved-two')
  const headers = { 'x-amz-rename-source': 'two' }
  assert.equal((await server.send({ method: 'PUT', path, headers })).status, 200)
  assert.equal((await rename(`${Bucket}/three`, 'moved-three')).status, 200)
  assert.deepEqual(await keys(), ['moved-one', 'moved-three', 'moved-two'])
})

test('an impossible rename is refused, and changes nothing', async () => {
  await put('a/1', 'a/b/2', 'c/3', 'o')
  isRefused(await rename('missing/', 'x/'), 404, 'NoSuchKey')
  isRefused(await rename('missing', 'x'), 404, 'NoSuchKey')
  isRefused(await rename('a/', 'c/'), 412, 'PreconditionFailed')
  isRefused(await rename('a/', 'a/b/c/'), 400, 'InvalidRequest')
  isRefused(await rename('a/', 'a/'), 400, 'InvalidRequest')
  isRefused(await rename('a/', 'x'), 400, 'InvalidRequest')
  isRefused(await rename('o', 'x/'), 400, 'InvalidRequest')
  isRefused(await rename('a/', `${'k'.repeat(1022)}/`), 400, 'KeyTooLongError')
  isRefused(await rename('a/', 'x/', { 'if-match': '"e"' }), 400, 'InvalidRequest')
  isRefused(await rename('a/', 'x/', { 'x-holdfast-replace': 'yes' }), 400, 'InvalidArgument')
  assert.deepEqual(await keys(), ['a/1', 'a/b/2', 'c/3', 'o'])
})

test('a rename with a body is refused, since the body would be lost', async () => {
  await put('source', 'folder/x')
  const headers = { 'x-amz-rename-source': 'source' }
  const body = Buffer.from('bytes to store')
  const path = objectPath(Bucket, 'target')
  for (const query of [{}, { renameObject: '' }]) {
    isRefused(
      await server.send({ method: 'PUT', path, query, headers, body }),
      400,
      'InvalidRequest',
    )
  }
  assert.deepEqual(await keys(), ['folder/x', 'source'])
  const empty = Buffer.alloc(0)
  assert.equal((await server.send({ method: 'PUT', path, headers, body: empty })).status, 200)
  assert.deepEqual(await keys(), ['folder/x', 'target'])
})

test('a rename refuses the conditions of deletions', async () => {
  await put('source')
  const headers = { 'x-amz-if-match-size': '6' }
  isRefused(await rename('source', 'target', headers), 501, 'NotImplemented')
  assert.deepEqual(await keys(), ['source'])
})

test('a rename with x-holdfast-replace puts the folder in the place of another', async () => {
  await put('a/1', 'c/3', 'c/4')
  assert.equal((await rename('a/', 'c/', { 'x-holdfast-replace': 'true' })).status, 200)
  assert.deepEqual(await keys(), ['c/1'])
})

test('every condition of a rename is checked, and a failed one is 412', async () => {
  await put('from', 'to')
  const past = 'Mon, 01 Jan 2001 00:00:00 GMT'
  const future = 'Fri, 01 Jan 2100 00:00:00 GMT'
  const failing: Record<string, string>[] = [
    { 'if-match': '"other"' },
    { 'if-none-match': '*' },
    { 'if-modified-since': future },
    { 'if-unmodified-since': past },
    { 'x-amz-rename-source-if-match': '"other"' },
    { 'x-amz-rename-source-if-none-match': '*' },
    { 'x-amz-rename-source-if-modified-since': future },
    { 'x-amz-rename-source-if-unmodified-since': past },
  ]
  for (const headers of failing) {
    isRefused(await rename('from', 'to', headers), 412, 'PreconditionFailed')
  }
  isRefused(await rename('from', 'new', { 'if-match': '*' }), 412, 'PreconditionFailed')
  assert.deepEqual(await keys(), ['from', 'to'])
  const { ETag = '' } = await client.send(new HeadObjectCommand({ Bucket, Key: 'to' }))
  assert.equal((await rename('from', 'to', { 'if-match': ETag })).status, 200)
  assert.equal(await bodyOf('to'), 'from')
})

test('a client token makes a repeated rename harmless, and another one under it an error', async () => {
  await put('a/1', 'b/2')
  const headers = { 'x-amz-client-token': 'token-1' }
  assert.equal((await rename('a/', 'c/', headers)).status, 200)
  await put('a/9')
  assert.equal((await rename('a/', 'c/', headers)).status, 200)
  assert.deepEqual(await keys(), ['a/9', 'b/2', 'c/1'])
  isRefused(await rename('b/', 'd/', headers), 400, 'IdempotencyParameterMismatch')
})

test('a client token of a copy stands for its conditions, too', async () => {
  await put('a/1')
  const headers = { 'x-amz-client-token': 'token-2' }
  const first = await copyFolder('a/', 'c/', headers)
  assert.equal(first.status, 200)
  await put('later')
  const again = await copyFolder('a/', 'c/', headers)
  assert.equal(again.status, 200)
  // The time of the copy, not that of its repetition.
  assert.equal(xmlText(again.body, 'LastModified'), xmlText(first.body, 'LastModified'))
  const conditional = { ...headers, 'if-none-match': '*' }
  isRefused(await copyFolder('a/', 'c/', conditional), 400, 'IdempotencyParameterMismatch')
})

test('a folder is copied, also across buckets, and the two are independent', async () => {
  await put('a/1', 'a/b/2')
  const other = `${Bucket}-other`
  await client.send(new CreateBucketCommand({ Bucket: other }))
  const { status, headers } = await copyFolder('a/', 'copy/')
  assert.equal(status, 200)
  assert.equal(headers['x-holdfast-recursive'], 'true')
  assert.equal((await copyFolder('a/', 'deep/er/', {}, other)).status, 200)
  await put('a/3', 'copy/4')
  await client.send(new DeleteObjectCommand({ Bucket, Key: 'a/b/2' }))
  assert.deepEqual(await keys(), ['a/1', 'a/3', 'copy/1', 'copy/4', 'copy/b/2'])
  assert.deepEqual(await keys(other), ['deep/er/1', 'deep/er/b/2'])
  isRefused(await copyFolder('a/', 'copy/'), 412, 'PreconditionFailed')
  isRefused(await copyFolder('none/', 'new/'), 404, 'NoSuchKey')
  assert.equal((await copyFolder('copy/', 'a/in/it/')).status, 200)
  assert.equal((await copyFolder('a/', 'a/itself/')).status, 200)
  assert.deepEqual(
    (await keys()).filter((key) => key.startsWith('a/itself/')),
    ['a/itself/1', 'a/itself/3', 'a/itself/in/it/1', 'a/itself/in/it/4', 'a/itself/in/it/b/2'],
  )
})

test('a copy of a folder takes no new description of its objects', async () => {
  await put('a/1')
  const descriptions = [
    ['x-amz-metadata-directive', 'REPLACE'],
    ['x-amz-meta-title', 'new'],
    ['x-amz-storage-class', 'STANDARD_IA'],
    ['x-amz-checksum-algorithm', 'SHA256'],
    ['content-type', 'text/plain'],
    ['cache-control', 'no-store'],
    ['x-amz-copy-source-range', 'bytes=0-1'],
  ] as const
  for (const [name, value] of descriptions) {
    const answer = await copyFolder('a/', 'b/', { [name]: value })
    isRefused(answer, 501, 'NotImplemented')
    assert.equal(xmlText(answer.body, 'Header'), name)
  }
  isRefused(
    await copyFolder('a/', 'b/', { 'x-amz-metadata-directive': 'x' }),
    400,
    'InvalidArgument',
  )
  assert.deepEqual(await keys(), ['a/1'])
  assert.equal((await copyFolder('a/', 'b/', { 'x-amz-metadata-directive': 'COPY' })).status, 200)
})

test('a plain CopyObject of a key that ends in a slash still copies one object', async () => {
  await put('a/', 'a/1')
  const CopySource = `${Bucket}/a/`
  await client.send(new CopyObjectCommand({ Bucket, Key: 'b/', CopySource }))
  assert.deepEqual(await keys(), ['a/', 'a/1', 'b/'])
})

test('a folder is deleted with all that is in it, again without complaint', async () => {
  await put('a/', 'a/1', 'a/b/2', 'ab')
  const request = {
    method: 'DELETE',
    path: objectPath(Bucket, 'a/'),
    headers: { 'x-holdfast-recursive': 'true' },
  }
  const { status, headers } = await server.send(request)
  assert.equal(status, 204)
  assert.equal(headers['x-holdfast-recursive'], 'true')
  assert.deepEqual(await keys(), ['ab'])
  assert.equal((await server.send(request)).status, 204)
  await put('a/1')
  for (const name of ['if-none-match', 'if-modified-since', 'if-unmodified-since']) {
    const conditional = { ...request, headers: { ...request.headers, [name]: '*' } }
    isRefused(await server.send(conditional), 501, 'NotImplemented')
  }
  assert.equal((await server.send(request)).status, 204)
  isRefused(
    await server.send({ ...request, path: objectPath(Bucket, 'ab') }),
    400,
    'InvalidRequest',
  )
  assert.deepEqual(await keys(), ['ab'])
})
