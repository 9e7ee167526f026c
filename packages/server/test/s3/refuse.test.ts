// Requests for missing, forbidden and unimplemented things, and malformed requests: refused in S3's form, never ignored.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { xmlText } from '../wire.ts'
import { outcome, startWithBucket } from './bucket.fixture.ts'
import { sendText } from './raw.ts'

const { Bucket, server } = await startWithBucket('refusals', { owners: 1 })
await server.send({ method: 'PUT', path: `/${Bucket}/object`, body: Buffer.from('x') })

const bucketPut = [
  'abac',
  'accelerate',
  'analytics',
  'encryption',
  'intelligent-tiering',
  'inventory',
  'lifecycle',
  'logging',
  'metrics',
  'notification',
  'object-lock',
  'replication',
  'versioning',
]
const objectPut = ['annotation', 'encryption', 'legal-hold', 'retention']

test('operations that are not there answer 501, and change nothing', async () => {
  const cases: [string, string, string][] = [
    ...bucketPut.map((name): [string, string, string] => ['PUT', `/${Bucket}`, name]),
    ...objectPut.map((name): [string, string, string] => ['PUT', `/${Bucket}/object`, name]),
    ['GET', `/${Bucket}`, 'session'],
    ['GET', `/${Bucket}/object`, 'torrent'],
    ['GET', `/${Bucket}/object`, 'annotations'],
    ['POST', `/${Bucket}/object`, 'restore'],
  ]
  for (const [method, path, name] of cases) {
    const answer = await server.send({ method, path, query: { [name]: '' } })
    assert.deepEqual(outcome(answer), [501, 'NotImplemented'], `${method} ${path}?${name}`)
  }
  const object = await server.send({ method: 'GET', path: `/${Bucket}/object` })
  assert.equal(object.body.toString(), 'x')
})

test('headers that ask for unimplemented features answer 501', async () => {
  const demands: [string, string][] = [
    ['x-amz-server-side-encryption', 'AES256'],
    ['x-amz-server-side-encryption-customer-algorithm', 'AES256'],
    ['x-amz-object-lock-mode', 'GOVERNANCE'],
    ['x-amz-object-lock-legal-hold', 'ON'],
    ['x-amz-write-offset-bytes', '0'],
    ['x-holdfast-unknown', 'true'],
  ]
  for (const [name, value] of demands) {
    const path = `/${Bucket}/refused`
    const answer = await server.send({
      method: 'PUT',
      path,
      headers: { [name]: value },
      body: Buffer.from('x'),
    })
    assert.deepEqual(outcome(answer), [501, 'NotImplemented'], name)
    assert.equal((await server.send({ method: 'GET', path })).status, 404, name)
  }
})

test('headers that ask for the defaults are accepted', async () => {
  const offers: [string, string][] = [
    ['x-amz-acl', 'private'],
    ['x-amz-acl', 'bucket-owner-full-control'],
    ['x-amz-tagging', ''],
    ['x-amz-request-payer', 'requester'],
  ]
  for (const [name, value] of offers) {
    const wanted = { method: 'PUT', path: `/${Bucket}/taken`, headers: { [name]: value } }
    assert.equal((await server.send({ ...wanted, body: Buffer.from('x') })).status, 200, name)
  }
})

test('settings that nobody made are absent in the words of AWS', async () => {
  const absent: Record<string, string> = {
    encryption: 'ServerSideEncryptionConfigurationNotFoundError',
    lifecycle: 'NoSuchLifecycleConfiguration',
    metadataConfiguration: 'MetadataConfigurationNotFound',
    metadataTable: 'MetadataConfigurationNotFound',
    'object-lock': 'ObjectLockConfigurationNotFoundError',
    policy: 'NoSuchBucketPolicy',
    policyStatus: 'NoSuchBucketPolicy',
    replication: 'ReplicationConfigurationNotFoundError',
  }
  for (const [name, code] of Object.entries(absent)) {
    const query = { [name]: '' }
    assert.deepEqual(outcome(await server.send({ method: 'GET', path: `/${Bucket}`, query })), [
      404,
      code,
    ])
    const none = await server.send({ method: 'GET', path: '/no-such-bucket', query })
    assert.deepEqual(outcome(none), [404, 'NoSuchBucket'])
    const foreign = await server.send({ method: 'GET', path: `/${Bucket}`, query }, 1)
    assert.deepEqual(outcome(foreign), [403, 'AccessDenied'])
  }
  for (const name of ['accelerate', 'logging', 'notification', 'requestPayment', 'versioning']) {
    const answer = await server.send({ method: 'GET', path: `/${Bucket}`, query: { [name]: '' } })
    assert.equal(answer.status, 200, name)
    assert.equal(xmlText(answer.body, 'Status'), undefined)
  }
})

test('the owner has all rights on bucket and object', async () => {
  for (const path of [`/${Bucket}`, `/${Bucket}/object`]) {
    const answer = await server.send({ method: 'GET', path, query: { acl: '' } })
    assert.equal(answer.status, 200)
    assert.equal(xmlText(answer.body, 'Permission'), 'FULL_CONTROL')
    assert.equal(xmlText(answer.body, 'ID'), server.credential().owner.id)
    assert.match(answer.body.toString(), /xsi:type="CanonicalUser"/)
  }
  const none = await server.send({ method: 'GET', path: `/${Bucket}/none`, query: { acl: '' } })
  assert.deepEqual(outcome(none), [404, 'NoSuchKey'])
  const tags = await server.send({
    method: 'GET',
    path: `/${Bucket}/object`,
    query: { tagging: '' },
  })
  assert.match(tags.body.toString(), /<TagSet><\/TagSet>/)
})

