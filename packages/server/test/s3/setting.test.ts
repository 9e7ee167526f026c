// Settings that can't be made yet: removing them, and listing them. Requests for a change are refused.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  DeleteBucketAnalyticsConfigurationCommand,
  ListBucketAnalyticsConfigurationsCommand,
  ListBucketIntelligentTieringConfigurationsCommand,
  ListBucketInventoryConfigurationsCommand,
  ListBucketMetricsConfigurationsCommand,
} from '@aws-sdk/client-s3'
import { type WireAnswer, xmlText } from '../wire.ts'
import { outcome, startWithBucket } from './bucket.fixture.ts'

const Key = 'object'
const { Bucket, server, client } = await startWithBucket('settings', { owners: 1 })
await server.send({ method: 'PUT', path: `/${Bucket}/${Key}`, body: Buffer.from('x') })

const removed = [
  'analytics',
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
  const target = '<LoggingEnabled><TargetBucket>b</TargetBucket></LoggingEnabled>'
  for (const [path, name, status, same, other] of [
    [
      bucket,
      'abac',
      200,
      '<AbacStatus><Status>Disabled</Status></AbacStatus>',
      '<AbacStatus><Status>Enabled</Status></AbacStatus>',
    ],
    [
      bucket,
      'accelerate',
      200,
      '<AccelerateConfiguration><Status>Suspended</Status></AccelerateConfiguration>',
      '<AccelerateConfiguration><Status>Enabled</Status></AccelerateConfiguration>',
    ],
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
  ] as const) {
    const put = (text: string, target: string = path, owner = 0): Promise<WireAnswer> => {
      const body = Buffer.from(text)
      return server.send({ method: 'PUT', path: target, query: { [name]: '' }, body }, owner)
    }
    assert.equal((await put(same)).status, status, `${path} ${name}`)
    for (const text of [other, '<Other/>', '']) {
      const refused = await put(text)
      assert.deepEqual(outcome(refused), [501, 'NotImplemented'], text)
      const words = xmlText(refused.body, 'Message') ?? ''
      assert.match(words, /^This server does not implement this PutBucket\w+\. The request has/)
    }
    assert.deepEqual(outcome(await put('<a')), [400, 'MalformedXML'])
    assert.deepEqual(outcome(await put(same, path.replace(Bucket, 'no-such-bucket'))), [
      404,
      'NoSuchBucket',
    ])
    assert.deepEqual(outcome(await put(same, path, 1)), [403, 'AccessDenied'])
  }
})
