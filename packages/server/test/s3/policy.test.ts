// Bucket policies over the wire: how they are kept, and that every request obeys them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteBucketPolicyCommand,
  DeletePublicAccessBlockCommand,
  GetBucketPolicyCommand,
  GetBucketPolicyStatusCommand,
  GetObjectCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  PutPublicAccessBlockCommand,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { parseNetwork } from '../../src/base/network.ts'
import { objectPath, type WireAnswer, type WireRequest, xmlText } from '../wire.ts'
import { outcome, startWithBucket } from './bucket.fixture.ts'
import { policyText, putPolicy, sendUnsigned, type TestStatement } from './policy.fixture.ts'
import { RawConnection, signHead } from './raw.ts'

const loopback = parseNetwork('127.0.0.1')
assert.ok(loopback)
const { Bucket, server, client, put, at } = await startWithBucket('policies', {
  owners: 1,
  trustedProxies: [loopback],
})
const other = server.credential(1).owner.id
const otherClient = server.client(1)
await put('a/x', 'x')
await put('b/y', 'y')
await client.send(new DeletePublicAccessBlockCommand({ Bucket }))

const allow = (...statements: readonly TestStatement[]): Promise<void> =>
  putPolicy(client, Bucket, ...statements)

const unsigned = (wanted: WireRequest): Promise<WireAnswer> => sendUnsigned(server, wanted)

const bucketRequest = (query: Readonly<Record<string, string>>, method = 'GET'): WireRequest => ({
  ...{ method, path: `/${Bucket}`, query },
})

test('a policy is kept as it was put, and told with its status', async () => {
  const text = ` ${policyText(Bucket, { Action: 's3:GetObject', on: '/*' })}\n`
  const body = Buffer.from(text)
  const answer = await server.send({ ...bucketRequest({ policy: '' }, 'PUT'), body })
  assert.deepEqual([answer.status, answer.body.length], [204, 0])
  const kept = await server.send(bucketRequest({ policy: '' }))
  assert.equal(kept.body.toString(), text)
  assert.equal(kept.headers['content-type'], 'application/json')
  const status = await client.send(new GetBucketPolicyStatusCommand({ Bucket }))
  assert.equal(status.PolicyStatus?.IsPublic, true)
  await allow({ Principal: { AWS: other }, Action: 's3:GetObject', on: '/*' })
  const named = await client.send(new GetBucketPolicyStatusCommand({ Bucket }))
  assert.equal(named.PolicyStatus?.IsPublic, false)
  for (let round = 0; round < 2; round++) {
    await client.send(new DeleteBucketPolicyCommand({ Bucket }))
    await assert.rejects(client.send(new GetBucketPolicyCommand({ Bucket })), {
      name: 'NoSuchBucketPolicy',
    })
  }
})

test('a malformed policy is refused, and the one before stays', async () => {
  await allow({ Action: 's3:GetObject', on: '/a/*' })
  const before = await client.send(new GetBucketPolicyCommand({ Bucket }))
  const foreign = policyText('another-bucket', { Action: 's3:GetObject', on: '/*' })
  const large = policyText(Bucket, { Action: 's3:GetObject', on: `/${'x'.repeat(21_000)}` })
  for (const text of ['{', '[]', '{}', 'text', foreign, large]) {
    const sent = { ...bucketRequest({ policy: '' }, 'PUT'), body: Buffer.from(text) }
    const answer = await server.send(sent)
    assert.deepEqual(outcome(answer), [400, 'MalformedPolicy'], text.slice(0, 40))
  }
  const empty = await server.send(bucketRequest({ policy: '' }, 'PUT'))
  assert.deepEqual(outcome(empty), [400, 'MissingRequestBodyError'])
  assert.equal((await client.send(new GetBucketPolicyCommand({ Bucket }))).Policy, before.Policy)
})

test('only the owner reads and changes the policy, and no policy locks the owner out', async () => {
  await allow({ Effect: 'Deny', Action: 's3:*', on: ['', '/*'] })
  assert.deepEqual(outcome(await server.send(at('a/x'))), [403, 'AccessDenied'])
  for (const method of ['GET', 'PUT', 'DELETE']) {
    const body = method === 'PUT' ? { body: Buffer.from(policyText(Bucket)) } : {}
    const wanted = { ...bucketRequest({ policy: '' }, method), ...body }
    assert.deepEqual(outcome(await server.send(wanted, 1)), [403, 'AccessDenied'], method)
    assert.deepEqual(outcome(await unsigned(wanted)), [403, 'AccessDenied'], method)
  }
  await allow({ Action: 's3:*', on: ['', '/*'] })
  const taken = { ...bucketRequest({ policy: '' }, 'DELETE') }
  assert.deepEqual(outcome(await server.send(taken, 1)), [405, 'MethodNotAllowed'])
  assert.equal((await server.send(at('a/x'))).status, 200)
})

