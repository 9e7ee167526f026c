// The scenarios of Amazon's article on consistency: its timelines of reads and writes, and its applications of
// conditional puts and deletes.

import assert from 'node:assert/strict'
import { after, beforeEach, test } from 'node:test'
import { InProcessServer } from '../s3/in-process.ts'
import { pairsIn, type QueryAnswer, QueryClient } from './query.ts'

const scale = Number(process.env['HOLDFAST_TEST_SCALE'] ?? '1')
const lagMs = 2000
const fresh = await InProcessServer.start()
const lagging = await InProcessServer.start({ eventualLagMs: lagMs })
const sdb = new QueryClient(fresh.port, fresh.credential())
const late = new QueryClient(lagging.port, lagging.credential())
let count = 0
let DomainName = ''

after(async () => {
  for (const client of [sdb, late]) client.close()
  await fresh.closeWithoutFaults()
  await lagging.closeWithoutFaults()
})

beforeEach(async () => {
  DomainName = `MyDomain-${count++}`
  for (const client of [sdb, late]) await client.ok('CreateDomain', { DomainName })
})

type Parameters = Record<string, string>

/** The parameters that replace the values of an attribute by one value. */
function replacing(ItemName: string, name: string, value: string): Parameters {
  return {
    DomainName,
    ItemName,
    'Attribute.1.Name': name,
    'Attribute.1.Value': value,
    'Attribute.1.Replace': 'true',
  }
}

const write = (client: QueryClient, value: string): Promise<QueryAnswer> =>
  client.ok('PutAttributes', replacing('Item1', 'Attr1', value))

async function read(
  client: QueryClient,
  ConsistentRead: string,
  ItemName = 'Item1',
): Promise<string> {
  const { body } = await client.ok('GetAttributes', { DomainName, ItemName, ConsistentRead })
  return pairsIn(body).join(' ')
}

test('timeline 1, no overlap: consistent reads both see the last write', async () => {
  for (const client of [sdb, late]) {
    await write(client, '10')
    await write(client, '20')
    const seen = await Promise.all([read(client, 'true'), read(client, 'true')])
    assert.deepEqual(seen, ['Attr1=20', 'Attr1=20'])
    const eventual = await Promise.all([read(client, 'false'), read(client, 'false')])
    for (const one of eventual) assert.ok(['', 'Attr1=10', 'Attr1=20'].includes(one), one)
  }
})

test('timeline 2, a read overlaps a write: a consistent read sees either side, a later one the write', async () => {
  for (let round = 0; round < 20; round++) {
    await write(sdb, '10')
    const [first] = await Promise.all([read(sdb, 'true'), write(sdb, '20')])
    assert.ok(['Attr1=10', 'Attr1=20'].includes(first), first)
    assert.equal(await read(sdb, 'true'), 'Attr1=20')
  }
})

test('timeline 3, two writes overlap: consistent reads agree on one of them', async () => {
  for (let round = 0; round < 20; round++) {
    await Promise.all([write(sdb, '10'), write(sdb, '20')])
    const seen = await Promise.all([read(sdb, 'true'), read(sdb, 'true')])
    assert.equal(seen[0], seen[1])
    assert.ok(['Attr1=10', 'Attr1=20'].includes(seen[0]), seen[0])
  }
})

test('without a lag every read is consistent', async () => {
  for (let value = 0; value < 50; value++) {
    await write(sdb, String(value))
    assert.equal(await read(sdb, 'false'), `Attr1=${value}`)
  }
})

test('a lag makes staleness visible to reads that did not ask for consistency, within its bound', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const stepMs = 100
  let nowMs = 0
  const clock = { now: () => Date.now(), monotonicMs: () => nowMs }
  const pass = (ms: number): void => {
    nowMs += ms
    t.mock.timers.tick(ms)
  }
  await using server = await InProcessServer.start({ eventualLagMs: lagMs, clock })
  const client = new QueryClient(server.port, server.credential())
  await client.ok('CreateDomain', { DomainName })
  pass(1)
  await write(client, '10')
  assert.equal(await read(client, 'true'), 'Attr1=10')
  const SelectExpression = `select * from \`${DomainName}\``
  const selected = async (ConsistentRead: string): Promise<string> =>
    pairsIn((await client.ok('Select', { SelectExpression, ConsistentRead })).body).join(' ')
  assert.equal(await selected('true'), 'Attr1=10')
  assert.deepEqual([await read(client, 'false'), await selected('false')], ['', ''])
  let hasSeen = false
  for (let passedMs = 0; passedMs < lagMs; passedMs += stepMs) {
    const seen = await read(client, 'false')
    assert.ok(seen === 'Attr1=10' || (seen === '' && !hasSeen), 'time went back')
    if (passedMs < lagMs / 2) assert.equal(seen, '', `after ${passedMs} ms`)
    hasSeen ||= seen !== ''
    pass(stepMs)
  }
  assert.equal(await read(client, 'false'), 'Attr1=10')
  client.close()
})

