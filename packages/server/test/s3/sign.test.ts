// Signatures over the wire: presigned URLs, and each kind of refusal.

import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { putObject } from '../../src/operation/object.ts'
import { run } from '../../src/operation/run.ts'
import { xmlText } from '../wire.ts'
import { startWithBucket } from './bucket.fixture.ts'
import { InProcessServer } from './in-process.ts'
import { presign, type RawAnswer, sendRaw, sendText, signHead } from './raw.ts'

const { Bucket, server, client } = await startWithBucket('signed', { domains: ['s3.example.test'] })
await client.send(new PutObjectCommand({ Bucket, Key: 'object', Body: 'secret' }))

const get = { method: 'GET', path: `/${Bucket}/object` } as const
const put = { method: 'PUT', path: `/${Bucket}/by-url` } as const

function code(answer: RawAnswer): string | undefined {
  return xmlText(answer.body, 'Code')
}

async function codeOf(response: Response): Promise<string | undefined> {
  return xmlText(await response.text(), 'Code')
}

test('a presigned GET needs nothing but its URL', async () => {
  const url = await getSignedUrl(client, new GetObjectCommand({ Bucket, Key: 'object' }), {
    expiresIn: 60,
  })
  const response = await fetch(url)
  assert.equal(response.status, 200)
  assert.equal(await response.text(), 'secret')
  const head = await fetch(url, { method: 'HEAD' })
  assert.equal(head.status, 403)
})

test('a presigned GET may override headers, and nothing else can be added to it', async () => {
  const command = new GetObjectCommand({
    Bucket,
    Key: 'object',
    ResponseContentType: 'text/plain',
    ResponseContentDisposition: 'attachment; filename="a b.txt"',
  })
  const url = await getSignedUrl(client, command)
  const response = await fetch(url)
  assert.equal(response.headers.get('content-type'), 'text/plain')
  assert.equal(response.headers.get('content-disposition'), 'attachment; filename="a b.txt"')
  const altered = await fetch(url.replace('text%2Fplain', 'text%2Fhtml'))
  assert.equal(altered.status, 403)
  assert.equal(await codeOf(altered), 'SignatureDoesNotMatch')
  const added = await fetch(`${url}&acl=`)
  assert.equal(await codeOf(added), 'SignatureDoesNotMatch')
  const header = await fetch(url, { headers: { 'x-amz-checksum-mode': 'ENABLED' } })
  assert.equal(header.status, 403)
})

test('a presigned PUT stores its body, with the description in its URL', async () => {
  const command = new PutObjectCommand({
    Bucket,
    Key: 'uploaded',
    ContentType: 'text/css',
    Metadata: { color: 'red' },
  })
  // By default, the SDK hoists the checksum of an empty body into the URL, which has no effect on S3.
  const url = await getSignedUrl(client, command)
  assert.match(url, /x-amz-checksum-crc32=AAAAAA/)
  const response = await fetch(url, {
    method: 'PUT',
    body: 'body',
    headers: { 'content-type': 'text/css' },
  })
  assert.equal(response.status, 200)
  const found = await client.send(new GetObjectCommand({ Bucket, Key: 'uploaded' }))
  assert.equal(await found.Body?.transformToString(), 'body')
  assert.equal(found.ContentType, 'text/css')
  assert.deepEqual(found.Metadata, { color: 'red' })
})

test('a presigned URL that asks for an unimplemented feature is refused', async () => {
  for (const demand of [
    { ObjectLockLegalHoldStatus: 'ON' },
    { ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: new Date() },
  ] as const) {
    const command = new PutObjectCommand({ Bucket, Key: 'demanding', ...demand })
    const response = await fetch(await getSignedUrl(client, command), { method: 'PUT', body: 'x' })
    assert.equal(response.status, 501, JSON.stringify(demand))
  }
  const path = presign(server, {
    method: 'PUT',
    path: put.path,
    query: { 'x-holdfast-lease': '1' },
  })
  const leased = await fetch(server.endpoint + path, { method: 'PUT', body: Buffer.from('x') })
  assert.equal(await codeOf(leased), 'LeaseLost')
})

