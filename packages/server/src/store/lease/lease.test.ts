// Leases compared with pathlock as the oracle of grants, and the lifetime of their rows.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { PathLock, type PathLockHandle, s3Path } from 'pathlock'
import { utf8 } from '../../base/bytes.ts'
import { isStoreError } from '../../base/errors.ts'
import { leaseLimits } from '../../base/limits.ts'
import { asBucketId } from '../../base/terms.ts'
import type { ReadTransaction } from '../../engine/engine.ts'
import { openLmdb } from '../../engine/lmdb.ts'
import { checkLeases } from '../fsck/lease.ts'
import * as rowSchema from '../row/schema.ts'
import { Blocker } from './blocker.ts'
import { covers, findHolder } from './guard.ts'
import {
  endLease,
  enterLease,
  findLease,
  hasLeases,
  keepPlaces,
  type LeaseAddress,
  pollLease,
  releaseLease,
  renewLease,
  requireHeld,
  sweepLeases,
} from './lease.ts'
import { listBlockers, walkLeases } from './list.ts'
import type { LeasePaths, WrittenPath } from './node.ts'
import * as schema from './schema.ts'

const folder = await mkdtemp(join(tmpdir(), 'holdfast-lease-'))
const engine = await openLmdb({ path: folder, initialMapBytes: 2 ** 26 })
const { HOLDFAST_TEST_SCALE = '1' } = process.env
let buckets = 0

after(async () => {
  await engine.close()
  await rm(folder, { recursive: true, force: true })
})

/** The leases of one bucket, at a time set by the test. */
class Bucket {
  readonly id = asBucketId(++buckets)
  now = 1_000_000
  #requests = 0

  async enter(paths: Partial<LeasePaths>, ttlMs = 10_000): Promise<LeaseAddress> {
    const facts = { label: '', token: utf8(`token ${++this.#requests}`), parameters: utf8('') }
    const request = {
      ...facts,
      bucketId: this.id,
      ttlMs,
      paths: { read: [], write: [], ...paths },
    }
    return engine.write((tx) => enterLease(tx, request, this.now))
  }

  /** True if the lease is now held. */
  async poll(address: LeaseAddress): Promise<boolean> {
    const polled = await engine.write((tx) => pollLease(tx, address, this.now))
    return !(polled instanceof Blocker)
  }

  async acquire(paths: Partial<LeasePaths>, ttlMs?: number): Promise<LeaseAddress> {
    const address = await this.enter(paths, ttlMs)
    assert.ok(await this.poll(address))
    return address
  }

  async release(address: LeaseAddress): Promise<void> {
    await engine.write((tx) => releaseLease(tx, address, this.now))
  }

  /** The ticket of the lease that blocks writes at a path. */
  async holderOf(path: string): Promise<number | undefined> {
    const written = path === '' || path.endsWith('/') ? { folder: path } : { key: path }
    const found = await engine.write((tx) => findHolder(tx, this.id, written, this.now))
    return found?.lease.ticket
  }

  async tickets(state: 'held' | 'waiting'): Promise<number[]> {
    return engine.read(async (tx) => {
      const tickets: number[] = []
      for await (const lease of walkLeases(tx, this.id, 0)) {
        if (lease.state === state && lease.expiresAt > this.now) tickets.push(lease.ticket)
      }
      return tickets
    })
  }
}

async function findings(): Promise<string[]> {
  return engine.read(async (tx) => {
    const found: string[] = []
    for await (const { where, detail } of checkLeases(tx)) found.push(`${where}: ${detail}`)
    return found
  })
}

async function leaseRows(tx: ReadTransaction): Promise<number> {
  let rows = 0
  for (const range of [
    schema.allLeases(),
    schema.allLeasePaths(),
    schema.allLeaseQueues(),
    schema.allLeaseHeld(),
    schema.allLeaseExpiries(),
    schema.allLeaseTokens(),
    schema.allLeaseMarks(),
    schema.allLeaseCounts(),
  ]) {
    for await (const _ of tx.range(range)) rows++
  }
  return rows
}

const isLost = (error: unknown): boolean => isStoreError(error, 'LeaseLost')

