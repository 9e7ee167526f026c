// Leases across several worker processes, and across their crashes. HOLDFAST_TEST_SCALE multiplies the
// number of clients.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startServer, type TestServer } from './harness.ts'
import { objectPath, type WireAnswer, WireClient, xmlText } from './wire.ts'

const { HOLDFAST_TEST_SCALE = '1' } = process.env
const clientCount = 60 * Number(HOLDFAST_TEST_SCALE)
const bucket = 'leases'

function wireClient(server: TestServer): WireClient {
  const { host, port, accessKeyId, secretAccessKey } = server
  return new WireClient({ host, port, accessKeyId, secretAccessKey }, 120_000)
}

function lease(wire: WireClient, wanted: object): Promise<WireAnswer> {
  const body = Buffer.from(JSON.stringify(wanted))
  return wire.send({ method: 'POST', path: `/${bucket}`, query: { lease: '' }, body })
}

/** Waits for a lease, in as many requests as needed. Returns its ticket. */
async function takeTicket(wire: WireClient, wanted: object, token: string): Promise<number> {
  for (;;) {
    const answer = await wire.send({
      method: 'POST',
      path: `/${bucket}`,
      query: { lease: '' },
      headers: { 'x-amz-client-token': token },
      body: Buffer.from(JSON.stringify({ ...wanted, waitMs: 60_000 })),
    })
    if (answer.status === 200) return JSON.parse(answer.body.toString()).ticket
    assert.equal(xmlText(answer.body, 'Code'), 'LeaseNotGranted', answer.body.toString())
  }
}

function release(wire: WireClient, ticket: number): Promise<WireAnswer> {
  return wire.send({ method: 'DELETE', path: `/${bucket}`, query: { lease: String(ticket) } })
}

function put(wire: WireClient, key: string, body: string, ticket?: number): Promise<WireAnswer> {
  const headers: Record<string, string> =
    ticket === undefined ? {} : { 'x-holdfast-lease': String(ticket) }
  const path = objectPath(bucket, key)
  return wire.send({ method: 'PUT', path, headers, body: Buffer.from(body) })
}

async function get(wire: WireClient, key: string): Promise<string> {
  const { status, body } = await wire.send({ method: 'GET', path: objectPath(bucket, key) })
  return status === 200 ? body.toString() : '0'
}

/** The folders that clients work on: a folder and two in it. */
const folders = ['f/', 'f/a/', 'f/b/'] as const
const counters = { 'f/': ['f/a/n', 'f/b/n'], 'f/a/': ['f/a/n'], 'f/b/': ['f/b/n'] } as const

test('clients that queue on paths in one another exclude each other, through several workers', async () => {
  await using server = await startServer({ workers: 2 })
  await server.untilServing(2)
  const wires = Array.from({ length: clientCount }, () => wireClient(server))
  const [first] = wires
  assert.ok(first)
  await first.send({ method: 'PUT', path: `/${bucket}` })
  const inside = new Map<string, number>()
  const workers = new Set<unknown>()
  let highest = 0
  /** Increments each counter by a read and a write, which loses updates if two clients overlap. */
  const work = async (wire: WireClient, index: number): Promise<void> => {
    const folder = folders[index % 3] ?? 'f/'
    const ticket = await takeTicket(wire, { write: [folder], label: `${index}` }, `t${index}`)
    for (const [other, others] of inside) {
      assert.ok(!folder.startsWith(other) && !other.startsWith(folder), `${folder} and ${others}`)
    }
    inside.set(folder, ticket)
    for (const key of counters[folder]) {
      const count = Number(await get(wire, key))
      const answer = await put(wire, key, String(count + 1), ticket)
      assert.equal(answer.status, 200, answer.body.toString())
      workers.add(answer.headers['x-amz-id-2'])
    }
    inside.delete(folder)
    highest = Math.max(highest, ticket)
    assert.equal((await release(wire, ticket)).status, 204)
  }
  await Promise.all(wires.map(work))
  const whole = Math.ceil(clientCount / 3)
  assert.equal(Number(await get(first, 'f/a/n')), whole + Math.ceil((clientCount - 1) / 3))
  assert.equal(Number(await get(first, 'f/b/n')), whole + Math.ceil((clientCount - 2) / 3))
  assert.equal(highest, clientCount)
  assert.equal(workers.size, 2)
  for (const wire of wires) wire.close()
  assert.equal(await server.stop(), 0)
  const { exitCode, output } = await server.fsck()
  assert.equal(exitCode, 0, output)
})

test('leases survive kill -9, are kept by every worker, and tickets go on growing', async () => {
  await using server = await startServer({ workers: 2 })
  const wire = wireClient(server)
  await wire.send({ method: 'PUT', path: `/${bucket}` })
  const held = JSON.parse((await lease(wire, { write: ['a/'], ttlMs: 600_000 })).body.toString())
  const waiting = await wire.send({
    method: 'POST',
    path: `/${bucket}`,
    query: { lease: '' },
    headers: { 'x-amz-client-token': 'waiting' },
    body: Buffer.from(JSON.stringify({ write: ['a/b'] })),
  })
  const place = Number(xmlText(waiting.body, 'Ticket'))
  assert.ok(place > held.ticket)
  await server.restart()
  await server.untilServing(2)
  assert.equal((await server.workers()).length, 2)
  const wires = Array.from({ length: 16 }, () => wireClient(server))
  const answers = await Promise.all(wires.map((one, index) => put(one, `a/${index}`, 'x')))
  const workers = new Set<unknown>()
  for (const { status, headers } of answers) {
    assert.equal(status, 503)
    workers.add(headers['x-amz-id-2'])
  }
  assert.equal(workers.size, 2)
  const under = await Promise.all(wires.map((one, i) => put(one, `a/${i}`, 'x', held.ticket)))
  for (const { status } of under) assert.equal(status, 200)
  const next = JSON.parse((await lease(wire, { write: ['b/'] })).body.toString())
  assert.ok(next.ticket > place)
  assert.equal((await release(wire, held.ticket)).status, 204)
  assert.equal((await put(wire, 'a/x', 'x', held.ticket)).status, 409)
  for (const one of [wire, ...wires]) one.close()
})

test('a server that is told to stop does not wait for requests that wait for leases', async () => {
  await using server = await startServer({ workers: 2 })
  const wire = wireClient(server)
  await wire.send({ method: 'PUT', path: `/${bucket}` })
  await lease(wire, { write: ['a/'], ttlMs: 600_000 })
  const waiting = lease(wire, { write: ['a/'], waitMs: 60_000 })
  for (;;) {
    const query = { lease: '' }
    const { body } = await wire.send({ method: 'GET', path: `/${bucket}`, query })
    if (JSON.parse(body.toString()).leases.length === 2) break
  }
  const started = performance.now()
  assert.equal(await server.stop(), 0)
  assert.ok(performance.now() - started < 20_000)
  assert.equal((await waiting).status, 409)
  wire.close()
})
