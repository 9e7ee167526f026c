// Access control lists: what they say, who they let in, and where ownership and the public access block
// leave them without effect.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetBucketAclCommand,
  GetObjectAclCommand,
  GetObjectCommand,
  type Grant,
  ListObjectsV2Command,
  type ObjectCannedACL,
  PutBucketAclCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketPolicyCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  PutPublicAccessBlockCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { imageReader } from '../../src/access/canned-acl.ts'
import { type WireAnswer, xmlText } from '../wire.ts'
import { outcome, startForFile, startWithBucket } from './bucket.fixture.ts'

const { Bucket, server, client } = await startWithBucket('lists', {
  owners: 2,
  bucketDefaults: 'classic',
})
const modern = await startForFile({ owners: 1 })
const modernClient = modern.client()
await modernClient.send(new CreateBucketCommand({ Bucket }))
const [me, other, third] = [0, 1, 2].map((n) => server.credential(n).owner)
assert.ok(me !== undefined && other !== undefined && third !== undefined)
const otherClient = server.client(1)
const groups = 'http://acs.amazonaws.com/groups'
const everybody = `${groups}/global/AllUsers`

const unsigned = async (method: string, path: string): Promise<number> =>
  (await fetch(`${server.endpoint}${path}`, { method })).status

/** Grants in short, such as `READ AllUsers` and `FULL_CONTROL first`. */
function shown(grants: readonly Grant[] | undefined): string[] {
  return (grants ?? []).map(({ Grantee, Permission }) => {
    const name = Grantee?.URI?.split('/').at(-1) ?? Grantee?.DisplayName ?? Grantee?.ID
    return `${Permission} ${name}`
  })
}

async function objectAcl(Key: string, of = client, bucket = Bucket): Promise<string[]> {
  return shown((await of.send(new GetObjectAclCommand({ Bucket: bucket, Key }))).Grants)
}

async function bucketAcl(bucket = Bucket, of = client): Promise<string[]> {
  return shown((await of.send(new GetBucketAclCommand({ Bucket: bucket }))).Grants)
}

/** Creates a bucket of the first owner with this canned list. */
async function bucketWith(name: string, acl: string): Promise<string> {
  const headers = { 'x-amz-acl': acl }
  assert.equal((await server.send({ method: 'PUT', path: `/${name}`, headers })).status, 200, name)
  return name
}

const acl = (path: string, body: string, headers = {}, owner = 0): Promise<WireAnswer> =>
  server.send({ method: 'PUT', path, query: { acl: '' }, headers, body: Buffer.from(body) }, owner)

const cannedOfObjects: readonly (readonly [ObjectCannedACL, ...string[]])[] = [
  ['private', 'FULL_CONTROL first'],
  ['public-read', 'FULL_CONTROL first', 'READ AllUsers'],
  ['public-read-write', 'FULL_CONTROL first', 'READ AllUsers', 'WRITE AllUsers'],
  ['authenticated-read', 'FULL_CONTROL first', 'READ AuthenticatedUsers'],
  ['aws-exec-read', 'FULL_CONTROL first', `READ ${imageReader}`],
  ['bucket-owner-read', 'FULL_CONTROL first'],
  ['bucket-owner-full-control', 'FULL_CONTROL first'],
]

test('each request that makes an object takes each canned list, and shows it', async () => {
  for (const [ACL, ...grants] of cannedOfObjects) {
    const at = (Key: string): { Bucket: string; Key: string } => ({ Bucket, Key })
    await client.send(new PutObjectCommand({ ...at('put'), Body: 'x', ACL }))
    await client.send(new PutObjectCommand({ ...at('set'), Body: 'x' }))
    await client.send(new PutObjectAclCommand({ ...at('set'), ACL }))
    await client.send(new CopyObjectCommand({ ...at('copy'), CopySource: `${Bucket}/put`, ACL }))
    const { UploadId } = await client.send(
      new CreateMultipartUploadCommand({ ...at('parts'), ACL }),
    )
    const part = await client.send(
      new UploadPartCommand({ ...at('parts'), UploadId, PartNumber: 1, Body: 'x' }),
    )
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag: part.ETag }] }
    await client.send(
      new CompleteMultipartUploadCommand({ ...at('parts'), UploadId, MultipartUpload }),
    )
    for (const Key of ['put', 'set', 'copy', 'parts']) {
      assert.deepEqual(await objectAcl(Key), grants, `${Key} ${ACL}`)
    }
  }
})