const somePath = fc.constantFrom('', 'a', 'a/', 'a/b', 'a/b/', 'a/b/c', 'a//', 'ab', 'b/', 'b/x/')
const somePaths = fc
  .record({
    read: fc.array(somePath, { maxLength: 2 }),
    write: fc.array(somePath, { maxLength: 2 }),
  })
  .filter(({ read, write }) => read.length + write.length > 0)
const someStep = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('enter' as const),
      paths: somePaths,
      ttlMs: fc.integer({ min: 1000, max: 30_000 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('release' as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('renew' as const), which: fc.nat() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('pass' as const),
      // Less than a place's lifetime, so that clients that poll after each step keep their places.
      ms: fc.integer({ min: 1, max: 9000 }),
    }),
  },
)

/** A lease and its counterpart in the oracle. */
interface Pair {
  readonly address: LeaseAddress
  readonly ttlMs: number
  readonly giveUp: AbortController
  handle: PathLockHandle | undefined
  /** Undefined while it waits. */
  expiresAt: number | undefined
  isOver: boolean
}

function end(pair: Pair): void {
  pair.isOver = true
  pair.handle?.release()
  pair.giveUp.abort()
}

/** Lets the oracle's grants arrive. */
async function settle(): Promise<void> {
  await new Promise((resolve) => {
    setImmediate(resolve)
  })
}

test('leases are granted exactly when pathlock grants them, whoever asks first, and expire by the clock', async () => {
  const property = fc.asyncProperty(
    fc.array(someStep, { minLength: 1, maxLength: 25 }),
    fc.infiniteStream(fc.nat()),
    async (steps, order) => {
      const bucket = new Bucket()
      const oracle = new PathLock({ parse: s3Path })
      const pairs: Pair[] = []
      const living = (): Pair[] => pairs.filter(({ isOver }) => !isOver)
      for (const step of steps) {
        const chosen = 'which' in step ? living()[step.which % (living().length || 1)] : undefined
        if (step.kind === 'enter') {
          const { paths, ttlMs } = step
          const giveUp = new AbortController()
          const address = await bucket.enter(paths, ttlMs)
          const facts = { handle: undefined, expiresAt: undefined, isOver: false }
          const pair: Pair = { address, ttlMs, giveUp, ...facts }
          pairs.push(pair)
          oracle.acquire(paths, { signal: giveUp.signal }).then(
            (handle) => {
              pair.handle = handle
            },
            () => undefined,
          )
        } else if (step.kind === 'release' && chosen !== undefined) {
          await bucket.release(chosen.address)
          end(chosen)
        } else if (step.kind === 'renew' && chosen?.expiresAt !== undefined) {
          await engine.write((tx) => renewLease(tx, chosen.address, { now: bucket.now }))
          chosen.expiresAt = bucket.now + chosen.ttlMs
        } else if (step.kind === 'pass') {
          bucket.now += step.ms
          for (const pair of living()) {
            if (pair.expiresAt !== undefined && pair.expiresAt <= bucket.now) end(pair)
          }
        }
        await settle()
        const waiting = living().filter(({ expiresAt }) => expiresAt === undefined)
        while (waiting.length > 0) {
          const next = order.next().value ?? 0
          const [pair] = waiting.splice(next % waiting.length, 1)
          if (pair === undefined || !(await bucket.poll(pair.address))) continue
          pair.expiresAt = bucket.now + pair.ttlMs
        }
        const held = living().filter(({ handle }) => handle !== undefined)
        assert.deepEqual(
          await bucket.tickets('held'),
          held.map(({ address }) => address.ticket),
        )
        for (const path of ['', 'a/', 'a/b', 'ab', 'b/x/y']) {
          const isFree = free(held, path)
          assert.equal((await bucket.holderOf(path)) === undefined, isFree, path)
        }
      }
      assert.deepEqual(await findings(), [])
      for (const pair of living()) end(pair)
      await engine.write(async (tx) => {
        for (const { address } of pairs) await endLease(tx, address, bucket.now, 'released')
      })
    },
  )
  await fc.assert(property, { numRuns: 60 * Number(HOLDFAST_TEST_SCALE) })
})

