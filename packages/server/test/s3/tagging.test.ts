// Tags of objects and buckets across the wire: their rules, every way to give an object some, and that they stay with it.

import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketTaggingCommand,
  DeleteObjectTaggingCommand,
  DeletePublicAccessBlockCommand,
  GetBucketTaggingCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutBucketTaggingCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  type Tag,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { checkStore, type Finding } from '../../src/operation/fsck.ts'
import { objectPath, type WireAnswer, xmlText } from '../wire.ts'
import { outcome, startForFile } from './bucket.fixture.ts'
import { putPolicy } from './policy.fixture.ts'

const server = await startForFile({ owners: 1 })
const client = server.client()
let count = 0
let Bucket = ''
const Key = 'object'

beforeEach(async () => {
  Bucket = `tags-${count++}`
  await client.send(new CreateBucketCommand({ Bucket }))
  await client.send(new PutObjectCommand({ Bucket, Key, Body: 'content' }))
})

const colour: Tag[] = [{ Key: 'colour', Value: 'blue' }]

async function setTags(TagSet: Tag[], at = Key): Promise<void> {
  await client.send(new PutObjectTaggingCommand({ Bucket, Key: at, Tagging: { TagSet } }))
}

async function tagsOf(at = Key): Promise<Tag[] | undefined> {
  const { TagSet } = await client.send(new GetObjectTaggingCommand({ Bucket, Key: at }))
  return TagSet
}

