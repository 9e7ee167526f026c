// Buckets across the wire.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  type BucketLocationConstraint,
  CreateBucketCommand,
  DeleteBucketCommand,
  GetBucketLocationCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { s3Limits } from '../../src/base/limits.ts'
import { createBucket } from '../../src/store/tree/bucket.ts'
import * as treeSchema from '../../src/store/tree/schema.ts'
import { xmlText, xmlTexts } from '../wire.ts'
import { startForFile } from './bucket.fixture.ts'
import { InProcessServer } from './in-process.ts'

const server = await startForFile({ owners: 2 })
const client = server.client()

test('a bucket is created, told about, listed, and deleted', async () => {
  const created = await client.send(new CreateBucketCommand({ Bucket: 'lifecycle' }))
  assert.equal(created.Location, '/lifecycle')
  const head = await client.send(new HeadBucketCommand({ Bucket: 'lifecycle' }))
  assert.equal(head.BucketRegion, 'us-east-1')
  const listed = await client.send(new ListBucketsCommand({}))
  assert.ok(listed.Buckets?.some(({ Name }) => Name === 'lifecycle'))
  assert.equal(listed.Owner?.ID, server.credential().owner.id)
  const deleted = await client.send(new DeleteBucketCommand({ Bucket: 'lifecycle' }))
  assert.equal(deleted.$metadata.httpStatusCode, 204)
  await assert.rejects(client.send(new HeadBucketCommand({ Bucket: 'lifecycle' })), {
    name: 'NotFound',
  })
})

test('the oldest region has an empty name and every other its own', async () => {
  await client.send(new CreateBucketCommand({ Bucket: 'at-home' }))
  await client.send(
    new CreateBucketCommand({
      Bucket: 'abroad',
      CreateBucketConfiguration: { LocationConstraint: 'eu-west-1' },
    }),
  )
  const home = await client.send(new GetBucketLocationCommand({ Bucket: 'at-home' }))
  assert.equal(home.LocationConstraint, undefined)
  const abroad = await client.send(new GetBucketLocationCommand({ Bucket: 'abroad' }))
  assert.equal(abroad.LocationConstraint, 'eu-west-1')
  const raw = await server.send({ method: 'GET', path: '/at-home', query: { location: '' } })
  assert.match(
    raw.body.toString(),
    /<LocationConstraint xmlns="http:\/\/s3\.amazonaws\.com\/doc\/2006-03-01\/"><\/LocationConstraint>$/,
  )
})

test('names that break a rule are refused as invalid', async () => {
  const bad = ['ab', 'a'.repeat(64), 'Upper', 'under_score', 'a..b', '-a-b', 'a.-b', '192.168.5.4']
  for (const name of [...bad, 'xn--abc', 'abc-s3alias', 'sthree-abc']) {
    const answer = await server.send({ method: 'PUT', path: `/${name}` })
    assert.equal(answer.status, 400, name)
    assert.equal(xmlText(answer.body, 'Code'), 'InvalidBucketName', name)
  }
})

test('an owner may create a bucket again, and nobody else may', async () => {
  await client.send(new CreateBucketCommand({ Bucket: 'taken' }))
  const again = await client.send(new CreateBucketCommand({ Bucket: 'taken' }))
  assert.equal(again.$metadata.httpStatusCode, 200)
  const rival = server.client(1)
  await assert.rejects(rival.send(new CreateBucketCommand({ Bucket: 'taken' })), {
    name: 'BucketAlreadyExists',
  })
})

test('outside the oldest region a second creation is a conflict', async () => {
  const CreateBucketConfiguration = { LocationConstraint: 'eu-central-1' } as const
  const command = { Bucket: 'twice-abroad', CreateBucketConfiguration }
  await client.send(new CreateBucketCommand(command))
  await assert.rejects(client.send(new CreateBucketCommand(command)), {
    name: 'BucketAlreadyOwnedByYou',
  })
})

test('a server that has been told its region has all buckets there', async () => {
  const dataFolder = await mkdtemp(join(tmpdir(), 'holdfast-region-'))
  const bucket = { name: 'from-before', ownerId: '', createdAt: 0, region: 'us-west-2' }
  const region = 'eu-west-1'
  await using there = await InProcessServer.start({ requiredRegion: region, dataFolder })
  const { engine, ids } = there.store.services
  const { name, ...record } = { ...bucket, ownerId: there.credential().owner.id }
  await engine.write(async (tx) => void createBucket({ tx, ids }, name, record))
  const abroad = there.client(0, { region })
  const create = (
    Bucket: string,
    LocationConstraint?: BucketLocationConstraint,
  ): Promise<unknown> =>
    abroad.send(
      new CreateBucketCommand({
        Bucket,
        ...(LocationConstraint && { CreateBucketConfiguration: { LocationConstraint } }),
      }),
    )
  const illegal = { name: 'IllegalLocationConstraintException' }
  await assert.rejects(create('elsewhere', 'us-west-2'), illegal)
  // The SDK fills in its own region if none is given.
  const silent = new CreateBucketCommand({ Bucket: 'nowhere' })
  silent.middlewareStack.add((next) => (args) => next({ ...args, input: { Bucket: 'nowhere' } }), {
    step: 'serialize',
    priority: 'high',
  })
  await assert.rejects(abroad.send(silent), illegal)
  await create('here', 'eu-west-1')
  await create('here-too', 'EU')
  for (const Bucket of ['here', 'here-too', 'from-before']) {
    const head = await abroad.send(new HeadBucketCommand({ Bucket }))
    assert.equal(head.BucketRegion, region, Bucket)
    const location = await abroad.send(new GetBucketLocationCommand({ Bucket }))
    assert.equal(location.LocationConstraint, Bucket === 'here-too' ? 'EU' : region, Bucket)
  }
  const { Buckets } = await abroad.send(new ListBucketsCommand({ BucketRegion: region }))
  assert.deepEqual(
    Buckets?.map(({ Name, BucketRegion }) => [Name, BucketRegion]),
    ['from-before', 'here', 'here-too'].map((found) => [found, region]),
  )
  await assert.rejects(create('from-before', region), { name: 'BucketAlreadyOwnedByYou' })
})

