// Dead, stopped and replaced workers, and the effects on clients.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { livenessOf, verdictOn } from '../../src/base/liveness.ts'
import { healthStatus, randomCredential, startServer, type TestServer } from '../harness.ts'
import { WireClient, type WireRequest } from '../wire.ts'

const deadlineMs = 60_000

/** Resolves once `isTrue`; fails after a time in which it should have become true. */
async function until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + deadlineMs
  while (!(await isTrue())) {
    assert.ok(performance.now() < end, `not in time: ${what}`)
    await delay(10)
  }
}

/** Resolves when the server has two workers, none of them `gone`, and answers. */
async function untilReplaced(server: TestServer, gone: number): Promise<void> {
  await until(`worker ${gone} is replaced`, async () => {
    const workers = await server.workers()
    return workers.length === 2 && !workers.includes(gone)
  })
  await server.untilServing(2)
  assert.equal(await healthStatus(server.endpoint), 200)
}

/** The outcome of a request on a new connection, which must be served or cut off, but not hang. */
async function fare(endpoint: string): Promise<'served' | 'reset' | 'hangs'> {
  return new Promise((resolve) => {
    const outgoing = request(`${endpoint}/_/health`, { agent: false }, (answer) => {
      answer.resume().once('end', () => resolve('served'))
    })
    outgoing.once('error', () => resolve('reset'))
    outgoing.setTimeout(deadlineMs, () => resolve('hangs')).end()
  })
}

test('a worker that is killed is replaced, and one that is stopped is found, killed and replaced', async () => {
  await using server = await startServer({ workers: 2 })
  await server.untilServing(2)
  const [killed = 0] = await server.workers()
  process.kill(killed, 'SIGKILL')
  await untilReplaced(server, killed)

  const [stopped = 0] = await server.workers()
  process.kill(stopped, 'SIGSTOP')
  const fates: string[] = []
  const clients: Promise<void>[] = []
  for (let client = 0; client < 20; client++) {
    clients.push(fare(server.endpoint).then((fate) => void fates.push(fate)))
    await delay(5)
  }
  await Promise.all(clients)
  assert.deepEqual(
    fates.filter((fate) => fate === 'hangs'),
    [],
  )
  assert.ok(fates.filter((fate) => fate === 'served').length >= 10, fates.join(' '))
  await untilReplaced(server, stopped)
  assert.match(await server.log(), /a worker was stopped, and is killed/)
})

test('workers end with their primary, even one that is stopped as soon as the next server comes', async () => {
  await using server = await startServer({ workers: 2 })
  await server.untilServing(2)
  const tokens = (await server.workers()).map((pid) => livenessOf(pid) ?? '')
  const [stopped = ''] = tokens
  process.kill(Number.parseInt(stopped, 10), 'SIGSTOP')
  const exited = once(server.process, 'exit')
  process.kill(server.pid, 'SIGKILL')
  await exited
  await until(
    'the running worker ends',
    async () => tokens.filter((token) => verdictOn(token) === 'alive').length <= 1,
  )
  await server.restart()
  assert.equal(verdictOn(stopped), 'dead')
})

test('SIGHUP makes a service read its credentials file again', async () => {
  await using server = await startServer({ workers: 2 })
  const added = randomCredential('added')
  const client = new WireClient({ ...added, host: server.host, port: server.port })
  const list = async (): Promise<number> => (await client.send({ method: 'GET', path: '/' })).status
  assert.equal(await list(), 403)
  await writeFile(server.credentialsFile, JSON.stringify([...server.credentials, added]))
  process.kill(-server.pid, 'SIGHUP')
  await until('the key is known', async () => (await list()) === 200)
  await writeFile(server.credentialsFile, 'broken')
  process.kill(-server.pid, 'SIGHUP')
  await until('the refusal is logged', async () =>
    /the current ones stay in use/.test(await server.log()),
  )
  assert.equal(await list(), 200)
  client.close()
})

test('metrics are those of all workers together, whichever is asked, and survive a worker', async () => {
  await using server = await startServer({ workers: 2 })
  const read = async (series: string): Promise<number> => {
    const response = await fetch(`${server.endpoint}/_/metrics`)
    assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
    const line = (await response.text()).split('\n').find((text) => text.startsWith(`${series} `))
    return Number(line?.split(' ')[1])
  }
  await server.untilServing(2)
  for (let call = 0; call < 20; call++) await healthStatus(server.endpoint)
  const health = 'holdfast_requests_total{protocol="admin",operation="Health",status="200"}'
  const before = await read(health)
  assert.ok(before >= 20, String(before))
  const [killed = 0] = await server.workers()
  process.kill(killed, 'SIGKILL')
  await untilReplaced(server, killed)
  assert.ok((await read(health)) >= before)
  assert.equal(await read('holdfast_worker_deaths_total'), 1)
})

test('uploads of one key are listed in the order in which they began, through whichever worker', async () => {
  await using server = await startServer({ workers: 2 })
  await server.untilServing(2)
  const clients = [new WireClient(server), new WireClient(server)]
  const query = { uploads: '' }
  const send = (index: number, request: WireRequest) =>
    clients[index % clients.length]?.send(request) ?? assert.fail('no client')
  await send(0, { method: 'PUT', path: '/uploads' })
  const begun: string[] = []
  for (let index = 0; index < 8; index++) {
    const { body } = await send(index, { method: 'POST', path: '/uploads/key', query })
    begun.push(/<UploadId>(\w+)</.exec(body.toString())?.[1] ?? assert.fail(body.toString()))
  }
  const { body } = await send(0, { method: 'GET', path: '/uploads', query })
  const listed = [...body.toString().matchAll(/<UploadId>(\w+)</g)].map(([, id]) => id)
  assert.deepEqual(listed, begun)
  for (const client of clients) client.close()
})
