// A program's tests against a server in this process, which is new for each test.

import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import {
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { useServer } from 'holdfast/testing'

const server = useServer(
  { beforeAll: before, afterAll: after, beforeEach },
  { memory: true, buckets: { photos: { 'sea.jpg': 'blue' } } },
)

test('a photo is stored and read', async () => {
  const s3 = new S3Client(server.clientConfig)
  await s3.send(new PutObjectCommand({ Bucket: 'photos', Key: 'sky.jpg', Body: 'grey' }))
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'photos', Key: 'sky.jpg' }))
  assert.equal(await Body.transformToString(), 'grey')
})

test('the next test finds the seeded photo alone', async () => {
  const s3 = new S3Client(server.clientConfig)
  const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket: 'photos' }))
  assert.deepEqual(
    Contents.map(({ Key }) => Key),
    ['sea.jpg'],
  )
})