test('a condition is decided on the newest state, even where reads may lag', async () => {
  await write(late, '10')
  await write(late, '20')
  const condition = { 'Expected.1.Name': 'Attr1', 'Expected.1.Value': '20' }
  await late.ok('PutAttributes', { ...replacing('Item1', 'Attr1', '30'), ...condition })
  const refused = await late.call('PutAttributes', {
    ...replacing('Item1', 'Attr1', '40'),
    ...condition,
  })
  assert.equal(refused.code, 'ConditionalCheckFailed')
})

test('an application finds its last state again with a consistent read', async () => {
  for (let state = 1; state <= 20; state++) {
    await late.ok('PutAttributes', replacing('Application1', 'State', String(state)))
    assert.equal(await read(late, 'true', 'Application1'), `State=${state}`)
  }
})

test('with a version number, of concurrent changes exactly one goes through each time', async () => {
  const start = {
    ...replacing('I1', 'A1', 'V1'),
    'Attribute.2.Name': 'VersionNumber',
    'Attribute.2.Value': '30',
  }
  await sdb.ok('PutAttributes', start)
  for (let version = 30; version < 40; version++) {
    const rivals = Array.from({ length: 8 }, (_, at) =>
      sdb.call('PutAttributes', {
        ...replacing('I1', 'A1', `V${version}.${at}`),
        'Attribute.2.Name': 'VersionNumber',
        'Attribute.2.Value': String(version + 1),
        'Attribute.2.Replace': 'true',
        'Expected.1.Name': 'VersionNumber',
        'Expected.1.Value': String(version),
      }),
    )
    const answers = await Promise.all(rivals)
    const winner = answers.findIndex(({ status }) => status === 200)
    assert.deepEqual(
      answers.map(({ code }) => code).filter((code) => code !== undefined),
      Array(7).fill('ConditionalCheckFailed'),
    )
    assert.equal(
      await read(sdb, 'true', 'I1'),
      `A1=V${version}.${winner} VersionNumber=${version + 1}`,
    )
  }
})

test('64 clients that count lose no increment', async () => {
  const clients = 64
  const increments = 2 * scale
  await sdb.ok('PutAttributes', replacing('www.amazon.com', 'PageHits', '0'))
  let attempts = 0
  async function increment(): Promise<void> {
    for (let pauses = 1; ; pauses = Math.min(pauses * 2, clients)) {
      attempts++
      const started = performance.now()
      const hits = Number((await read(sdb, 'false', 'www.amazon.com')).replace('PageHits=', ''))
      const { code } = await sdb.call('PutAttributes', {
        ...replacing('www.amazon.com', 'PageHits', String(hits + 1)),
        'Expected.1.Name': 'PageHits',
        // As in the article: the name with a number, the value without.
        'Expected.Value': String(hits),
      })
      if (code === undefined) return
      assert.equal(code, 'ConditionalCheckFailed')
      // The wait is at most the time that all others need for one attempt each.
      const pauseMs = Math.random() * pauses * (performance.now() - started)
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }
  const counting = Array.from({ length: clients }, async () => {
    for (let at = 0; at < increments; at++) await increment()
  })
  await Promise.all(counting)
  const total = clients * increments
  assert.equal(await read(sdb, 'true', 'www.amazon.com'), `PageHits=${total}`)
  assert.ok(attempts >= total)
})

test('an item is deleted only while its balance is zero', async () => {
  await sdb.ok('PutAttributes', replacing('I1', 'balance', '5'))
  const remove = {
    DomainName,
    ItemName: 'I1',
    'Expected.1.Name': 'balance',
    'Expected.1.Value': '0',
  }
  const refused = await sdb.call('DeleteAttributes', remove)
  assert.deepEqual(
    [refused.status, refused.message],
    [409, 'Conditional check failed. Attribute (balance) value is (5) but was expected (0)'],
  )
  await sdb.ok('PutAttributes', replacing('I1', 'balance', '0'))
  await sdb.ok('DeleteAttributes', remove)
  assert.equal(await read(sdb, 'true', 'I1'), '')
  const again = await sdb.call('DeleteAttributes', remove)
  assert.deepEqual([again.status, again.code], [404, 'AttributeDoesNotExist'])
})

test('of many clients that insert an item if it is missing, one succeeds', async () => {
  for (let round = 0; round < 10; round++) {
    const inserts = Array.from({ length: 16 }, (_, at) =>
      sdb.call('PutAttributes', {
        ...replacing(`Item${round}`, 'Attr1', String(at)),
        'Expected.Name': 'Attr1',
        'Expected.Exists': 'false',
      }),
    )
    const answers = await Promise.all(inserts)
    const winners = answers.flatMap(({ status }, at) => (status === 200 ? [at] : []))
    assert.equal(winners.length, 1)
    assert.equal(await read(sdb, 'true', `Item${round}`), `Attr1=${winners[0]}`)
  }
})
