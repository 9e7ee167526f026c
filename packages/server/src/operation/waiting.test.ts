import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { utf8 } from '../base/bytes.ts'
import { isStoreError } from '../base/errors.ts'
import { leaseLimits } from '../base/limits.ts'
import { asBucketId } from '../base/terms.ts'
import { openLmdb } from '../engine/lmdb.ts'
import { silentLog } from '../observe/log.ts'
import type { QueuePlace } from '../store/lease/blocker.ts'
import { enterLease, findLease, pollLease } from '../store/lease/lease.ts'
import { Waiting } from './waiting.ts'

const folder = await mkdtemp(join(tmpdir(), 'holdfast-waiting-'))
const engine = await openLmdb({ path: folder, initialMapBytes: 2 ** 26 })
let now = 1_000_000
const clock = { now: () => now, monotonicMs: () => now }
let buckets = 0

after(async () => {
  await engine.close()
  await rm(folder, { recursive: true, force: true })
})

function open(): Waiting {
  return new Waiting({ engine, clock, log: silentLog })
}

const isSlowDown = (error: unknown): boolean => isStoreError(error, 'TooManyWaiting')

/** Requests leases on the same path: the first is granted, the others wait. */
async function queue(count: number): Promise<QueuePlace[]> {
  const bucketId = asBucketId(++buckets)
  return engine.write(async (tx) => {
    const places: QueuePlace[] = []
    for (let at = 0; at < count; at++) {
      const asked = { paths: { read: [], write: ['a/'] }, ttlMs: 60_000, label: '' }
      const names = { token: utf8(`${at}`), parameters: utf8('') }
      const place = await enterLease(tx, { bucketId, ...asked, ...names }, now)
      await pollLease(tx, place, now, true)
      places.push(place)
    }
    return places
  })
}

test('the number of waiting requests is limited per owner and kind, independently of other owners', async () => {
  const waiting = open()
  const [place] = await queue(1)
  assert.ok(place)
  const leave: (() => void)[] = []
  for (let at = 0; at < leaseLimits.waitingWrites; at++) {
    leave.push(waiting.enter('one', undefined))
  }
  assert.throws(() => waiting.enter('one', undefined), isSlowDown)
  for (let at = 0; at < leaseLimits.waitingLeases; at++) {
    leave.push(waiting.enter('one', { ...place }))
  }
  assert.throws(() => waiting.enter('one', { ...place }), isSlowDown)
  waiting.enter('other', undefined)()
  waiting.enter('other', { ...place })()
  for (const one of leave) one()
  waiting.enter('one', undefined)()
  await waiting.close()
})

test('attempts of the requests of one owner run in order of arrival, a few at once, beside those of other owners', async () => {
  const waiting = open()
  const begun: number[] = []
  const gates = Array.from({ length: 100 }, () => Promise.withResolvers<void>())
  const all = gates.map(({ promise }, index) =>
    waiting.inTurn('one', async () => {
      begun.push(index)
      await promise
    }),
  )
  await waiting.inTurn('other', async () => undefined)
  assert.deepEqual(begun, [...Array(leaseLimits.triedAtOnce).keys()])
  gates[5]?.reject(new Error('on purpose'))
  await assert.rejects(all[5] ?? Promise.resolve(), /on purpose/)
  assert.equal(begun.at(-1), leaseLimits.triedAtOnce)
  for (const { resolve } of gates) resolve()
  await Promise.allSettled(all)
  assert.deepEqual(begun, [...gates.keys()])
})

test('places are renewed while their requests wait, many in one transaction', async () => {
  const waiting = open()
  const [held, ...places] = await queue(251)
  assert.ok(held)
  const leave = places.map((place) => waiting.enter('one', place))
  now += leaseLimits.waitingPlaceMs / 2
  const before = engine.statistics().transactions
  await waiting.keep()
  assert.equal(engine.statistics().transactions - before, 3)
  const [gone, last] = [places[0], places.at(-1)]
  assert.ok(gone && last)
  leave[0]?.()
  now += leaseLimits.waitingPlaceMs / 2
  await waiting.keep()
  const expiries = await engine.read(async (tx) => [
    (await findLease(tx, gone))?.expiresAt,
    (await findLease(tx, last))?.expiresAt,
    (await findLease(tx, held))?.state,
  ])
  assert.deepEqual(expiries, [
    now + leaseLimits.waitingPlaceMs / 2,
    now + leaseLimits.waitingPlaceMs,
    'held',
  ])
  for (const one of leave.slice(1)) one()
  await waiting.close()
})

test('an expired place is not renewed', async () => {
  const waiting = open()
  const [, place] = await queue(2)
  assert.ok(place)
  const leave = waiting.enter('one', place)
  now += leaseLimits.waitingPlaceMs
  await waiting.keep()
  const record = await engine.read((tx) => findLease(tx, place))
  assert.equal(record?.expiresAt, now)
  leave()
  await waiting.close()
})
