// Leases across the wire: their grants, their exclusion of other clients, and that no write bypasses them.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import { beforeEach, test } from 'node:test'
import { CreateBucketCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3'
import type { Route } from '../../src/protocol/s3/answer.ts'
import { copyRoutes, folderRoutes, renameRoutes, table } from '../../src/protocol/s3/table.ts'
import {
  objectPath,
  signedHeaders,
  type WireAnswer,
  type WireRequest,
  xmlText,
  xmlTexts,
} from '../wire.ts'
import { startForFile } from './bucket.fixture.ts'

const server = await startForFile({ owners: 1, domains: ['s3.test'] })
const client = server.client()
let count = 0
let Bucket = ''

beforeEach(async () => {
  Bucket = `leases-${count++}`
  await client.send(new CreateBucketCommand({ Bucket, ObjectOwnership: 'ObjectWriter' }))
})

/** A lease in JSON. */
interface LeaseJson {
  readonly ticket: number
  readonly state: string
  readonly read: readonly string[]
  readonly write: readonly string[]
  readonly label: string
  readonly ttlMs: number
  readonly expiresAt: string
  readonly createdAt: string
  readonly blockedBy?: readonly number[]
}

function json(answer: WireAnswer): LeaseJson {
  assert.equal(answer.status, 200, answer.body.toString())
  assert.equal(answer.headers['content-type'], 'application/json')
  return JSON.parse(answer.body.toString())
}

function ask(wanted: object | string, headers: Record<string, string> = {}): Promise<WireAnswer> {
  const body = Buffer.from(typeof wanted === 'string' ? wanted : JSON.stringify(wanted))
  return server.send({ method: 'POST', path: `/${Bucket}`, query: { lease: '' }, headers, body })
}

async function take(wanted: object, headers: Record<string, string> = {}): Promise<LeaseJson> {
  return json(await ask(wanted, headers))
}

function on(method: string, ticket: number, body?: object): Promise<WireAnswer> {
  const query = { lease: String(ticket) }
  const content = body === undefined ? {} : { body: Buffer.from(JSON.stringify(body)) }
  return server.send({ method, path: `/${Bucket}`, query, ...content })
}

async function list(query: Record<string, string> = {}): Promise<{
  leases: LeaseJson[]
  nextAfter?: number
}> {
  const answer = await server.send({
    method: 'GET',
    path: `/${Bucket}`,
    query: { lease: '', ...query },
  })
  assert.equal(answer.status, 200)
  return JSON.parse(answer.body.toString())
}

function put(key: string, ticket?: number): Promise<WireAnswer> {
  const headers: Record<string, string> =
    ticket === undefined ? {} : { 'x-holdfast-lease': String(ticket) }
  return server.send({
    method: 'PUT',
    path: objectPath(Bucket, key),
    headers,
    body: Buffer.from(key),
  })
}

function isRefused(answer: WireAnswer, status: number, code: string): void {
  assert.equal(answer.status, status, answer.body.toString())
  assert.equal(xmlText(answer.body, 'Code'), code)
}

test('a lease is taken, shown, renewed and released, and its ticket is higher than any before', async () => {
  const first = await take({ write: ['a/'], read: ['r'], ttlMs: 5000, label: 'nightly <job>' })
  const { expiresAt, createdAt, ticket, ...rest } = first
  assert.deepEqual(rest, {
    state: 'held',
    read: ['r'],
    write: ['a/'],
    label: 'nightly <job>',
    ttlMs: 5000,
  })
  assert.equal(Date.parse(expiresAt) - Date.parse(createdAt), 5000)
  assert.deepEqual((await list()).leases, [{ ...first, blockedBy: [] }])
  const renewed = json(await on('PUT', ticket, { ttlMs: 60_000 }))
  assert.ok(Date.parse(renewed.expiresAt) > Date.parse(expiresAt))
  assert.equal(json(await on('PUT', ticket)).ttlMs, 5000)
  assert.equal((await on('DELETE', ticket)).status, 204)
  assert.equal((await on('DELETE', ticket)).status, 204)
  isRefused(await on('PUT', ticket), 409, 'LeaseLost')
  assert.deepEqual((await list()).leases, [])
  assert.ok((await take({ write: [''] })).ticket > ticket)
})

test('a lease that is not granted names its holder, and leaves nothing in the queue', async () => {
  const held = await take({ write: ['a/b/'], label: 'me' })
  const refused = await ask({ read: ['a/'] })
  isRefused(refused, 409, 'LeaseNotGranted')
  assert.equal(xmlText(refused.body, 'BlockedBy'), String(held.ticket))
  assert.equal(xmlText(refused.body, 'BlockedByLabel'), 'me')
  assert.equal(xmlText(refused.body, 'BlockedByExpiresAt'), held.expiresAt)
  assert.equal(xmlText(refused.body, 'Ticket'), undefined)
  isRefused(await ask({ read: ['a/'], waitMs: 50 }), 409, 'LeaseNotGranted')
  assert.equal((await list()).leases.length, 1)
  await take({ read: ['a/bc', 'a'], write: ['a/c'] })
})

test('requests that wait are granted in the order they came, those that conflict with nobody at once', async () => {
  const held = await take({ write: ['a/'] })
  const order: string[] = []
  const wait = async (name: string, paths: object): Promise<LeaseJson> => {
    const lease = await take({ ...paths, waitMs: 10_000, label: name })
    order.push(name)
    return lease
  }
  const waiting: Promise<LeaseJson>[] = []
  const paths = [{ read: ['a/1'] }, { write: ['a/'] }, { read: ['a/1', 'a/2'] }]
  for (const [index, wanted] of paths.entries()) {
    waiting.push(wait(`waiter ${index}`, wanted))
    while ((await list()).leases.length < index + 2);
  }
  await take({ write: ['b/'] })
  const { leases } = await list()
  assert.deepEqual(leases.map(({ state, blockedBy }) => [state, blockedBy]).slice(0, 4), [
    ['held', []],
    ['waiting', [held.ticket]],
    ['waiting', [held.ticket, leases[1]?.ticket]],
    ['waiting', [leases[2]?.ticket]],
  ])
  assert.deepEqual(order, [])
  await on('DELETE', held.ticket)
  for (const [index, lease] of waiting.entries()) {
    const { ticket } = await lease
    assert.deepEqual(order.at(-1), `waiter ${index}`)
    await on('DELETE', ticket)
  }
})

test('under a client token a request has one lease and one place, however often it is sent', async () => {
  const held = await take({ write: ['a/'] })
  const token = { 'x-amz-client-token': 'once' }
  const wanted = { write: ['a/'], label: 'mine' }
  const refused = await ask(wanted, token)
  isRefused(refused, 409, 'LeaseNotGranted')
  const ticket = Number(xmlText(refused.body, 'Ticket'))
  assert.ok(ticket > held.ticket)
  isRefused(await ask({ ...wanted, label: 'other' }, token), 400, 'IdempotencyParameterMismatch')
  isRefused(await on('PUT', ticket), 409, 'LeaseNotGranted')
  isRefused(await put('a/x', ticket), 409, 'LeaseNotGranted')
  const [one, two] = [take({ ...wanted, waitMs: 5000 }, token), take(wanted, {}).catch(() => 0)]
  await two
  await on('DELETE', held.ticket)
  assert.equal((await one).ticket, ticket)
  assert.equal((await take(wanted, token)).ticket, ticket)
  assert.equal((await list()).leases.length, 1)
  await on('DELETE', ticket)
  isRefused(await ask(wanted, token), 409, 'LeaseLost')
})

test('a client that leaves while it waits loses its place', async () => {
  const held = await take({ write: ['a/'] })
  const body = JSON.stringify({ write: ['a/'], waitMs: 60_000 })
  const facts = { method: 'POST', path: `/${Bucket}`, query: { lease: '' } }
  const host = `127.0.0.1:${server.port}`
  const headers = signedHeaders(server.credential(), { ...facts, host, date: new Date() })
  const leaving = request(`${server.endpoint}${facts.path}?lease=`, { method: 'POST', headers })
  leaving.end(body)
  while ((await list()).leases.length < 2);
  leaving.destroy()
  await assert.rejects(once(leaving, 'response'))
  while ((await list()).leases.length > 1);
  await on('DELETE', held.ticket)
  await take({ write: ['a/'] })
})

test('a paused holder that wakes up after its time cannot write', async () => {
  const paused = await take({ write: ['a/'], ttlMs: 1000 })
  assert.equal((await put('a/x', paused.ticket)).status, 200)
  const next = await take({ write: ['a/'], waitMs: 10_000 })
  assert.ok(next.ticket > paused.ticket)
  isRefused(await put('a/x', paused.ticket), 409, 'LeaseLost')
  isRefused(await on('PUT', paused.ticket), 409, 'LeaseLost')
  isRefused(await on('DELETE', paused.ticket), 409, 'LeaseLost')
  assert.equal((await put('a/x', next.ticket)).status, 200)
})

test('a read lease keeps writers out and other readers in; reads of objects never wait', async () => {
  await put('a/x')
  const first = await take({ read: ['a/'] })
  await take({ read: ['a/x'] })
  isRefused(await ask({ write: ['a/x'] }), 409, 'LeaseNotGranted')
  isRefused(await put('a/x', first.ticket), 403, 'LeaseNotCovering')
  const refused = put('a/x')
  const read = await server.send({ method: 'GET', path: objectPath(Bucket, 'a/x') })
  assert.equal(read.body.toString(), 'a/x')
  assert.equal((await put('b')).status, 200)
  const answer = await refused
  isRefused(answer, 503, 'SlowDown')
  assert.equal(answer.headers['retry-after'], '1')
})

test('an unmodified SDK client that runs into a lease succeeds by its own retries once it is released', async () => {
  const held = await take({ write: ['a/'] })
  const patient = server.client(0, { maxAttempts: 4 })
  const statuses: number[] = []
  patient.middlewareStack.add(
    (next) => async (args) => {
      try {
        return await next(args)
      } catch (error) {
        const { $metadata } = Object(error)
        statuses.push($metadata.httpStatusCode)
        await on('DELETE', held.ticket)
        throw error
      }
    },
    { step: 'deserialize', priority: 'high' },
  )
  await patient.send(new PutObjectCommand({ Bucket, Key: 'a/x', Body: 'late' }))
  assert.deepEqual(statuses, [503])
})

test('an SDK client writes under a lease by a middleware that adds the header', async () => {
  const { ticket } = await take({ write: ['a/'] })
  const holder = server.client()
  holder.middlewareStack.add(
    (next) => (args) => {
      const { headers } = Object(args.request)
      headers['x-holdfast-lease'] = String(ticket)
      return next(args)
    },
    { step: 'build', name: 'holdfastLease' },
  )
  const Key = 'a/x'
  await holder.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }))
  await on('DELETE', ticket)
  const late = holder.send(new PutObjectCommand({ Bucket, Key, Body: 'y' }))
  await assert.rejects(late, { name: 'LeaseLost', $fault: 'client' })
})

