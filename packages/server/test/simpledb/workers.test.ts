// Writes acknowledged by one worker are visible in all others.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startServer } from '../harness.ts'
import { itemsIn, pairsIn, QueryClient } from './query.ts'

test('a consistent read sees writes through another worker, and counts lose nothing', async () => {
  await using server = await startServer({ workers: 2 })
  await server.untilServing(2)
  assert.equal((await server.workers()).length, 2)
  // Connections are spread over the workers, so several clients reach both.
  const clients = Array.from({ length: 4 }, () => new QueryClient(server.port, server))
  const [first] = clients
  assert.ok(first !== undefined)
  const DomainName = 'shared'
  await first.ok('CreateDomain', { DomainName })
  for (let value = 0; value < 20; value++) {
    const writer = clients[value % clients.length] ?? first
    await writer.ok('PutAttributes', {
      DomainName,
      ItemName: 'i',
      'Attribute.1.Name': 'a',
      'Attribute.1.Value': String(value),
      'Attribute.1.Replace': 'true',
    })
    const reads = clients.map(async (client) => {
      const target = { DomainName, ItemName: 'i', ConsistentRead: 'true' }
      assert.deepEqual(pairsIn((await client.ok('GetAttributes', target)).body), [`a=${value}`])
      const SelectExpression = `select * from shared where a = '${value}'`
      const selected = await client.ok('Select', { SelectExpression, ConsistentRead: 'true' })
      assert.deepEqual(itemsIn(selected.body), ['i'])
    })
    await Promise.all(reads)
  }
  const increments = clients.map(async (client) => {
    for (let done = 0; done < 5; ) {
      const { body } = await client.ok('GetAttributes', { DomainName, ItemName: 'hits' })
      const [found] = pairsIn(body)
      const hits = found?.replace('n=', '')
      const condition: Record<string, string> =
        hits === undefined ? { 'Expected.Exists': 'false' } : { 'Expected.Value': hits }
      const { status } = await client.call('PutAttributes', {
        DomainName,
        ItemName: 'hits',
        'Attribute.1.Name': 'n',
        'Attribute.1.Value': String(Number(hits ?? '0') + 1),
        'Attribute.1.Replace': 'true',
        'Expected.Name': 'n',
        ...condition,
      })
      if (status === 200) done++
      else assert.ok(status === 409 || status === 404, String(status))
    }
  })
  await Promise.all(increments)
  const { body } = await first.ok('GetAttributes', { DomainName, ItemName: 'hits' })
  assert.deepEqual(pairsIn(body), ['n=20'])
  for (const client of clients) client.close()
  const { exitCode, output } = await server.fsck()
  assert.equal(exitCode, 0, output)
  assert.match(output, /1 domains, 2 items/)
})
