// Rounds of the background collection: much work of one kind doesn't delay the other kinds.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Sweeper } from '../src/background/sweep.ts'
import { utf8 } from '../src/base/bytes.ts'
import { asBucketId } from '../src/base/terms.ts'
import { openServices } from '../src/compose.ts'
import { silentLog } from '../src/observe/log.ts'
import { silentMetrics } from '../src/observe/metrics.ts'
import * as domainSchema from '../src/store/domain/schema.ts'
import { enterLease, findLease } from '../src/store/lease/lease.ts'

const folder = await mkdtemp(join(tmpdir(), 'holdfast-share-'))

after(() => rm(folder, { recursive: true, force: true }))

test('a round leaves excess work of one kind to the next round, and reaches the other kinds', async () => {
  const open = await openServices({
    dataFolder: folder,
    region: 'us-east-1',
    log: silentLog,
    metrics: silentMetrics,
    isSweeping: false,
  })
  const { engine } = open.services
  const sweeper = new Sweeper({ ...open.services, ...open })
  const place = await engine.write(async (tx) => {
    for (let number = 1; number <= 1000; number++) {
      tx.put(domainSchema.queuedDomain(number), new Uint8Array())
    }
    const asked = {
      paths: { read: [], write: ['a'] },
      ttlMs: 1000,
      label: '',
      bucketId: asBucketId(1),
    }
    return enterLease(tx, { ...asked, token: utf8('t'), parameters: utf8('') }, 0)
  })
  const left = (): Promise<number> =>
    engine.read(async (tx) => {
      let count = 0
      for await (const _ of tx.range(domainSchema.domainQueue())) count++
      return count
    })
  await sweeper.sweep(0)
  const afterFirst = await left()
  assert.ok(afterFirst > 0 && afterFirst < 1000, String(afterFirst))
  assert.equal(await engine.read((tx) => findLease(tx, place)), undefined)
  await sweeper.sweep(0)
  assert.ok((await left()) < afterFirst)
  await sweeper.sweep()
  assert.equal(await left(), 0)
  await open.close()
})
