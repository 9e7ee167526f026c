// Ownership controls, public access blocks, the payer of requests, and the owner that a request expects.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteBucketOwnershipControlsCommand,
  DeletePublicAccessBlockCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketRequestPaymentCommand,
  GetPublicAccessBlockCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketRequestPaymentCommand,
  PutPublicAccessBlockCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { allBlocked } from '../../src/access/public-access-block.ts'
import { createBucket } from '../../src/store/tree/bucket.ts'
import type { WireAnswer } from '../wire.ts'
import { outcome, startForFile, startWithBucket } from './bucket.fixture.ts'
import { putPolicy } from './policy.fixture.ts'

const { Bucket, server, client, put } = await startWithBucket('settings', { owners: 1 })
await put('object', 'x')
const classic = await startForFile({ bucketDefaults: 'classic' })

const putSetting = (name: string, text: string, owner = 0): Promise<WireAnswer> => {
  const wanted = { method: 'PUT', path: `/${Bucket}`, query: { [name]: '' } }
  return server.send({ ...wanted, body: Buffer.from(text) }, owner)
}

async function ownershipOf(of: S3Client, bucket: string): Promise<string | undefined> {
  const answer = await of.send(new GetBucketOwnershipControlsCommand({ Bucket: bucket }))
  return answer.OwnershipControls?.Rules?.[0]?.ObjectOwnership
}

const allOn = {
  BlockPublicAcls: true,
  IgnorePublicAcls: true,
  BlockPublicPolicy: true,
  RestrictPublicBuckets: true,
}

test('a new bucket is as on AWS today, or has no settings with the classic defaults', async () => {
  assert.equal(await ownershipOf(client, Bucket), 'BucketOwnerEnforced')
  const block = await client.send(new GetPublicAccessBlockCommand({ Bucket }))
  assert.deepEqual(block.PublicAccessBlockConfiguration, allOn)
  const older = classic.client()
  await older.send(new CreateBucketCommand({ Bucket }))
  await assert.rejects(ownershipOf(older, Bucket), { name: 'OwnershipControlsNotFoundError' })
  await assert.rejects(older.send(new GetPublicAccessBlockCommand({ Bucket })), {
    name: 'NoSuchPublicAccessBlockConfiguration',
  })
})

test('a bucket can be created with another ownership', async () => {
  for (const [index, ObjectOwnership] of (
    ['ObjectWriter', 'BucketOwnerPreferred'] as const
  ).entries()) {
    const name = `owned-${index}`
    await client.send(new CreateBucketCommand({ Bucket: name, ObjectOwnership }))
    assert.equal(await ownershipOf(client, name), ObjectOwnership)
    const block = await client.send(new GetPublicAccessBlockCommand({ Bucket: name }))
    assert.deepEqual(block.PublicAccessBlockConfiguration, allOn)
  }
  const headers = { 'x-amz-object-ownership': 'Nobody' }
  const refused = await server.send({ method: 'PUT', path: '/unowned', headers })
  assert.deepEqual(outcome(refused), [400, 'InvalidArgument'])
  assert.equal((await server.send({ method: 'HEAD', path: '/unowned' })).status, 404)
})

test('ownership controls are put, read and removed', async () => {
  for (const ObjectOwnership of [
    'ObjectWriter',
    'BucketOwnerPreferred',
    'BucketOwnerEnforced',
  ] as const) {
    const OwnershipControls = { Rules: [{ ObjectOwnership }] }
    await client.send(new PutBucketOwnershipControlsCommand({ Bucket, OwnershipControls }))
    assert.equal(await ownershipOf(client, Bucket), ObjectOwnership)
  }
  await client.send(new DeleteBucketOwnershipControlsCommand({ Bucket }))
  await assert.rejects(ownershipOf(client, Bucket), { name: 'OwnershipControlsNotFoundError' })
  await client.send(new DeleteBucketOwnershipControlsCommand({ Bucket }))
  const rule = (text: string): string => `<Rule><ObjectOwnership>${text}</ObjectOwnership></Rule>`
  for (const text of [
    '<OwnershipControls/>',
    `<OwnershipControls>${rule('Nobody')}</OwnershipControls>`,
    `<OwnershipControls>${rule('ObjectWriter')}${rule('ObjectWriter')}</OwnershipControls>`,
    '<OwnershipControls><Rule/></OwnershipControls>',
    `<Other>${rule('ObjectWriter')}</Other>`,
    '<OwnershipControls>',
  ]) {
    assert.deepEqual(
      outcome(await putSetting('ownershipControls', text)),
      [400, 'MalformedXML'],
      text,
    )
  }
  const empty = await putSetting('ownershipControls', '')
  assert.deepEqual(outcome(empty), [400, 'MissingRequestBodyError'])
  const good = `<OwnershipControls>${rule('BucketOwnerEnforced')}</OwnershipControls>`
  assert.deepEqual(outcome(await putSetting('ownershipControls', good, 1)), [403, 'AccessDenied'])
  assert.equal((await putSetting('ownershipControls', good)).status, 200)
})