test('a public policy can not be put, or has no effect, while the block says so', async () => {
  const block = (name: string): Promise<unknown> => {
    const PublicAccessBlockConfiguration = { [name]: true }
    return client.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration }))
  }
  await allow({ Action: 's3:GetObject', on: '/*' })
  assert.equal((await unsigned(at('a/x'))).status, 200)
  await block('RestrictPublicBuckets')
  assert.deepEqual(outcome(await unsigned(at('a/x'))), [403, 'AccessDenied'])
  assert.deepEqual(outcome(await server.send(at('a/x'), 1)), [403, 'AccessDenied'])
  assert.equal((await server.send(at('a/x'))).status, 200)
  await block('BlockPublicPolicy')
  assert.equal((await unsigned(at('a/x'))).status, 200)
  const Policy = policyText(Bucket, { Action: 's3:GetObject', on: '/*' })
  await assert.rejects(client.send(new PutBucketPolicyCommand({ Bucket, Policy })), {
    name: 'AccessDenied',
    message: /BlockPublicPolicy/,
  })
  await allow({ Principal: { AWS: other }, Action: 's3:GetObject', on: '/*' })
  await client.send(new DeletePublicAccessBlockCommand({ Bucket }))
})

test('a missing key is told only to those who may list the bucket', async () => {
  const missing = at('a/none')
  await allow({ Action: 's3:GetObject', on: '/*' })
  for (const send of [unsigned, (wanted: WireRequest) => server.send(wanted, 1)]) {
    assert.deepEqual(outcome(await send(missing)), [403, 'AccessDenied'])
    assert.equal((await send({ ...missing, method: 'HEAD' })).status, 403)
    assert.equal((await send(at('a/x'))).status, 200)
  }
  const copy = { Bucket, Key: 'c', CopySource: `${Bucket}/a/none` }
  await allow({ Action: ['s3:GetObject', 's3:PutObject'], on: '/*' })
  await assert.rejects(otherClient.send(new CopyObjectCommand(copy)), { name: 'AccessDenied' })
  await allow(
    { Action: ['s3:GetObject', 's3:PutObject'], on: '/*' },
    { Action: 's3:ListBucket', on: '' },
  )
  for (const send of [unsigned, (wanted: WireRequest) => server.send(wanted, 1)]) {
    assert.deepEqual(outcome(await send(missing)), [404, 'NoSuchKey'])
    assert.equal((await send({ ...missing, method: 'HEAD' })).status, 404)
  }
  await assert.rejects(otherClient.send(new CopyObjectCommand(copy)), { name: 'NoSuchKey' })
})

test('a policy decides on the address that trusted proxies tell, and on their scheme', async () => {
  const Condition = {
    IpAddress: { 'aws:SourceIp': '192.0.2.0/24' },
    Bool: { 'aws:SecureTransport': 'true' },
  }
  await allow({ Action: 's3:GetObject', on: '/*', Condition })
  const from = async (headers: Readonly<Record<string, string>>): Promise<number> =>
    (await unsigned(at('a/x', { headers }))).status
  assert.equal(await from({}), 403)
  assert.equal(await from({ 'x-forwarded-for': '192.0.2.7', 'x-forwarded-proto': 'https' }), 200)
  assert.equal(await from({ 'x-forwarded-for': '192.0.2.7', 'x-forwarded-proto': 'http' }), 403)
  assert.equal(await from({ 'x-forwarded-for': '192.0.2.7, 198.51.100.1' }), 403)
  assert.equal(await from({ forwarded: 'for="192.0.2.7:5";proto=https' }), 200)
})

test('a policy decides on the kind and the age of the signature', async () => {
  const Condition = { StringNotEquals: { 's3:authType': 'REST-QUERY-STRING' } }
  const Deny = { Effect: 'Deny', Action: 's3:GetObject', on: '/*' } as const
  await allow({ ...Deny, Condition })
  assert.equal((await server.send(at('a/x'))).status, 403)
  const command = new GetObjectCommand({ Bucket, Key: 'a/x' })
  assert.equal((await fetch(await getSignedUrl(client, command))).status, 200)
  const old = { NumericGreaterThan: { 's3:signatureAge': '60000' } }
  await allow({ ...Deny, Condition: old })
  const signingDate = new Date(Date.now() - 300_000)
  const stale = await getSignedUrl(client, command, { signingDate, expiresIn: 3600 })
  assert.equal((await fetch(stale)).status, 403)
  assert.equal((await fetch(await getSignedUrl(client, command))).status, 200)
})

