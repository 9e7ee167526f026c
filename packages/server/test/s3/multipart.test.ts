// Multipart uploads over the wire.

import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  type CompleteMultipartUploadCommandOutput,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  DeleteBucketCommand,
  GetObjectAttributesCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  type MultipartUpload,
  RenameObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { asDirectoryId } from '../../src/base/terms.ts'
import { Crc } from '../../src/blob/crc.ts'
import { putBlobBody } from '../../src/store/body/body.ts'
import { findBucket } from '../../src/store/tree/bucket.ts'
import { putObject } from '../../src/store/tree/object.ts'
import { type WireAnswer, xmlText } from '../wire.ts'
import { startWithBucket } from './bucket.fixture.ts'

const mebibyte = 1_048_576
const { Bucket, server, client, at } = await startWithBucket('multipart')

function md5(data: Buffer): Buffer {
  return createHash('md5').update(data).digest()
}

async function create(
  Key: string,
  rest: Partial<CreateMultipartUploadCommandInput> = {},
): Promise<{ Bucket: string; Key: string; UploadId: string }> {
  const { UploadId = '' } = await client.send(
    new CreateMultipartUploadCommand({ Bucket, Key, ...rest }),
  )
  return { Bucket, Key, UploadId }
}

type Address = Awaited<ReturnType<typeof create>>

async function uploadPart(
  address: Address,
  PartNumber: number,
  Body: Buffer,
): Promise<CompletedPart> {
  const { ETag } = await client.send(new UploadPartCommand({ ...address, PartNumber, Body }))
  assert.equal(ETag, `"${md5(Body).toString('hex')}"`)
  return { PartNumber, ETag }
}

function complete(
  address: Address,
  Parts: CompletedPart[],
  rest = {},
): Promise<CompleteMultipartUploadCommandOutput> {
  return client.send(
    new CompleteMultipartUploadCommand({ ...address, MultipartUpload: { Parts }, ...rest }),
  )
}

test('parts become one object with the MD5 of their MD5s', async () => {
  const bodies = [randomBytes(5 * mebibyte), randomBytes(5 * mebibyte + 1), randomBytes(17)]
  const address = await create('whole', { ContentType: 'video/mp4', Metadata: { a: '1' } })
  const parts: CompletedPart[] = []
  // Not in order, and with a gap in the numbers.
  for (const [index, number] of [
    [1, 3],
    [0, 1],
    [2, 7],
  ] as const) {
    parts.push(await uploadPart(address, number, bodies[index] ?? Buffer.alloc(0)))
  }
  parts.sort((a, b) => (a.PartNumber ?? 0) - (b.PartNumber ?? 0))
  const { ETag } = await complete(address, parts)
  const etag = `"${md5(Buffer.concat(bodies.map(md5))).toString('hex')}-3"`
  assert.equal(ETag, etag)
  const found = await server.send(at('whole'))
  assert.equal(found.headers.etag, etag)
  assert.equal(found.headers['content-type'], 'video/mp4')
  assert.equal(found.headers['x-amz-meta-a'], '1')
  assert.ok(found.body.equals(Buffer.concat(bodies)))
  const whole = Buffer.concat(bodies)
  const start = 5 * mebibyte - 10
  const range = `bytes=${start}-${start + 5 * mebibyte + 20}`
  const across = await server.send(at('whole', { headers: { range } }))
  assert.ok(across.body.equals(whole.subarray(start, start + 5 * mebibyte + 21)))
  const part = await server.send(at('whole', { query: { partNumber: '3' } }))
  assert.equal(part.status, 206)
  assert.equal(part.headers['x-amz-mp-parts-count'], '3')
  assert.ok(part.body.equals(bodies[1] ?? Buffer.alloc(0)))
  const none = await server.send(at('whole', { query: { partNumber: '2' } }))
  assert.equal(none.status, 416)
  await attributes('whole')
})

