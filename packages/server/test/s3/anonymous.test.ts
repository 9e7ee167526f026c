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

test('an upload in parts is made, listed and aborted', async () => {
  await allow({
    Action: ['s3:PutObject', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts'],
    on: '/*',
  })
  const create = async (): Promise<string> => {
    const answer = await send(at('parts', { method: 'POST', query: { uploads: '' } }))
    return xmlText(answer.body, 'UploadId') ?? ''
  }
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