test('a list grants what it says to those that it says, and no more', async () => {
  const bucket = await bucketWith('grants', 'private')
  const path = `/${bucket}/key`
  const put = (ACL: ObjectCannedACL): Promise<unknown> =>
    client.send(new PutObjectCommand({ Bucket: bucket, Key: 'key', Body: 'x', ACL }))
  const read = async (): Promise<readonly number[]> => [
    (await server.send({ method: 'GET', path })).status,
    (await server.send({ method: 'GET', path }, 1)).status,
    await unsigned('GET', path),
    await unsigned('HEAD', path),
  ]
  await put('private')
  assert.deepEqual(await read(), [200, 403, 403, 403])
  await put('authenticated-read')
  assert.deepEqual(await read(), [200, 200, 403, 403])
  await put('public-read')
  assert.deepEqual(await read(), [200, 200, 200, 200])
  assert.equal(await unsigned('GET', `${path}?acl`), 403)
  assert.equal(await unsigned('DELETE', path), 403)
  assert.equal(await unsigned('GET', `/${bucket}`), 403)
  assert.equal(await unsigned('GET', `/${bucket}/none`), 403)
})

test('a bucket can be listed, written and emptied by those whom its list lets', async () => {
  const bucket = await bucketWith('public-bucket', 'public-read')
  assert.deepEqual(await bucketAcl(bucket), ['FULL_CONTROL first', 'READ AllUsers'])
  assert.equal(await unsigned('GET', `/${bucket}`), 200)
  assert.equal(await unsigned('GET', `/${bucket}/none`), 404)
  assert.equal(await unsigned('PUT', `/${bucket}/key`), 403)
  await client.send(new PutBucketAclCommand({ Bucket: bucket, ACL: 'public-read-write' }))
  assert.equal(await unsigned('PUT', `/${bucket}/key`), 200)
  assert.equal((await server.send({ method: 'PUT', path: `/${bucket}/key` }, 1)).status, 200)
  // Whoever wrote it last owns it, and the owner of the bucket may not read it.
  assert.deepEqual(await objectAcl('key', otherClient, bucket), ['FULL_CONTROL second'])
  await assert.rejects(client.send(new GetObjectCommand({ Bucket: bucket, Key: 'key' })), {
    name: 'AccessDenied',
  })
  await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'key' }))
  await client.send(new PutBucketAclCommand({ Bucket: bucket, ACL: 'authenticated-read' }))
  assert.equal(await unsigned('GET', `/${bucket}`), 403)
  await otherClient.send(new ListObjectsV2Command({ Bucket: bucket }))
})

test('a bucket that is created again has the list of a new one', async () => {
  const bucket = await bucketWith('again', 'public-read')
  await bucketWith(bucket, 'authenticated-read')
  assert.deepEqual(await bucketAcl(bucket), ['FULL_CONTROL first', 'READ AuthenticatedUsers'])
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  assert.deepEqual(await bucketAcl(bucket), ['FULL_CONTROL first'])
})

