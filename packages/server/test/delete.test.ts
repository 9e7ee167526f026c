// Deletions of many objects at once, in trees so deep that one transaction couldn't remove them all.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Principal } from '../src/access/principal.ts'
import { utf8 } from '../src/base/bytes.ts'
import { ownLimits, s3Limits } from '../src/base/limits.ts'
import { asDirectoryId, type DirectoryId } from '../src/base/terms.ts'
import { type OpenServices, openServices } from '../src/compose.ts'
import { replaceMethods } from '../src/engine/engine.fixture.ts'
import { silentLog } from '../src/observe/log.ts'
import { silentMetrics } from '../src/observe/metrics.ts'
import { createBucket } from '../src/operation/bucket.ts'
import { deleteObjects } from '../src/operation/delete.ts'
import type { Caller } from '../src/operation/operation.ts'
import { run } from '../src/operation/run.ts'
import type { ObjectRecord } from '../src/store/row/record.ts'
import { findBucket } from '../src/store/tree/bucket.ts'
import { putObject } from '../src/store/tree/object.ts'
import { walk } from '../src/store/tree/walk.ts'

const bucket = 'deletions'
const owner = { id: 'o', displayName: 'o' }
const principal: Principal = { accessKeyId: 'k', owner }
const caller: Caller = { principal, requestId: 'r', signal: new AbortController().signal }
const scale = Number(process.env['HOLDFAST_TEST_SCALE'] ?? '1')
const folder = await mkdtemp(join(tmpdir(), 'holdfast-delete-'))
let store: OpenServices
let root: DirectoryId

before(async () => {
  const facts = { region: 'us-east-1', log: silentLog, metrics: silentMetrics, isSweeping: false }
  store = await openServices({ ...facts, dataFolder: folder })
  await run(store.services, caller, createBucket, { bucket })
  const created = await store.services.engine.read((tx) => findBucket(tx, bucket))
  root = asDirectoryId(created?.root ?? Number.NaN)
})

after(async () => {
  await store.close()
  await rm(folder, { recursive: true, force: true })
})

const empty: ObjectRecord = {
  etag: 'd41d8cd98f00b204e9800998ecf8427e',
  sizeBytes: 0,
  modifiedAt: 1,
  ownerId: owner.id,
  body: { kind: 'empty' },
  storageClass: 'STANDARD',
  headers: {},
  metadata: {},
}

async function putAll(keys: readonly string[]): Promise<void> {
  const { engine, ids } = store.services
  // Few at a time, so that a transaction ends in time even on a busy machine.
  for (let i = 0; i < keys.length; i += 5) {
    await engine.write(async (tx) => {
      for (const key of keys.slice(i, i + 5)) await putObject({ tx, ids }, root, utf8(key), empty)
    })
  }
}

async function countKeys(): Promise<number> {
  let count = 0
  await store.services.engine.read(async (tx) => {
    for await (const _ of walk(tx, root)) count++
  })
  return count
}

/** Deletes `keys` in one request, expects no refusal of any, and returns the number of transactions. */
async function deleteAll(keys: readonly string[]): Promise<number> {
  const { engine } = store.services
  let transactions = 0
  const counting = replaceMethods(engine, {
    write(body) {
      transactions++
      return engine.write(body)
    },
  })
  const services = { ...store.services, engine: counting }
  const objects = keys.map((key) => ({ key, conditions: {} }))
  const { results } = await run(services, caller, deleteObjects, { bucket, objects })
  assert.deepEqual(
    results.map(({ key, error }) => [key, error]),
    keys.map((key) => [key, undefined]),
  )
  return transactions
}

test('deep trees are deleted a few keys at a time, regardless of the number in a request', async () => {
  const depth = 200
  const count = Math.min(Math.ceil(20 * scale), s3Limits.deleteKeys)
  const keys = Array.from({ length: count }, (_, i) => `${i}/${'d/'.repeat(depth - 2)}k`)
  await putAll(keys)
  assert.equal(await deleteAll(keys), (count * depth) / ownLimits.deletionDepth)
  assert.equal(await countKeys(), 0)
})

test('a deletion of many keys alternates with the transactions of other requests', async () => {
  const keys = Array.from({ length: ownLimits.deletionKeys * 3 }, (_, i) => `f/${i}`)
  await putAll(keys)
  assert.equal(await deleteAll(keys), 3)
  assert.equal(await countKeys(), 0)
})
