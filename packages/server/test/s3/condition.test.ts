// Conditional requests across the wire: reads in RFC 9110's order, writes and copies by S3's tables.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  PutObjectCommand,
  type S3ServiceException,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { type WireAnswer, xmlText } from '../wire.ts'
import { startWithBucket } from './bucket.fixture.ts'

const { Bucket, server, client, at, put } = await startWithBucket('conditions')

async function etagOf(key: string, text: string): Promise<string> {
  return String((await put(key, text)).headers.etag)
}

/** Status, code, and failed condition of an answer. */
function outcome(answer: WireAnswer): (string | number | undefined)[] {
  return [answer.status, xmlText(answer.body, 'Code'), xmlText(answer.body, 'Condition')]
}

const failed = (condition: string) => [412, 'PreconditionFailed', condition]
const done = [200, undefined, undefined]
const absent = [404, 'NoSuchKey', undefined]

test('conditions of a read are taken in the order of RFC 9110', async () => {
  const etag = await etagOf('read', 'x')
  const bare = etag.replaceAll('"', '')
  const modified = String((await server.send(at('read'))).headers['last-modified'])
  const earlier = new Date(Date.parse(modified) - 60_000).toUTCString()
  const later = new Date(Date.parse(modified) + 60_000).toUTCString()
  const cases: [Record<string, string>, number][] = [
    [{ 'if-match': etag }, 200],
    [{ 'if-match': bare }, 200],
    [{ 'if-match': '*' }, 200],
    [{ 'if-match': `"other", ${etag}` }, 200],
    [{ 'if-match': '"other"' }, 412],
    [{ 'if-match': `W/${etag}` }, 412],
    [{ 'if-none-match': etag }, 304],
    [{ 'if-none-match': bare }, 304],
    [{ 'if-none-match': '*' }, 304],
    [{ 'if-none-match': `W/${etag}` }, 304],
    [{ 'if-none-match': `"a,b", ${etag}` }, 304],
    [{ 'if-none-match': '"other"' }, 200],
    [{ 'if-modified-since': modified }, 304],
    [{ 'if-modified-since': later }, 304],
    [{ 'if-modified-since': earlier }, 200],
    [{ 'if-modified-since': 'yesterday' }, 200],
    [{ 'if-unmodified-since': modified }, 200],
    [{ 'if-unmodified-since': earlier }, 412],
    [{ 'if-unmodified-since': 'yesterday' }, 200],
    [{ 'if-match': etag, 'if-unmodified-since': earlier }, 200],
    [{ 'if-match': '"other"', 'if-unmodified-since': later }, 412],
    [{ 'if-none-match': etag, 'if-modified-since': earlier }, 304],
    [{ 'if-none-match': '"other"', 'if-modified-since': later }, 200],
    [{ 'if-match': '"other"', 'if-none-match': etag }, 412],
  ]
  for (const [headers, status] of cases) {
    for (const method of ['GET', 'HEAD']) {
      const answer = await server.send(at('read', { method, headers }))
      assert.equal(answer.status, status, `${method} ${JSON.stringify(headers)}`)
    }
  }
})

test('304 has the ETag and the time, and no body', async () => {
  const etag = await etagOf('not-modified', 'x')
  const answer = await server.send(at('not-modified', { headers: { 'if-none-match': etag } }))
  assert.equal(answer.status, 304)
  assert.equal(answer.headers.etag, etag)
  assert.ok(answer.headers['last-modified'])
  assert.equal(answer.body.length, 0)
  const again = await server.send(at('not-modified'))
  assert.equal(again.body.toString(), 'x')
})

test('every form of an HTTP date is understood', async () => {
  await put('dates', 'x')
  const dates = [
    'Sun, 06 Nov 1994 08:49:37 GMT',
    'Sunday, 06-Nov-94 08:49:37 GMT',
    'Sun Nov 13 08:49:37 1994',
  ]
  for (const date of dates) {
    const answer = await server.send(at('dates', { headers: { 'if-unmodified-since': date } }))
    assert.deepEqual(outcome(answer), failed('If-Unmodified-Since'), date)
  }
})

test('a missing object is 404 under any condition', async () => {
  for (const headers of [{ 'if-match': '*' }, { 'if-none-match': '*' }]) {
    assert.deepEqual(outcome(await server.send(at('absent', { headers }))), absent)
  }
})

test('If-None-Match: * creates once', async () => {
  const headers = { 'if-none-match': '*' }
  assert.deepEqual(outcome(await put('once', 'first', headers)), done)
  assert.deepEqual(outcome(await put('once', 'second', headers)), failed('If-None-Match'))
  await client.send(new DeleteObjectCommand({ Bucket, Key: 'once' }))
  assert.deepEqual(outcome(await put('once', 'third', headers)), done)
})