test('one owner can not touch the buckets and objects of another', async () => {
  const path = `/${Bucket}/object`
  const cases: [string, string, Record<string, string>][] = [
    ['GET', path, {}],
    ['PUT', path, {}],
    ['DELETE', path, {}],
    ['GET', path, { acl: '' }],
    ['GET', path, { tagging: '' }],
    ['POST', path, { uploads: '' }],
    ['GET', `/${Bucket}/not-there`, {}],
    ['GET', `/${Bucket}`, {}],
    ['GET', `/${Bucket}`, { 'list-type': '2' }],
    ['GET', `/${Bucket}`, { versions: '' }],
    ['GET', `/${Bucket}`, { uploads: '' }],
    ['GET', `/${Bucket}`, { location: '' }],
    ['GET', `/${Bucket}`, { acl: '' }],
    ['GET', `/${Bucket}`, { versioning: '' }],
    ['DELETE', `/${Bucket}`, {}],
  ]
  for (const [method, target, query] of cases) {
    const answer = await server.send({ method, path: target, query, body: Buffer.alloc(0) }, 1)
    assert.deepEqual(
      outcome(answer),
      [403, 'AccessDenied'],
      `${method} ${target} ${JSON.stringify(query)}`,
    )
  }
  const head = await server.send({ method: 'HEAD', path }, 1)
  assert.equal(head.status, 403)
  assert.equal(head.body.length, 0)
  const bucket = await server.send({ method: 'HEAD', path: `/${Bucket}` }, 1)
  assert.equal(bucket.status, 403)
  assert.equal(bucket.headers['x-amz-bucket-region'], 'us-east-1')
  assert.equal((await server.send({ method: 'GET', path })).body.toString(), 'x')
})

test('without a signature nothing is allowed', async () => {
  for (const line of [
    'GET /',
    `GET /${Bucket}`,
    `GET /${Bucket}/object`,
    `DELETE /${Bucket}/object`,
  ]) {
    const answer = await sendText(server, `${line} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
    assert.equal(answer.status, 403, line)
    assert.equal(xmlText(answer.body, 'Code'), 'AccessDenied')
    const region = line === 'GET /' ? undefined : 'us-east-1'
    assert.equal(answer.headers['x-amz-bucket-region'], region)
  }
  for (const line of ['GET /no-such-bucket', 'PUT /no-such-bucket/object']) {
    const head = `Host: localhost\r\nContent-Length: 0\r\n\r\n`
    const answer = await sendText(server, `${line} HTTP/1.1\r\n${head}`)
    assert.equal(answer.status, 404, line)
    assert.equal(xmlText(answer.body, 'Code'), 'NoSuchBucket')
  }
})

test('methods that a resource does not know are 405, with those that it does', async () => {
  const cases: [string, string, string][] = [
    ['PATCH', `/${Bucket}/object`, 'GET, HEAD, PUT, DELETE, POST'],
    ['POST', `/${Bucket}/object`, 'GET, HEAD, PUT, DELETE, POST'],
    ['PATCH', `/${Bucket}`, 'GET, HEAD, PUT, DELETE, POST'],
    ['PUT', '/', 'GET'],
    ['PROPFIND', '/', 'GET'],
  ]
  for (const [method, path, allow] of cases) {
    const answer = await server.send({ method, path })
    assert.deepEqual(outcome(answer), [405, 'MethodNotAllowed'], `${method} ${path}`)
    assert.equal(answer.headers.allow, allow)
    assert.equal(xmlText(answer.body, 'Method'), method)
  }
  const mixed = await server.send({ method: 'DELETE', path: `/${Bucket}`, query: { location: '' } })
  assert.deepEqual(outcome(mixed), [405, 'MethodNotAllowed'])
})

test('parameters that contradict each other are refused', async () => {
  const query = { acl: '', versions: '' }
  const answer = await server.send({ method: 'GET', path: `/${Bucket}`, query })
  assert.deepEqual(outcome(answer), [400, 'InvalidArgument'])
  assert.match(xmlText(answer.body, 'Message') ?? '', /^Conflicting query string parameters: /)
})

test('parameters that mean nothing to S3 are ignored, as it does', async () => {
  const query = { 'x-id': 'GetObject', utm_source: 'mail' }
  const answer = await server.send({ method: 'GET', path: `/${Bucket}/object`, query })
  assert.equal(answer.body.toString(), 'x')
})

test('the other protocol of this port answers in its own form', async () => {
  const requests = [
    'GET /?Action=ListDomains&Version=2009-04-15 HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 0\r\n\r\n',
  ]
  for (const text of requests) {
    const answer = await sendText(server, text)
    assert.equal(answer.status, 403)
    assert.equal(xmlText(answer.body, 'Code'), 'AuthMissingFailure')
  }
})

test('bucket names that no bucket ever had are invalid', async () => {
  for (const path of ['/a', '/_x/y', `/${'b'.repeat(256)}`, '/b%2Fc/d', '/%00%00%00', '/a b c']) {
    const answer = await sendText(
      server,
      `GET ${path.replaceAll(' ', '%20')} HTTP/1.1\r\nHost: x\r\n\r\n`,
    )
    assert.equal(answer.status, 400, path)
    assert.equal(xmlText(answer.body, 'Code'), 'InvalidBucketName')
  }
})

test('every answer has its ids and names the server', async () => {
  const ids = new Set<string>()
  for (const path of ['/', `/${Bucket}`, `/${Bucket}/object`, `/${Bucket}/none`]) {
    const { headers } = await server.send({ method: 'GET', path })
    assert.ok(headers['x-amz-id-2'])
    assert.ok(headers.date)
    assert.equal(headers['server'], 'Holdfast')
    ids.add(String(headers['x-amz-request-id']))
  }
  assert.equal(ids.size, 4)
})