async function attributes(Key: string): Promise<void> {
  const { ObjectParts, ETag } = await client.send(
    new GetObjectAttributesCommand({
      Bucket,
      Key,
      ObjectAttributes: ['ETag', 'ObjectParts'],
      MaxParts: 2,
    }),
  )
  assert.match(ETag ?? '', /^[0-9a-f]{32}-3$/)
  assert.equal(ObjectParts?.TotalPartsCount, 3)
  assert.equal(ObjectParts?.IsTruncated, true)
  const none = await server.send(
    at(Key, {
      query: { attributes: '' },
      headers: { 'x-amz-object-attributes': 'ObjectParts', 'x-amz-max-parts': '0' },
    }),
  )
  assert.equal(xmlText(none.body, 'IsTruncated'), 'false')
}

test('a part may be empty, and is then no more than that', async () => {
  const address = await create('empty-part')
  const body = randomBytes(5 * mebibyte)
  const parts = [await uploadPart(address, 1, body), await uploadPart(address, 2, Buffer.alloc(0))]
  await complete(address, parts)
  const empty = await server.send(at('empty-part', { query: { partNumber: '2' } }))
  assert.equal(empty.status, 200)
  assert.equal(empty.headers['content-length'], '0')
  assert.equal(empty.headers['x-amz-mp-parts-count'], '2')
  assert.ok((await server.send(at('empty-part'))).body.equals(body))
  const only = await create('only-empty')
  await complete(only, [await uploadPart(only, 1, Buffer.alloc(0))])
  const whole = await server.send(at('only-empty'))
  assert.equal(whole.status, 200)
  assert.equal(whole.body.byteLength, 0)
})

test('a part takes the place of an earlier one of its number', async () => {
  const address = await create('again')
  await uploadPart(address, 1, Buffer.from('first'))
  const part = await uploadPart(address, 1, Buffer.from('second'))
  const { Parts } = await client.send(new ListPartsCommand(address))
  assert.deepEqual(
    Parts?.map(({ ETag, Size }) => [ETag, Size]),
    [[part.ETag, 6]],
  )
  await complete(address, [part])
  assert.equal((await server.send(at('again'))).body.toString(), 'second')
})

test('completing again answers the same', async () => {
  const address = await create('idempotent')
  const part = await uploadPart(address, 1, Buffer.from('x'))
  const first = await complete(address, [part])
  const second = await complete(address, [part])
  assert.equal(second.ETag, first.ETag)
  await assert.rejects(client.send(new ListPartsCommand(address)), { name: 'NoSuchUpload' })
})

test('only the completion of the same upload, at its own key, is answered again', async () => {
  const address = await create('once')
  const part = await uploadPart(address, 1, Buffer.from('x'))
  await complete(address, [part])
  await client.send(
    new CopyObjectCommand({ Bucket, Key: 'once-copy', CopySource: `${Bucket}/once` }),
  )
  await client.send(new RenameObjectCommand({ Bucket, Key: 'once-renamed', RenameSource: 'once' }))
  for (const Key of ['once-copy', 'once-renamed', 'once']) {
    await assert.rejects(complete({ ...address, Key }, [part]), { name: 'NoSuchUpload' }, Key)
  }
  await client.send(new RenameObjectCommand({ Bucket, Key: 'once', RenameSource: 'once-renamed' }))
  const guessed = `${address.UploadId.slice(0, 14)}${'0'.repeat(24)}`
  await assert.rejects(complete({ ...address, UploadId: guessed }, [part]), {
    name: 'NoSuchUpload',
  })
  await complete(address, [part])
})

test('a completion that came too late tells the key', async () => {
  await server.send(at('too-late', { method: 'PUT', body: Buffer.from('x') }))
  const address = await create('too-late')
  const part = await uploadPart(address, 1, Buffer.from('x'))
  await server.send(at('too-late', { method: 'DELETE' }))
  const answer = await server.send(
    at('too-late', {
      method: 'POST',
      query: { uploadId: address.UploadId },
      headers: { 'if-none-match': '*' },
      body: Buffer.from(
        `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${part.ETag}</ETag></Part></CompleteMultipartUpload>`,
      ),
    }),
  )
  assert.equal(answer.status, 409)
  assert.equal(xmlText(answer.body, 'Key'), 'too-late')
})