test('a write that waits goes on as soon as the lease is released', async () => {
  const held = await take({ write: ['a/'] })
  const waiting = put('a/x')
  await put('b')
  await on('DELETE', held.ticket)
  assert.equal((await waiting).status, 200)
})

test('of many keys to delete, those that a lease does not allow fail, each by itself', async () => {
  for (const key of ['a/1', 'b/1', 'c']) await put(key)
  const lease = await take({ write: ['a/'] })
  await take({ write: ['b/'] })
  const under = await server.send(
    deleteMany(['a/1', 'c'], { 'x-holdfast-lease': `${lease.ticket}` }),
  )
  assert.deepEqual(xmlTexts(under.body, 'Key'), ['a/1', 'c'])
  assert.deepEqual(xmlTexts(under.body, 'Code'), ['LeaseNotCovering'])
  await put('a/1', lease.ticket)
  const without = await server.send(deleteMany(['a/1', 'b/1', 'c']))
  assert.equal(without.status, 200)
  assert.deepEqual(xmlTexts(without.body, 'Code'), ['SlowDown', 'SlowDown'])
  assert.deepEqual(await keys(), ['a/1', 'b/1'])
})

function deleteMany(names: readonly string[], headers: Record<string, string> = {}): WireRequest {
  const objects = names.map((key) => `<Object><Key>${key}</Key></Object>`)
  const body = Buffer.from(`<Delete>${objects.join('')}</Delete>`)
  const md5 = createHash('md5').update(body).digest('base64')
  return {
    method: 'POST',
    path: `/${Bucket}`,
    query: { delete: '' },
    headers: { 'content-md5': md5, ...headers },
    body,
  }
}