test('of many racing creators exactly one succeeds, and the others get 412', async () => {
  const headers = { 'if-none-match': '*' }
  const racers = Array.from({ length: 20 }, (_, i) => put('race', `racer ${i}`, headers))
  const answers = await Promise.all(racers)
  const statuses = answers.map(({ status }) => status)
  assert.equal(statuses.filter((status) => status === 200).length, 1)
  assert.equal(statuses.filter((status) => status === 412).length, 19)
  const winner = statuses.indexOf(200)
  assert.equal((await server.send(at('race'))).body.toString(), `racer ${winner}`)
})

test('If-Match on PUT replaces only the object with that ETag', async () => {
  const etag = await etagOf('match', 'one')
  assert.deepEqual(outcome(await put('match', 'x', { 'if-match': '"other"' })), failed('If-Match'))
  assert.deepEqual(outcome(await put('match', 'two', { 'if-match': etag })), done)
  assert.deepEqual(outcome(await put('match', 'x', { 'if-match': etag })), failed('If-Match'))
  assert.deepEqual(outcome(await put('no-match', 'x', { 'if-match': etag })), absent)
})

test('of many that replace one version exactly one succeeds', async () => {
  const etag = await etagOf('swap', 'start')
  const racers = Array.from({ length: 20 }, (_, i) =>
    put('swap', `racer ${i}`, { 'if-match': etag }),
  )
  const statuses = (await Promise.all(racers)).map(({ status }) => status)
  assert.equal(statuses.filter((status) => status === 200).length, 1)
  assert.equal(statuses.filter((status) => status === 412).length, 19)
})

test('conditions that S3 does not have on writes are refused, not ignored', async () => {
  const cases = [
    { 'if-none-match': '"etag"' },
    { 'if-none-match': '*', 'if-match': '"etag"' },
    { 'if-modified-since': new Date().toUTCString() },
    { 'if-unmodified-since': new Date().toUTCString() },
    { 'x-amz-if-match-size': '1' },
    { 'x-amz-if-match-last-modified-time': new Date().toUTCString() },
  ]
  for (const headers of cases) {
    const answer = await put('refused', 'x', headers)
    assert.equal(answer.status, 501, JSON.stringify(headers))
    assert.equal(xmlText(answer.body, 'Code'), 'NotImplemented')
  }
})

test('a deletion with If-Match deletes the object with that ETag', async () => {
  const remove = (key: string, headers: Record<string, string>): Promise<WireAnswer> =>
    server.send(at(key, { method: 'DELETE', headers }))
  const etag = await etagOf('delete', 'one')
  assert.deepEqual(outcome(await remove('delete', { 'if-match': '"other"' })), failed('If-Match'))
  assert.equal((await remove('delete', { 'if-match': etag })).status, 204)
  assert.deepEqual(outcome(await remove('delete', { 'if-match': etag })), absent)
  await put('delete', 'two')
  assert.equal((await remove('delete', { 'if-match': '*' })).status, 204)
  assert.deepEqual(outcome(await remove('delete', { 'if-match': '*' })), absent)
})

test('conditions that a deletion does not have are refused, and delete nothing', async () => {
  await put('not-deleted', 'x')
  for (const name of ['if-none-match', 'if-modified-since', 'if-unmodified-since']) {
    const headers = { [name]: name === 'if-none-match' ? '*' : new Date().toUTCString() }
    const answer = await server.send(at('not-deleted', { method: 'DELETE', headers }))
    assert.equal(answer.status, 501, name)
    assert.equal(xmlText(answer.body, 'Header'), name)
  }
  assert.equal((await server.send(at('not-deleted'))).status, 200)
})

test('a deletion may depend on time and size', async () => {
  await put('exact', 'four')
  const modified = String((await server.send(at('exact'))).headers['last-modified'])
  const remove = (headers: Record<string, string>): Promise<WireAnswer> =>
    server.send(at('exact', { method: 'DELETE', headers }))
  const size = 'x-amz-if-match-size'
  const time = 'x-amz-if-match-last-modified-time'
  assert.deepEqual(outcome(await remove({ [size]: '5' })), failed(size))
  const earlier = new Date(Date.parse(modified) - 5000).toUTCString()
  assert.deepEqual(outcome(await remove({ [time]: earlier })), failed(time))
  for (const headers of [{ [size]: 'four' }, { [time]: 'now' }]) {
    assert.equal(xmlText((await remove(headers)).body, 'Code'), 'InvalidArgument')
  }
  assert.equal((await remove({ [size]: '4', [time]: modified })).status, 204)
  assert.equal((await remove({ [size]: '4' })).status, 204)
})

interface Upload {
  readonly uploadId: string
  complete(conditions: { IfMatch?: string; IfNoneMatch?: string }): Promise<number>
}

