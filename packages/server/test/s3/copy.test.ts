// Copies across the wire.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { CopyObjectCommand, CreateBucketCommand } from '@aws-sdk/client-s3'
import { encodeUri, type WireAnswer, xmlText } from '../wire.ts'
import { startWithBucket } from './bucket.fixture.ts'

const { Bucket, server, client, at } = await startWithBucket('copies', { owners: 1 })
await client.send(new CreateBucketCommand({ Bucket: 'other-copies' }))

async function put(key: string, body: Buffer | string, headers = {}): Promise<void> {
  const answer = await server.send(at(key, { method: 'PUT', body: Buffer.from(body), headers }))
  assert.equal(answer.status, 200)
}

async function copy(key: string, source: string, headers = {}): Promise<WireAnswer> {
  return server.send(
    at(key, { method: 'PUT', headers: { 'x-amz-copy-source': source, ...headers } }),
  )
}

test('a copy has the bytes and the description of its source, and its own time', async () => {
  const body = randomBytes(200_000)
  await put('from', body, { 'content-type': 'image/png', 'x-amz-meta-a': '1' })
  const result = await client.send(
    new CopyObjectCommand({ Bucket, Key: 'to', CopySource: `${Bucket}/from` }),
  )
  const found = await server.send(at('to'))
  assert.deepEqual(found.body, body)
  assert.equal(found.headers['content-type'], 'image/png')
  assert.equal(found.headers['x-amz-meta-a'], '1')
  assert.equal(result.CopyObjectResult?.ETag, found.headers.etag)
  assert.ok(result.CopyObjectResult?.LastModified)
})

test('a copy outlives its source, and the source its copy', async () => {
  const body = randomBytes(200_000)
  await put('parent', body)
  await copy('child', `/${Bucket}/parent`)
  await server.send(at('parent', { method: 'DELETE' }))
  assert.deepEqual((await server.send(at('child'))).body, body)
  await copy('grandchild', `/${Bucket}/child`)
  await put('child', 'replaced')
  assert.deepEqual((await server.send(at('grandchild'))).body, body)
})

test('REPLACE takes the description of the request, COPY ignores it', async () => {
  await put('described', 'x', { 'content-type': 'text/plain', 'x-amz-meta-old': '1' })
  const described = { 'content-type': 'text/html', 'x-amz-meta-new': '2' }
  const source = `${Bucket}/described`
  await copy('replaced', source, { ...described, 'x-amz-metadata-directive': 'REPLACE' })
  const replaced = await server.send(at('replaced'))
  assert.equal(replaced.headers['content-type'], 'text/html')
  assert.equal(replaced.headers['x-amz-meta-new'], '2')
  assert.equal(replaced.headers['x-amz-meta-old'], undefined)
  await copy('kept', source, described)
  const kept = await server.send(at('kept'))
  assert.equal(kept.headers['content-type'], 'text/plain')
  assert.equal(kept.headers['x-amz-meta-new'], undefined)
  await copy('bare', source, { 'x-amz-metadata-directive': 'REPLACE' })
  assert.equal((await server.send(at('bare'))).headers['content-type'], 'binary/octet-stream')
  const bad = await copy('bad', source, { 'x-amz-metadata-directive': 'MERGE' })
  assert.equal(xmlText(bad.body, 'Code'), 'InvalidArgument')
})

test('a copy onto itself must change something', async () => {
  await put('self', 'x', { 'x-amz-meta-a': '1' })
  const source = `${Bucket}/self`
  const unchanged = await copy('self', source)
  assert.equal(unchanged.status, 400)
  assert.equal(xmlText(unchanged.body, 'Code'), 'InvalidRequest')
  const headers = { 'x-amz-metadata-directive': 'REPLACE', 'x-amz-meta-a': '2' }
  assert.equal((await copy('self', source, headers)).status, 200)
  const found = await server.send(at('self'))
  assert.equal(found.headers['x-amz-meta-a'], '2')
  assert.equal(found.body.toString(), 'x')
  assert.equal((await copy('self', source, { 'x-amz-storage-class': 'STANDARD_IA' })).status, 200)
})

test('copies cross buckets but not owners', async () => {
  await put('across', 'x')
  const target = { method: 'PUT', path: '/other-copies/across' }
  const headers = { 'x-amz-copy-source': `/${Bucket}/across` }
  assert.equal((await server.send({ ...target, headers })).status, 200)
  await server.client(1).send(new CreateBucketCommand({ Bucket: 'rival-copies' }))
  const stolen = await server.send({ method: 'PUT', path: '/rival-copies/a', headers }, 1)
  assert.equal(stolen.status, 403)
  assert.equal(xmlText(stolen.body, 'Code'), 'AccessDenied')
  const pushed = await server.send({ method: 'PUT', path: '/rival-copies/a', headers })
  assert.equal(pushed.status, 403)
})