async function keys(): Promise<string[]> {
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }))
  return Contents.map(({ Key }) => Key ?? '')
}

/** Requests that change what readers see at or below `top/locked/`, by the name of their route. */
function writes(uploadId: string): readonly (readonly [route: string, wanted: WireRequest])[] {
  const path = (key: string): string => objectPath(Bucket, key)
  const rename = (from: string, to: string): WireRequest => ({
    method: 'PUT',
    path: path(to),
    query: { renameObject: '' },
    headers: { 'x-amz-rename-source': from, 'x-holdfast-replace': 'true' },
  })
  const copy = (from: string, to: string, headers = {}): WireRequest => ({
    method: 'PUT',
    path: path(to),
    headers: { 'x-amz-copy-source': `/${Bucket}/${from}`, ...headers },
  })
  const tagging = { path: path('top/locked/x'), query: { tagging: '' } }
  const recursive = { 'x-holdfast-recursive': 'true' }
  const replacing = { ...recursive, 'x-holdfast-replace': 'true' }
  const parts = Buffer.from(
    `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${partEtag}</ETag></Part></CompleteMultipartUpload>`,
  )
  return [
    ['PutObject', { method: 'PUT', path: path('top/locked/x'), body: Buffer.from('changed') }],
    [
      'PutObjectTagging',
      { ...tagging, method: 'PUT', body: Buffer.from('<Tagging><TagSet/></Tagging>') },
    ],
    ['DeleteObjectTagging', { ...tagging, method: 'DELETE' }],
    [
      'PutObjectAcl',
      {
        ...{ method: 'PUT', path: path('top/locked/x'), query: { acl: '' } },
        headers: { 'x-amz-acl': 'private' },
      },
    ],
    ['CopyObject', copy('from/x', 'top/locked/copied')],
    ['CopyFolder', copy('from/', 'top/locked/copied/', replacing)],
    ['CopyFolder', copy('from/', 'top/', replacing)],
    [
      'CompleteMultipartUpload',
      { method: 'POST', path: path('top/locked/up'), query: { uploadId }, body: parts },
    ],
    ['RenameObject', rename('top/locked/x', 'from/renamed')],
    ['RenameObject', rename('from/renamed', 'top/locked/renamed')],
    ['RenameObject', rename(`/${Bucket}/top/locked/y`, 'from/renamed')],
    ['RenameObject', rename('top/locked/sub/', 'renamed/')],
    ['RenameObject', rename('top/', 'renamed/')],
    ['RenameObject', rename('renamed/', 'top/locked/sub/')],
    ['DeleteObject', { method: 'DELETE', path: path('top/locked/x') }],
    ['DeleteObjects', deleteMany(['top/locked/x'])],
    ['DeleteFolder', { method: 'DELETE', path: path('top/'), headers: recursive }],
    ['DeleteBucket', { method: 'DELETE', path: `/${Bucket}` }],
  ]
}