test('an object can be shared with the owner of its bucket', async () => {
  const bucket = await bucketWith('shared', 'public-read-write')
  for (const [ACL, grant] of [
    ['bucket-owner-read', 'READ first'],
    ['bucket-owner-full-control', 'FULL_CONTROL first'],
  ] as const) {
    await otherClient.send(new PutObjectCommand({ Bucket: bucket, Key: ACL, Body: 'x', ACL }))
    assert.deepEqual(await objectAcl(ACL, otherClient, bucket), ['FULL_CONTROL second', grant])
    await client.send(new GetObjectCommand({ Bucket: bucket, Key: ACL }))
  }
  await assert.rejects(objectAcl('bucket-owner-read', client, bucket), { name: 'AccessDenied' })
  await client.send(
    new PutBucketOwnershipControlsCommand({
      Bucket: bucket,
      OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerPreferred' }] },
    }),
  )
  const given = { Bucket: bucket, Key: 'given', Body: 'x' }
  await otherClient.send(new PutObjectCommand({ ...given, ACL: 'bucket-owner-full-control' }))
  assert.deepEqual(await objectAcl('given', client, bucket), ['FULL_CONTROL first'])
  await otherClient.send(new PutObjectCommand(given))
  assert.deepEqual(await objectAcl('given', otherClient, bucket), ['FULL_CONTROL second'])
})

test('headers grant each permission to owners and groups', async () => {
  const path = `/${Bucket}/granted`
  const headers = {
    'x-amz-grant-full-control': `id="${me.id}"`,
    'x-amz-grant-read': `id=${other.id}, uri="${everybody}"`,
    'x-amz-grant-read-acp': `id="${third.id}",id="${other.id}"`,
    'x-amz-grant-write-acp': `uri="${groups}/global/AuthenticatedUsers"`,
    'x-amz-grant-write': `uri="${groups}/s3/LogDelivery"`,
  }
  const granted = [
    ...['FULL_CONTROL first', 'READ second', 'READ AllUsers', 'READ_ACP third'],
    ...['READ_ACP second', 'WRITE LogDelivery', 'WRITE_ACP AuthenticatedUsers'],
  ]
  assert.equal((await server.send({ method: 'PUT', path, headers })).status, 200)
  assert.deepEqual(await objectAcl('granted'), granted)
  assert.deepEqual(await objectAcl('granted', otherClient), granted)
  assert.equal((await acl(path, '', { 'x-amz-acl': 'private' }, 1)).status, 200)
  assert.deepEqual(await objectAcl('granted'), ['FULL_CONTROL first'])
  assert.deepEqual(outcome(await acl(path, '', { 'x-amz-acl': 'private' }, 1)), [
    403,
    'AccessDenied',
  ])
  assert.equal((await acl(`/${Bucket}`, '', { 'x-amz-grant-read': `id=${other.id}` })).status, 200)
  assert.deepEqual(await bucketAcl(), ['READ second'])
  // The owner can always read and write the list itself.
  await assert.rejects(client.send(new ListObjectsV2Command({ Bucket })), { name: 'AccessDenied' })
  await client.send(new PutBucketAclCommand({ Bucket, ACL: 'private' }))
  assert.deepEqual(await bucketAcl(), ['FULL_CONTROL first'])
})

test('a document that was read can be put again, with other grants', async () => {
  const Key = 'document'
  await client.send(new PutObjectCommand({ Bucket, Key, Body: 'x', ACL: 'public-read' }))
  const before = await client.send(new GetObjectCommand({ Bucket, Key }))
  const { Owner, Grants = [] } = await client.send(new GetObjectAclCommand({ Bucket, Key }))
  assert.deepEqual(Owner, { ID: me.id, DisplayName: me.displayName })
  const more: Grant = {
    Grantee: { Type: 'CanonicalUser', ID: other.id },
    Permission: 'READ_ACP',
  }
  const AccessControlPolicy = { Owner, Grants: [...Grants, more, more] }
  await client.send(new PutObjectAclCommand({ Bucket, Key, AccessControlPolicy }))
  assert.deepEqual(await objectAcl(Key, otherClient), [
    ...['FULL_CONTROL first', 'READ AllUsers', 'READ_ACP second'],
  ])
  const after = await client.send(new GetObjectCommand({ Bucket, Key }))
  assert.deepEqual([after.ETag, after.LastModified], [before.ETag, before.LastModified])
  const nobody = { Owner, Grants: [] }
  await client.send(new PutObjectAclCommand({ Bucket, Key, AccessControlPolicy: nobody }))
  assert.deepEqual(await objectAcl(Key), [])
  await assert.rejects(client.send(new GetObjectCommand({ Bucket, Key })), { name: 'AccessDenied' })
})

