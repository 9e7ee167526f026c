// `holdfast import s3://…`: buckets of one server into another.

import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { startServer, type TestServer } from '../harness.ts'
import { accessTo, failure, lines, runInProcess } from './command-line.ts'

let source: TestServer
let target: TestServer
let from: S3Client
let to: S3Client
let bucket = ''
let count = 0

before(async () => {
  source = await startServer({ workers: 1 })
  target = await startServer({ workers: 1 })
  from = source.client()
  to = target.client()
})

after(async () => {
  await source.close()
  await target.close()
})

beforeEach(async () => {
  bucket = `moving-${count++}`
  await from.send(new CreateBucketCommand({ Bucket: bucket }))
})

function options(): string[] {
  const { endpoint, accessKeyId, secretAccessKey } = source
  return [
    ...accessTo(target),
    ...['--from', endpoint, '--from-access-key', accessKeyId],
    ...['--from-secret-key', secretAccessKey],
  ]
}

function done(...args: string[]): Promise<string[]> {
  return lines('import', ...options(), ...args)
}

async function put(key: string, body: string): Promise<void> {
  await from.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }))
}

async function putParts(key: string, parts: readonly Buffer[]): Promise<string> {
  const address = { Bucket: bucket, Key: key }
  const { UploadId } = await from.send(new CreateMultipartUploadCommand(address))
  const Parts: { PartNumber: number; ETag: string | undefined }[] = []
  for (const [index, Body] of parts.entries()) {
    const part = { ...address, UploadId, PartNumber: index + 1 }
    const { ETag } = await from.send(new UploadPartCommand({ ...part, Body }))
    Parts.push({ PartNumber: index + 1, ETag })
  }
  const { ETag = '' } = await from.send(
    new CompleteMultipartUploadCommand({ ...address, UploadId, MultipartUpload: { Parts } }),
  )
  return ETag
}

async function keys(name = bucket): Promise<string[]> {
  const { Contents = [] } = await to.send(new ListObjectsV2Command({ Bucket: name }))
  return Contents.map(({ Key = '' }) => Key)
}

test('a bucket comes over with its metadata and its ETags, and a second run copies only changes', async () => {
  await from.send(
    new PutObjectCommand({
      ...{ Bucket: bucket, Key: 'a b/ü+', Body: 'hello', ContentType: 'text/x-test' },
      ...{ CacheControl: 'max-age=9', ContentLanguage: 'de', Metadata: { colour: 'blue' } },
      ...{ ContentEncoding: 'identity', Expires: new Date('2030-01-02T03:04:05Z') },
    }),
  )
  await put('folder/', '')
  await put('empty', '')
  const parts = [Buffer.alloc(5 * 1_048_576 + 7, 1), Buffer.alloc(99, 2)]
  const etag = await putParts('large', parts)

  const [first = ''] = await done(`s3://${bucket}/`)
  assert.match(first, /0 the same, 4 objects copied \(5\.0 MiB\), 0 failed$/)
  assert.deepEqual(await keys(), ['a b/ü+', 'empty', 'folder/', 'large'])
  const head = await to.send(new HeadObjectCommand({ Bucket: bucket, Key: 'a b/ü+' }))
  assert.deepEqual(
    [head.ContentType, head.CacheControl, head.ContentLanguage, head.Metadata, head.ExpiresString],
    ['text/x-test', 'max-age=9', 'de', { colour: 'blue' }, 'Wed, 02 Jan 2030 03:04:05 GMT'],
  )
  const large = await to.send(new GetObjectCommand({ Bucket: bucket, Key: 'large' }))
  assert.equal(large.ETag, etag)
  const bytes = await large.Body?.transformToByteArray()
  assert.deepEqual(Buffer.from(bytes ?? []), Buffer.concat(parts))

  await put('empty', 'not any more')
  await put('new', 'new')
  const [second = ''] = await done(`s3://${bucket}/`)
  assert.match(second, /3 the same, 2 objects copied \(15 B\), 0 failed$/)
  assert.match((await done('--check', `s3://${bucket}/`))[0] ?? '', /5 the same, 0 missing/)
})

test('--check names what is missing or different, and fails; --delete removes what has gone', async () => {
  for (const key of ['one', 'two', 'three']) await put(key, key)
  await done(`s3://${bucket}/`)
  await put('one', 'ONE')
  await put('four', 'four')
  await from.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'two' }))
  const checked = await runInProcess(['import', ...options(), '--check', `s3://${bucket}/`])
  assert.equal(checked.exitCode, 1)
  assert.deepEqual(checked.out.trim().split('\n').sort(), [
    `different: s3://${bucket}/one`,
    `missing: s3://${bucket}/four`,
    `s3://${bucket}/ to s3://${bucket}/: 1 the same, 1 missing, 1 different, 1 without a source`,
    `surplus: s3://${bucket}/two`,
  ])
  const dry = (await done('--delete', '--dry-run', `s3://${bucket}/`)).join('\n')
  assert.match(dry, /would be removed: .*two/)
  assert.deepEqual(await keys(), ['one', 'three', 'two'])
  const [last = ''] = await done('--delete', `s3://${bucket}/`)
  assert.match(last, /1 the same, 2 objects copied \(7 B\), 1 removed, 0 failed/)
  assert.deepEqual(await keys(), ['four', 'one', 'three'])
})

test('a folder goes to another bucket, and an emptied source removes nothing', async () => {
  await put('x/one', '1')
  await put('y/two', '2')
  await to.send(new CreateBucketCommand({ Bucket: `${bucket}-other` }))
  await done(`s3://${bucket}/x/`, '--to', `s3://${bucket}-other/z/`)
  assert.deepEqual(await keys(`${bucket}-other`), ['z/one'])
  await from.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'x/one' }))
  const moved = [`s3://${bucket}/x/`, '--to', `s3://${bucket}-other/z/`]
  const refusal = await failure(1, 'import', ...options(), '--delete', ...moved)
  assert.match(refusal, /is empty: nothing was removed/)
  assert.deepEqual(await keys(`${bucket}-other`), ['z/one'])
})

test('--all moves every bucket of the key', async () => {
  await put('one', '1')
  const summaries = await done('--all')
  assert.ok(
    summaries.some((line) => line.startsWith(`s3://${bucket}/ to`)),
    summaries.join('\n'),
  )
  assert.deepEqual(await keys(), ['one'])
})

test('failures name the server that they come from', async () => {
  const nowhere = ['--from', 'http://127.0.0.1:1', '--from-access-key', 'a']
  const args = ['import', ...accessTo(target), ...nowhere, '--from-secret-key', 'b', 's3://some/']
  assert.match(await failure(1, ...args), /127\.0\.0\.1:1/)
  const wrong = options().with(-3, 'AKUNKNOWN')
  assert.match(
    await failure(1, 'import', ...wrong, 's3://some/'),
    new RegExp(`${source.endpoint} refuses the access key AKUNKNOWN`),
  )
  assert.match(await failure(1, 'import', ...options(), 's3://missing-bucket/'), /NoSuchBucket/)
  assert.match(await failure(2, 'import', 's3://some/'), /the source needs a key/)
})