test('a public access block is put, read and removed; a switch that is left out is off', async () => {
  const PublicAccessBlockConfiguration = { BlockPublicPolicy: true, IgnorePublicAcls: false }
  await client.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration }))
  const block = await client.send(new GetPublicAccessBlockCommand({ Bucket }))
  assert.deepEqual(block.PublicAccessBlockConfiguration, {
    ...{ BlockPublicAcls: false, IgnorePublicAcls: false },
    ...{ BlockPublicPolicy: true, RestrictPublicBuckets: false },
  })
  await client.send(new DeletePublicAccessBlockCommand({ Bucket }))
  await client.send(new DeletePublicAccessBlockCommand({ Bucket }))
  await assert.rejects(client.send(new GetPublicAccessBlockCommand({ Bucket })), {
    name: 'NoSuchPublicAccessBlockConfiguration',
  })
  const root = 'PublicAccessBlockConfiguration'
  for (const text of [
    `<${root}><BlockPublicAcls>maybe</BlockPublicAcls></${root}>`,
    `<${root}><BlockPublicAcls>true</BlockPublicAcls><BlockPublicAcls>true</BlockPublicAcls></${root}>`,
    `<${root}><BlockAll>true</BlockAll></${root}>`,
    '<Other/>',
  ]) {
    assert.deepEqual(
      outcome(await putSetting('publicAccessBlock', text)),
      [400, 'MalformedXML'],
      text,
    )
  }
  assert.equal((await putSetting('publicAccessBlock', `<${root}/>`)).status, 200)
})

test('the payer of requests is the owner, or the requester', async () => {
  const payer = async (): Promise<string | undefined> =>
    (await client.send(new GetBucketRequestPaymentCommand({ Bucket }))).Payer
  assert.equal(await payer(), 'BucketOwner')
  for (const Payer of ['Requester', 'BucketOwner'] as const) {
    const RequestPaymentConfiguration = { Payer }
    await client.send(new PutBucketRequestPaymentCommand({ Bucket, RequestPaymentConfiguration }))
    assert.equal(await payer(), Payer)
    assert.equal((await server.send({ method: 'GET', path: `/${Bucket}/object` })).status, 200)
  }
  const root = 'RequestPaymentConfiguration'
  for (const text of [
    `<${root}/>`,
    `<${root}><Payer>Me</Payer></${root}>`,
    '<Payer>Requester</Payer>',
  ]) {
    assert.deepEqual(outcome(await putSetting('requestPayment', text)), [400, 'MalformedXML'], text)
  }
})

test('a request for a bucket of another owner than it expects is refused', async () => {
  const { id } = server.credential().owner
  const path = `/${Bucket}/object`
  const expecting = (expected: string, rest = {}): Promise<WireAnswer> =>
    server.send({
      ...{ method: 'GET', path, ...rest },
      headers: { 'x-amz-expected-bucket-owner': expected },
    })
  assert.equal((await expecting(id)).status, 200)
  assert.deepEqual(outcome(await expecting('another')), [403, 'AccessDenied'])
  const missing = await expecting('another', { path: '/no-such-bucket/object' })
  assert.deepEqual(outcome(missing), [404, 'NoSuchBucket'])
  await client.send(new CreateBucketCommand({ Bucket: 'target' }))
  const copy = { Bucket: 'target', Key: 'copy', CopySource: `${Bucket}/object` }
  const owners = { ExpectedBucketOwner: id, ExpectedSourceBucketOwner: id }
  await client.send(new CopyObjectCommand({ ...copy, ...owners }))
  for (const wrong of [{ ExpectedBucketOwner: 'x' }, { ExpectedSourceBucketOwner: 'x' }]) {
    await assert.rejects(client.send(new CopyObjectCommand({ ...copy, ...owners, ...wrong })), {
      name: 'AccessDenied',
    })
  }
})

test('a block of the server counts for every bucket, beside that of the bucket', async () => {
  const blocked = await startForFile({ bucketDefaults: 'classic', accountBlock: allBlocked })
  const root = blocked.client()
  await root.send(new CreateBucketCommand({ Bucket }))
  await assert.rejects(putPolicy(root, Bucket, { Action: 's3:GetObject', on: '/*' }), {
    name: 'AccessDenied',
  })
  const PublicAccessBlockConfiguration = { BlockPublicPolicy: false }
  await root.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration }))
  await assert.rejects(putPolicy(root, Bucket, { Action: 's3:GetObject', on: '/*' }), {
    name: 'AccessDenied',
  })
})

test('a bucket of a version without access settings is private, and its owner owns all objects', async () => {
  const { engine, ids } = server.store.services
  const older = { ownerId: server.credential().owner.id, createdAt: 0, region: 'us-east-1' }
  await engine.write(async (tx) => void createBucket({ tx, ids }, 'older', older))
  assert.equal(await ownershipOf(client, 'older'), 'BucketOwnerEnforced')
  const block = await client.send(new GetPublicAccessBlockCommand({ Bucket: 'older' }))
  assert.deepEqual(block.PublicAccessBlockConfiguration, allOn)
  await client.send(new DeletePublicAccessBlockCommand({ Bucket: 'older' }))
  assert.equal(await ownershipOf(client, 'older'), 'BucketOwnerEnforced')
})