test('a bucket with an object in it is not deleted', async () => {
  await client.send(new CreateBucketCommand({ Bucket: 'full-bucket' }))
  await client.send(new PutObjectCommand({ Bucket: 'full-bucket', Key: 'k', Body: 'x' }))
  await assert.rejects(client.send(new DeleteBucketCommand({ Bucket: 'full-bucket' })), {
    name: 'BucketNotEmpty',
  })
})

test('a missing bucket is NoSuchBucket with its name', async () => {
  const answer = await server.send({ method: 'GET', path: '/never-made' })
  assert.equal(answer.status, 404)
  assert.equal(xmlText(answer.body, 'Code'), 'NoSuchBucket')
  assert.equal(xmlText(answer.body, 'BucketName'), 'never-made')
  assert.equal(answer.headers['x-amz-request-id'], xmlText(answer.body, 'RequestId'))
  assert.equal(answer.headers['x-amz-id-2'], xmlText(answer.body, 'HostId'))
  const head = await server.send({ method: 'HEAD', path: '/never-made' })
  assert.equal(head.status, 404)
  assert.equal(head.body.length, 0)
})

test('buckets are listed by pages, with prefix and region', async () => {
  const rival = server.client(1)
  for (const name of ['page-a', 'page-b', 'page-c']) {
    await rival.send(new CreateBucketCommand({ Bucket: name }))
  }
  const first = await rival.send(new ListBucketsCommand({ MaxBuckets: 2 }))
  assert.deepEqual(
    first.Buckets?.map(({ Name }) => Name),
    ['page-a', 'page-b'],
  )
  assert.equal(first.Buckets?.[0]?.BucketRegion, 'us-east-1')
  const { ContinuationToken } = first
  assert.ok(ContinuationToken)
  const second = await rival.send(new ListBucketsCommand({ MaxBuckets: 2, ContinuationToken }))
  assert.deepEqual(
    second.Buckets?.map(({ Name }) => Name),
    ['page-c'],
  )
  assert.equal(second.ContinuationToken, undefined)
  const prefixed = await rival.send(new ListBucketsCommand({ Prefix: 'page-b' }))
  assert.deepEqual(
    prefixed.Buckets?.map(({ Name }) => Name),
    ['page-b'],
  )
  assert.equal(prefixed.Prefix, 'page-b')
  const elsewhere = await rival.send(new ListBucketsCommand({ BucketRegion: 'eu-west-1' }))
  assert.deepEqual(elsewhere.Buckets ?? [], [])
  for (const limit of ['0', '10001', 'x']) {
    const answer = await server.send({ method: 'GET', path: '/', query: { 'max-buckets': limit } })
    assert.equal(xmlText(answer.body, 'Code'), 'InvalidArgument')
  }
})

test('an owner can have so many buckets and not one more, until one is deleted', async () => {
  const { engine } = server.store.services
  const { id } = server.credential(2).owner
  const others = s3Limits.bucketsPerOwner - 1
  await engine.write(async (tx) =>
    tx.add(treeSchema.bucketCount(createHash('sha256').update(id).digest()), BigInt(others)),
  )
  const owner = server.client(2)
  await owner.send(new CreateBucketCommand({ Bucket: 'last-one' }))
  const oneMore = new CreateBucketCommand({ Bucket: 'one-more' })
  await assert.rejects(owner.send(oneMore), { name: 'TooManyBuckets' })
  await owner.send(new CreateBucketCommand({ Bucket: 'last-one' }))
  await owner.send(new DeleteBucketCommand({ Bucket: 'last-one' }))
  await owner.send(oneMore)
})

test('owners see their own buckets only', async () => {
  await client.send(new CreateBucketCommand({ Bucket: 'mine-alone' }))
  const answer = await server.send({ method: 'GET', path: '/' }, 1)
  assert.ok(!xmlTexts(answer.body, 'Name').includes('mine-alone'))
})

test('a configuration that is no XML, or of another kind, is malformed', async () => {
  const bodies = ['<CreateBucketConfiguration>', '<Other/>', 'text', '<!DOCTYPE a><a/>']
  for (const text of bodies) {
    const answer = await server.send({ method: 'PUT', path: '/malformed', body: Buffer.from(text) })
    assert.equal(answer.status, 400, text)
    assert.equal(xmlText(answer.body, 'Code'), 'MalformedXML', text)
  }
  const strange =
    '<CreateBucketConfiguration><LocationConstraint>1 2</LocationConstraint></CreateBucketConfiguration>'
  const answer = await server.send({
    method: 'PUT',
    path: '/malformed',
    body: Buffer.from(strange),
  })
  assert.equal(xmlText(answer.body, 'Code'), 'InvalidLocationConstraint')
})
