// Leases from the client's side: queueing, renewal, loss, release, and writes under them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { errorAnswer, FakeServer, jsonAnswer, type SeenRequest } from './fake-server.fixture.ts'
import {
  createHoldfast,
  type LeaseInfo,
  LeaseLostError,
  LeaseNotCoveringError,
  LeaseNotGrantedError,
  NotHoldfastError,
  withLease,
} from './index.ts'
import { ManualClock } from './manual-clock.fixture.ts'

const granted = jsonAnswer({ ticket: 7, state: 'held' })
const refused = errorAnswer(409, 'LeaseNotGranted', {
  Ticket: '9',
  BlockedBy: '7',
  BlockedByLabel: 'nightly',
})
const lost = errorAnswer(409, 'LeaseLost')

function grantAll({ method }: SeenRequest) {
  return method === 'DELETE' ? { status: 204 } : granted
}

/** Resolves once `isTrue` returns true, while requests and timers run. */
async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setImmediate(resolve))
}

test('a lease is requested as JSON, and its handle lists the held paths', async () => {
  await using server = await FakeServer.start(grantAll)
  const { leases } = createHoldfast(server.client())
  const request = { bucket: 'b', read: new Set(['in/']), write: ['out/', 'log.txt'] }
  {
    await using handle = await leases.acquire(request, { ttlMs: 5000, label: 'job', waitMs: 0 })
    const { method, path, query, headers, body } = server.last
    assert.equal(method, 'POST')
    assert.equal(path.replace(/\/$/, ''), '/b')
    assert.equal(query.get('lease'), '')
    assert.match(String(headers['x-amz-client-token']), /^.{36}$/)
    assert.equal(headers['content-type'], 'application/json')
    assert.deepEqual(JSON.parse(body), {
      read: ['in/'],
      write: ['out/', 'log.txt'],
      ttlMs: 5000,
      label: 'job',
      waitMs: 0,
    })
    assert.equal(handle.ticket, 7n)
    assert.ok(handle.held)
    assert.ok(handle.covers('out/deep/key', 'write'))
    assert.ok(handle.covers(['in/', 'x'], 'read'))
    assert.ok(!handle.covers('in/x', 'write'))
    assert.ok(!handle.covers('out', 'read'))
    assert.ok(!handle.covers('log.txt/', 'write'))
  }
  assert.equal(server.last.method, 'DELETE')
  assert.equal(server.last.query.get('lease'), '7')
  assert.equal(server.requests.length, 2)
})

test('a waiting client polls with the same token until the lease is granted', async () => {
  const answers = [refused, refused, granted]
  await using server = await FakeServer.start(() => answers.shift() ?? { status: 204 })
  const { leases } = createHoldfast(server.client())
  const handle = await leases.acquire({ bucket: 'b', write: ['a/'] })
  assert.equal(new Set(server.requests.map(({ headers }) => headers['x-amz-client-token'])).size, 1)
  assert.equal(new Set(server.requests.map(({ body }) => body)).size, 1)
  assert.equal(server.requests.length, 3)
  await handle.release()
})

test('a wait that times out names the blockers and leaves the queue', async () => {
  await using server = await FakeServer.start(({ method }) =>
    method === 'POST' ? refused : { status: 204 },
  )
  const { leases } = createHoldfast(server.client())
  const attempt = leases.acquire({ bucket: 'b', write: ['a/'] }, { waitMs: 0 })
  await assert.rejects(attempt, (error) => {
    assert.ok(error instanceof LeaseNotGrantedError)
    assert.match(error.message, /Lease 7 \(nightly\) is before this one/)
    return true
  })
  assert.equal(server.last.method, 'DELETE')
  assert.equal(server.last.query.get('lease'), '9')
})

test('an abort ends the wait with its own reason, and releases a lease that may have been granted', async () => {
  const { promise, resolve } = Promise.withResolvers<typeof granted>()
  const { promise: released, resolve: onRelease } = Promise.withResolvers<SeenRequest>()
  await using server = await FakeServer.start((request) => {
    if (request.method === 'DELETE') onRelease(request)
    return server.requests.length === 1 ? promise : grantAll(request)
  })
  const { leases } = createHoldfast(server.client())
  const controller = new AbortController()
  const reason = new Error('enough')
  const attempt = leases.acquire({ bucket: 'b', write: ['a/'] }, controller)
  await until(() => server.requests.length === 1)
  controller.abort(reason)
  await assert.rejects(attempt, reason)
  assert.equal((await released).query.get('lease'), '7')
  const tokens = server.requests.slice(0, 2).map(({ headers }) => headers['x-amz-client-token'])
  assert.equal(tokens[0], tokens[1])
  resolve(granted)
})