test('parts that are small, unknown, or out of order are refused by name', async () => {
  const address = await create('refused')
  const small = await uploadPart(address, 1, Buffer.from('small'))
  const last = await uploadPart(address, 2, Buffer.from('last'))
  await assert.rejects(complete(address, [small, last]), { name: 'EntityTooSmall' })
  await assert.rejects(complete(address, [last, small]), { name: 'InvalidPartOrder' })
  await assert.rejects(complete(address, [small, small]), { name: 'InvalidPartOrder' })
  await assert.rejects(complete(address, [{ ...small, ETag: '"0"' }]), { name: 'InvalidPart' })
  await assert.rejects(complete(address, [{ ...small, PartNumber: 3 }]), { name: 'InvalidPart' })
  await assert.rejects(complete(address, []), { name: 'MalformedXML' })
  const documents = [
    '',
    '<CompleteMultipartUpload>',
    '<Other/>',
    '<CompleteMultipartUpload><Part/></CompleteMultipartUpload>',
  ]
  const query = { uploadId: address.UploadId }
  for (const text of documents) {
    const wanted = at('refused', { method: 'POST', query, body: Buffer.from(text) })
    const answer = await server.send(wanted)
    assert.equal(answer.status, 400, text)
  }
  await complete(address, [small])
})

test('an unquoted ETag completes as well, and the size may be announced', async () => {
  const address = await create('unquoted')
  const part = await uploadPart(address, 1, Buffer.from('12345'))
  const unquoted = { PartNumber: 1, ETag: part.ETag?.replaceAll('"', '') ?? '' }
  await assert.rejects(complete(address, [unquoted], { MpuObjectSize: 6 }), {
    name: 'InvalidRequest',
  })
  await complete(address, [unquoted], { MpuObjectSize: 5 })
})

test('aborting ends an upload and leaves nothing behind', async () => {
  const address = await create('aborted')
  await uploadPart(address, 1, randomBytes(mebibyte))
  await client.send(new AbortMultipartUploadCommand(address))
  const part = new UploadPartCommand({ ...address, PartNumber: 1, Body: 'x' })
  await assert.rejects(client.send(part), { name: 'NoSuchUpload' })
  assert.equal((await server.send(at('aborted'))).status, 404)
})

test('an upload that was completed or aborted may be aborted again', async () => {
  const aborted = await create('ended')
  const completed = await create('ended')
  await complete(completed, [await uploadPart(completed, 1, Buffer.from('x'))])
  const abort = async (address: Address) => {
    const { $metadata } = await client.send(new AbortMultipartUploadCommand(address))
    assert.equal($metadata.httpStatusCode, 204)
  }
  for (let times = 0; times < 3; times++) {
    await abort(aborted)
    await abort(completed)
  }
  assert.equal((await server.send(at('ended'))).body.toString(), 'x')
  await server.send(at('ended', { method: 'DELETE' }))
  await abort(completed)
  const { UploadId } = completed
  const last = UploadId.endsWith('0') ? '1' : '0'
  for (const other of [
    { ...completed, Key: 'ended-elsewhere' },
    { ...completed, UploadId: aborted.UploadId.slice(0, 14) + UploadId.slice(14) },
    { ...completed, UploadId: UploadId.slice(0, -1) + last },
    { ...completed, UploadId: UploadId.slice(0, 14) + '0'.repeat(24) },
    { ...completed, UploadId: 'never-given' },
  ]) {
    const again = client.send(new AbortMultipartUploadCommand(other))
    await assert.rejects(again, { name: 'NoSuchUpload' }, other.UploadId)
  }
})

test('an upload that ended with its bucket is not one of a bucket of the same name', async () => {
  const there = { Bucket: 'short-lived', Key: 'k' }
  await client.send(new CreateBucketCommand({ Bucket: there.Bucket }))
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(there))
  await client.send(new DeleteBucketCommand({ Bucket: there.Bucket }))
  await client.send(new CreateBucketCommand({ Bucket: there.Bucket }))
  const abort = new AbortMultipartUploadCommand({ ...there, UploadId })
  await assert.rejects(client.send(abort), { name: 'NoSuchUpload' })
})

