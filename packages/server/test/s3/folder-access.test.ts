// Folder operations and leases need the rights of every object operation that they stand for, decided by
// prefix: an Allow must contain the whole folder, and a Deny anywhere in it refuses.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { objectPath, type WireAnswer, type WireRequest } from '../wire.ts'
import { startWithBucket } from './bucket.fixture.ts'
import { putPolicy, type TestStatement } from './policy.fixture.ts'

const { Bucket, server, client, put } = await startWithBucket('shared', { owners: 1 })
const Principal = { AWS: server.credential(1).owner.id }
await server.client(1).send(new CreateBucketCommand({ Bucket: 'theirs' }))

const allow = (...statements: readonly TestStatement[]): Promise<void> =>
  putPolicy(client, Bucket, ...statements.map((statement) => ({ Principal, ...statement })))

async function statusOf(wanted: WireRequest): Promise<number> {
  return (await server.send(wanted, 1)).status
}

const at = (key: string, rest: Partial<WireRequest> = {}): WireRequest => ({
  ...{ method: 'GET', path: objectPath(Bucket, key), ...rest },
})
const rename = (from: string, to: string, headers = {}): WireRequest =>
  at(to, { method: 'PUT', headers: { 'x-amz-rename-source': from, ...headers } })
const recursive = { 'x-holdfast-recursive': 'true' }
const copy = (from: string, to: string, bucket = Bucket): WireRequest => ({
  method: 'PUT',
  path: objectPath(bucket, to),
  headers: { ...recursive, 'x-amz-copy-source': `/${Bucket}/${from}` },
})
const remove = (folder: string): WireRequest => at(folder, { method: 'DELETE', headers: recursive })
const archive = (folder: string): WireRequest => at(folder, { query: { archive: 'tar' } })

const all = { Action: 's3:*', on: '/team/*' } as const

test('a folder is renamed, copied and deleted where an Allow contains all of it', async () => {
  for (const key of ['team/a/x', 'team/a/sub/y', 'top']) await put(key, key)
  await allow(all)
  assert.equal(await statusOf(rename('team/a/', 'team/b/')), 200)
  assert.equal(await statusOf(rename(`/${Bucket}/team/b/`, 'team/a/')), 200)
  assert.equal(await statusOf(copy('team/a/', 'team/c/')), 200)
  assert.equal(await statusOf(remove('team/c/')), 204)
  for (const refused of [
    rename('team/a/', 'elsewhere/'),
    rename('top', 'team/top'),
    rename(`/${Bucket}/top`, 'team/top'),
    rename('team/a/x', 'stolen'),
    copy('team/a/', 'elsewhere/'),
    remove('elsewhere/'),
    archive('elsewhere/'),
  ]) {
    assert.equal(await statusOf(refused), 403, JSON.stringify(refused))
  }
})

test('a folder that has a Deny in it is refused as a source and as a target', async () => {
  for (const key of ['team/a/x', 'team/a/secret/y', 'team/e/x']) await put(key, key)
  for (const Action of ['s3:GetObject', 's3:PutObject', 's3:DeleteObject']) {
    await allow(all, { Effect: 'Deny', Action, on: '/team/a/secret/*' })
    const source = Action !== 's3:PutObject'
    assert.equal(await statusOf(rename('team/a/', 'team/n/')), source ? 403 : 200, Action)
    if (!source) assert.equal(await statusOf(rename('team/n/', 'team/m/')), 200)
    if (!source) assert.equal((await server.send(rename('team/m/', 'team/a/'))).status, 200)
  }
  await allow(all, { Effect: 'Deny', Action: 's3:PutObject', on: '/team/a/secret/*' })
  assert.equal(await statusOf(rename('team/e/', 'team/a/')), 403)
  assert.equal(await statusOf(copy('team/e/', 'team/a/secret/')), 403)
  await allow(all, { Effect: 'Deny', Action: 's3:DeleteObject', on: '/team/a/secret/*' })
  assert.equal(await statusOf(remove('team/a/')), 403)
  const replacing = rename('team/e/', 'team/a/', { 'x-holdfast-replace': 'true' })
  assert.equal(await statusOf(replacing), 403)
  assert.equal((await server.send(at('team/a/secret/y'))).status, 200)
})