test('an upload whose right is withdrawn meanwhile stores nothing', async () => {
  await allow({ Action: 's3:PutObject', on: '/*' })
  const target = { port: server.port, credential: () => server.credential(1) }
  const body = Buffer.alloc(100_000, 'x')
  const { text } = signHead(target, { method: 'PUT', path: objectPath(Bucket, 'late'), body })
  using connection = await RawConnection.open(target)
  connection.write(`${text}expect: 100-continue\r\ncontent-length: ${body.length}\r\n\r\n`)
  assert.equal((await connection.answer()).status, 100)
  await allow({ Action: 's3:GetObject', on: '/*' })
  connection.write(body)
  assert.equal((await connection.answer()).status, 403)
  assert.equal((await server.send(at('late'))).status, 404)
})

test('a bucket whose requesters pay admits others only if they offer to', async () => {
  await allow({ Action: 's3:GetObject', on: '/*' })
  const pay = (payer: string): Promise<WireAnswer> => {
    const text = `<RequestPaymentConfiguration><Payer>${payer}</Payer></RequestPaymentConfiguration>`
    const sent = { ...bucketRequest({ requestPayment: '' }, 'PUT'), body: Buffer.from(text) }
    return server.send(sent)
  }
  assert.equal((await pay('Requester')).status, 200)
  const offering = at('a/x', { headers: { 'x-amz-request-payer': 'requester' } })
  assert.equal((await server.send(at('a/x'))).status, 200)
  assert.deepEqual(outcome(await server.send(at('a/x'), 1)), [403, 'AccessDenied'])
  assert.equal((await server.send(offering, 1)).status, 200)
  assert.deepEqual(outcome(await unsigned(offering)), [403, 'AccessDenied'])
  await pay('BucketOwner')
  assert.equal((await server.send(at('a/x'), 1)).status, 200)
})

test('an object belongs to the owner of its bucket, or to its writer, as the bucket has it', async () => {
  const name = 'writers'
  await client.send(new CreateBucketCommand({ Bucket: name, ObjectOwnership: 'ObjectWriter' }))
  await client.send(new DeletePublicAccessBlockCommand({ Bucket: name }))
  await putPolicy(client, name, { Action: 's3:PutObject', on: '/*' })
  await otherClient.send(new PutObjectCommand({ Bucket: name, Key: 'theirs', Body: 'x' }))
  const owners = async (): Promise<string> => {
    const query = { 'list-type': '2', 'fetch-owner': 'true' }
    return (await server.send({ method: 'GET', path: `/${name}`, query })).body.toString()
  }
  assert.ok((await owners()).includes(`<ID>${other}</ID>`))
  const theirs = { method: 'GET', path: `/${name}/theirs` }
  assert.equal((await server.send(theirs)).status, 403)
  assert.equal((await server.send(theirs, 1)).status, 200)
  await allow({ Action: 's3:PutObject', on: '/*' })
  await otherClient.send(new PutObjectCommand({ Bucket, Key: 'ours', Body: 'x' }))
  assert.equal((await server.send(at('ours'))).status, 200)
  assert.equal((await server.send(at('ours'), 1)).status, 403)
})

test('the initiator of an upload lists its parts and aborts it, unless a Deny forbids that', async () => {
  await allow({ Action: 's3:PutObject', on: '/*' })
  const create = async (owner: number): Promise<Readonly<Record<string, string>>> => {
    const started = await server.send(at('up', { method: 'POST', query: { uploads: '' } }), owner)
    return { uploadId: xmlText(started.body, 'UploadId') ?? '' }
  }
  const own = await create(1)
  const owners = await create(0)
  const statuses = async (method: string, query: Readonly<Record<string, string>>) =>
    (await server.send(at('up', { method, query }), 1)).status
  assert.equal(await statuses('GET', owners), 403)
  assert.equal(await statuses('DELETE', owners), 403)
  assert.equal(await statuses('DELETE', { uploadId: 'none' }), 403)
  await allow(
    { Action: 's3:PutObject', on: '/*' },
    {
      Effect: 'Deny',
      Action: ['s3:AbortMultipartUpload', 's3:ListMultipartUploadParts'],
      on: '/*',
    },
  )
  assert.equal(await statuses('GET', own), 403)
  assert.equal(await statuses('DELETE', own), 403)
  await allow({ Action: 's3:PutObject', on: '/*' })
  assert.equal(await statuses('GET', own), 200)
  assert.equal(await statuses('DELETE', own), 204)
})