test('an abort may depend on when the upload began', async () => {
  const address = await create('abort-if')
  const remove = (time: string): Promise<WireAnswer> =>
    server.send(
      at('abort-if', {
        method: 'DELETE',
        query: { uploadId: address.UploadId },
        headers: { 'x-amz-if-match-initiated-time': time },
      }),
    )
  const { Uploads } = await client.send(
    new ListMultipartUploadsCommand({ Bucket, Prefix: 'abort-if' }),
  )
  const initiated = Uploads?.[0]?.Initiated ?? new Date(0)
  assert.equal((await remove(new Date(0).toUTCString())).status, 412)
  assert.equal((await remove(initiated.toUTCString())).status, 204)
})

test('uploads that never were are NoSuchUpload', async () => {
  const ids = ['x', '0'.repeat(38), 'f'.repeat(38), 'a'.repeat(5000), '']
  for (const uploadId of ids) {
    const put = at('ghost', {
      method: 'PUT',
      query: { uploadId, partNumber: '1' },
      body: Buffer.from('x'),
    })
    const answer = await server.send(put)
    assert.equal(answer.status, 404, uploadId.slice(0, 40))
    assert.equal(xmlText(answer.body, 'Code'), 'NoSuchUpload')
    assert.equal((await server.send(at('ghost', { query: { uploadId } }))).status, 404)
  }
})

test('an upload belongs to its key', async () => {
  const address = await create('key-a')
  const other = { ...address, Key: 'key-b', PartNumber: 1, Body: 'x' }
  await assert.rejects(client.send(new UploadPartCommand(other)), { name: 'NoSuchUpload' })
})

test('a part number is from 1 to 10,000, and comes with an upload', async () => {
  const { UploadId } = await create('numbers')
  for (const partNumber of ['0', '10001', '-1', 'x', '']) {
    const query = { uploadId: UploadId, partNumber }
    const answer = await server.send(
      at('numbers', { method: 'PUT', query, body: Buffer.from('x') }),
    )
    assert.equal(answer.status, 400, partNumber)
    assert.equal(xmlText(answer.body, 'Code'), 'InvalidArgument')
  }
  const headless: Record<string, string>[] = [{ uploadId: UploadId }, { partNumber: '1' }]
  for (const query of headless) {
    const answer = await server.send(
      at('numbers', { method: 'PUT', query, body: Buffer.from('x') }),
    )
    assert.equal(xmlText(answer.body, 'Code'), 'InvalidArgument')
  }
  assert.equal((await server.send(at('numbers'))).status, 404)
})

test('parts are copied, whole or in ranges', async () => {
  const source = randomBytes(6 * mebibyte)
  await server.send(at('part-source', { method: 'PUT', body: source }))
  const address = await create('part-copy')
  const CopySource = `${Bucket}/part-source`
  const copied = await client.send(
    new UploadPartCopyCommand({ ...address, CopySource, PartNumber: 1 }),
  )
  assert.equal(copied.CopyPartResult?.ETag, `"${md5(source).toString('hex')}"`)
  const ranged = await client.send(
    new UploadPartCopyCommand({
      ...address,
      CopySource,
      PartNumber: 2,
      CopySourceRange: 'bytes=10-19',
    }),
  )
  await complete(address, [
    { PartNumber: 1, ETag: copied.CopyPartResult?.ETag },
    { PartNumber: 2, ETag: ranged.CopyPartResult?.ETag },
  ])
  const found = await server.send(at('part-copy'))
  assert.ok(found.body.equals(Buffer.concat([source, source.subarray(10, 20)])))
})