test('a presigned URL asks for a list like a header', async () => {
  for (const [demand, code] of [
    [{ ACL: 'public-read' as const }, 'AccessControlListNotSupported'],
    [{ GrantRead: 'id=1' }, 'InvalidArgument'],
    [{ ACL: 'bucket-owner-full-control' as const }, undefined],
  ] as const) {
    const command = new PutObjectCommand({ Bucket, Key: 'listed', ...demand })
    const response = await fetch(await getSignedUrl(client, command), { method: 'PUT', body: 'x' })
    assert.equal(response.status, code === undefined ? 200 : 400)
    if (code !== undefined) assert.equal(await codeOf(response), code)
  }
})

test('a part may be uploaded by a URL that was presigned without its bytes', async () => {
  const Key = 'by-parts'
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }))
  const part = new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1 })
  const url = await getSignedUrl(client, part)
  assert.match(url, /x-amz-checksum-crc32=AAAAAA/)
  const sent = await fetch(url, { method: 'PUT', body: 'part' })
  assert.equal(sent.status, 200)
  const Parts = [{ PartNumber: 1, ETag: sent.headers.get('etag') ?? '' }]
  const MultipartUpload = { Parts }
  await client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }))
  const found = await client.send(new GetObjectCommand({ Bucket, Key }))
  assert.equal(await found.Body?.transformToString(), 'part')
})

test('a checksum counts as a signed header, beside a URL that hoists another', async () => {
  const query = { 'x-amz-checksum-crc32': 'AAAAAA==', 'x-amz-sdk-checksum-algorithm': 'CRC32' }
  const hoisted = presign(server, { ...put, query })
  const body = Buffer.from('body')
  const taken = await fetch(server.endpoint + hoisted, { method: 'PUT', body })
  assert.equal(taken.status, 200)
  const wrong = { 'x-amz-checksum-crc32': 'AAAAAA==' }
  const checked = presign(server, { ...put, query, headers: wrong })
  const refused = await fetch(server.endpoint + checked, { method: 'PUT', body, headers: wrong })
  assert.deepEqual([refused.status, await codeOf(refused)], [400, 'BadDigest'])
  const added = await fetch(server.endpoint + hoisted, { method: 'PUT', body, headers: wrong })
  assert.deepEqual([added.status, await codeOf(added)], [403, 'AccessDenied'])
})

test('the description in a URL is stored or refused, by every operation that stores an object', async () => {
  const stored = async (method: string, path: string, query = {}): Promise<Response> =>
    fetch(server.endpoint + presign(server, { method, path, query }), {
      method,
      ...(method === 'PUT' ? { body: Buffer.from('x') } : {}),
    })
  await stored('PUT', put.path)
  const copied = { 'x-amz-copy-source': put.path, 'x-amz-metadata-directive': 'REPLACE' }
  const ways = [
    ['PUT', '/described', {}],
    ['PUT', '/described', copied],
    ['POST', '/described', { uploads: '' }],
  ] as const
  const refused = [
    ['x-amz-meta-a', 'v\r\nX-Evil: 1'],
    ['x-amz-meta-a', 'v\u0000'],
    ['x-amz-meta-b c', 'v'],
    ['x-amz-meta-é', 'v'],
  ] as const
  for (const [method, key, how] of ways) {
    for (const [name, value] of refused) {
      const answer = await stored(method, `/${Bucket}${key}`, { ...how, [name]: value })
      assert.deepEqual([answer.status, await codeOf(answer)], [400, 'InvalidArgument'], name)
    }
    if (method === 'POST') continue
    const answer = await stored(method, `/${Bucket}${key}`, { ...how, 'x-amz-meta-a': ' Ã©日 ' })
    assert.equal(answer.status, 200)
    const head = await client.send(new HeadObjectCommand({ Bucket, Key: key.slice(1) }))
    const encoded = `=?UTF-8?B?${Buffer.from('Ã©日').toString('base64')}?=`
    assert.deepEqual(head.Metadata, { a: encoded })
  }
})

