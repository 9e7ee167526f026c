// Concurrent exports, and that no export delays another owner's.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { ExportQueue } from '../../src/background/export-queue.ts'
import { isStoreError } from '../../src/base/errors.ts'
import { exportLimits } from '../../src/base/limits.ts'
import type { OpenServices } from '../../src/compose.ts'
import { replaceMethods } from '../../src/engine/engine.fixture.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { batchPutAttributes } from '../../src/operation/attribute.ts'
import { createBucket } from '../../src/operation/bucket.ts'
import { createDomain, deleteDomain } from '../../src/operation/domain.ts'
import { getExport, startDomainExport } from '../../src/operation/export.ts'
import { acquireLease, releaseLease } from '../../src/operation/lease.ts'
import type { Caller, Services } from '../../src/operation/operation.ts'
import { run } from '../../src/operation/run.ts'
import type { ExportRecord } from '../../src/store/domain/export.ts'
import { openStore } from '../store.fixture.ts'

const folder = await mkdtemp(join(tmpdir(), 'holdfast-exports-'))
const { signal } = new AbortController()
let store: OpenServices
let services: Services
/** Milliseconds by which the monotonic clock of the services is ahead. */
let aheadMs = 0
let count = 0

before(async () => {
  store = await openStore(folder)
  const { clock } = store.services
  services = {
    ...store.services,
    clock: { now: () => clock.now(), monotonicMs: () => clock.monotonicMs() + aheadMs },
  }
})

after(async () => {
  await store.close()
  await rm(folder, { recursive: true, force: true })
})

/** An owner with domains and a bucket of the same name. */
class Owner {
  readonly name = `owner-${++count}`
  readonly caller: Caller = {
    principal: { accessKeyId: 'k', owner: { id: this.name, displayName: this.name } },
    requestId: 'r',
    signal,
  }
  #tokens = 0

  async addBucket(bucket = this.name): Promise<void> {
    await run(services, this.caller, createBucket, { bucket })
  }

  async addDomain(domain: string, items = 1): Promise<void> {
    await run(services, this.caller, createDomain, { domain })
    for (let from = 0; from < items; from += 25) {
      const some = Array.from({ length: Math.min(items - from, 25) }, (_, at) => ({
        name: `item-${from + at}`,
        pairs: [{ name: 'a', value: 'v', replace: false }],
      }))
      await run(services, this.caller, batchPutAttributes, { domain, items: some })
    }
  }

  async start(domain: string, bucket = this.name): Promise<string> {
    const clientToken = `token-${++this.#tokens}`
    const input = { clientToken, domain, bucket }
    return (await run(services, this.caller, startDomainExport, input)).arn
  }

  async export(arn: string): Promise<ExportRecord> {
    return run(services, this.caller, getExport, { arn })
  }

  async status(arn: string): Promise<string> {
    return (await this.export(arn)).status
  }
}

/** The services, with a callback before each read of a domain's items. */
function beforeReads(action: () => Promise<void>): Services {
  const { engine } = services
  const read: Engine['read'] = async (body, options) => {
    if (body.toString().includes('walkSnapshot')) await action()
    return engine.read(body, options)
  }
  return { ...services, engine: replaceMethods(engine, { read }) }
}

test('an export under a lease steps aside for those of others, and is done when the lease has ended', async () => {
  const [one, other] = [new Owner(), new Owner()]
  await one.addBucket()
  await one.addBucket('free-bucket')
  await other.addBucket()
  await one.addDomain('leased')
  await other.addDomain('free')
  const facts = { bucket: one.name, read: [], write: [''], ttlMs: 600_000, waitMs: 0, label: '' }
  const taken = await run(services, one.caller, acquireLease, facts)
  assert.ok('lease' in taken)
  const blocked = await one.start('leased')
  const elsewhere = await one.start('leased', 'free-bucket')
  const free = await other.start('free')
  const queue = new ExportQueue(services)
  await queue.run(signal)
  assert.equal(await one.status(blocked), 'PENDING')
  assert.equal(await one.status(elsewhere), 'SUCCEEDED')
  assert.equal(await other.status(free), 'SUCCEEDED')
  await assert.rejects(
    run(services, one.caller, deleteDomain, { domain: 'leased' }),
    (error: unknown) => isStoreError(error, 'DomainInExport'),
  )
  const { ticket } = taken.lease
  await run(services, one.caller, releaseLease, { bucket: one.name, ticket })
  await queue.run(signal)
  assert.equal(await one.status(blocked), 'PENDING', 'it rests')
  aheadMs += exportLimits.firstRestMs
  await queue.run(signal)
  assert.equal(await one.status(blocked), 'SUCCEEDED')
  await run(services, one.caller, deleteDomain, { domain: 'leased' })
})