test('a refusal of the server’s leaves no queue to leave', async () => {
  await using server = await FakeServer.start(() => errorAnswer(403, 'AccessDenied'))
  const { leases } = createHoldfast(server.client())
  const attempt = leases.acquire({ bucket: 'b', write: ['a/'] })
  await assert.rejects(attempt, { name: 'AccessDenied' })
  assert.equal(server.requests.length, 1)
})

test('a server without leases is detected', async () => {
  await using server = await FakeServer.start(() => ({ body: '<ListBucketResult/>' }))
  const { leases } = createHoldfast(server.client())
  await assert.rejects(leases.acquire({ bucket: 'b', write: ['a/'] }), NotHoldfastError)
  server.respond = () => jsonAnswer({ leases: [{ ticket: 1, state: 'strange' }] })
  await assert.rejects(leases.list('b')[Symbol.asyncIterator]().next(), NotHoldfastError)
})

test('a lease is renewed three times in its life, until it is released', async () => {
  await using server = await FakeServer.start(grantAll)
  const clock = new ManualClock()
  const { leases } = createHoldfast(server.client(), { clock })
  const handle = await leases.acquire({ bucket: 'b', write: ['a/'] }, { ttlMs: 9000 })
  for (let renewal = 1; renewal <= 5; renewal++) {
    clock.advance(3000)
    await until(() => server.requests.length === 1 + renewal)
    assert.equal(server.last.method, 'PUT')
    assert.equal(server.last.query.get('lease'), '7')
    await until(() => clock.pending === 2)
  }
  assert.ok(handle.held)
  await Promise.all([handle.release(), handle.release()])
  await handle.release()
  assert.equal(handle.held, false)
  assert.equal(handle.signal.aborted, false)
  assert.equal(clock.pending, 0)
  assert.equal(server.requests.filter(({ method }) => method === 'DELETE').length, 1)
})

test('a lease that the server calls lost is lost at once', async () => {
  await using server = await FakeServer.start(grantAll)
  const clock = new ManualClock()
  const { leases } = createHoldfast(server.client(), { clock })
  await using handle = await leases.acquire({ bucket: 'b', write: ['a/'] }, { ttlMs: 9000 })
  server.respond = () => lost
  clock.advance(3000)
  await until(() => handle.signal.aborted)
  assert.ok(handle.signal.reason instanceof LeaseLostError)
  assert.equal(handle.held, false)
  assert.equal(clock.pending, 0)
  await handle.release()
  assert.equal(server.last.method, 'PUT')
})

test('a lease that can’t be renewed is lost when its time is over, counted from what was sent last', async () => {
  await using server = await FakeServer.start(grantAll)
  const clock = new ManualClock()
  const { leases } = createHoldfast(server.client({ maxAttempts: 1 }), { clock })
  await using handle = await leases.acquire({ bucket: 'b', write: ['a/'] }, { ttlMs: 12_000 })
  server.respond = () => errorAnswer(500, 'InternalError')
  for (let at = 4000; at < 12_000; at += 1000) {
    clock.advance(at === 4000 ? 4000 : 1000)
    await until(() => clock.pending === 2)
    assert.ok(handle.held)
  }
  clock.advance(1000)
  assert.equal(handle.held, false)
  assert.match(String(handle.signal.reason), /Lease 7 was not renewed for 12000 ms/)
})

test('one renewal that fails costs nothing', async () => {
  await using server = await FakeServer.start(grantAll)
  const clock = new ManualClock()
  const { leases } = createHoldfast(server.client({ maxAttempts: 1 }), { clock })
  await using handle = await leases.acquire({ bucket: 'b', write: ['a/'] }, { ttlMs: 12_000 })
  server.respond = () => errorAnswer(500, 'InternalError')
  clock.advance(4000)
  await until(() => clock.pending === 2)
  server.respond = grantAll
  clock.advance(1000)
  await until(() => server.requests.length === 3 && clock.pending === 2)
  clock.advance(3999)
  assert.ok(handle.held)
  assert.equal(clock.pending, 2)
})

test('a process that was stopped for too long detects the loss before any timer runs', async () => {
  await using server = await FakeServer.start(grantAll)
  const clock = new ManualClock()
  const { leases } = createHoldfast(server.client(), { clock })
  await using handle = await leases.acquire({ bucket: 'b', write: ['a/'] }, { ttlMs: 9000 })
  const s3 = withLease(server.client(), handle)
  clock.sleep(9000)
  assert.equal(handle.held, false)
  assert.equal(handle.covers('a/1', 'read'), false)
  const put = s3.send(new PutObjectCommand({ Bucket: 'b', Key: 'a/1', Body: 'x' }))
  await assert.rejects(put, LeaseLostError)
  assert.equal(server.requests.length, 1)
})

