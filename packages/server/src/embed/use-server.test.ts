import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { ListBucketsCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { useServer } from './use-server.ts'

const hooks = { beforeAll: before, afterAll: after }

describe('with a reset before each test', () => {
  const server = useServer({ ...hooks, beforeEach }, { memory: true, buckets: ['bucket'] })

  for (const round of [1, 2]) {
    test(`every test begins with the same buckets (${round})`, async () => {
      const client = new S3Client(server.clientConfig)
      const { Buckets = [] } = await client.send(new ListBucketsCommand())
      assert.deepEqual(
        Buckets.map(({ Name }) => Name),
        ['bucket'],
      )
      await client.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'key', Body: '' }))
      client.destroy()
    })
  }
})

test('a server is not there before its hook and after the last one', async () => {
  const kept: (() => Promise<void>)[] = []
  const keep = (hook: () => Promise<void>): void => void kept.push(hook)
  const server = useServer({ beforeAll: keep, afterAll: keep })
  assert.throws(() => server.endpoint, /within tests/)
  const [begin, end] = kept
  await begin?.()
  const { endpoint } = server
  assert.equal((await fetch(`${endpoint}/_/health`)).status, 200)
  assert.equal(server.environment['AWS_ENDPOINT_URL'], endpoint)
  await end?.()
  assert.throws(() => server.port, /within tests/)
  await assert.rejects(fetch(`${endpoint}/_/health`))
})
