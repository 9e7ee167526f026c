// Requests without a signature: each does what a policy or the bucket's list allows everyone, and no more.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import {
  CreateBucketCommand,
  DeletePublicAccessBlockCommand,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3'
import { anonymousOwner } from '../../src/access/principal.ts'
import { type WireAnswer, type WireRequest, xmlText } from '../wire.ts'
import { outcome, startWithBucket } from './bucket.fixture.ts'
import { putPolicy, sendUnsigned, type TestStatement } from './policy.fixture.ts'

const { Bucket, server, client, put, at } = await startWithBucket('open', { owners: 1 })
await client.send(new DeletePublicAccessBlockCommand({ Bucket }))

const allow = (...statements: readonly TestStatement[]): Promise<void> =>
  putPolicy(client, Bucket, ...statements)
const send = (wanted: WireRequest): Promise<WireAnswer> => sendUnsigned(server, wanted)
const listing = { method: 'GET', path: `/${Bucket}`, query: { 'list-type': '2' } }

test('objects are read, written and deleted by their own rights', async () => {
  await put('one', 'one')
  const requests: readonly (readonly [string, WireRequest, number])[] = [
    ['s3:GetObject', at('one'), 200],
    ['s3:GetObject', at('one', { method: 'HEAD' }), 200],
    ['s3:PutObject', at('two', { method: 'PUT', body: Buffer.from('two') }), 200],
    ['s3:DeleteObject', at('two', { method: 'DELETE' }), 204],
    ['s3:GetObjectTagging', at('one', { query: { tagging: '' } }), 200],
  ]
  for (const [allowed] of requests) {
    await allow({ Action: allowed, on: '/*' })
    for (const [action, wanted, status] of requests) {
      const answer = await send(wanted)
      const name = `${wanted.method} ${action} with ${allowed}`
      assert.equal(answer.status, action === allowed ? status : 403, name)
    }
    assert.equal((await send(listing)).status, 403)
  }
})

test('a bucket is listed by the right to list it, and below a prefix if only that is allowed', async () => {
  await put('photos/sea', 'x')
  await allow({
    Action: 's3:ListBucket',
    on: '',
    Condition: { StringLike: { 's3:prefix': 'photos/*' } },
  })
  assert.equal((await send(listing)).status, 403)
  const below = await send({ ...listing, query: { ...listing.query, prefix: 'photos/' } })
  assert.equal(xmlText(below.body, 'Key'), 'photos/sea')
  await allow({ Action: ['s3:ListBucket', 's3:ListBucketVersions'], on: '' })
  for (const query of [{}, { 'list-type': '2' }, { versions: '' }]) {
    assert.equal((await send({ ...listing, query })).status, 200, JSON.stringify(query))
  }
  assert.equal((await send({ ...listing, method: 'HEAD', query: {} })).status, 200)
  assert.equal((await send({ method: 'GET', path: '/' })).status, 403)
  assert.equal((await send({ method: 'PUT', path: '/bucket-of-nobody' })).status, 403)
})