test('the elements of a list are as S3 writes them', async () => {
  await client.send(new PutObjectCommand({ Bucket, Key: 'xml', Body: 'x', ACL: 'public-read' }))
  const query = { acl: '' }
  const answer = await server.send({ method: 'GET', path: `/${Bucket}/xml`, query })
  const xsi = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
  const { id, displayName } = me
  const names = `<ID>${id}</ID><DisplayName>${displayName}</DisplayName>`
  assert.match(
    answer.body.toString(),
    new RegExp(
      `<Owner>${names}</Owner><AccessControlList>` +
        `<Grant><Grantee ${xsi} xsi:type="CanonicalUser">${names}</Grantee>` +
        '<Permission>FULL_CONTROL</Permission></Grant>' +
        `<Grant><Grantee ${xsi} xsi:type="Group"><URI>${everybody}</URI></Grantee>` +
        '<Permission>READ</Permission></Grant></AccessControlList>',
    ),
  )
})

function documentOf(list: string, owner = `<Owner><ID>${me?.id}</ID></Owner>`): string {
  return `<AccessControlPolicy>${owner}<AccessControlList>${list}</AccessControlList></AccessControlPolicy>`
}

function grant(grantee: string, permission = 'READ', type = ''): string {
  const attributes = type === '' ? '' : ` xmlns:xsi="urn:x" xsi:type="${type}"`
  return `<Grant><Grantee${attributes}>${grantee}</Grantee><Permission>${permission}</Permission></Grant>`
}

test('a list that is none is refused as such', async () => {
  await client.send(new PutObjectCommand({ Bucket, Key: 'none', Body: 'x' }))
  const own = grant(`<ID>${me.id}</ID>`)
  const canned = { 'x-amz-acl': 'private' }
  const both = { ...canned, 'x-amz-grant-full-control': `id="${me.id}"` }
  const reading = (value: string): Record<string, string> => ({ 'x-amz-grant-read': value })
  const cases: readonly (readonly [string, string, Record<string, string>])[] = [
    ['MissingSecurityHeader', '', {}],
    ['UnexpectedContent', documentOf(own), canned],
    ['InvalidRequest', '', both],
    ['InvalidArgument', '', { 'x-amz-acl': 'public' }],
    ['InvalidArgument', '', { 'x-amz-acl': '' }],
    ['InvalidArgument', '', reading('')],
    ['InvalidArgument', '', reading('everybody')],
    ['InvalidArgument', '', reading(`id="${me.id}" uri="${everybody}"`)],
    ['InvalidArgument', '', reading('id="nobody"')],
    ['InvalidArgument', '', reading('uri="http://example.com/"')],
    ['UnresolvableGrantByEmailAddress', '', reading('emailAddress="a@example.com"')],
    ['InvalidRequest', '', reading(Array(101).fill(`id=${me.id}`).join(','))],
    ['MalformedXML', '<AccessControlPolicy>', {}],
    ['MalformedACLError', '<Other/>', {}],
    ['MalformedACLError', '<AccessControlPolicy/>', {}],
    ['MalformedACLError', documentOf(own, ''), {}],
    ['MalformedACLError', documentOf('<Other/>'), {}],
    ['MalformedACLError', documentOf('<Grant/>'), {}],
    ['MalformedACLError', documentOf(grant(`<ID>${me.id}</ID>`, 'ALL')), {}],
    ['MalformedACLError', documentOf(grant('')), {}],
    ['MalformedACLError', documentOf(grant(`<ID>${me.id}</ID>`, 'READ', 'Group')), {}],
    ['InvalidArgument', documentOf(grant('<ID>nobody</ID>')), {}],
    ['InvalidArgument', documentOf(grant('<URI>http://example.com/</URI>', 'READ', 'Group')), {}],
    [
      'UnresolvableGrantByEmailAddress',
      documentOf(grant('<EmailAddress>a@b.c</EmailAddress>', 'READ', 'AmazonCustomerByEmail')),
      {},
    ],
  ]
  for (const path of [`/${Bucket}`, `/${Bucket}/none`]) {
    for (const [code, body, headers] of cases) {
      const answer = await acl(path, body, headers)
      assert.deepEqual(outcome(answer), [400, code], JSON.stringify([body, headers]))
    }
    const foreign = documentOf(own, `<Owner><ID>${other.id}</ID></Owner>`)
    assert.deepEqual(outcome(await acl(path, foreign)), [403, 'AccessDenied'])
    assert.deepEqual(outcome(await acl(path, '', canned, 1)), [403, 'AccessDenied'])
  }
  const delivery = { 'x-amz-acl': 'log-delivery-write' }
  assert.deepEqual(outcome(await acl(`/${Bucket}/none`, '', delivery)), [400, 'InvalidArgument'])
  assert.equal((await acl(`/${Bucket}`, '', delivery)).status, 200)
  assert.deepEqual(await bucketAcl(), [
    ...['FULL_CONTROL first', 'WRITE LogDelivery', 'READ_ACP LogDelivery'],
  ])
  assert.equal((await acl(`/${Bucket}`, '', canned)).status, 200)
  assert.deepEqual(outcome(await acl('/no-such-bucket', '', canned)), [404, 'NoSuchBucket'])
  assert.deepEqual(outcome(await acl(`/${Bucket}/missing`, '', canned)), [404, 'NoSuchKey'])
  assert.deepEqual(await objectAcl('none'), ['FULL_CONTROL first'])
})

