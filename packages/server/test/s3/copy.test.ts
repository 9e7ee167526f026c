// Copies across the wire.

import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { CopyObjectCommand, CreateBucketCommand } from '@aws-sdk/client-s3'
import { asDirectoryId } from '../../src/base/terms.ts'
import { blobsWith } from '../../src/blob/blob.fixture.ts'
import { createDigest } from '../../src/blob/digest.ts'
import { type CopyObjectOutput, copyObject } from '../../src/operation/copy.ts'
import { run } from '../../src/operation/run.ts'
import { putManifest, readManifestPart, retainBody } from '../../src/store/body/body.ts'
import { findBucket } from '../../src/store/tree/bucket.ts'
import { findObject } from '../../src/store/tree/directory.ts'
import { putObject } from '../../src/store/tree/object.ts'
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

test('a copy of a range, or from a source named by an ARN, is refused and stores nothing', async () => {
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

const parts = [randomBytes(5_242_880), randomBytes(1000)]
const whole = Buffer.concat(parts)

/** An object of two parts; its ETag. */
async function upload(key: string, algorithm?: string): Promise<string> {
  const headers: Record<string, string> =
    algorithm === undefined ? {} : { 'x-amz-checksum-algorithm': algorithm }
  const created = await server.send(at(key, { method: 'POST', query: { uploads: '' }, headers }))
  const uploadId = xmlText(created.body, 'UploadId') ?? ''
  let list = ''
  for (const [index, body] of parts.entries()) {
    const query = { partNumber: String(index + 1), uploadId }
    const { headers: told } = await server.send(at(key, { method: 'PUT', query, body }))
    const sum = told[`x-amz-checksum-${algorithm?.toLowerCase()}`]
    const element = sum === undefined ? '' : `<Checksum${algorithm}>${sum}</Checksum${algorithm}>`
    list += `<Part><PartNumber>${index + 1}</PartNumber><ETag>${told.etag}</ETag>${element}</Part>`
  }
  const body = Buffer.from(`<CompleteMultipartUpload>${list}</CompleteMultipartUpload>`)
  const completed = await server.send(at(key, { method: 'POST', query: { uploadId }, body }))
  assert.equal(completed.status, 200, String(completed.body))
  return xmlText(completed.body, 'ETag') ?? ''
}

function digestOf(bytes: Buffer, algorithm: Parameters<typeof createDigest>[0]): string {
  const digest = createDigest(algorithm)
  digest.update(bytes)
  return digest.digest().toString('base64')
}

const md5 = `"${createHash('md5').update(whole).digest('hex')}"`
const head = (key: string, query = {}): Promise<WireAnswer> =>
  server.send(at(key, { method: 'HEAD', query, headers: { 'x-amz-checksum-mode': 'ENABLED' } }))

test('the copy of an object that was uploaded in parts is one whole', async () => {
  const cases = [
    [undefined, undefined, 'CRC64NVME'],
    ['CRC32', undefined, 'CRC32'],
    ['CRC32C', undefined, 'CRC32C'],
    ['SHA256', undefined, 'SHA256'],
    ['CRC32', 'SHA1', 'SHA1'],
    ['SHA1', 'CRC32C', 'CRC32C'],
    ['SHA256', 'SHA256', 'SHA256'],
  ] as const
  for (const [sourceAlgorithm, wanted, told] of cases) {
    assert.match(await upload('in-parts', sourceAlgorithm), /-2"$/)
    const headers = wanted === undefined ? {} : { 'x-amz-checksum-algorithm': wanted }
    const answer = await copy('one', `/${Bucket}/in-parts`, headers)
    assert.equal(answer.status, 200)
    assert.equal(xmlText(answer.body, 'ETag'), md5)
    const sum = digestOf(whole, told)
    assert.equal(xmlText(answer.body, `Checksum${told}`), sum)
    assert.equal(xmlText(answer.body, 'ChecksumType'), 'FULL_OBJECT')
    const found = await head('one', { partNumber: '1' })
    assert.equal(found.status, 206)
    assert.equal(found.headers.etag, md5)
    assert.equal(found.headers['content-length'], String(whole.byteLength))
    assert.equal(found.headers[`x-amz-checksum-${told.toLowerCase()}`], sum)
    assert.equal(found.headers['x-amz-mp-parts-count'], undefined)
    assert.equal((await head('one', { partNumber: '2' })).status, 416)
    assert.ok((await server.send(at('one'))).body.equals(whole))
    const asked = { 'x-amz-object-attributes': 'ETag,ObjectParts,Checksum' }
    const attributes = await server.send(at('one', { query: { attributes: '' }, headers: asked }))
    assert.ok(!attributes.body.includes('ObjectParts'), String(attributes.body))
    // A copy of the copy reads no bytes, and has the same result.
    const again = await copy('two', `/${Bucket}/one`)
    assert.equal(xmlText(again.body, 'ETag'), md5)
    assert.equal(xmlText(again.body, `Checksum${told}`), sum)
  }
})

test('an object in parts becomes a whole when it is copied onto itself', async () => {
  await upload('itself')
  const answer = await copy('itself', `/${Bucket}/itself`, {
    'x-amz-metadata-directive': 'REPLACE',
    'x-amz-meta-new': '1',
  })
  assert.equal(xmlText(answer.body, 'ETag'), md5)
  assert.equal((await head('itself')).headers['x-amz-meta-new'], '1')
  assert.ok((await server.send(at('itself'))).body.equals(whole))
})

test('copies of folders, and renamed objects, keep their ETags', async () => {
  const etag = await upload('folder/in-parts')
  const recursive = { 'x-holdfast-recursive': 'true' }
  await copy('folder-copy/', `/${Bucket}/folder/`, recursive)
  assert.equal((await head('folder-copy/in-parts')).headers.etag, etag)
  assert.equal((await head('folder-copy/in-parts', { partNumber: '2' })).headers.etag, etag)
})

test('an object that is too large to be read for its copy keeps the ETag and the parts', async () => {
  const etag = await upload('many', 'CRC32')
  const { engine, ids } = server.store.services
  const count = 110
  // Every part is the same blob, to save space.
  await engine.write(async (tx) => {
    const root = asDirectoryId((await findBucket(tx, Bucket))?.root ?? 0)
    const record = await findObject(tx, root, Buffer.from('many'))
    assert.ok(record?.body.kind === 'manifest')
    const first = await readManifestPart(tx, record.body.id, 0)
    assert.ok(first)
    const repeated = Array.from({ length: count }, (_, index) => ({
      ...first,
      number: index + 1,
      offset: index * first.sizeBytes,
    }))
    for (const _ of repeated) await retainBody(tx, { kind: 'blob', id: first.blobId })
    const body = putManifest(tx, ids.next(), repeated)
    const sizeBytes = count * first.sizeBytes
    await putObject({ tx, ids }, root, Buffer.from('many'), { ...record, body, sizeBytes })
  })
  const answer = await copy('many-copy', `/${Bucket}/many`)
  assert.equal(xmlText(answer.body, 'ETag'), etag)
  const part = parts[0] ?? Buffer.alloc(0)
  const sum = digestOf(Buffer.concat(Array.from({ length: count }, () => part)), 'CRC32')
  // The CRC of the whole is computed from those of the parts.
  assert.equal(xmlText(answer.body, 'ChecksumCRC32'), sum)
  assert.equal(xmlText(answer.body, 'ChecksumType'), 'FULL_OBJECT')
  const found = await head('many-copy', { partNumber: '110' })
  assert.equal(found.headers['x-amz-mp-parts-count'], String(count))
  assert.equal(found.headers['x-amz-checksum-crc32'], undefined)
})

test('the checksums of a copy are computed from its own bytes', async () => {
  const { services } = server.store
  const { id: ownerId } = server.credential().owner
  const principal = { accessKeyId: 'k', owner: { id: ownerId, displayName: 'o' } }
  const caller = { principal, requestId: 'r', signal: new AbortController().signal }
  const source = { bucket: Bucket, key: 'racing', conditions: {} }
  const input = { bucket: Bucket, key: 'raced', source, conditions: {} }
  /** Copies while the source is overwritten as soon as its bytes are read. */
  const race = (overwrite: () => Promise<unknown>): Promise<CopyObjectOutput> => {
    const { blobs } = services
    let reads = 0
    const racing = blobsWith(blobs, {
      async read(...asked) {
        if (++reads === 1) await overwrite()
        return blobs.read(...asked)
      },
    })
    return run({ ...services, blobs: racing }, caller, copyObject, input)
  }
  await upload('racing')
  await assert.rejects(
    race(() => upload('racing')),
    { code: 'CopySourceChanged' },
  )
  assert.equal((await head('raced')).status, 404)
  // For an object without parts, nothing has to be computed.
  const { object } = await race(() => put('racing', 'a whole'))
  assert.equal(object.etag, createHash('md5').update('a whole').digest('hex'))
  assert.equal(String((await server.send(at('raced'))).body), 'a whole')
})