test('parts are sent, listed and aborted without a key, but the upload is begun with one', async () => {
  await allow({
    Action: ['s3:PutObject', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts'],
    on: '/*',
  })
  const beginning = at('parts', { method: 'POST', query: { uploads: '' } })
  const create = async (): Promise<string> =>
    xmlText((await server.send(beginning)).body, 'UploadId') ?? ''
  const refused = await send(beginning)
  assert.deepEqual(outcome(refused), [403, 'AccessDenied'])
  assert.equal(
    xmlText(refused.body, 'Message'),
    'Anonymous users cannot initiate multipart uploads.  Please authenticate.',
  )
  const uploadId = await create()
  const part = { method: 'PUT', query: { uploadId, partNumber: '1' }, body: Buffer.from('part') }
  assert.equal((await send(at('parts', part))).status, 200)
  assert.equal((await send(at('parts', { query: { uploadId } }))).status, 200)
  const etag = createHash('md5').update('part').digest('hex')
  const text = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${etag}</ETag></Part></CompleteMultipartUpload>`
  const completion = { method: 'POST', query: { uploadId }, body: Buffer.from(text) }
  assert.equal((await send(at('parts', completion))).status, 200)
  assert.equal((await server.send(at('parts'))).body.toString(), 'part')
  const aborted = { method: 'DELETE', query: { uploadId: await create() } }
  assert.equal((await send(at('parts', aborted))).status, 204)
})

test('copies need a key, of objects, parts and folders', async () => {
  await put('from/one', 'one')
  await allow({ Action: 's3:*', on: ['', '/*'] })
  const uploads = at('parts', { method: 'POST', query: { uploads: '' } })
  const uploadId = xmlText((await server.send(uploads)).body, 'UploadId') ?? ''
  const source = (key: string) => ({ 'x-amz-copy-source': `/${Bucket}/${key}` })
  const copies = [
    at('to', { method: 'PUT', headers: source('from/one') }),
    at('parts', {
      method: 'PUT',
      query: { uploadId, partNumber: '1' },
      headers: source('from/one'),
    }),
    at('to/', {
      method: 'PUT',
      headers: { ...source('from/'), 'x-holdfast-recursive': 'true' },
    }),
  ]
  for (const copy of copies) {
    const answer = await send(copy)
    assert.deepEqual(outcome(answer), [403, 'AccessDenied'], copy.path)
    const text = xmlText(answer.body, 'Message')
    assert.equal(text, 'Anonymous users cannot copy objects.  Please authenticate.', copy.path)
    assert.equal((await server.send(copy)).status, 200, copy.path)
  }
})

test('ownership controls need a key', async () => {
  await allow({ Action: 's3:*', on: ['', '/*'] })
  const query = { ownershipControls: '' }
  const ownership = '<Rule><ObjectOwnership>ObjectWriter</ObjectOwnership></Rule>'
  const body = Buffer.from(`<OwnershipControls>${ownership}</OwnershipControls>`)
  for (const [method, action] of [
    ['GET', 's3:GetBucketOwnershipControls'],
    ['PUT', 's3:PutBucketOwnershipControls'],
    ['DELETE', 's3:PutBucketOwnershipControls'],
  ] as const) {
    const wanted = { method, path: `/${Bucket}`, query, ...(method === 'PUT' ? { body } : {}) }
    const answer = await send(wanted)
    assert.deepEqual(outcome(answer), [403, 'AccessDenied'], method)
    const text = xmlText(answer.body, 'Message')
    assert.equal(text, `${action} does not support Anonymous requests!`)
  }
})

test('leases and queries of objects need a key', async () => {
  await put('leased/x', 'x')
  await allow({ Action: 's3:*', on: ['', '/*'] })
  const path = `/${Bucket}`
  for (const paths of [{ read: ['leased/'] }, { write: ['leased/'] }]) {
    const body = Buffer.from(JSON.stringify(paths))
    const answer = await send({ method: 'POST', path, query: { lease: '' }, body })
    assert.deepEqual(outcome(answer), [403, 'AccessDenied'], JSON.stringify(paths))
  }
  const elements =
    '<Expression>SELECT * FROM S3Object</Expression><ExpressionType>SQL</ExpressionType>' +
    '<InputSerialization><CSV/></InputSerialization><OutputSerialization><CSV/></OutputSerialization>'
  const body = Buffer.from(`<SelectObjectContentRequest>${elements}</SelectObjectContentRequest>`)
  const query = { select: '', 'select-type': '2' }
  const select = at('leased/x', { method: 'POST', query, body })
  assert.deepEqual(outcome(await send(select)), [403, 'AccessDenied'])
  assert.equal((await server.send(select)).status, 200)
})

test('the headers of an answer are chosen in signed requests only', async () => {
  await allow({ Action: 's3:GetObject', on: '/*' })
  await put('page', 'x')
  const wanted = at('page', { query: { 'response-content-type': 'text/html' } })
  assert.equal((await server.send(wanted)).headers['content-type'], 'text/html')
  for (const method of ['GET', 'HEAD']) {
    assert.equal((await send({ ...wanted, method })).status, 400, method)
  }
  const answer = await send(wanted)
  assert.deepEqual(outcome(answer), [400, 'InvalidRequest'])
  assert.equal(
    xmlText(answer.body, 'Message'),
    'Request specific response headers cannot be used for anonymous GET requests.',
  )
})

test('many objects are deleted, each by its own right', async () => {
  for (const key of ['del/a', 'keep/b']) await put(key, 'x')
  const objects = ['del/a', 'keep/b'].map((key) => `<Object><Key>${key}</Key></Object>`).join('')
  const body = Buffer.from(`<Delete>${objects}</Delete>`)
  const headers = { 'content-md5': createHash('md5').update(body).digest('base64') }
  const wanted = { method: 'POST', path: `/${Bucket}`, query: { delete: '' }, headers, body }
  await allow({ Action: 's3:DeleteObject', on: '/del/*' })
  const answer = await send(wanted)
  assert.equal(answer.status, 200)
  assert.match(answer.body.toString(), /<Deleted><Key>del\/a<\/Key>/)
  assert.match(answer.body.toString(), /<Error><Key>keep\/b<\/Key><Code>AccessDenied<\/Code>/)
  await allow({ Action: 's3:DeleteObject', on: '/none/*' })
  assert.deepEqual(outcome(await send(wanted)), [403, 'AccessDenied'])
  assert.equal((await server.send(at('keep/b'))).status, 200)
})

test('no document is read for a bucket that can not admit anyone', async () => {
  await client.send(new CreateBucketCommand({ Bucket: 'shut' }))
  const body = Buffer.from('<Delete>')
  const query = { delete: '' }
  const shut = await send({ method: 'POST', path: '/shut', query, body })
  assert.deepEqual(outcome(shut), [403, 'AccessDenied'])
  const none = await send({ method: 'POST', path: '/no-such-bucket', query, body })
  assert.deepEqual(outcome(none), [404, 'NoSuchBucket'])
})

test('a form without a policy uploads where everyone may put', async () => {
  const post = async (): Promise<number> => {
    const form = new FormData()
    form.set('key', 'form/name')
    form.set('file', new Blob(['from a form']), 'name')
    const response = await fetch(`${server.endpoint}/${Bucket}`, { method: 'POST', body: form })
    await response.arrayBuffer()
    return response.status
  }
  await allow({ Action: 's3:PutObject', on: '/other/*' })
  assert.equal(await post(), 403)
  await allow({ Action: 's3:PutObject', on: '/form/*' })
  assert.equal(await post(), 204)
  assert.equal((await server.send(at('form/name'))).body.toString(), 'from a form')
})

test('nobody owns what everyone may write, unless the bucket enforces its owner', async () => {
  await allow({ Action: 's3:PutObject', on: '/*' })
  await send(at('owned', { method: 'PUT', body: Buffer.from('x') }))
  const ownerOf = async (bucket: string): Promise<string | undefined> => {
    const wanted = { Bucket: bucket, Prefix: 'owned', FetchOwner: true }
    return (await client.send(new ListObjectsV2Command(wanted))).Contents?.[0]?.Owner?.ID
  }
  assert.equal(await ownerOf(Bucket), server.credential().owner.id)
  const name = 'written-by-anyone'
  await client.send(new CreateBucketCommand({ Bucket: name, ObjectOwnership: 'ObjectWriter' }))
  await client.send(new DeletePublicAccessBlockCommand({ Bucket: name }))
  await putPolicy(client, name, { Action: 's3:PutObject', on: '/*' })
  await send({ method: 'PUT', path: `/${name}/owned`, body: Buffer.from('x') })
  assert.equal(await ownerOf(name), anonymousOwner.id)
})

test('a Deny of the policy counts for everyone, and the owner of the bucket, too', async () => {
  await put('secret/x', 'x')
  await allow(
    { Action: 's3:GetObject', on: '/*' },
    { Effect: 'Deny', Action: 's3:GetObject', on: '/secret/*' },
  )
  assert.equal((await send(at('one'))).status, 200)
  assert.deepEqual(outcome(await send(at('secret/x'))), [403, 'AccessDenied'])
  assert.deepEqual(outcome(await server.send(at('secret/x'))), [403, 'AccessDenied'])
})