test('with bucket owner enforced, lists are refused but for those that say nothing new', async () => {
  const { id } = modern.credential().owner
  const path = `/${Bucket}/key`
  const put = async (headers: Record<string, string>, query = {}): Promise<unknown[]> =>
    outcome(await modern.send({ method: 'PUT', path, headers, query }))
  const refused = [400, 'AccessControlListNotSupported']
  for (const [headers, isTaken] of [
    [{ 'x-amz-acl': 'private' }, true],
    [{ 'x-amz-acl': 'bucket-owner-full-control' }, true],
    [{ 'x-amz-grant-full-control': `id=${id}` }, true],
    [{ 'x-amz-acl': 'public-read' }, false],
    [{ 'x-amz-acl': 'bucket-owner-read' }, false],
    [{ 'x-amz-grant-read': `id=${id}` }, false],
    [{ 'x-amz-grant-full-control': `id=${id},uri="${everybody}"` }, false],
  ] as const) {
    const expected = isTaken ? [200, undefined] : refused
    assert.deepEqual(await put({ ...headers }), expected, JSON.stringify(headers))
    const copy = { ...headers, 'x-amz-copy-source': `${Bucket}/key` }
    const copied = await modern.send({ method: 'PUT', path: `/${Bucket}/copy`, headers: copy })
    assert.deepEqual(outcome(copied), expected)
    const create = { method: 'POST', path, headers, query: { uploads: '' } }
    assert.deepEqual(outcome(await modern.send(create)), expected)
    assert.deepEqual(await put({ ...headers }, { acl: '' }), expected)
    const bucket = { method: 'PUT', path: `/${Bucket}`, headers, query: { acl: '' } }
    assert.deepEqual(outcome(await modern.send(bucket)), expected)
  }
  assert.deepEqual(await objectAcl('key', modernClient), ['FULL_CONTROL first'])
  assert.deepEqual(await bucketAcl(Bucket, modernClient), ['FULL_CONTROL first'])
  const created = async (acl: string): Promise<unknown[]> =>
    outcome(
      await modern.send({ method: 'PUT', path: '/new-bucket', headers: { 'x-amz-acl': acl } }),
    )
  assert.deepEqual(await created('public-read'), [400, 'InvalidBucketAclWithObjectOwnership'])
  assert.deepEqual(await created('private'), [200, undefined])
  const writer = { 'x-amz-object-ownership': 'ObjectWriter', 'x-amz-acl': 'public-read' }
  const wanted = { method: 'PUT', path: '/blocked-bucket', headers: writer }
  assert.deepEqual(outcome(await modern.send(wanted)), [
    400,
    'InvalidBucketAclWithBlockPublicAccessError',
  ])
})