test('an export that meets a lease when it was begun lets go of its domain', async () => {
  const owner = new Owner()
  await owner.addBucket()
  await owner.addBucket('begun-bucket')
  await owner.addDomain('begun')
  const first = await owner.start('begun')
  const second = await owner.start('begun', 'begun-bucket')
  let isTaken = false
  const queue = new ExportQueue(
    beforeReads(async () => {
      if (isTaken) return
      isTaken = true
      const facts = { bucket: owner.name, read: [], write: [''], label: '' }
      await run(services, owner.caller, acquireLease, { ...facts, ttlMs: 600_000, waitMs: 0 })
    }),
  )
  await queue.run(signal)
  assert.equal(await owner.status(first), 'PENDING')
  assert.equal(await owner.status(second), 'SUCCEEDED')
})

test('a large export lets small ones of other owners, and of its own, pass', async () => {
  const [one, other] = [new Owner(), new Owner()]
  await one.addBucket()
  await other.addBucket()
  await one.addDomain('large', 3000)
  await one.addDomain('small')
  await other.addDomain('small')
  const large = await one.start('large')
  const own = await one.start('small')
  const foreign = await other.start('small')
  const seen: string[] = []
  await new ExportQueue(
    beforeReads(async () => {
      const statuses = [await one.status(large), await one.status(own), await other.status(foreign)]
      seen.push(statuses.join(' '))
      // A commit between two reads, so that reads alone can't outrun the commits of the small exports.
      await one.addBucket(`between-${seen.length}`)
    }),
  ).run(signal)
  assert.equal(await one.status(large), 'SUCCEEDED')
  assert.equal((await one.export(large)).items, 3000)
  assert.ok(seen.includes('IN_PROGRESS SUCCEEDED SUCCEEDED'), seen.join('\n'))
})

test('one owner has so many exports under way, and one of each domain', async () => {
  const [one, other] = [new Owner(), new Owner()]
  await one.addBucket()
  await other.addBucket()
  const arns: string[] = []
  for (let at = 0; at < 6; at++) {
    await one.addDomain(`domain-${at}`)
    arns.push(await one.start(`domain-${at}`), await one.start(`domain-${at}`))
  }
  await other.addDomain('late')
  const late = await other.start('late')
  let most = 0
  let isLateBegun = false
  await new ExportQueue(
    beforeReads(async () => {
      const records = await Promise.all(arns.map((arn) => one.export(arn)))
      const running = records.filter(({ status }) => status === 'IN_PROGRESS')
      assert.equal(new Set(running.map(({ domain }) => domain)).size, running.length)
      most = Math.max(most, running.length)
      const isFirst = records.every(({ status }) => status !== 'SUCCEEDED')
      if (isFirst) isLateBegun ||= (await other.status(late)) === 'IN_PROGRESS'
    }),
  ).run(signal)
  assert.equal(most, exportLimits.ofOwnerAtOnce)
  assert.ok(isLateBegun)
  for (const arn of arns) assert.equal(await one.status(arn), 'SUCCEEDED')
})

test('an export that fails for now rests, and one that fails for good is told why', async () => {
  const owner = new Owner()
  await owner.addBucket()
  await owner.addDomain('faulty')
  await owner.addDomain('gone')
  const faulty = await owner.start('faulty')
  const done = await owner.start('gone')
  let isBroken = true
  const broken = beforeReads(async () => {
    if (isBroken && (await owner.status(faulty)) === 'IN_PROGRESS') {
      isBroken = false
      throw new Error('on purpose')
    }
  })
  const queue = new ExportQueue(broken)
  await queue.run(signal)
  const statuses = [await owner.status(faulty), await owner.status(done)].sort()
  assert.deepEqual(statuses, ['PENDING', 'SUCCEEDED'])
  aheadMs += exportLimits.firstRestMs
  await queue.run(signal)
  assert.equal(await owner.status(faulty), 'SUCCEEDED')
})
