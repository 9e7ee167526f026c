// Regions: of buckets, of signatures with and without `--region`, and their discovery by clients.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  CreateBucketCommand,
  GetBucketLocationCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { type WireAnswer, xmlText } from '../wire.ts'
import { InProcessServer } from './in-process.ts'

const region = 'eu-central-1'
const header = 'x-amz-bucket-region'
const Bucket = 'at-home'
/** Accepts signatures of one region only; the wire client signs for us-east-1. */
let fixed: InProcessServer
let free: InProcessServer

before(async () => {
  fixed = await InProcessServer.start({ requiredRegion: region })
  free = await InProcessServer.start()
  const client = fixed.client(0, { region })
  const CreateBucketConfiguration = { LocationConstraint: region } as const
  await client.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration }))
  await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }))
})

after(async () => {
  await fixed.closeWithoutFaults()
  await free.closeWithoutFaults()
})

test('a request signed for another region is answered with the right one in a header', async () => {
  for (const [method, path, query] of [
    ['HEAD', `/${Bucket}`, {}],
    ['HEAD', `/${Bucket}/k`, {}],
    ['HEAD', '/no-such-bucket', {}],
    ['GET', `/${Bucket}`, { 'list-type': '2' }],
    ['GET', `/${Bucket}`, { location: '' }],
    ['GET', `/${Bucket}/k`, {}],
    ['PUT', `/${Bucket}/k`, {}],
    ['DELETE', `/${Bucket}/k`, {}],
    ['POST', `/${Bucket}`, { delete: '' }],
  ] as const) {
    const answer = await fixed.send({ method, path, query })
    assert.deepEqual([answer.status, answer.headers[header]], [400, region], `${method} ${path}`)
    if (method === 'HEAD') continue
    assert.equal(xmlText(answer.body, 'Code'), 'AuthorizationHeaderMalformed', method)
    assert.equal(xmlText(answer.body, 'Region'), region, method)
  }
})

test('a presigned request or a form for another region is answered so too', async () => {
  const strayed = fixed.client()
  for (const url of [
    await getSignedUrl(strayed, new HeadBucketCommand({ Bucket })),
    await getSignedUrl(strayed, new HeadObjectCommand({ Bucket, Key: 'k' })),
  ]) {
    const response = await fetch(url, { method: 'HEAD' })
    assert.deepEqual([response.status, response.headers.get(header)], [400, region])
  }
  const form = new FormData()
  const day = new Date().toISOString().slice(0, 10).replaceAll('-', '')
  const fields = {
    key: 'k',
    policy: 'e30=',
    'x-amz-algorithm': 'AWS4-HMAC-SHA256',
    'x-amz-credential': `${fixed.credential().accessKeyId}/${day}/us-east-1/s3/aws4_request`,
    'x-amz-date': `${day}T000000Z`,
    'x-amz-signature': '0'.repeat(64),
    file: 'x',
  }
  for (const [name, value] of Object.entries(fields)) form.set(name, value)
  const response = await fetch(`${fixed.endpoint}/${Bucket}`, { method: 'POST', body: form })
  assert.deepEqual([response.status, response.headers.get(header)], [400, region])
})

test('a bucket tells its region to its owner, and with every refusal', async () => {
  const head = await fixed.client(0, { region }).send(new HeadBucketCommand({ Bucket }))
  assert.equal(head.BucketRegion, region)
  for (const path of [`/${Bucket}`, `/${Bucket}/k`]) {
    const anonymous = await fetch(`${fixed.endpoint}${path}`, { method: 'HEAD' })
    assert.deepEqual([anonymous.status, anonymous.headers.get(header)], [403, region])
  }
  const none = await fetch(`${fixed.endpoint}/no-such-bucket`, { method: 'HEAD' })
  assert.deepEqual([none.status, none.headers.get(header)], [404, null])
})

async function create(server: InProcessServer, name: string, path: string): Promise<WireAnswer> {
  const element = `<LocationConstraint>${name}</LocationConstraint>`
  const body = Buffer.from(`<CreateBucketConfiguration>${element}</CreateBucketConfiguration>`)
  return server.send({ method: 'PUT', path, body })
}

test('EU is the older name of eu-west-1', async () => {
  assert.equal((await create(free, 'EU', '/in-europe')).status, 200)
  const client = free.client()
  const location = await client.send(new GetBucketLocationCommand({ Bucket: 'in-europe' }))
  assert.equal(location.LocationConstraint, 'EU')
  const head = await client.send(new HeadBucketCommand({ Bucket: 'in-europe' }))
  assert.equal(head.BucketRegion, 'eu-west-1')
  const listed = await client.send(new ListBucketsCommand({ BucketRegion: 'eu-west-1' }))
  assert.deepEqual(
    listed.Buckets?.map(({ Name, BucketRegion }) => [Name, BucketRegion]),
    [['in-europe', 'eu-west-1']],
  )
})

test('a server that takes any region takes any for a location too', async () => {
  const hostNames = ['auto', 'garage', 'local', 'default', 'EU-WEST-1', 'us-gov-west-1', 'x', '1']
  const names = [...hostNames, 'my_region', 'eu.west', 'default:cold']
  for (const [index, name] of names.entries()) {
    const path = `/any-region-${index}`
    assert.equal((await create(free, name, path)).status, 200, name)
    const head = await free.send({ method: 'HEAD', path })
    assert.equal(head.headers[header], name)
    const location = await free.send({ method: 'GET', path, query: { location: '' } })
    assert.match(location.body.toString(), new RegExp(`>${name}</LocationConstraint>$`))
    // The SDK takes no others.
    if (!hostNames.includes(name)) continue
    const wanted = { region: name, endpoint: free.endpoint }
    const found = await free
      .client(0, wanted)
      .send(new HeadBucketCommand({ Bucket: path.slice(1) }))
    assert.equal(found.BucketRegion, name)
  }
})

test('a location that could mislead a client is invalid', async () => {
  const names = [
    ...['a b', 'a/b', 'a,b', 'r&#233;gion', 'a&#10;b', 'a&#13;b', 'x'.repeat(65), '-', '.'],
    ...['a&amp;b', '&lt;a&gt;', 'a&quot;b', "a'b", 'a@host', 'a#b', 'a?b', 'a\\b', 'a%2Fb', 'a;b'],
  ]
  for (const name of names) {
    const answer = await create(free, name, '/nowhere')
    assert.equal(answer.status, 400)
    assert.equal(xmlText(answer.body, 'Code'), 'InvalidLocationConstraint', name)
    // The answer is well-formed, and repeats the name as it was sent.
    const told = /<LocationConstraint>(.*)<\/LocationConstraint>/s.exec(String(answer.body))?.[1]
    assert.doesNotMatch(told ?? '<', /[<>]|&(?!\w+;|#)/)
  }
  assert.equal((await free.send({ method: 'HEAD', path: '/nowhere' })).status, 404)
  for (const name of ['af-south-1', 'us-west-2', 'EU'] as const) {
    const CreateBucketConfiguration = { LocationConstraint: name }
    const command = new CreateBucketCommand({ Bucket: 'elsewhere', CreateBucketConfiguration })
    await assert.rejects(fixed.client(0, { region }).send(command), {
      name: 'IllegalLocationConstraintException',
    })
  }
})

test('an empty parameter of a list of buckets counts as none', async () => {
  const query = { 'bucket-region': '', 'continuation-token': '', 'max-buckets': '' }
  const answer = await free.send({ method: 'GET', path: '/', query })
  assert.equal(answer.status, 200)
  assert.ok(xmlText(answer.body, 'Name'))
})