test('a lease granted after a long wait is renewed before it is returned', async () => {
  const clock = new ManualClock()
  await using server = await FakeServer.start((request) => {
    if (server.requests.length === 1) clock.sleep(9000)
    return grantAll(request)
  })
  const { leases } = createHoldfast(server.client(), { clock })
  await using handle = await leases.acquire({ bucket: 'b', write: ['a/'] }, { ttlMs: 9000 })
  assert.deepEqual(
    server.requests.map(({ method }) => method),
    ['POST', 'PUT'],
  )
  assert.ok(handle.held)
})

test('only writes to its bucket go under a lease', async () => {
  await using server = await FakeServer.start(grantAll)
  const plain = server.client()
  await using handle = await createHoldfast(plain).leases.acquire({ bucket: 'b', write: ['a/'] })
  const s3 = withLease(plain, handle)
  const leaseOf = (): unknown => server.last.headers['x-holdfast-lease']
  await s3.send(new PutObjectCommand({ Bucket: 'b', Key: 'a/1', Body: 'x' }))
  assert.equal(leaseOf(), '7')
  assert.match(String(server.last.headers.authorization), /x-holdfast-lease/)
  await s3.send(new DeleteObjectCommand({ Bucket: 'b', Key: 'a/1' }))
  assert.equal(leaseOf(), '7')
  await createHoldfast(s3).folders.rename({ bucket: 'b', from: 'a/1/', to: 'a/2/' })
  assert.equal(leaseOf(), '7')
  await s3.send(new GetObjectCommand({ Bucket: 'b', Key: 'a/1' }))
  assert.equal(leaseOf(), undefined)
  await s3.send(new DeleteObjectCommand({ Bucket: 'other', Key: 'a/1' }))
  assert.equal(leaseOf(), undefined)
  await plain.send(new PutObjectCommand({ Bucket: 'b', Key: 'a/1', Body: 'x' }))
  assert.equal(leaseOf(), undefined)
  await using second = await createHoldfast(s3).leases.acquire({ bucket: 'b', write: ['b/'] })
  assert.equal(leaseOf(), undefined)
  assert.ok(second.held)
  await withLease(plain, { bucket: 'b', ticket: 99n }).send(
    new PutObjectCommand({ Bucket: 'b', Key: 'a/1', Body: 'x' }),
  )
  assert.equal(leaseOf(), '99')
})

test('a write that the server refuses for its lease says so, and a lost lease is lost for all', async () => {
  await using server = await FakeServer.start(grantAll)
  const plain = server.client({ cacheMiddleware: true })
  await using handle = await createHoldfast(plain).leases.acquire({ bucket: 'b', write: ['a/'] })
  const s3 = withLease(plain, handle)
  const put = (key: string) => s3.send(new PutObjectCommand({ Bucket: 'b', Key: key, Body: 'x' }))
  server.respond = () => errorAnswer(403, 'LeaseNotCovering')
  await assert.rejects(put('b/1'), LeaseNotCoveringError)
  assert.ok(handle.held)
  server.respond = () => lost
  const copy = new CopyObjectCommand({ Bucket: 'b', Key: 'a/2', CopySource: 'b/a/1' })
  await assert.rejects(s3.send(copy), LeaseLostError)
  assert.ok(handle.signal.aborted)
  const sent = server.requests.length
  await assert.rejects(put('a/1'), LeaseLostError)
  assert.equal(server.requests.length, sent)
})

test('all pages of a listing are read', async () => {
  const lease = (ticket: number, state: string) => ({
    ticket,
    state,
    read: [],
    write: ['a/'],
    label: 'l',
    ttlMs: 1000,
    expiresAt: '2026-01-01T00:00:01.000Z',
    createdAt: '2026-01-01T00:00:00.000Z',
    blockedBy: state === 'held' ? [] : [1],
  })
  await using server = await FakeServer.start(({ query }) =>
    query.get('after') === '1'
      ? jsonAnswer({ leases: [lease(2, 'waiting')] })
      : jsonAnswer({ leases: [lease(1, 'held')], nextAfter: 1 }),
  )
  const { leases } = createHoldfast(server.client())
  const found: LeaseInfo[] = []
  for await (const lease of leases.list('b')) found.push(lease)
  assert.deepEqual(
    found.map(({ ticket, state, blockedBy }) => [ticket, state, blockedBy]),
    [
      [1n, 'held', []],
      [2n, 'waiting', [1n]],
    ],
  )
  assert.equal(found[0]?.expiresAt.getTime(), Date.UTC(2026, 0, 1, 0, 0, 1))
})

test('run gives the lease back, however its body ends', async () => {
  await using server = await FakeServer.start(grantAll)
  const { leases } = createHoldfast(server.client())
  const failure = new Error('the body failed')
  const run = leases.run({ bucket: 'b', write: ['a/'] }, () => Promise.reject(failure))
  await assert.rejects(run, failure)
  assert.equal(server.last.method, 'DELETE')
  assert.equal(await leases.run({ bucket: 'b', write: ['a/'] }, ({ ticket }) => ticket), 7n)
})