function document(...tags: readonly (readonly [string, string])[]): string {
  const each = tags.map(([key, value]) => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`)
  return `<Tagging><TagSet>${each.join('')}</TagSet></Tagging>`
}

function putDocument(text: string, key = Key, owner = 0): Promise<WireAnswer> {
  const path = objectPath(Bucket, key)
  const body = Buffer.from(text)
  return server.send({ method: 'PUT', path, query: { tagging: '' }, body }, owner)
}

test('tags are set, replaced and removed as a whole, and keep their order', async () => {
  assert.deepEqual(await tagsOf(), [])
  const many = [
    { Key: 'z', Value: 'last first' },
    { Key: '10', Value: '' },
    { Key: '2', Value: '+ - = . _ : / @' },
    { Key: '__proto__', Value: 'a key like any other' },
    { Key: 'größe 高さ', Value: 'é' },
  ]
  await setTags(many)
  assert.deepEqual(await tagsOf(), many)
  await setTags(colour)
  assert.deepEqual(await tagsOf(), colour)
  await client.send(new DeleteObjectTaggingCommand({ Bucket, Key }))
  assert.deepEqual(await tagsOf(), [])
  await setTags(colour)
  await setTags([])
  assert.deepEqual(await tagsOf(), [])
})

test('a change of tags leaves everything else as it was', async () => {
  const described = {
    ...{ Bucket, Key, Body: 'other', Metadata: { a: 'b' }, ContentType: 'text/x' },
    ChecksumAlgorithm: 'SHA256' as const,
  }
  await client.send(new PutObjectCommand(described))
  const before = await client.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }))
  const body = async (): Promise<string | undefined> => {
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }))
    return Body?.transformToString()
  }
  await setTags(colour)
  const after = await client.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }))
  assert.deepEqual(
    { ...after, $metadata: undefined, TagCount: undefined },
    { ...before, $metadata: undefined, TagCount: undefined },
  )
  assert.equal(await body(), 'other')
  await client.send(new DeleteObjectTaggingCommand({ Bucket, Key }))
  assert.equal(await body(), 'other')
})

test('GET and HEAD tell the number of tags, if there are any', async () => {
  const counts = async (): Promise<(string | string[] | undefined)[]> => {
    const path = objectPath(Bucket, Key)
    const answers = [
      await server.send({ method: 'GET', path }),
      await server.send({ method: 'HEAD', path }),
      await server.send({ method: 'GET', path, headers: { range: 'bytes=0-1' } }),
    ]
    return answers.map(({ headers }) => headers['x-amz-tagging-count']?.toString())
  }
  assert.deepEqual(await counts(), [undefined, undefined, undefined])
  await setTags([...colour, { Key: 'size', Value: 'l' }])
  assert.deepEqual(await counts(), ['2', '2', '2'])
  await setTags([])
  assert.deepEqual(await counts(), [undefined, undefined, undefined])
})

test('tags beyond the limits of S3 are refused in its words', async () => {
  const numbered = (n: number): [string, string][] =>
    Array.from({ length: n }, (_, index) => [`k${index}`, 'v'])
  assert.equal((await putDocument(document(...numbered(10)))).status, 200)
  assert.equal((await putDocument(document(['k'.repeat(128), 'v'.repeat(256)]))).status, 200)
  // Lengths are counted in UTF-16: each of these letters is two units.
  assert.equal((await putDocument(document(['𝒳'.repeat(64), '𝒳'.repeat(128)]))).status, 200)
  const kept = await tagsOf()
  const cases: [string, string, string][] = [
    ['BadRequest', 'Object tags cannot be greater than 10', document(...numbered(11))],
    ['InvalidTag', 'The TagKey you have provided is invalid', document(['', 'v'])],
    ['InvalidTag', 'The TagKey you have provided is invalid', document(['k'.repeat(129), 'v'])],
    ['InvalidTag', 'The TagKey you have provided is invalid', document(['𝒳'.repeat(65), 'v'])],
    ['InvalidTag', 'The TagKey you have provided is invalid', document(['a*b', 'v'])],
    ['InvalidTag', 'The TagKey you have provided is invalid', document(['a\nb', 'v'])],
    ['InvalidTag', 'The TagValue you have provided is invalid', document(['k', 'v'.repeat(257)])],
    ['InvalidTag', 'The TagValue you have provided is invalid', document(['k', 'a&amp;b'])],
    [
      'InvalidTag',
      'Cannot provide multiple Tags with the same key',
      document(['k', 'a'], ['k', 'a']),
    ],
    ['InvalidTag', 'Your TagKey cannot be prefixed with aws:', document(['aws:k', 'v'])],
    ['InvalidTag', 'Your TagKey cannot be prefixed with aws:', document(['AWS:k', 'v'])],
  ]
  for (const [code, message, text] of cases) {
    const answer = await putDocument(text)
    assert.deepEqual(outcome(answer), [400, code], text)
    assert.equal(xmlText(answer.body, 'Message'), message, text)
  }
  assert.equal(xmlText((await putDocument(document(['a*b', 'v']))).body, 'TagKey'), 'a*b')
  assert.deepEqual(await tagsOf(), kept)
})

test('a document that is no set of tags is refused', async () => {
  const tag = '<Tag><Key>a</Key><Value>b</Value></Tag>'
  for (const text of [
    '<Tagging>',
    '<Tagging/>',
    '<Other><TagSet/></Other>',
    '<Tagging><TagSet/><TagSet/></Tagging>',
    `<Tagging>${tag}</Tagging>`,
    '<Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet></Tagging>',
    '<Tagging><TagSet><Tag><Value>a</Value></Tag></TagSet></Tagging>',
    '<Tagging><TagSet><Tag><Key>a</Key><Key>a</Key></Tag></TagSet></Tagging>',
    '<Tagging><TagSet><Tag><Key><a/></Key><Value/></Tag></TagSet></Tagging>',
    '<Tagging><TagSet><Other><Key>a</Key><Value/></Other></TagSet></Tagging>',
  ]) {
    assert.deepEqual(outcome(await putDocument(text)), [400, 'MalformedXML'], text)
  }
  assert.deepEqual(outcome(await putDocument('')), [400, 'MissingRequestBodyError'])
})

test('tags are those of an object that is there, in its one version', async () => {
  for (const method of ['GET', 'PUT', 'DELETE']) {
    const body = method === 'PUT' ? { body: Buffer.from(document(['a', 'b'])) } : {}
    const ask = (path: string, query = {}, owner = 0): Promise<WireAnswer> =>
      server.send({ method, path, query: { tagging: '', ...query }, ...body }, owner)
    const path = objectPath(Bucket, Key)
    assert.deepEqual(outcome(await ask(objectPath(Bucket, 'none'))), [404, 'NoSuchKey'], method)
    assert.deepEqual(outcome(await ask('/no-such-bucket/a')), [404, 'NoSuchBucket'], method)
    assert.deepEqual(outcome(await ask(path, {}, 1)), [403, 'AccessDenied'], method)
    assert.deepEqual(outcome(await ask(path, { versionId: 'x' })), [404, 'NoSuchVersion'], method)
    assert.ok((await ask(path, { versionId: 'null' })).status < 300, method)
  }
})

test('an object gets tags with its bytes, and loses them with the next', async () => {
  await client.send(
    new PutObjectCommand({
      Bucket,
      Key,
      Body: 'x',
      Tagging: 'colour=blue&empty=&bare&a%20b=c%2Bd+e',
    }),
  )
  assert.deepEqual(await tagsOf(), [
    ...colour,
    { Key: 'empty', Value: '' },
    { Key: 'bare', Value: '' },
    { Key: 'a b', Value: 'c+d e' },
  ])
  await client.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }))
  assert.deepEqual(await tagsOf(), [])
})

test('the number of tags is told to those who may read the tags', async () => {
  await setTags(colour)
  await client.send(new DeletePublicAccessBlockCommand({ Bucket }))
  const read = { Action: 's3:GetObject', on: '/*' }
  await putPolicy(client, Bucket, read)
  const counts = async (): Promise<(string | null)[]> => {
    const url = `${server.endpoint}${objectPath(Bucket, Key)}`
    const answers = [await fetch(url), await fetch(url, { method: 'HEAD' })]
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200],
    )
    return answers.map(({ headers }) => headers.get('x-amz-tagging-count'))
  }
  assert.deepEqual(await counts(), [null, null])
  await putPolicy(client, Bucket, read, { Action: 's3:GetObjectTagging', on: '/*' })
  assert.deepEqual(await counts(), ['1', '1'])
})

test('a header of tags that breaks a rule is refused, and nothing is stored', async () => {
  const invalid =
    "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates."
  const many = Array.from({ length: 11 }, (_, index) => `k${index}=v`).join('&')
  for (const [text, code, message] of [
    ['a=1&a=2', 'InvalidArgument', invalid],
    ['a=%zz', 'InvalidArgument', invalid],
    ['a=%ff', 'InvalidArgument', invalid],
    [many, 'BadRequest', 'Object tags cannot be greater than 10'],
    ['=v', 'InvalidTag', 'The TagKey you have provided is invalid'],
    ['a%00=v', 'InvalidTag', 'The TagKey you have provided is invalid'],
    ['a=%3C', 'InvalidTag', 'The TagValue you have provided is invalid'],
    ['aws:a=b', 'InvalidTag', 'Your TagKey cannot be prefixed with aws:'],
  ] as const) {
    const headers = { 'x-amz-tagging': text }
    const path = objectPath(Bucket, 'new')
    for (const ask of [
      { method: 'PUT', path, headers, body: Buffer.from('x') },
      { method: 'POST', path, headers, query: { uploads: '' } },
      {
        method: 'PUT',
        path,
        headers: {
          ...headers,
          'x-amz-copy-source': `${Bucket}/${Key}`,
          'x-amz-tagging-directive': 'REPLACE',
        },
      },
    ]) {
      const answer = await server.send(ask)
      assert.deepEqual(outcome(answer), [400, code], text)
      assert.equal(xmlText(answer.body, 'Message'), message)
    }
    assert.equal((await server.send({ method: 'HEAD', path })).status, 404)
  }
  const part = { method: 'PUT', path: objectPath(Bucket, Key), headers: { 'x-amz-tagging': 'a=b' } }
  const query = { partNumber: '1', uploadId: 'x' }
  assert.deepEqual(outcome(await server.send({ ...part, query })), [501, 'NotImplemented'])
})

test('a presigned URL gives the tags that it was signed with, and takes no others', async () => {
  const put = new PutObjectCommand({ Bucket, Key, Tagging: 'colour=blue' })
  const url = await getSignedUrl(client, put, { expiresIn: 60 })
  assert.match(url, /x-amz-tagging=/)
  assert.equal((await fetch(url, { method: 'PUT', body: 'x' })).status, 200)
  assert.deepEqual(await tagsOf(), colour)
  const plain = await getSignedUrl(client, new PutObjectCommand({ Bucket, Key }), { expiresIn: 60 })
  const headers = { 'x-amz-tagging': 'a=b' }
  assert.equal((await fetch(plain, { method: 'PUT', body: 'x', headers })).status, 403)
})

test('a copy has the tags of its source, or those that replace them', async () => {
  const CopySource = `${Bucket}/${Key}`
  await setTags(colour)
  await client.send(new CopyObjectCommand({ Bucket, Key: 'same', CopySource }))
  assert.deepEqual(await tagsOf('same'), colour)
  const replaced = { MetadataDirective: 'REPLACE' as const, Metadata: { a: 'b' } }
  await client.send(new CopyObjectCommand({ Bucket, Key: 'described', CopySource, ...replaced }))
  assert.deepEqual(await tagsOf('described'), colour)
  const TaggingDirective = 'REPLACE'
  const other = { Bucket, Key: 'other', CopySource, TaggingDirective, Tagging: 'a=b' } as const
  await client.send(new CopyObjectCommand(other))
  assert.deepEqual(await tagsOf('other'), [{ Key: 'a', Value: 'b' }])
  await client.send(new CopyObjectCommand({ Bucket, Key: 'none', CopySource, TaggingDirective }))
  assert.deepEqual(await tagsOf('none'), [])
  const ignored = { Bucket, Key: 'kept', CopySource, Tagging: 'a=b' }
  await client.send(new CopyObjectCommand(ignored))
  assert.deepEqual(await tagsOf('kept'), colour)
  await client.send(new CopyObjectCommand({ Bucket, Key, CopySource, ...replaced }))
  assert.deepEqual(await tagsOf(), colour)
  const headers = { 'x-amz-copy-source': CopySource, 'x-amz-tagging-directive': 'OTHER' }
  const unknown = await server.send({ method: 'PUT', path: objectPath(Bucket, 'u'), headers })
  assert.deepEqual(outcome(unknown), [400, 'InvalidArgument'])
})

test('a multipart object has the tags of its upload', async () => {
  const at = { Bucket, Key: 'parts' }
  const { UploadId } = await client.send(
    new CreateMultipartUploadCommand({ ...at, Tagging: 'colour=blue' }),
  )
  const upload = { ...at, UploadId }
  const { ETag } = await client.send(
    new UploadPartCommand({ ...upload, PartNumber: 1, Body: 'the only part' }),
  )
  const complete = new CompleteMultipartUploadCommand({
    ...upload,
    MultipartUpload: { Parts: [{ ETag, PartNumber: 1 }] },
  })
  await client.send(complete)
  assert.deepEqual(await tagsOf('parts'), colour)
  const plain = await client.send(new CreateMultipartUploadCommand(at))
  await client.send(new AbortMultipartUploadCommand({ ...at, UploadId: plain.UploadId }))
  // The object stays the one that the upload made, also for a client that completes it again.
  await setTags([{ Key: 'a', Value: 'b' }], 'parts')
  await client.send(complete)
  assert.deepEqual(await tagsOf('parts'), [{ Key: 'a', Value: 'b' }])
})

test('tags go along with a rename, and with a copy of a folder that then goes its own way', async () => {
  const folder = (headers: Record<string, string>, to: string): Promise<WireAnswer> =>
    server.send({ method: 'PUT', path: objectPath(Bucket, to), headers })
  const large = Buffer.alloc(100_000, 7)
  for (const [key, body] of [
    ['f/small', 'x'],
    ['f/deep/large', large],
  ] as const) {
    await client.send(
      new PutObjectCommand({ Bucket, Key: key, Body: body, Tagging: 'colour=blue' }),
    )
  }
  await folder({ 'x-amz-rename-source': 'f/small' }, 'f/renamed')
  assert.deepEqual(await tagsOf('f/renamed'), colour)
  const copy = { 'x-amz-copy-source': `${Bucket}/f/`, 'x-holdfast-recursive': 'true' }
  assert.equal((await folder(copy, 'g/')).status, 200)
  assert.equal((await folder({ 'x-amz-rename-source': 'f/' }, 'h/')).status, 200)
  const changed = [{ Key: 'changed', Value: '1' }]
  for (const name of ['renamed', 'deep/large']) {
    assert.deepEqual(await tagsOf(`g/${name}`), colour)
    const head = { Bucket, Key: `g/${name}` }
    const before = await client.send(new HeadObjectCommand(head))
    await setTags(changed, `g/${name}`)
    const after = await client.send(new HeadObjectCommand(head))
    assert.deepEqual([after.ETag, after.LastModified], [before.ETag, before.LastModified])
    assert.deepEqual(await tagsOf(`g/${name}`), changed)
    assert.deepEqual(await tagsOf(`h/${name}`), colour)
    await client.send(new DeleteObjectTaggingCommand({ Bucket, Key: `h/${name}` }))
    assert.deepEqual(await tagsOf(`g/${name}`), changed)
  }
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: 'g/deep/large' }))
  assert.ok(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(large))
  const withTags = { ...copy, 'x-amz-tagging-directive': 'REPLACE' }
  assert.deepEqual(outcome(await folder(withTags, 'i/')), [501, 'NotImplemented'])
  assert.deepEqual(await findings(), [])
})

/** The findings of fsck in the store of the server. */
async function findings(): Promise<Finding[]> {
  const found: Finding[] = []
  const { engine, blobs } = server.store.services
  for await (const finding of checkStore({ engine, blobs })) found.push(finding)
  return found
}

test('a bucket has tags of its own, by its own limits', async () => {
  const get = async (): Promise<Tag[] | undefined> => {
    return (await client.send(new GetBucketTaggingCommand({ Bucket }))).TagSet
  }
  const set = async (TagSet: Tag[]): Promise<unknown> =>
    client.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } }))
  await assert.rejects(get(), { name: 'NoSuchTagSet' })
  const many = Array.from({ length: 50 }, (_, n) => ({ Key: `k${n}`, Value: `v${n}` }))
  await set(many)
  assert.deepEqual(await get(), many)
  await set(colour)
  assert.deepEqual(await get(), colour)
  assert.deepEqual(await tagsOf(), [])
  await client.send(new DeleteBucketTaggingCommand({ Bucket }))
  await assert.rejects(get(), { name: 'NoSuchTagSet' })
  await client.send(new DeleteBucketTaggingCommand({ Bucket }))
  await set(colour)
  await set([])
  await assert.rejects(get(), { name: 'NoSuchTagSet' })
})

test('a bucket is created with tags, or not at all', async () => {
  const create = async (bucket: string, Tags: Tag[]): Promise<unknown> =>
    client.send(new CreateBucketCommand({ Bucket: bucket, CreateBucketConfiguration: { Tags } }))
  await create('tagged-at-once', colour)
  const found = await client.send(new GetBucketTaggingCommand({ Bucket: 'tagged-at-once' }))
  assert.deepEqual(found.TagSet, colour)
  await assert.rejects(create('never-made', [{ Key: 'aws:a', Value: '' }]), { name: 'InvalidTag' })
  const none = await server.send({ method: 'HEAD', path: '/never-made' })
  assert.equal(none.status, 404)
})

test('tags of a bucket that break a rule are refused', async () => {
  const put = (text: string, bucket = Bucket, owner = 0): Promise<WireAnswer> => {
    const body = Buffer.from(text)
    return server.send({ method: 'PUT', path: `/${bucket}`, query: { tagging: '' }, body }, owner)
  }
  const many = Array.from({ length: 51 }, (_, n): [string, string] => [`k${n}`, ''])
  for (const [code, message, text] of [
    ['BadRequest', 'Bucket tag count cannot be greater than 50', document(...many)],
    ['InvalidTag', 'System tags cannot be added/updated by requester', document(['aws:a', ''])],
    ['InvalidTag', 'The TagKey you have provided is invalid', document(['a*', ''])],
    ['InvalidTag', 'The TagValue you have provided is invalid', document(['a', '*'])],
    [
      'InvalidTag',
      'Cannot provide multiple Tags with the same key',
      document(['a', ''], ['a', '']),
    ],
  ] as const) {
    const answer = await put(text)
    assert.deepEqual(outcome(answer), [400, code], text)
    assert.equal(xmlText(answer.body, 'Message'), message)
  }
  assert.deepEqual(outcome(await put('<Tagging/>')), [400, 'MalformedXML'])
  for (const method of ['GET', 'PUT', 'DELETE']) {
    const body = method === 'PUT' ? { body: Buffer.from(document(['a', 'b'])) } : {}
    const wanted = { method, path: `/${Bucket}`, query: { tagging: '' }, ...body }
    assert.deepEqual(outcome(await server.send(wanted, 1)), [403, 'AccessDenied'], method)
    const none = await server.send({ ...wanted, path: '/no-such-bucket' })
    assert.deepEqual(outcome(none), [404, 'NoSuchBucket'], method)
  }
})
