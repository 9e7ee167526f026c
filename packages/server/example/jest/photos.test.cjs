// A program's tests. The client has its settings from the environment, but for the style of its addresses.

const { GetObjectCommand, PutObjectCommand, S3Client } = require('@aws-sdk/client-s3')

const s3 = new S3Client({ forcePathStyle: true })

test('a photo is stored and read', async () => {
  await s3.send(new PutObjectCommand({ Bucket: 'photos', Key: 'sky.jpg', Body: 'grey' }))
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'photos', Key: 'sky.jpg' }))
  expect(await Body.transformToString()).toBe('grey')
})

test('the seeded photo is there', async () => {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'photos', Key: 'sea.jpg' }))
  expect(await Body.transformToString()).toBe('blue')
})