/** Requests that prepare invisible changes. */
function preparations(uploadId: string): readonly (readonly [string, WireRequest])[] {
  const path = objectPath(Bucket, 'top/locked/up')
  const part = { method: 'PUT', path, query: { uploadId, partNumber: '1' } }
  const from = { 'x-amz-copy-source': `/${Bucket}/from/x` }
  return [
    ['CreateMultipartUpload', { method: 'POST', path, query: { uploads: '' } }],
    ['UploadPartCopy', { ...part, headers: from }],
    ['UploadPart', { ...part, body: Buffer.from('part') }],
    ['AbortMultipartUpload', { method: 'DELETE', path, query: { uploadId } }],
  ]
}

const partEtag = createHash('md5').update('part').digest('hex')

async function startUpload(): Promise<string> {
  const path = objectPath(Bucket, 'top/locked/up')
  const started = await server.send({ method: 'POST', path, query: { uploads: '' } })
  const uploadId = xmlText(started.body, 'UploadId') ?? ''
  const query = { uploadId, partNumber: '1' }
  await server.send({ method: 'PUT', path, query, body: Buffer.from('part') })
  return uploadId
}

function sendUnder(wanted: WireRequest, ticket: number | undefined): Promise<WireAnswer> {
  const lease = ticket === undefined ? {} : { 'x-holdfast-lease': String(ticket) }
  return server.send({ ...wanted, headers: { ...wanted.headers, ...lease } })
}

/** The code of a refusal; for a request with results per key, that of its only key. */
function codeOf({ status, body }: WireAnswer): string {
  return `${status} ${xmlText(body, 'Code') ?? ''}`
}

function expected(route: string, status: number, code: string): string {
  return route === 'DeleteObjects' && code !== 'LeaseLost' ? `200 ${code}` : `${status} ${code}`
}