/** An upload of one part, to be completed under a condition; resolves to the status. */
async function upload(Key: string): Promise<Upload> {
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }))
  const part = { Bucket, Key, UploadId, PartNumber: 1 }
  const { ETag } = await client.send(new UploadPartCommand({ ...part, Body: 'uploaded' }))
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
  return {
    uploadId: UploadId ?? '',
    complete: (conditions) =>
      client
        .send(
          new CompleteMultipartUploadCommand({
            Bucket,
            Key,
            UploadId,
            MultipartUpload,
            ...conditions,
          }),
        )
        .then(() => 200)
        .catch((error: S3ServiceException) => error.$metadata.httpStatusCode ?? 0),
  }
}

test('a completion that must create is 200, 412 or 409', async () => {
  assert.equal(await (await upload('new')).complete({ IfNoneMatch: '*' }), 200)
  assert.equal(await (await upload('new')).complete({ IfNoneMatch: '*' }), 412)
  const overtaken = await upload('overtaken')
  await put('overtaken', 'by another')
  assert.equal(await overtaken.complete({ IfNoneMatch: '*' }), 412)
  await put('deleted-meanwhile', 'there at first')
  const late = await upload('deleted-meanwhile')
  await client.send(new DeleteObjectCommand({ Bucket, Key: 'deleted-meanwhile' }))
  assert.equal(await late.complete({ IfNoneMatch: '*' }), 409)
  const twice = await upload('came-and-went')
  await put('came-and-went', 'x')
  await client.send(new DeleteObjectCommand({ Bucket, Key: 'came-and-went' }))
  assert.equal(await twice.complete({ IfNoneMatch: '*' }), 200)
})

test('a completion that must replace is 200, 412 or 404', async () => {
  const IfMatch = await etagOf('replace', 'one')
  assert.equal(await (await upload('replace')).complete({ IfMatch }), 200)
  assert.equal(await (await upload('replace')).complete({ IfMatch }), 412)
  const late = await upload('replace')
  await client.send(new DeleteObjectCommand({ Bucket, Key: 'replace' }))
  assert.equal(await late.complete({ IfMatch }), 404)
})

test('a copy fails by the conditions on its source, never with 304', async () => {
  const etag = await etagOf('source', 'x')
  const modified = String((await server.send(at('source'))).headers['last-modified'])
  const earlier = new Date(Date.parse(modified) - 60_000).toUTCString()
  const later = new Date(Date.parse(modified) + 60_000).toUTCString()
  const cases: [Record<string, string>, (string | number | undefined)[]][] = [
    [{ 'if-match': etag }, done],
    [{ 'if-match': '"other"' }, failed('x-amz-copy-source-If-Match')],
    [{ 'if-none-match': '"other"' }, done],
    [{ 'if-none-match': etag }, failed('x-amz-copy-source-If-None-Match')],
    [{ 'if-modified-since': earlier }, done],
    [{ 'if-modified-since': modified }, failed('x-amz-copy-source-If-Modified-Since')],
    [{ 'if-unmodified-since': later }, done],
    [{ 'if-unmodified-since': earlier }, failed('x-amz-copy-source-If-Unmodified-Since')],
    [{ 'if-match': etag, 'if-unmodified-since': earlier }, done],
    [
      { 'if-none-match': etag, 'if-modified-since': earlier },
      failed('x-amz-copy-source-If-None-Match'),
    ],
  ]
  for (const [conditions, expected] of cases) {
    const headers: Record<string, string> = { 'x-amz-copy-source': `/${Bucket}/source` }
    for (const [name, value] of Object.entries(conditions))
      headers[`x-amz-copy-source-${name}`] = value
    const answer = await server.send(at('copied', { method: 'PUT', headers }))
    assert.deepEqual(outcome(answer), expected, JSON.stringify(conditions))
  }
})

test('a copy fails by the conditions on its target', async () => {
  const CopySource = `${Bucket}/copy-from`
  await put('copy-from', 'x')
  const copy = (
    Key: string,
    conditions: { IfMatch?: string; IfNoneMatch?: string },
  ): Promise<unknown> =>
    client.send(new CopyObjectCommand({ Bucket, Key, CopySource, ...conditions }))
  await copy('copy-to', { IfNoneMatch: '*' })
  await assert.rejects(copy('copy-to', { IfNoneMatch: '*' }), { name: 'PreconditionFailed' })
  await assert.rejects(copy('copy-to', { IfMatch: '"other"' }), { name: 'PreconditionFailed' })
  await assert.rejects(copy('copy-nowhere', { IfMatch: '"other"' }), { name: 'NoSuchKey' })
  const { ETag } = await client.send(new PutObjectCommand({ Bucket, Key: 'copy-to', Body: 'y' }))
  await copy('copy-to', { IfMatch: String(ETag) })
})