test('an object whose metadata no header can carry is read without it', async () => {
  const { services } = server.store
  const { owner } = server.credential()
  const principal = { accessKeyId: 'test', owner, isRoot: false }
  const signal = new AbortController().signal
  await run(services, { principal, requestId: 'test', signal }, putObject, {
    bucket: Bucket,
    key: 'bad',
    headers: { 'content-type': 'a\r\nb: c' },
    metadata: { good: 'v', 'b c': 'v', a: '\u0000' },
    storageClass: 'STANDARD',
    body: { source: Readable.from([Buffer.from('bad')]), sizeBytes: 3 },
    conditions: {},
  })
  for (const method of ['GET', 'HEAD']) {
    const { status, headers } = await server.send({ method, path: `/${Bucket}/bad` })
    assert.equal(status, 200)
    assert.equal(headers['x-amz-meta-good'], 'v')
    assert.equal(headers['x-amz-missing-meta'], '2')
    assert.equal(headers['content-type'], 'binary/octet-stream')
  }
})

test('a bare plus in a path is a space', async () => {
  const path = (key: string): string => `/${Bucket}/${key}`
  for (const [key, text] of [
    ['plus%20key', 'space'],
    ['plus%2Bkey', 'plus'],
  ] as const) {
    const stored = await sendRaw(server, {
      method: 'PUT',
      path: path(key),
      body: Buffer.from(text),
    })
    assert.equal(stored.status, 200)
    const found = await sendRaw(server, { method: 'GET', path: path(key) })
    assert.equal(found.body.toString(), text)
  }
  for (const key of ['plus%20key', 'plus+key', 'plus%2Bkey']) {
    const { text } = signHead(server, { method: 'GET', path: path(key) })
    const sent = `${text.replace(key, 'plus+key')}\r\n`
    assert.equal((await sendText(server, sent)).body.toString(), 'space', key)
    const url = presign(server, { method: 'GET', path: path(key) }).replace(key, 'plus+key')
    const answer = await fetch(server.endpoint + url)
    if (key === 'plus%2Bkey') assert.equal(await codeOf(answer), 'SignatureDoesNotMatch')
    else assert.equal(await answer.text(), 'space')
  }
})

test('a repeated parameter has one order only', async () => {
  const query = [
    ['delimiter', '/'],
    ['prefix', 'a'],
    ['prefix', 'b'],
  ] as const
  const { text } = signHead(server, { method: 'GET', path: `/${Bucket}`, query })
  const signed = await sendText(server, `${text}\r\n`)
  assert.equal(xmlText(signed.body, 'Prefix'), 'a')
  const turned = text.replace('prefix=a&prefix=b', 'prefix=b&prefix=a')
  const refused = await sendText(server, `${turned}\r\n`)
  assert.deepEqual([refused.status, code(refused)], [400, 'InvalidRequest'])
})

test('a presigned URL expires', async () => {
  const command = new GetObjectCommand({ Bucket, Key: 'object' })
  const signingDate = new Date(Date.now() - 120_000)
  const url = await getSignedUrl(client, command, { expiresIn: 60, signingDate })
  const response = await fetch(url)
  assert.equal(response.status, 403)
  const text = await response.text()
  assert.equal(xmlText(text, 'Code'), 'AccessDenied')
  assert.equal(xmlText(text, 'Message'), 'Request has expired')
  const valid = await getSignedUrl(client, command, { expiresIn: 180, signingDate })
  assert.equal((await fetch(valid)).status, 200)
})

