// Every request of the table, made by everyone who has no right to it: all are refused, and nothing changes.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  DeleteBucketPolicyCommand,
  DeletePublicAccessBlockCommand,
  PutBucketOwnershipControlsCommand,
  PutPublicAccessBlockCommand,
} from '@aws-sdk/client-s3'
import { type WireAnswer, type WireRequest, xmlText } from '../wire.ts'
import { startForFile } from './bucket.fixture.ts'
import { everyCopy, everyRequest, type NamedRequest, type Target } from './every-request.fixture.ts'
import { putPolicy, sendUnsigned } from './policy.fixture.ts'

const server = await startForFile({ owners: 1 })
const client = server.client()

type Sender = (wanted: WireRequest) => Promise<WireAnswer>
const owner: Sender = (wanted) => server.send(wanted)
const other: Sender = (wanted) => server.send(wanted, 1)
const anonymous: Sender = (wanted) => sendUnsigned(server, wanted)

/** A bucket with two objects, an upload with a part, and a lease. */
async function createTarget(bucket: string, send: Sender): Promise<Target> {
  await send({ method: 'PUT', path: `/${bucket}` })
  for (const key of ['dir/key', 'dir/other', 'dir/sub/deep']) {
    await send({ method: 'PUT', path: `/${bucket}/${key}`, body: Buffer.from(key) })
  }
  const path = `/${bucket}/dir/key`
  const started = await send({ method: 'POST', path, query: { uploads: '' } })
  const uploadId = xmlText(started.body, 'UploadId') ?? ''
  const part = { method: 'PUT', path, query: { uploadId, partNumber: '1' } }
  await send({ ...part, body: Buffer.from('part') })
  const body = Buffer.from(JSON.stringify({ read: ['dir/sub/'], ttlMs: 3_600_000 }))
  const lease = await send({ method: 'POST', path: `/${bucket}`, query: { lease: '' }, body })
  return { bucket, uploadId, ticket: JSON.parse(lease.body.toString()).ticket }
}

const victim = await createTarget('victim', owner)
const own = await createTarget('own', other)
const settings = ['policy', 'ownershipControls', 'publicAccessBlock', 'cors', 'tagging', 'acl']

/** Everything of the victim that a request could change, but for the policy that a test sets. */
async function stateOf({ bucket, uploadId }: Target): Promise<string> {
  await client.send(new DeleteBucketPolicyCommand({ Bucket: bucket }))
  const path = `/${bucket}`
  const texts: string[] = []
  const requests: WireRequest[] = [
    { method: 'GET', path, query: { 'list-type': '2', 'fetch-owner': 'true' } },
    { method: 'GET', path, query: { uploads: '' } },
    { method: 'GET', path: `${path}/dir/key`, query: { uploadId } },
    { method: 'GET', path: `${path}/dir/key`, query: { tagging: '' } },
    { method: 'GET', path: `${path}/dir/key`, query: { acl: '' } },
    { method: 'GET', path, query: { lease: '' } },
    ...settings.map((name) => ({ method: 'GET', path, query: { [name]: '' } })),
  ]
  for (const wanted of requests) {
    const text = (await owner(wanted)).body.toString()
    texts.push(text.replaceAll(/<(RequestId|HostId)>[^<]*/g, ''))
  }
  return texts.join('\n')
}

/** Requests about the caller's own account, whose names are in no bucket. */
const ofAccount = new Set(['CreateBucket'])

async function isAbsent(wanted: WireRequest): Promise<boolean> {
  const { status, body } = await owner(wanted)
  return status === 501 && xmlText(body, 'Code') === 'NotImplemented'
}

/** Sends each request; none may be admitted. */
async function expectRefusals(
  requests: readonly NamedRequest[],
  send: Sender,
  name: string,
): Promise<void> {
  for (const { route, wanted } of requests) {
    if (ofAccount.has(route)) continue
    const { status, body } = await send(wanted)
    const text = `${name}: ${route}: ${wanted.method} ${wanted.path} ${JSON.stringify(wanted.query)} ${body}`
    if (status === 501) assert.ok(await isAbsent(wanted), text)
    else assert.equal(status, 403, text)
    if (status === 403 && wanted.method !== 'HEAD') {
      assert.equal(xmlText(body, 'Code'), 'AccessDenied', text)
    }
  }
}

const attacks = [...everyRequest(victim), ...everyCopy(victim, own)]
const thefts = everyCopy(own, victim)

test('nobody but the owner does anything with a bucket without a policy', async () => {
  const before = await stateOf(victim)
  for (const [name, send] of [
    ['another owner', other],
    ['anonymous', anonymous],
  ] as const) {
    await expectRefusals([...attacks, ...thefts], send, name)
  }
  assert.equal(await stateOf(victim), before)
})