test('the source is percent-encoded, where a bare plus is a space', async () => {
  for (const key of ['a+b c', 'q?versionId', 'é/%2F', '/slash', 'a//b', '..']) {
    await put(key, key)
    for (const slash of ['', '/']) {
      const source = `${slash}${Bucket}/${key.split('/').map(encodeUri).join('/')}`
      assert.equal((await copy('decoded', source)).status, 200, source)
      assert.equal((await server.send(at('decoded'))).body.toString(), key)
    }
    assert.equal((await copy('decoded', encodeUri(`${Bucket}/${key}`))).status, 200)
  }
  await put('plain plus', 'space')
  await put('plain+plus', 'plus')
  for (const source of [`${Bucket}/plain+plus`, `${Bucket}%2Fplain+plus`]) {
    assert.equal((await copy('decoded', source)).status, 200)
    assert.equal((await server.send(at('decoded'))).body.toString(), 'space')
  }
})

test('the source may name the version null, and no other', async () => {
  await put('versioned', 'x')
  assert.equal((await copy('v', `${Bucket}/versioned?versionId=null`)).status, 200)
  const other = await copy('v', `${Bucket}/versioned?versionId=abc`)
  assert.equal(other.status, 404)
  assert.equal(xmlText(other.body, 'Code'), 'NoSuchVersion')
})

test('a source that is none is refused', async () => {
  for (const source of [
    '',
    '/',
    Bucket,
    `/${Bucket}`,
    `${Bucket}/`,
    '//x',
    `${Bucket}/%zz`,
    `${Bucket}/%ff`,
  ]) {
    const answer = await copy('none', source)
    assert.equal(answer.status, 400, source)
    assert.equal(xmlText(answer.body, 'Code'), 'InvalidArgument', source)
  }
  const missing = await copy('none', `${Bucket}/no-such`)
  assert.equal(xmlText(missing.body, 'Code'), 'NoSuchKey')
  const nowhere = await copy('none', 'no-such-bucket/k')
  assert.equal(xmlText(nowhere.body, 'Code'), 'NoSuchBucket')
})

test('a copy of a range, or from what an ARN names, is refused and stores nothing', async () => {
  await put('ranged', '0123456789')
  const range = await copy('part-of-it', `${Bucket}/ranged`, {
    'x-amz-copy-source-range': 'bytes=0-3',
  })
  assert.equal(range.status, 501)
  assert.equal(xmlText(range.body, 'Header'), 'x-amz-copy-source-range')
  const arn = 'arn:aws:s3:us-east-1:123456789012:accesspoint/mine/object/ranged'
  for (const source of [arn, encodeURIComponent(arn)]) {
    const answer = await copy('part-of-it', source)
    assert.equal(answer.status, 501)
    assert.equal(xmlText(answer.body, 'Header'), 'x-amz-copy-source')
  }
  assert.equal((await server.send(at('part-of-it'))).status, 404)
})

test('a copy keeps the checksum, or has the one that is asked for', async () => {
  await client.send(new CreateBucketCommand({ Bucket: 'sums' }))
  const { CopyObjectResult: plain } = await client.send(
    new CopyObjectCommand({ Bucket, Key: 'sum-kept', CopySource: `${Bucket}/from` }),
  )
  assert.ok(plain?.ChecksumCRC64NVME)
  const { CopyObjectResult: other } = await client.send(
    new CopyObjectCommand({
      Bucket,
      Key: 'sum-other',
      CopySource: `${Bucket}/from`,
      ChecksumAlgorithm: 'SHA256',
    }),
  )
  assert.ok(other?.ChecksumSHA256)
})

test('an expected owner must be the owner', async () => {
  await put('expected', 'x')
  const source = `${Bucket}/expected`
  const owner = server.credential().owner.id
  const wrong = '123456789012'
  const names = ['x-amz-expected-bucket-owner', 'x-amz-source-expected-bucket-owner']
  for (const name of names) {
    assert.equal((await copy('by-owner', source, { [name]: owner })).status, 200)
    assert.equal((await copy('by-owner', source, { [name]: wrong })).status, 403)
  }
  const read = await server.send(
    at('expected', { headers: { 'x-amz-expected-bucket-owner': wrong } }),
  )
  assert.equal(xmlText(read.body, 'Code'), 'AccessDenied')
})