test('lists come to nothing, and come back, with the ownership of the bucket', async () => {
  const bucket = await bucketWith('owned-again', 'public-read-write')
  const Key = 'key'
  await otherClient.send(
    new PutObjectCommand({ Bucket: bucket, Key, Body: 'x', ACL: 'public-read' }),
  )
  const own = (ObjectOwnership: 'BucketOwnerEnforced' | 'ObjectWriter'): Promise<unknown> => {
    const OwnershipControls = { Rules: [{ ObjectOwnership }] }
    return client.send(new PutBucketOwnershipControlsCommand({ Bucket: bucket, OwnershipControls }))
  }
  await assert.rejects(own('BucketOwnerEnforced'), { name: 'InvalidBucketAclWithObjectOwnership' })
  await client.send(new PutBucketAclCommand({ Bucket: bucket, ACL: 'private' }))
  await own('BucketOwnerEnforced')
  const path = `/${bucket}/${Key}`
  assert.equal(await unsigned('GET', path), 403)
  assert.equal((await server.send({ method: 'GET', path }, 1)).status, 403)
  assert.deepEqual(await objectAcl(Key, client, bucket), ['FULL_CONTROL first'])
  await own('ObjectWriter')
  assert.equal(await unsigned('GET', path), 200)
  assert.deepEqual(await objectAcl(Key, otherClient, bucket), [
    ...['FULL_CONTROL second', 'READ AllUsers'],
  ])
})

test('the public access block refuses public lists, or leaves them without effect', async () => {
  const bucket = await bucketWith('blocked', 'public-read')
  const at = { Bucket: bucket, Key: 'key' }
  await client.send(new PutObjectCommand({ ...at, Body: 'x', ACL: 'public-read' }))
  const block = (name: string): Promise<unknown> => {
    const PublicAccessBlockConfiguration = { [name]: true }
    return client.send(
      new PutPublicAccessBlockCommand({ Bucket: bucket, PublicAccessBlockConfiguration }),
    )
  }
  await block('BlockPublicAcls')
  assert.equal(await unsigned('GET', `/${bucket}/key`), 200)
  const denied = { name: 'AccessDenied' }
  for (const ACL of ['public-read', 'public-read-write', 'authenticated-read'] as const) {
    await assert.rejects(client.send(new PutObjectCommand({ ...at, Body: 'y', ACL })), denied)
    await assert.rejects(client.send(new PutObjectAclCommand({ ...at, ACL })), denied)
    await assert.rejects(client.send(new PutBucketAclCommand({ Bucket: bucket, ACL })), denied)
    const copy = { ...at, CopySource: `${bucket}/key`, MetadataDirective: 'REPLACE' as const, ACL }
    await assert.rejects(client.send(new CopyObjectCommand(copy)), denied)
    await assert.rejects(client.send(new CreateMultipartUploadCommand({ ...at, ACL })), denied)
  }
  await client.send(new PutObjectCommand({ ...at, Key: 'private', Body: 'x', ACL: 'private' }))
  await block('IgnorePublicAcls')
  assert.equal(await unsigned('GET', `/${bucket}/key`), 403)
  assert.equal(await unsigned('GET', `/${bucket}`), 403)
  assert.equal((await server.send({ method: 'GET', path: `/${bucket}/key` }, 1)).status, 403)
  assert.equal((await server.send({ method: 'GET', path: `/${bucket}/key` })).status, 200)
  await client.send(new PutObjectCommand({ ...at, Body: 'x', ACL: 'public-read' }))
  await block('BlockPublicPolicy')
  assert.equal(await unsigned('GET', `/${bucket}/key`), 200)
})