test('every operation that writes is one that leases are asked about, or is known not to need it', () => {
  const routes = new Map<string, Route>()
  const variants = [copyRoutes, renameRoutes, folderRoutes].flatMap((map) => [...map.values()])
  for (const level of Object.values(table)) {
    for (const [method, byParameter] of Object.entries(level)) {
      if (method === 'GET' || method === 'HEAD') continue
      for (const route of [...Object.values(byParameter), ...variants])
        routes.set(route.name, route)
    }
  }
  const named = (isLeased: boolean): string[] =>
    [...routes.values()]
      .filter((route) => route.isLeased === isLeased)
      .map(({ name }) => name)
      .sort()
  const tested = [...writes(''), ...preparations('')].map(([name]) => name)
  assert.deepEqual(named(true), [...new Set(tested)].sort())
  // A bucket that isn't there has no leases; and leases are asked for under no other.
  // A lease is of paths, and a bucket's settings are of none.
  const settings = /^(Put|Delete)(Bucket[A-Z]|PublicAccessBlock)/
  assert.deepEqual(
    named(false).filter((name) => !settings.test(name)),
    ['AcquireLease', 'CreateBucket', 'ReleaseLease', 'RenewLease'],
  )
})

test('no operation writes against the lease of another, under a lost one, or where its own does not reach', async () => {
  for (const key of ['from/x', 'top/locked/x', 'top/locked/y', 'top/locked/sub/z']) await put(key)
  const uploadId = await startUpload()
  const lost = (await take({ write: ['top/'] })).ticket
  await on('DELETE', lost)
  await take({ write: ['top/locked/'] })
  const elsewhere = (await take({ write: ['elsewhere/'] })).ticket
  const before = await keys()
  await put('renamed/x')
  const all = writes(uploadId)
  const refusals = await Promise.all(all.map(([, wanted]) => sendUnder(wanted, undefined)))
  for (const [index, answer] of refusals.entries()) {
    const [route = '', wanted] = all[index] ?? []
    // The rename of a missing source waits too.
    const what = `${route} ${wanted?.path}`
    assert.equal(codeOf(answer), expected(route, 503, 'SlowDown'), what)
  }
  for (const [route, wanted] of [...all, ...preparations(uploadId)]) {
    const under = await sendUnder(wanted, elsewhere)
    assert.equal(codeOf(under), expected(route, 403, 'LeaseNotCovering'), route)
    const late = await sendUnder(wanted, lost)
    assert.equal(codeOf(late), expected(route, 409, 'LeaseLost'), route)
  }
  assert.deepEqual(await keys(), [...before.slice(0, 1), 'renamed/x', ...before.slice(1)])
  for (const [route, wanted] of preparations(uploadId)) {
    const { status } = await sendUnder(wanted, undefined)
    assert.ok(status === 200 || status === 204, route)
  }
})

test('under a lease that reaches, every operation writes as ever', async () => {
  for (const key of ['from/x', 'top/locked/x', 'top/locked/y', 'top/locked/sub/z']) await put(key)
  const uploadId = await startUpload()
  const { ticket } = await take({ write: [''] })
  for (const [route, wanted] of preparations(await startUpload())) {
    const { status } = await sendUnder(wanted, ticket)
    assert.ok(status === 200 || status === 204, route)
  }
  const all = writes(uploadId)
  const last = all.findIndex(([name]) => name === 'DeleteBucket')
  const replaced = all.findIndex(([, { path }]) => path.endsWith('/top/'))
  for (const [index, [route, wanted]] of all.entries()) {
    // The deletion would remove the paths of the other leases.
    if (index === replaced || index === last) continue
    if (wanted.path.endsWith('/renamed/') && index > 0) await put('top/locked/sub/z', ticket)
    if (route === 'RenameObject') await put('top/locked/y', ticket)
    const { status, body } = await sendUnder(wanted, ticket)
    assert.ok(status === 200 || status === 204, `${route} ${wanted.path}: ${body}`)
    assert.equal(xmlText(body, 'Error'), undefined)
  }
  await sendUnder(deleteMany(await keys()), ticket)
  const bucket = await sendUnder({ method: 'DELETE', path: `/${Bucket}` }, ticket)
  assert.equal(bucket.status, 204, bucket.body.toString())
  isRefused(await on('PUT', ticket), 404, 'NoSuchBucket')
})