/** Whether a write at `path` conflicts with no held lease, by the oracle's own handles. */
function free(held: readonly Pair[], path: string): boolean {
  const lock = new PathLock({ parse: s3Path })
  for (const { handle } of held) if (handle !== undefined) lock.tryAcquire(handle.request)
  return lock.tryAcquire({ write: [path] }) !== undefined
}

test('a holder that wakes up after its time has neither its lease nor a way to get it back', async () => {
  const bucket = new Bucket()
  const late = await bucket.acquire({ write: ['a/'] }, 5000)
  bucket.now += 5000
  await assert.rejects(
    engine.read((tx) => requireHeld(tx, late, bucket.now)),
    isLost,
  )
  const next = await bucket.acquire({ write: ['a/b'] })
  assert.ok(next.ticket > late.ticket)
  bucket.now -= 4000
  for (const attempt of [
    () => engine.write((tx) => renewLease(tx, late, { now: bucket.now })),
    () => engine.write((tx) => requireHeld(tx, late, bucket.now)),
    () => bucket.release(late),
    () => bucket.poll(late),
  ]) {
    await assert.rejects(attempt, isLost)
  }
  assert.equal(await bucket.holderOf('a/b'), next.ticket)
})

test('a write ends the leases that it meets whose time is over, many of them in several steps', async () => {
  const bucket = new Bucket()
  for (let i = 0; i < 40; i++) await bucket.acquire({ read: ['a/'] }, 1000)
  assert.equal((await bucket.tickets('held')).length, 40)
  bucket.now += 1000
  let steps = 1
  while ((await bucket.holderOf('a/b')) !== undefined) steps++
  assert.equal(steps, 3)
  assert.equal(await engine.read((tx) => hasLeases(tx, bucket.id)), false)
  assert.deepEqual(await findings(), [])
})

test('one that waits looks past those before it whose place or time is over', async () => {
  const bucket = new Bucket()
  await bucket.acquire({ write: ['a/'] }, 1000)
  for (let i = 0; i < 40; i++)
    assert.ok(!(await bucket.poll(await bucket.enter({ write: ['a/'] }))))
  bucket.now += leaseLimits.placeMs
  const last = await bucket.enter({ write: ['a/x'] })
  let polls = 1
  while (!(await bucket.poll(last))) polls++
  assert.equal(polls, 3)
  assert.deepEqual(await bucket.tickets('held'), [last.ticket])
})

test('a place is kept longer while its request waits, and not as long after its answer', async () => {
  const bucket = new Bucket()
  await bucket.acquire({ write: ['a'] }, 600_000)
  const place = await bucket.enter({ write: ['a'] })
  const kept = async (isStaying: boolean): Promise<number | undefined> => {
    await engine.write((tx) => pollLease(tx, place, bucket.now, isStaying))
    const record = await engine.read((tx) => findLease(tx, place))
    return record && record.expiresAt - bucket.now
  }
  assert.equal(await kept(true), leaseLimits.waitingPlaceMs)
  bucket.now += leaseLimits.waitingPlaceMs / 2
  await engine.write((tx) => keepPlaces(tx, [place], bucket.now))
  assert.equal(await kept(true), leaseLimits.waitingPlaceMs)
  assert.equal(await kept(false), leaseLimits.placeMs)
  bucket.now += leaseLimits.placeMs
  await engine.write((tx) => keepPlaces(tx, [place], bucket.now))
  assert.deepEqual(await bucket.tickets('waiting'), [])
  assert.deepEqual(await findings(), [])
})

test('the row that those who wait watch has a value of its own after every end, and goes with the last', async () => {
  const bucket = new Bucket()
  const value = (): Promise<Uint8Array | undefined> =>
    engine.read((tx) => tx.get(schema.leaseEnd(bucket.id)))
  const seen = new Set<string>()
  const last = await bucket.acquire({ write: ['last'] })
  for (let round = 0; round < 5; round++) {
    const lease = await bucket.acquire({ write: ['a'] })
    await bucket.release(lease)
    seen.add(Buffer.from((await value()) ?? []).toString('hex'))
  }
  assert.equal(seen.size, 5)
  await bucket.release(last)
  assert.equal(await value(), undefined)
  assert.deepEqual(await findings(), [])
})