test('each wrong signature has its own refusal', async () => {
  const wrongSecret = new S3Client({
    endpoint: server.endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId: server.credential().accessKeyId, secretAccessKey: 'wrong' },
  })
  await assert.rejects(wrongSecret.send(new GetObjectCommand({ Bucket, Key: 'object' })), {
    name: 'SignatureDoesNotMatch',
  })
  wrongSecret.destroy()
  const unknown = {
    port: server.port,
    credential: () => ({ accessKeyId: 'NOSUCHKEY', secretAccessKey: 'x' }),
  }
  assert.equal(code(await sendRaw(unknown, get)), 'InvalidAccessKeyId')
  const late = await sendRaw(server, { ...get, date: new Date(Date.now() - 20 * 60_000) })
  assert.equal(late.status, 403)
  assert.equal(code(late), 'RequestTimeTooSkewed')
  const early = await sendRaw(server, { ...get, date: new Date(Date.now() + 20 * 60_000) })
  assert.equal(code(early), 'RequestTimeTooSkewed')
  const { text } = signHead(server, get)
  const altered: [RegExp, string, string][] = [
    [/Signature=\w/, 'Signature=', 'SignatureDoesNotMatch'],
    [
      /authorization: .*\r\n/,
      'authorization: AWS4-HMAC-SHA256 nonsense\r\n',
      'AuthorizationHeaderMalformed',
    ],
    [/authorization: .*\r\n/, 'authorization: AWS a:b\r\n', 'InvalidAccessKeyId'],
    [/x-amz-content-sha256: .*\r\n/, '', 'InvalidRequest'],
    [/x-amz-date: .*\r\n/, '', 'AccessDenied'],
    [/\/s3\/aws4_request/, '/ec2/aws4_request', 'AuthorizationHeaderMalformed'],
    [/\r\nauth/, '\r\nx-amz-meta-added: 1\r\nauth', 'AccessDenied'],
  ]
  for (const [pattern, replacement, expected] of altered) {
    const answer = await sendText(server, `${text.replace(pattern, replacement)}\r\n`)
    assert.ok(answer.status === 400 || answer.status === 403, expected)
    assert.equal(code(answer), expected, String(pattern))
  }
})

test('the bucket may stand in front of a domain of the server’s', async () => {
  const headers = { host: `${Bucket}.s3.example.test:9000` }
  const found = await sendRaw(server, { method: 'GET', path: '/object', headers })
  assert.equal(found.body.toString(), 'secret')
  const list = await sendRaw(server, { method: 'GET', path: '/', headers })
  assert.equal(xmlText(list.body, 'Name'), Bucket)
  const odd = { method: 'PUT', path: '//a//', headers, body: Buffer.from('odd') }
  assert.equal((await sendRaw(server, odd)).status, 200)
  const same = await sendRaw(server, { method: 'GET', path: `/${Bucket}//a//` })
  assert.equal(same.body.toString(), 'odd')
  const bare = await sendRaw(server, { ...get, headers: { host: 's3.example.test' } })
  assert.equal(bare.body.toString(), 'secret')
  const local = { host: `${Bucket}.localhost:9000` }
  const near = await sendRaw(server, { method: 'GET', path: '/object', headers: local })
  assert.equal(near.body.toString(), 'secret')
  const query = { uploads: '' }
  const created = await sendRaw(server, {
    method: 'POST',
    path: '/up load'.replace(' ', '%20'),
    query,
    headers,
  })
  const uploadId = xmlText(created.body, 'UploadId') ?? ''
  const part = { method: 'PUT', path: '/up%20load', headers, body: Buffer.from('x') }
  const { headers: stored } = await sendRaw(server, {
    ...part,
    query: { partNumber: '1', uploadId },
  })
  const body = Buffer.from(
    `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${stored['etag']}</ETag></Part></CompleteMultipartUpload>`,
  )
  const done = await sendRaw(server, { ...part, method: 'POST', query: { uploadId }, body })
  assert.equal(xmlText(done.body, 'Location'), `http://${headers.host}/up%20load`)
})

function urlOfVersion2(path: string, more = '', { method = 'GET', bucket = '' } = {}): string {
  const { accessKeyId, secretAccessKey } = server.credential()
  const expires = String(Math.floor(Date.now() / 1000) + 60)
  const text = `${method}\n\n\n${expires}\n${bucket}${path}${more === '' ? '' : `?${more}`}`
  const signature = createHmac('sha1', secretAccessKey).update(text).digest('base64')
  const query = new URLSearchParams(more)
  query.set('AWSAccessKeyId', accessKeyId)
  query.set('Expires', expires)
  query.set('Signature', signature)
  return `${server.endpoint}${path}?${query}`
}

