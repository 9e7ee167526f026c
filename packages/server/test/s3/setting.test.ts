// Settings that can't be made yet: removing them, listing them, and access control lists that match the
// owner's full control. Requests for a change are refused.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketAnalyticsConfigurationCommand,
  GetBucketAclCommand,
  GetObjectAclCommand,
  ListBucketAnalyticsConfigurationsCommand,
  ListBucketIntelligentTieringConfigurationsCommand,
  ListBucketInventoryConfigurationsCommand,
  ListBucketMetricsConfigurationsCommand,
  PutBucketAclCommand,
  PutObjectAclCommand,
} from '@aws-sdk/client-s3'
import { type WireAnswer, xmlText } from '../wire.ts'
import { outcome, startWithBucket } from './bucket.fixture.ts'

const Key = 'object'
const { Bucket, server, client } = await startWithBucket('settings', { owners: 1 })
await server.send({ method: 'PUT', path: `/${Bucket}/${Key}`, body: Buffer.from('x') })

const removed = [
  'analytics',
  'cors',
  'encryption',
  'intelligent-tiering',
  'inventory',
  'lifecycle',
  'metadataConfiguration',
  'metadataTable',
  'metrics',
  'ownershipControls',
  'policy',
  'publicAccessBlock',
  'replication',
  'tagging',
  'website',
]

test('a setting that is not there can be removed, by the owner of a bucket that is', async () => {
  for (const name of removed) {
    const wanted = { method: 'DELETE', path: `/${Bucket}`, query: { [name]: '' } }
    const answer = await server.send(wanted)
    assert.equal(answer.status, 204, name)
    assert.equal(answer.body.length, 0, name)
    const none = await server.send({ ...wanted, path: '/no-such-bucket' })
    assert.deepEqual(outcome(none), [404, 'NoSuchBucket'], name)
    assert.deepEqual(outcome(await server.send(wanted, 1)), [403, 'AccessDenied'], name)
  }
  await client.send(new DeleteBucketAnalyticsConfigurationCommand({ Bucket, Id: 'any' }))
  assert.equal((await server.send({ method: 'HEAD', path: `/${Bucket}` })).status, 200)
})

test('settings of which a bucket can have many are an empty list, and none by any id', async () => {
  const analytics = await client.send(new ListBucketAnalyticsConfigurationsCommand({ Bucket }))
  assert.deepEqual(
    [analytics.AnalyticsConfigurationList, analytics.IsTruncated],
    [undefined, false],
  )
  const inventory = await client.send(new ListBucketInventoryConfigurationsCommand({ Bucket }))
  assert.deepEqual(
    [inventory.InventoryConfigurationList, inventory.IsTruncated],
    [undefined, false],
  )
  const metrics = await client.send(new ListBucketMetricsConfigurationsCommand({ Bucket }))
  assert.deepEqual([metrics.MetricsConfigurationList, metrics.IsTruncated], [undefined, false])
  const tiering = await client.send(
    new ListBucketIntelligentTieringConfigurationsCommand({ Bucket }),
  )
  assert.deepEqual(
    [tiering.IntelligentTieringConfigurationList, tiering.IsTruncated],
    [undefined, false],
  )
  for (const name of ['analytics', 'inventory', 'metrics', 'intelligent-tiering']) {
    const ask = (query: Readonly<Record<string, string>>, path = `/${Bucket}`, owner = 0) =>
      server.send({ method: 'GET', path, query: { [name]: '', ...query } }, owner)
    assert.equal((await ask({ 'continuation-token': '' })).status, 200, name)
    const foreign = await ask({ 'continuation-token': 'never-given' })
    assert.deepEqual(outcome(foreign), [400, 'InvalidArgument'], name)
    assert.deepEqual(outcome(await ask({ id: 'one' })), [404, 'NoSuchConfiguration'], name)
    assert.deepEqual(outcome(await ask({}, '/no-such-bucket')), [404, 'NoSuchBucket'], name)
    assert.deepEqual(outcome(await ask({}, `/${Bucket}`, 1)), [403, 'AccessDenied'], name)
  }
})