test('leases are asked for at a bucket in the host name, too', async () => {
  const facts = { method: 'POST', path: '/', query: { lease: '' } }
  const host = `${Bucket}.s3.test`
  const headers = signedHeaders(server.credential(), { ...facts, host, date: new Date() })
  const asking = request({ port: server.port, path: '/?lease=', method: 'POST', headers })
  asking.end('{"write":["a/"]}')
  const [answer] = await once(asking, 'response')
  assert.equal(answer.statusCode, 200)
  answer.resume()
  assert.deepEqual((await list()).leases[0]?.write, ['a/'])
})

test('a request for a lease that makes no sense is refused and says why', async () => {
  const many = Array.from({ length: 101 }, (_, index) => `p${index}`)
  const deep = Array.from({ length: 4 }, (_, index) => `${index}/${'d/'.repeat(400)}`)
  for (const [wanted, code, text] of [
    ['', 'MissingRequestBodyError', /empty/],
    ['{', 'InvalidRequest', /not JSON/],
    ['[]', 'InvalidRequest', /object/],
    [{}, 'InvalidArgument', /1 to 100 paths/],
    [{ write: 'a/' }, 'InvalidArgument', /list/],
    [{ write: [1] }, 'InvalidArgument', /string/],
    [{ write: ['\ud800'] }, 'InvalidArgument', /Unicode/],
    [{ write: many }, 'InvalidArgument', /at most 100/],
    [{ write: deep }, 'InvalidArgument', /1000 together, not 1605/],
    [{ write: ['k'.repeat(1025)] }, 'KeyTooLongError', /too long/],
    [{ write: ['a'], ttlMs: 999 }, 'InvalidArgument', /1000 to 3600000/],
    [{ write: ['a'], ttlMs: '1000' }, 'InvalidArgument', /whole number/],
    [{ write: ['a'], waitMs: 60_001 }, 'InvalidArgument', /0 to 60000/],
    [{ write: ['a'], label: 'l'.repeat(257) }, 'InvalidArgument', /256 characters/],
    [{ write: ['a'], forever: true }, 'InvalidArgument', /no such field/],
    [`{"label":"${' '.repeat(65_536)}"}`, 'MaxMessageLengthExceeded', /too large/],
  ] as const) {
    const answer = await ask(wanted)
    isRefused(answer, 400, code)
    assert.match(xmlText(answer.body, 'Message') ?? '', text)
  }
  isRefused(
    await ask({ write: ['a'] }, { 'x-amz-client-token': 'no spaces' }),
    400,
    'InvalidArgument',
  )
  for (const ticket of [Number.NaN, 0, -1])
    isRefused(await on('PUT', ticket), 400, 'InvalidArgument')
  isRefused(await on('PUT', 999_999_999), 409, 'LeaseLost')
  isRefused(await put('a', 999_999_999), 409, 'LeaseLost')
  const get = { method: 'GET', path: objectPath(Bucket, 'a'), headers: { 'x-holdfast-lease': '1' } }
  isRefused(await server.send(get), 501, 'NotImplemented')
  assert.deepEqual((await list()).leases, [])
})

test('only the owner of the bucket has to do with its leases, which are no other bucket’s', async () => {
  const { ticket } = await take({ write: ['a/'] })
  for (const [method, lease] of [
    ['POST', ''],
    ['GET', ''],
    ['PUT', String(ticket)],
    ['DELETE', String(ticket)],
  ] as const) {
    const body = Buffer.from('{"write":["x"]}')
    const wanted = { method, path: `/${Bucket}`, query: { lease }, body }
    isRefused(
      await server.send(method === 'POST' ? wanted : { ...wanted, body: Buffer.of() }, 1),
      403,
      'AccessDenied',
    )
  }
  Bucket = `${Bucket}-other`
  await client.send(new CreateBucketCommand({ Bucket }))
  isRefused(await on('PUT', ticket), 409, 'LeaseLost')
  isRefused(await put('a/x', ticket), 409, 'LeaseLost')
  assert.equal((await put('a/x')).status, 200)
})

test('a listing of leases goes on after a ticket', async () => {
  const tickets: number[] = []
  for (const key of ['a', 'b', 'c']) tickets.push((await take({ write: [key] })).ticket)
  const { leases } = await list({ after: String(tickets[0]) })
  assert.deepEqual(
    leases.map(({ ticket }) => ticket),
    tickets.slice(1),
  )
})