test('a URL may be presigned by version 2', async () => {
  const url = urlOfVersion2(get.path, 'response-content-type=text/css')
  const response = await fetch(url)
  assert.equal(await response.text(), 'secret')
  assert.equal(response.headers.get('content-type'), 'text/css')
  assert.equal(await codeOf(await fetch(`${url}&acl`)), 'SignatureDoesNotMatch')
  assert.equal(await codeOf(await fetch(`${url}&archive=zip`)), 'AccessDenied')
  const leased = await fetch(url, { headers: { 'x-holdfast-lease': '1' } })
  assert.equal(await codeOf(leased), 'AccessDenied')
  const path = '/by%20url/%C3%A9'
  const put = urlOfVersion2(`/${Bucket}${path}`, '', { method: 'PUT' })
  assert.equal((await fetch(put, { method: 'PUT', body: 'body' })).status, 403)
  const body = Buffer.from('body')
  assert.equal((await fetch(put, { method: 'PUT', body })).status, 200)
  const hosted = new URL(urlOfVersion2(path, '', { bucket: `/${Bucket}` }))
  const host = `host: ${Bucket}.s3.example.test`
  const answer = await sendText(
    server,
    `GET ${hosted.pathname}${hosted.search} HTTP/1.1\r\n${host}\r\n\r\n`,
  )
  assert.equal(answer.body.toString(), 'body')
})

test('a form may be signed by version 2', async () => {
  const { accessKeyId, secretAccessKey } = server.credential()
  const expiration = new Date(Date.now() + 60_000).toISOString()
  const conditions = [{ bucket: Bucket }, ['starts-with', '$key', 'form/']]
  const policy = Buffer.from(JSON.stringify({ expiration, conditions })).toString('base64')
  const signature = createHmac('sha1', secretAccessKey).update(policy).digest('base64')
  const send = async (fields: Readonly<Record<string, string>>): Promise<Response> => {
    const form = new FormData()
    for (const [name, value] of Object.entries(fields)) form.set(name, value)
    form.set('file', new Blob(['by form']), 'f')
    return fetch(`${server.endpoint}/${Bucket}`, { method: 'POST', body: form })
  }
  const fields = { key: 'form/a', AWSAccessKeyId: accessKeyId, policy, signature }
  assert.equal((await send(fields)).status, 204)
  assert.equal(await codeOf(await send({ ...fields, key: 'other' })), 'AccessDenied')
  assert.equal(await codeOf(await send({ ...fields, signature: 'x' })), 'SignatureDoesNotMatch')
  const found = await client.send(new GetObjectCommand({ Bucket, Key: 'form/a' }))
  assert.equal(await found.Body?.transformToString(), 'by form')
})

test('version 2 can be switched off', async () => {
  await using strict = await InProcessServer.start({ acceptsSignatureV2: false })
  const answer = await fetch(urlOfVersion2(get.path).replace(server.endpoint, strict.endpoint))
  assert.equal(answer.status, 400)
  const text = await answer.text()
  assert.equal(xmlText(text, 'Code'), 'InvalidRequest')
  assert.match(xmlText(text, 'Message') ?? '', /Please use AWS4-HMAC-SHA256/)
})

test('a server of one region refuses signatures for another', async () => {
  await using strict = await InProcessServer.start({ requiredRegion: 'eu-west-1' })
  const wrong = strict.client()
  await assert.rejects(wrong.send(new CreateBucketCommand({ Bucket: 'regional' })), {
    name: 'AuthorizationHeaderMalformed',
  })
  const right = strict.client(0, { region: 'eu-west-1' })
  await right.send(new CreateBucketCommand({ Bucket: 'regional' }))
  await right.send(new HeadBucketCommand({ Bucket: 'regional' }))
})

test('a signed request can not be turned to the bucket of another host', async () => {
  const host = `${Bucket}.s3.example.test`
  const { text: head } = signHead(server, { method: 'GET', path: '/object', headers: { host } })
  const text = `${head}\r\n`
  const same = await sendText(server, text.replace('GET /', `GET http://${host}/`))
  assert.equal(same.status, 200)
  const other = await sendText(server, text.replace('GET /', 'GET http://another.s3.example.test/'))
  assert.deepEqual([other.status, code(other)], [400, 'InvalidURI'])
})