test('the range of a copied part must be whole and inside its source', async () => {
  await server.send(at('tiny', { method: 'PUT', body: Buffer.from('0123456789') }))
  const { UploadId } = await create('range-copy')
  for (const range of [
    'bytes=0-10',
    'bytes=5-',
    'bytes=-5',
    'bytes=5-2',
    '0-5',
    'bytes=0-1,3-4',
    '',
  ]) {
    const headers = { 'x-amz-copy-source': `${Bucket}/tiny`, 'x-amz-copy-source-range': range }
    const query = { uploadId: UploadId, partNumber: '1' }
    const answer = await server.send(at('range-copy', { method: 'PUT', query, headers }))
    assert.equal(answer.status, 400, range)
    assert.equal(xmlText(answer.body, 'Code'), 'InvalidArgument', range)
  }
})

test('the source of a copied part may name the version null, and no other', async () => {
  await server.send(at('versioned', { method: 'PUT', body: Buffer.from('0123456789') }))
  const address = await create('version-copy')
  const copy = (versionId: string) =>
    client.send(
      new UploadPartCopyCommand({
        ...address,
        PartNumber: 1,
        CopySource: `${Bucket}/versioned?versionId=${versionId}`,
      }),
    )
  assert.ok((await copy('null')).CopyPartResult?.ETag)
  await assert.rejects(copy('abc'), { name: 'NoSuchVersion' })
})

test('a source of more than 5 GiB is copied in ranges only', async () => {
  const { engine, blobs, ids } = server.store.services
  const { id } = await blobs.write(
    (async function* () {
      yield Buffer.from('0123456789')
    })(),
  )
  // The file is shorter than in its record. Only its beginning is ever read.
  await engine.write(async (tx) => {
    const { root } = (await findBucket(tx, Bucket)) ?? { root: asDirectoryId(0) }
    await putObject({ tx, ids }, root, Buffer.from('huge'), {
      etag: '',
      sizeBytes: 6 * 1024 ** 3,
      modifiedAt: 0,
      ownerId: server.credential().owner.id,
      body: putBlobBody(tx, id),
      storageClass: 'STANDARD',
      headers: {},
      metadata: {},
    })
  })
  const address = await create('huge-copy')
  const part = { ...address, PartNumber: 1, CopySource: `${Bucket}/huge` }
  await assert.rejects(client.send(new UploadPartCopyCommand(part)), { name: 'InvalidRequest' })
  const ranged = new UploadPartCopyCommand({ ...part, CopySourceRange: 'bytes=2-4' })
  const etag = md5(Buffer.from('234')).toString('hex')
  assert.equal((await client.send(ranged)).CopyPartResult?.ETag, `"${etag}"`)
})

test('parts are listed by pages', async () => {
  const address = await create('pages')
  for (const number of [1, 2, 5, 9]) await uploadPart(address, number, Buffer.from(String(number)))
  const first = await client.send(new ListPartsCommand({ ...address, MaxParts: 3 }))
  assert.deepEqual(
    first.Parts?.map(({ PartNumber }) => PartNumber),
    [1, 2, 5],
  )
  assert.equal(first.IsTruncated, true)
  assert.equal(first.NextPartNumberMarker, '5')
  assert.equal(first.Owner?.ID, server.credential().owner.id)
  assert.equal(first.Initiator?.DisplayName, server.credential().owner.displayName)
  assert.equal(first.StorageClass, 'STANDARD')
  const rest = await client.send(new ListPartsCommand({ ...address, PartNumberMarker: '5' }))
  assert.deepEqual(
    rest.Parts?.map(({ PartNumber }) => PartNumber),
    [9],
  )
  assert.equal(rest.IsTruncated, false)
  const none = await client.send(new ListPartsCommand({ ...address, MaxParts: 0 }))
  assert.equal(none.Parts, undefined)
  // With max-parts=0, IsTruncated must be false, or the client loops.
  assert.equal(none.IsTruncated, false)
  const query = { uploadId: address.UploadId, 'max-parts': '' }
  const unlimited = await server.send(at('pages', { query }))
  assert.equal(unlimited.status, 200)
  assert.equal(xmlText(unlimited.body, 'MaxParts'), '1000')
})