test('tags that decide on access are off', async () => {
  const answer = await server.send({ method: 'GET', path: `/${Bucket}`, query: { abac: '' } })
  assert.equal(xmlText(answer.body, 'Status'), 'Disabled')
})

test('an object of a bucket without locks can not have been asked for one', async () => {
  for (const name of ['legal-hold', 'retention']) {
    const wanted = { method: 'GET', path: `/${Bucket}/${Key}`, query: { [name]: '' } }
    const answer = await server.send(wanted)
    assert.deepEqual(outcome(answer), [400, 'InvalidRequest'], name)
    assert.equal(
      xmlText(answer.body, 'Message'),
      'Bucket is missing Object Lock Configuration',
      name,
    )
  }
})

test('a setting that matches the fixed behaviour is accepted, and any other refused', async () => {
  const bucket = `/${Bucket}`
  const topic = '<TopicConfiguration><Topic>arn</Topic></TopicConfiguration>'
  const tag = '<Tag><Key>a</Key><Value>b</Value></Tag>'
  const target = '<LoggingEnabled><TargetBucket>b</TargetBucket></LoggingEnabled>'
  for (const [path, name, status, same, other] of [
    [
      bucket,
      'logging',
      200,
      '<BucketLoggingStatus/>',
      `<BucketLoggingStatus>${target}</BucketLoggingStatus>`,
    ],
    [
      bucket,
      'notification',
      200,
      '<NotificationConfiguration/>',
      `<NotificationConfiguration>${topic}</NotificationConfiguration>`,
    ],
    [bucket, 'requestPayment', 200, payer('BucketOwner'), payer('Requester')],
    [bucket, 'tagging', 204, tagging(''), tagging(tag)],
  ] as const) {
    const put = (text: string, target: string = path, owner = 0): Promise<WireAnswer> => {
      const body = Buffer.from(text)
      return server.send({ method: 'PUT', path: target, query: { [name]: '' }, body }, owner)
    }
    assert.equal((await put(same)).status, status, `${path} ${name}`)
    for (const text of [other, '<Other/>', '']) {
      assert.deepEqual(outcome(await put(text)), [501, 'NotImplemented'], text)
    }
    assert.deepEqual(outcome(await put('<a')), [400, 'MalformedXML'])
    assert.deepEqual(outcome(await put(same, path.replace(Bucket, 'no-such-bucket'))), [
      404,
      'NoSuchBucket',
    ])
    assert.deepEqual(outcome(await put(same, path, 1)), [403, 'AccessDenied'])
  }
})

function payer(name: string): string {
  return `<RequestPaymentConfiguration><Payer>${name}</Payer></RequestPaymentConfiguration>`
}

function tagging(tags: string): string {
  return `<Tagging><TagSet>${tags}</TagSet></Tagging>`
}

const paths = [`/${Bucket}`, `/${Bucket}/${Key}`]

test('an access control list that matches the full control of the owner is accepted', async () => {
  for (const ACL of ['private', 'bucket-owner-full-control'] as const) {
    await client.send(new PutObjectAclCommand({ Bucket, Key, ACL }))
    for (const path of paths) {
      const headers = { 'x-amz-acl': ACL }
      const answer = await server.send({ method: 'PUT', path, query: { acl: '' }, headers })
      assert.equal(answer.status, 200, `${path} ${ACL}`)
    }
  }
  const bucket = await client.send(new GetBucketAclCommand({ Bucket }))
  const policy = { Owner: bucket.Owner, Grants: bucket.Grants }
  await client.send(new PutBucketAclCommand({ Bucket, AccessControlPolicy: policy }))
  const object = await client.send(new GetObjectAclCommand({ Bucket, Key }))
  const same = { Owner: object.Owner, Grants: object.Grants }
  await client.send(new PutObjectAclCommand({ Bucket, Key, AccessControlPolicy: same }))
  const { id } = server.credential().owner
  const GrantFullControl = `id="${id}"`
  await client.send(new PutBucketAclCommand({ Bucket, GrantFullControl }))
  await client.send(new PutObjectAclCommand({ Bucket, Key, GrantFullControl }))
  for (const ask of [{ ACL: 'private' as const }, { GrantFullControl }]) {
    await client.send(new CreateBucketCommand({ Bucket: 'with-acl', ...ask }))
    await client.send(new CreateMultipartUploadCommand({ Bucket, Key, ...ask }))
    const copy = { Bucket, Key: 'copy', CopySource: `${Bucket}/${Key}` }
    await client.send(new CopyObjectCommand({ ...copy, ...ask }))
  }
})