test('a list goes along with a rename, of an object and of its folder, and not with a copy', async () => {
  const bucket = await bucketWith('moved', 'private')
  const at = (Key: string): { Bucket: string; Key: string } => ({ Bucket: bucket, Key })
  await client.send(new PutObjectCommand({ ...at('a/one'), Body: 'x', ACL: 'public-read' }))
  const send = async (to: string, headers: Record<string, string>): Promise<void> => {
    const answer = await server.send({ method: 'PUT', path: `/${bucket}/${to}`, headers })
    assert.equal(answer.status, 200, xmlText(answer.body, 'Message'))
  }
  const list = ['FULL_CONTROL first', 'READ AllUsers']
  await send('a/two', { 'x-amz-rename-source': `/${bucket}/a/one` })
  assert.deepEqual(await objectAcl('a/two', client, bucket), list)
  await send('b/', { 'x-amz-rename-source': `/${bucket}/a/` })
  assert.deepEqual(await objectAcl('b/two', client, bucket), list)
  const source = { 'x-amz-copy-source': `/${bucket}/b/` }
  await send('c/', { ...source, 'x-holdfast-recursive': 'true' })
  assert.deepEqual(await objectAcl('c/two', client, bucket), ['FULL_CONTROL first'])
  assert.equal(await unsigned('GET', `/${bucket}/c/two`), 403)
  assert.equal(await unsigned('GET', `/${bucket}/b/two`), 200)
  await send('c/three', { 'x-amz-copy-source': `/${bucket}/b/two` })
  assert.deepEqual(await objectAcl('c/three', client, bucket), ['FULL_CONTROL first'])
  // A write into the copy keeps the lists of the other objects hidden.
  await client.send(new PutObjectAclCommand({ ...at('c/two'), ACL: 'authenticated-read' }))
  assert.deepEqual(await objectAcl('b/two', client, bucket), list)
})

test('a folder of objects of several owners is closed to others than the owner of the bucket', async () => {
  const bucket = await bucketWith('several', 'public-read-write')
  const Statement = [
    {
      Effect: 'Allow',
      Principal: { AWS: third.id },
      Action: 's3:*',
      Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
    },
  ]
  await client.send(
    new PutBucketPolicyCommand({
      Bucket: bucket,
      Policy: JSON.stringify({ Version: '2012-10-17', Statement }),
    }),
  )
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'a/1', Body: 'x' }))
  const copy = (to: string, owner: number): Promise<WireAnswer> => {
    const headers = { 'x-amz-copy-source': `/${bucket}/a/`, 'x-holdfast-recursive': 'true' }
    return server.send({ method: 'PUT', path: `/${bucket}/${to}`, headers }, owner)
  }
  assert.equal((await copy('b/', 2)).status, 200)
  await otherClient.send(new PutObjectCommand({ Bucket: bucket, Key: 'a/2', Body: 'x' }))
  assert.deepEqual(outcome(await copy('c/', 2)), [403, 'AccessDenied'])
  assert.equal((await copy('d/', 0)).status, 200)
})

test('a policy can forbid a list, and the list of an upload needs no other right', async () => {
  const bucket = await bucketWith('policed', 'private')
  const statement = (elements: Record<string, unknown>): Record<string, unknown> => ({
    Effect: 'Allow',
    Principal: { AWS: other.id },
    Action: 's3:PutObject',
    Resource: `arn:aws:s3:::${bucket}/*`,
    ...elements,
  })
  const police = (...Statement: readonly unknown[]): Promise<unknown> => {
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement })
    return client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }))
  }
  const put = (ACL?: ObjectCannedACL): Promise<unknown> =>
    otherClient.send(new PutObjectCommand({ Bucket: bucket, Key: 'k', Body: 'x', ACL }))
  const denied = { name: 'AccessDenied' }
  await police(statement({ Condition: { StringEquals: { 's3:x-amz-acl': 'public-read' } } }))
  await put('public-read')
  await assert.rejects(put(), denied)
  await assert.rejects(put('private'), denied)
  await police(statement({}), statement({ Effect: 'Deny', Action: 's3:PutObjectAcl' }))
  await put()
  await assert.rejects(put('public-read'), denied)
})
