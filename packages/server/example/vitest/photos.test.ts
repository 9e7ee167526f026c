// A program's tests against a server in this process, which is new for each test.

import {
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { useServer } from 'holdfast/testing'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

const server = useServer(
  { beforeAll, afterAll, beforeEach },
  { memory: true, buckets: { photos: { 'sea.jpg': 'blue' } } },
)

test('a photo is stored and read', async () => {
  const s3 = new S3Client(server.clientConfig)
  await s3.send(new PutObjectCommand({ Bucket: 'photos', Key: 'sky.jpg', Body: 'grey' }))
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'photos', Key: 'sky.jpg' }))
  expect(await Body?.transformToString()).toBe('grey')
})

test('the next test finds the seeded photo alone', async () => {
  const s3 = new S3Client(server.clientConfig)
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: 'photos' }))
  expect(Contents.map(({ Key }) => Key)).toEqual(['sea.jpg'])
})