function policyOf(list: string, owner = ''): Buffer {
  return Buffer.from(
    `<AccessControlPolicy>${owner}<AccessControlList>${list}</AccessControlList></AccessControlPolicy>`,
  )
}

function grant(grantee: string, permission = 'FULL_CONTROL'): string {
  return `<Grant><Grantee>${grantee}</Grantee><Permission>${permission}</Permission></Grant>`
}

test('an access control list that would change something is refused', async () => {
  const { id } = server.credential().owner
  const own = grant(`<ID>${id}</ID>`)
  const group = grant('<URI>http://acs.amazonaws.com/groups/global/AllUsers</URI>', 'READ')
  const other = grant(`<ID>${server.credential(1).owner.id}</ID>`, 'READ')
  const bodies = [own + group, own + other, grant(`<ID>${id}</ID>`, 'READ'), '']
  for (const path of paths) {
    const put = (body: Buffer, headers = {}, target = path) =>
      server.send({ method: 'PUT', path: target, query: { acl: '' }, body, headers })
    for (const list of bodies) {
      assert.deepEqual(outcome(await put(policyOf(list))), [501, 'NotImplemented'], list)
    }
    const nothing = Buffer.alloc(0)
    for (const [name, value] of [
      ['x-amz-acl', 'public-read'],
      ['x-amz-acl', 'authenticated-read'],
      ['x-amz-grant-read', `id="${id}"`],
      ['x-amz-grant-full-control', `id="${server.credential(1).owner.id}"`],
      ['x-amz-grant-full-control', `id="${id}", id="another"`],
      ['x-amz-grant-full-control', 'emailAddress="a@example.com"'],
    ] as const) {
      const answer = await put(nothing, { [name]: value })
      assert.deepEqual(outcome(answer), [501, 'NotImplemented'], `${name}: ${value}`)
    }
    const stranger = policyOf(own, '<Owner><ID>another</ID></Owner>')
    assert.deepEqual(outcome(await put(stranger)), [403, 'AccessDenied'])
    assert.deepEqual(outcome(await put(policyOf(own), {}, '/no-such-bucket')), [
      404,
      'NoSuchBucket',
    ])
  }
  const none = { method: 'PUT', path: `/${Bucket}/none`, query: { acl: '' } }
  const answer = await server.send({ ...none, headers: { 'x-amz-acl': 'private' } })
  assert.deepEqual(outcome(answer), [404, 'NoSuchKey'])
  const foreign = { method: 'PUT', path: `/${Bucket}`, query: { acl: '' } }
  const denied = await server.send({ ...foreign, headers: { 'x-amz-acl': 'private' } }, 1)
  assert.deepEqual(outcome(denied), [403, 'AccessDenied'])
})

test('an access control list that is none is refused as such', async () => {
  const { id } = server.credential().owner
  const own = grant(`<ID>${id}</ID>`)
  const canned = { 'x-amz-acl': 'private' }
  const both = { ...canned, 'x-amz-grant-full-control': `id="${id}"` }
  const cases: [string, string, Record<string, string>][] = [
    ['MissingSecurityHeader', '', {}],
    ['UnexpectedContent', policyOf(own).toString(), canned],
    ['InvalidRequest', '', both],
    ['MalformedXML', '<AccessControlPolicy>', {}],
    ['MalformedACLError', '<Other/>', {}],
    ['MalformedACLError', '<AccessControlPolicy/>', {}],
    ['MalformedACLError', policyOf(grant(`<ID>${id}</ID>`, 'ALL')).toString(), {}],
    ['MalformedACLError', policyOf('<Grant/>').toString(), {}],
  ]
  for (const path of paths) {
    for (const [code, text, headers] of cases) {
      const body = Buffer.from(text)
      const answer = await server.send({ method: 'PUT', path, query: { acl: '' }, body, headers })
      assert.deepEqual(outcome(answer), [400, code], text)
    }
  }
})