test('a released lease is remembered for minutes, a lost one for a day, and then nothing is left', async () => {
  const bucket = new Bucket()
  for (const time of [1e14, 2e14]) {
    while ((await engine.write((tx) => sweepLeases(tx, time))) > 0);
  }
  assert.equal(await engine.read(leaseRows), 0)
  const released = await bucket.acquire({ write: ['a/'] })
  const lost = await bucket.acquire({ write: ['b/'] }, 1000)
  const waiting = await bucket.enter({ write: ['b/x'] })
  assert.ok(!(await bucket.poll(waiting)))
  await bucket.release(released)
  await bucket.release(released)
  const sweep = (): Promise<number> => engine.write((tx) => sweepLeases(tx, bucket.now))
  assert.equal(await sweep(), 0)
  bucket.now += leaseLimits.placeMs + 1
  assert.equal(await sweep(), 2)
  assert.equal(await engine.read((tx) => hasLeases(tx, bucket.id)), false)
  bucket.now += leaseLimits.releasedMs
  assert.equal(await sweep(), 1)
  await assert.rejects(() => bucket.release(released), isLost)
  bucket.now += leaseLimits.lostMs
  assert.equal(await sweep(), 1)
  await assert.rejects(
    engine.read((tx) => requireHeld(tx, lost, bucket.now)),
    isLost,
  )
  assert.equal(await engine.read(leaseRows), 0)
})

test('a lease covers what it writes and nothing else, and paths are exactly S3 keys', async () => {
  const bucket = new Bucket()
  const lease = await bucket.acquire({ write: ['a/', 'k', 'x//y/'], read: ['r/'] })
  const isCovered = (path: WrittenPath): Promise<boolean> =>
    engine.read((tx) => covers(tx, lease, path))
  for (const key of ['a/', 'a/b', 'a/b/c', 'a//', 'k', 'x//y/z'])
    assert.ok(await isCovered({ key }), key)
  for (const folder of ['a/', 'a/b/', 'x//y/']) assert.ok(await isCovered({ folder }), folder)
  for (const key of ['a', 'b', 'k/', 'k/x', 'x/y/z', 'x//y', 'r/a', '/a/b']) {
    assert.ok(!(await isCovered({ key })), key)
  }
  for (const folder of ['', 'k/', 'x/', 'x//', 'r/'])
    assert.ok(!(await isCovered({ folder })), folder)
})

test('a listing tells who waits for whom', async () => {
  const bucket = new Bucket()
  const first = await bucket.acquire({ read: ['a/'] })
  const second = await bucket.acquire({ read: ['a/b'] })
  const third = await bucket.enter({ write: ['a/b'] })
  const fourth = await bucket.enter({ read: ['a/b'] })
  const blockers = await engine.read(async (tx) => {
    const found: Record<number, number[]> = {}
    for await (const lease of walkLeases(tx, bucket.id, 0)) {
      found[lease.ticket] = await listBlockers(tx, lease, bucket.now)
    }
    return found
  })
  assert.deepEqual(blockers, {
    [first.ticket]: [],
    [second.ticket]: [],
    [third.ticket]: [first.ticket, second.ticket],
    [fourth.ticket]: [third.ticket],
  })
})

test('writes elsewhere in the bucket do not conflict with leases that come and go', async () => {
  const bucket = new Bucket()
  await bucket.acquire({ write: ['a/'] })
  const before = engine.statistics()
  let attempts = 0
  await engine.write(async (tx) => {
    attempts++
    assert.equal(await hasLeases(tx, bucket.id), true)
    assert.equal(await findHolder(tx, bucket.id, { key: 'b/c' }, bucket.now), undefined)
    if (attempts === 1) await bucket.acquire({ write: ['d/e'] })
    tx.put(rowSchema.sequence('id-block'), utf8('x'))
  })
  assert.equal(attempts, 1)
  assert.equal(engine.statistics().conflicts, before.conflicts)
})