test('uploads are listed by key and age, with prefix, delimiter and markers', async () => {
  const keys = ['list/a/1', 'list/a/2', 'list/b', 'list/b', 'list/c']
  const created: Address[] = []
  for (const key of keys) created.push(await create(key))
  const all = await listUploads({})
  assert.deepEqual(
    all.map(({ Key, UploadId }) => [Key, UploadId]),
    created.map(({ Key, UploadId }) => [Key, UploadId]),
  )
  const grouped = await client.send(
    new ListMultipartUploadsCommand({ Bucket, Prefix: 'list/', Delimiter: '/' }),
  )
  assert.deepEqual(
    grouped.CommonPrefixes?.map(({ Prefix }) => Prefix),
    ['list/a/'],
  )
  assert.deepEqual(
    grouped.Uploads?.map(({ Key }) => Key),
    ['list/b', 'list/b', 'list/c'],
  )
  const page = await client.send(
    new ListMultipartUploadsCommand({ Bucket, Prefix: 'list/', MaxUploads: 3 }),
  )
  assert.equal(page.IsTruncated, true)
  assert.equal(page.NextKeyMarker, 'list/b')
  const rest = await listUploads({
    KeyMarker: page.NextKeyMarker,
    UploadIdMarker: page.NextUploadIdMarker,
  })
  assert.deepEqual(
    rest.map(({ UploadId }) => UploadId),
    created.slice(3).map(({ UploadId }) => UploadId),
  )
  await assert.rejects(listUploads({ KeyMarker: 'list/b', UploadIdMarker: 'nonsense' }), {
    name: 'InvalidArgument',
    message: 'Invalid uploadId marker',
  })
  // Without a key marker, or with an empty one, the upload id marker has no effect.
  assert.equal((await listUploads({ UploadIdMarker: 'nonsense' })).length, created.length)
  assert.equal((await listUploads({ KeyMarker: 'list/b', UploadIdMarker: '' })).length, 1)
})

async function listUploads(rest: object): Promise<MultipartUpload[]> {
  const answer = await client.send(
    new ListMultipartUploadsCommand({ Bucket, Prefix: 'list/', ...rest }),
  )
  return answer.Uploads ?? []
}

test('the checksum of an upload is that of its parts or of the whole', async () => {
  const bodies = [randomBytes(5 * mebibyte), randomBytes(100)]
  for (const [ChecksumAlgorithm, ChecksumType] of [
    ['SHA256', 'COMPOSITE'],
    ['CRC32', 'FULL_OBJECT'],
    ['CRC64NVME', 'FULL_OBJECT'],
  ] as const) {
    const address = await create(`sum-${ChecksumAlgorithm}`, { ChecksumAlgorithm, ChecksumType })
    const Parts: CompletedPart[] = []
    for (const [index, Body] of bodies.entries()) {
      const PartNumber = index + 1
      const { $metadata, ...sums } = await client.send(
        new UploadPartCommand({ ...address, PartNumber, Body, ChecksumAlgorithm }),
      )
      assert.ok($metadata)
      Parts.push({ PartNumber, ...sums })
    }
    const answer = await client.send(
      new CompleteMultipartUploadCommand({ ...address, MultipartUpload: { Parts } }),
    )
    assert.equal(answer.ChecksumType, ChecksumType)
    const value = answer[`Checksum${ChecksumAlgorithm}`]
    assert.equal(value?.endsWith('-2'), ChecksumType === 'COMPOSITE')
    const head = await server.send(
      at(`sum-${ChecksumAlgorithm}`, {
        method: 'HEAD',
        headers: { 'x-amz-checksum-mode': 'ENABLED' },
      }),
    )
    assert.equal(head.headers[`x-amz-checksum-${ChecksumAlgorithm.toLowerCase()}`], value)
    assert.equal(head.headers['x-amz-checksum-type'], ChecksumType)
  }
})