test('a Deny that depends on single objects refuses a folder, and an object only if it applies', async () => {
  await put('team/t/plain', 'x')
  const Condition = { StringEquals: { 's3:ExistingObjectTag/secret': 'yes' } }
  await allow(all, { Effect: 'Deny', Action: 's3:GetObject', on: '/team/*', Condition })
  assert.equal(await statusOf(at('team/t/plain')), 200)
  assert.equal(await statusOf(rename('team/t/', 'team/u/')), 403)
  assert.equal(await statusOf(copy('team/t/', 'team/u/')), 403)
  await server.send(
    at('team/t/plain', {
      method: 'PUT',
      query: { tagging: '' },
      body: Buffer.from(
        '<Tagging><TagSet><Tag><Key>secret</Key><Value>yes</Value></Tag></TagSet></Tagging>',
      ),
    }),
  )
  assert.equal(await statusOf(at('team/t/plain')), 403)
  assert.equal(await statusOf(rename('team/t/plain', 'team/t/moved')), 403)
})

test('what tells the names of a folder needs the right to list it', async () => {
  await put('team/l/x', 'x')
  await allow(all)
  assert.equal(await statusOf(archive('team/l/')), 403)
  assert.equal(await statusOf(copy('team/l/', 'copied/', 'theirs')), 403)
  const Condition = { StringLike: { 's3:prefix': 'team/*' } }
  await allow(all, { Action: 's3:ListBucket', on: '', Condition })
  assert.equal(await statusOf(archive('team/l/')), 200)
  assert.equal(await statusOf(copy('team/l/', 'copied/', 'theirs')), 200)
  assert.equal(await statusOf({ method: 'GET', path: '/theirs/copied/x' }), 200)
})

test('a copy takes tags along only for those who may read and set them', async () => {
  const tagged = { 'x-amz-tagging': 'colour=blue' }
  await server.send(at('team/g/x', { method: 'PUT', body: Buffer.from('x'), headers: tagged }))
  const one = at('team/g/y', {
    method: 'PUT',
    headers: { 'x-amz-copy-source': `/${Bucket}/team/g/x` },
  })
  const reading = { Action: ['s3:GetObject', 's3:PutObject'], on: '/team/*' }
  await allow(reading)
  assert.equal(await statusOf(one), 403)
  const replaced = { ...one.headers, 'x-amz-tagging-directive': 'REPLACE' }
  assert.equal(await statusOf({ ...one, headers: replaced }), 200)
  assert.equal(await statusOf(copy('team/g/', 'team/h/')), 403)
  await allow(reading, { Action: ['s3:GetObjectTagging', 's3:PutObjectTagging'], on: '/team/*' })
  assert.equal(await statusOf(one), 200)
  assert.equal(await statusOf(copy('team/g/', 'team/h/')), 200)
})

test('a lease is taken, renewed and released by the rights to its paths', async () => {
  const take = (body: object, owner = 1): Promise<WireAnswer> =>
    server.send(
      {
        ...{ method: 'POST', path: `/${Bucket}`, query: { lease: '' } },
        body: Buffer.from(JSON.stringify(body)),
      },
      owner,
    )
  const ticketOf = ({ body }: WireAnswer): string => String(JSON.parse(body.toString()).ticket)
  await allow({ Action: 's3:PutObject', on: '/team/*' })
  assert.equal((await take({ write: ['team/a/', 'other'] })).status, 403)
  assert.equal((await take({ write: [''] })).status, 403)
  assert.equal((await take({ read: ['team/a/'] })).status, 403)
  const own = await take({ write: ['team/a/', 'team/none'] })
  assert.equal(own.status, 200)
  const on = (method: string, ticket: string): Promise<number> =>
    statusOf({ method, path: `/${Bucket}`, query: { lease: ticket } })
  assert.equal(await on('PUT', ticketOf(own)), 200)
  assert.equal(await on('DELETE', ticketOf(own)), 204)
  const owners = ticketOf(await take({ write: ['private/'] }, 0))
  assert.equal(await on('PUT', owners), 403)
  assert.equal(await on('DELETE', owners), 403)
  assert.equal(await statusOf({ method: 'GET', path: `/${Bucket}`, query: { lease: '' } }), 403)
})