test('an Allow for another folder admits nothing here', async () => {
  const { bucket: Bucket } = victim
  await client.send(new DeletePublicAccessBlockCommand({ Bucket }))
  const before = await stateOf(victim)
  const on = ['/elsewhere/*', '/di', '/dir', '/dir?', '/dir/ke']
  await putPolicy(client, Bucket, { Action: 's3:*', on })
  for (const [name, send] of [
    ['another owner', other],
    ['anonymous', anonymous],
  ] as const) {
    await expectRefusals([...attacks, ...thefts], send, name)
  }
  assert.equal(await stateOf(victim), before)
})

test('an Allow for everyone has no effect while public buckets are restricted', async () => {
  const { bucket: Bucket } = victim
  const PublicAccessBlockConfiguration = { RestrictPublicBuckets: true }
  await client.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration }))
  const before = await stateOf(victim)
  await putPolicy(client, Bucket, { Action: 's3:*', on: ['', '/*'] })
  for (const [name, send] of [
    ['another owner', other],
    ['anonymous', anonymous],
  ] as const) {
    await expectRefusals([...attacks, ...thefts], send, name)
  }
  assert.equal(await stateOf(victim), before)
  await client.send(new DeletePublicAccessBlockCommand({ Bucket }))
})

/** The owner of a bucket always reads and changes its policy. */
const ofPolicy = new Set(['GetBucketPolicy', 'PutBucketPolicy', 'DeleteBucketPolicy'])

test('a Deny refuses everyone what an Allow would admit, and the owner, too', async () => {
  const before = await stateOf(victim)
  await putPolicy(
    client,
    victim.bucket,
    { Action: 's3:*', on: ['', '/*'] },
    { Effect: 'Deny', Action: 's3:*', on: ['', '/*'] },
  )
  for (const [name, send] of [
    ['another owner', other],
    ['anonymous', anonymous],
    ['the owner', owner],
  ] as const) {
    const requests = [...attacks, ...(send === other ? thefts : [])]
    const asked = requests.filter(({ route }) => send !== owner || !ofPolicy.has(route))
    await expectRefusals(asked, send, name)
  }
  assert.equal(await stateOf(victim), before)
})

test('a Deny for a single object refuses everything that reaches it with its folder', async () => {
  const before = await stateOf(victim)
  await putPolicy(
    client,
    victim.bucket,
    { Action: 's3:*', on: ['', '/*'] },
    { Effect: 'Deny', Action: 's3:*', on: '/dir/sub/deep' },
  )
  const isOfFolder = ({ wanted: { path, headers, query } }: NamedRequest): boolean =>
    headers?.['x-holdfast-recursive'] !== undefined ||
    headers?.['x-amz-rename-source']?.endsWith('dir/') === true ||
    (path.endsWith('/dir/') && query?.['archive'] !== undefined)
  const folders = [...everyRequest(victim), ...thefts].filter(isOfFolder)
  // Copies of the attacker's own folder to places without a Deny are allowed.
  const asked = folders.filter(({ wanted }) => !wanted.path.startsWith(`/${victim.bucket}/copied`))
  assert.ok(asked.length >= 7)
  await expectRefusals(asked, other, 'another owner')
  assert.equal(await stateOf(victim), before)
})

/** What the state of a bucket without locks refuses to everyone. */
const isRefusedToAll = new Set(['GetObjectLegalHold', 'GetObjectRetention'])

test('each request is a valid one: with all rights, none is refused for the want of one', async () => {
  const skipped = new Set([...ofAccount, ...ofPolicy, ...isRefusedToAll])
  for (const [index, { route }] of everyRequest(victim).entries()) {
    if (skipped.has(route)) continue
    const target = await createTarget(`valid-${index}`, owner)
    const { bucket: Bucket } = target
    await client.send(new DeletePublicAccessBlockCommand({ Bucket }))
    await putPolicy(client, Bucket, { Action: 's3:*', on: ['', '/*'] })
    if (route.endsWith('Acl')) {
      const OwnershipControls = { Rules: [{ ObjectOwnership: 'ObjectWriter' as const }] }
      await client.send(new PutBucketOwnershipControlsCommand({ Bucket, OwnershipControls }))
    }
    // The others would wait for it.
    const lease = { method: 'DELETE', path: `/${Bucket}`, query: { lease: String(target.ticket) } }
    if (!route.endsWith('Lease')) await owner(lease)
    const wanted = everyRequest(target)[index]?.wanted
    assert.ok(wanted)
    const { status, body } = await other(wanted)
    const text = `${route}: ${wanted.method} ${wanted.path} ${JSON.stringify(wanted.query)} ${status} ${body}`
    assert.ok(![400, 403, 405].includes(status), text)
    assert.ok(status < 500 || (await isAbsent(wanted)), text)
  }
})