test('a part is read with its own checksum, wherever that is known', async () => {
  const bodies = [randomBytes(5 * mebibyte), randomBytes(100)]
  const sums: (string | undefined)[] = []
  const ChecksumAlgorithm = 'CRC32'
  const address = await create('part-sums', { ChecksumAlgorithm, ChecksumType: 'COMPOSITE' })
  const Parts: CompletedPart[] = []
  for (const [index, Body] of bodies.entries()) {
    const part = { ...address, PartNumber: index + 1, Body, ChecksumAlgorithm } as const
    const { ETag, ChecksumCRC32 } = await client.send(new UploadPartCommand(part))
    sums.push(ChecksumCRC32)
    Parts.push({ PartNumber: index + 1, ETag, ChecksumCRC32 })
  }
  await complete(address, Parts)
  const read = (key: string, partNumber: string, headers = {}): Promise<WireAnswer> =>
    server.send(
      at(key, {
        method: 'HEAD',
        query: { partNumber },
        headers: { 'x-amz-checksum-mode': 'ENABLED', ...headers },
      }),
    )
  for (const [index, sum] of sums.entries()) {
    const { status, headers } = await read('part-sums', String(index + 1))
    assert.equal(status, 206)
    assert.ok(sum)
    assert.equal(headers['x-amz-checksum-crc32'], sum)
    assert.equal(headers['x-amz-checksum-type'], 'COMPOSITE')
  }
  const silent = await read('part-sums', '1', { 'x-amz-checksum-mode': '' })
  assert.equal(silent.headers['x-amz-checksum-crc32'], undefined)
})

test('an upload with a checksum of checksums completes with those of all parts in the list only', async () => {
  const body = Buffer.from('the only part')
  for (const [ChecksumAlgorithm, ChecksumType] of [
    ['SHA256', undefined],
    ['SHA1', 'COMPOSITE'],
    ['CRC32', undefined],
    ['CRC32C', 'COMPOSITE'],
    ['CRC32', 'FULL_OBJECT'],
    ['CRC64NVME', undefined],
  ] as const) {
    const options = ChecksumType === undefined ? {} : { ChecksumType }
    const address = await create('listed', { ChecksumAlgorithm, ...options })
    const query = { partNumber: '1', uploadId: address.UploadId }
    const { headers } = await server.send(at('listed', { method: 'PUT', query, body }))
    const name = ChecksumAlgorithm.toLowerCase()
    const sum = String(headers[`x-amz-checksum-${name}`])
    const part = { PartNumber: 1, ETag: String(headers.etag) }
    if (ChecksumType !== 'FULL_OBJECT' && ChecksumAlgorithm !== 'CRC64NVME') {
      await assert.rejects(complete(address, [part]), {
        name: 'InvalidRequest',
        message: `The upload was created using a ${name} checksum. The complete request must include the checksum for each part. It was missing for part 1 in the request.`,
      })
      const wrong = { ...part, [`Checksum${ChecksumAlgorithm}`]: `${sum.slice(0, -4)}AA==` }
      await assert.rejects(complete(address, [wrong]), { name: 'InvalidPart' })
      await complete(address, [{ ...part, [`Checksum${ChecksumAlgorithm}`]: sum }])
    } else {
      await complete(address, [part])
    }
  }
})

test('an upload without an algorithm gets the CRC64NVME of the whole, and others are compared', async () => {
  const first = Buffer.alloc(5 * mebibyte, 7)
  const [whole, wrong] = [Buffer.concat([first, Buffer.from('end')]), 'AAAAAA==']
  for (const ChecksumAlgorithm of ['CRC32', 'SHA256', undefined] as const) {
    const key = `plain-${ChecksumAlgorithm}`
    const address = await create(key)
    const send = async (PartNumber: number, body: Buffer): Promise<CompletedPart> => {
      const sum = ChecksumAlgorithm?.toLowerCase()
      const headers: Record<string, string> =
        sum === 'crc32'
          ? { 'x-amz-checksum-crc32': base64Crc32(body) }
          : sum === 'sha256'
            ? { [`x-amz-checksum-${sum}`]: createHash(sum).update(body).digest('base64') }
            : {}
      const query = { partNumber: String(PartNumber), uploadId: address.UploadId }
      const answer = await server.send(at(key, { method: 'PUT', query, body, headers }))
      assert.equal(answer.status, 200)
      return { PartNumber, ETag: String(answer.headers.etag) }
    }
    const parts = [await send(1, first), await send(2, Buffer.from('end'))]
    const mistake = ChecksumAlgorithm === 'CRC32' ? 'BadDigest' : 'InvalidRequest'
    await assert.rejects(complete(address, parts, { ChecksumCRC32: wrong }), { name: mistake })
    await assert.rejects(complete(address, parts, { ChecksumCRC64NVME: 'AAAAAAAAAAA=' }), {
      name: 'BadDigest',
    })
    const told = ChecksumAlgorithm === 'CRC32' ? { ChecksumCRC32: base64Crc32(whole) } : {}
    const answer = await complete(address, parts, told)
    const crc64 = new Crc('CRC64NVME')
    crc64.update(whole)
    assert.equal(answer.ChecksumCRC64NVME, crc64.digest().toString('base64'))
    assert.equal(answer.ChecksumType, 'FULL_OBJECT')
  }
})

function base64Crc32(bytes: Buffer): string {
  const crc = new Crc('CRC32')
  crc.update(bytes)
  return crc.digest().toString('base64')
}

test('a checksum of the whole by another algorithm than that of the upload is refused', async () => {
  const address = await create('foreign-sum', { ChecksumAlgorithm: 'SHA256' })
  const { ETag, ChecksumSHA256 } = await client.send(
    new UploadPartCommand({ ...address, PartNumber: 1, Body: 'x', ChecksumAlgorithm: 'SHA256' }),
  )
  const parts = [{ PartNumber: 1, ETag, ChecksumSHA256 }]
  await assert.rejects(complete(address, parts, { ChecksumCRC32: 'AAAAAA==' }), {
    name: 'InvalidRequest',
  })
  const { ChecksumSHA256: composite } = await complete(address, parts)
  assert.ok(composite?.endsWith('-1'))
})

test('a wrong checksum of a part, or of the whole, is refused', async () => {
  const address = await create('sum-wrong', {
    ChecksumAlgorithm: 'CRC32',
    ChecksumType: 'FULL_OBJECT',
  })
  const wrong = { ...address, PartNumber: 1, Body: 'x', ChecksumCRC32: 'AAAAAA==' }
  await assert.rejects(client.send(new UploadPartCommand(wrong)), { name: 'BadDigest' })
  const { ETag, ChecksumCRC32 } = await client.send(
    new UploadPartCommand({ ...address, PartNumber: 1, Body: 'x', ChecksumAlgorithm: 'CRC32' }),
  )
  const part = { PartNumber: 1, ETag, ChecksumCRC32: 'AAAAAA==' }
  await assert.rejects(complete(address, [part]), { name: 'InvalidPart' })
  // The same value, as a checksum of another algorithm.
  const other = { PartNumber: 1, ETag, ChecksumCRC32C: ChecksumCRC32 }
  await assert.rejects(complete(address, [other]), { name: 'InvalidPart' })
  const whole = { ChecksumCRC32: 'AAAAAA==', ChecksumType: 'FULL_OBJECT' }
  await assert.rejects(complete(address, [{ ...part, ChecksumCRC32 }], whole), {
    name: 'BadDigest',
  })
  await assert.rejects(
    client.send(
      new UploadPartCommand({ ...address, PartNumber: 2, Body: 'x', ChecksumAlgorithm: 'SHA1' }),
    ),
    { name: 'InvalidRequest' },
  )
  await complete(address, [{ ...part, ChecksumCRC32 }], {
    ChecksumCRC32,
    ChecksumType: 'FULL_OBJECT',
  })
})

test('the location of a completed object is its URL', async () => {
  const address = await create('a b/ü')
  const part = await uploadPart(address, 1, Buffer.from('x'))
  const answer = await client.send(
    new CompleteMultipartUploadCommand({ ...address, MultipartUpload: { Parts: [part] } }),
  )
  assert.equal(answer.Location, `${server.endpoint}/${Bucket}/a%20b/%C3%BC`)
  assert.equal(answer.Bucket, Bucket)
  assert.equal(answer.Key, 'a b/ü')
})
