// Operations during which the store fails.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Principal } from '../src/access/principal.ts'
import { StoreError } from '../src/base/errors.ts'
import type { BlobId } from '../src/base/terms.ts'
import type { OpenServices } from '../src/compose.ts'
import { replaceMethods } from '../src/engine/engine.fixture.ts'
import type { Engine, ReadTransaction, WriteTransaction } from '../src/engine/engine.ts'
import { createBucket } from '../src/operation/bucket.ts'
import { deleteObjects } from '../src/operation/delete.ts'
import { getObject, headObject, putObject } from '../src/operation/object.ts'
import type { Caller, Services } from '../src/operation/operation.ts'
import { run } from '../src/operation/run.ts'
import { openStore } from './store.fixture.ts'

const bucket = 'faults'
const principal: Principal = {
  accessKeyId: 'k',
  owner: { id: 'o', displayName: 'o' },
}
const caller: Caller = { principal, requestId: 'r', signal: new AbortController().signal }
const folder = await mkdtemp(join(tmpdir(), 'holdfast-fault-'))
let store: OpenServices

before(async () => {
  store = await openStore(folder)
  await run(store.services, caller, createBucket, { bucket })
})

after(async () => {
  await store.close()
  await rm(folder, { recursive: true, force: true })
})

/** The services with parts of the engine replaced. */
function withEngine(other: Partial<Pick<Engine, 'read' | 'write'>>): Services {
  return { ...store.services, engine: replaceMethods(store.services.engine, other) }
}

async function put(services: Services, key: string, bytes: Buffer): Promise<void> {
  const source = (async function* () {
    yield bytes
  })()
  const body = { source, sizeBytes: bytes.byteLength }
  const description = { headers: {}, metadata: {}, storageClass: 'STANDARD' }
  await run(services, caller, putObject, { bucket, key, ...description, body, conditions: {} })
}

async function blobs(): Promise<BlobId[]> {
  const ids: BlobId[] = []
  for await (const id of store.services.blobs.list(store.start)) ids.push(id)
  return ids
}

const large = Buffer.alloc(100_000, 1)

test('a blob stays when its commit failed for the caller but was applied', async () => {
  const { engine } = store.services
  const services = withEngine({
    async write(body) {
      await engine.write(body)
      throw new StoreError({ code: 'CommitFailed' })
    },
  })
  await assert.rejects(put(services, 'applied', large), { code: 'CommitFailed' })
  const address = { bucket, key: 'applied', conditions: {} }
  const { content } = await run(store.services, caller, getObject, address)
  assert.equal(content.kind, 'stream')
  if (content.kind === 'stream') await content.close()
})

test('a blob is removed if its commit was not applied, and stays if that is unknown', async () => {
  const before = await blobs()
  const write = async (): Promise<never> => {
    throw new StoreError({ code: 'InsufficientStorage', space: 'disk' })
  }
  await assert.rejects(put(withEngine({ write }), 'lost', large), { code: 'InsufficientStorage' })
  assert.deepEqual(await blobs(), before)
  const { engine } = store.services
  let reads = 0
  const services = withEngine({
    write,
    read(body, options) {
      // The first read is the operation's own check.
      if (++reads > 1) throw new StoreError({ code: 'StoreClosed' })
      return engine.read(body, options)
    },
  })
  await assert.rejects(put(services, 'unknown', large), { code: 'InsufficientStorage' })
  assert.equal((await blobs()).length, before.length + 1)
})

/** `tx`, with reads that fail with `error` once `isOver` returns true. */
function failing(tx: WriteTransaction, isOver: () => boolean, error: StoreError): WriteTransaction {
  const check = (): ReadTransaction => {
    if (isOver()) throw error
    return tx
  }
  return {
    get: async (key) => check().get(key),
    getMany: async (keys) => check().getMany(keys),
    peek: async (key) => check().peek(key),
    range: (range) => check().range(range),
    batches: (range) => check().batches(range),
    put: (key, value) => tx.put(key, value),
    delete: (key) => tx.delete(key),
    add: (key, delta) => tx.add(key, delta),
  }
}

test('a deletion of many objects that the store aborts deletes none of them', async () => {
  const { engine } = store.services
  const keys = ['a/1', 'b/2', 'c/3']
  for (const key of keys) await put(store.services, key, Buffer.from(key))
  const objects = keys.map((key) => ({ key, conditions: {} }))
  const error = new StoreError({ code: 'ReadTooLong', limitMs: 5000 })
  let reads = 0
  let limit = Number.POSITIVE_INFINITY
  const services = withEngine({
    write(body) {
      reads = 0
      return engine.write((tx) => body(failing(tx, () => ++reads > limit, error)))
    },
  })
  const exist = (): Promise<unknown[]> =>
    Promise.all(
      keys.map((key) => run(store.services, caller, headObject, { bucket, key, conditions: {} })),
    )
  for (limit = 1; limit < 9; limit++) {
    await assert.rejects(run(services, caller, deleteObjects, { bucket, objects }), error)
    assert.equal((await exist()).length, keys.length)
  }
  limit = Number.POSITIVE_INFINITY
  const { results } = await run(services, caller, deleteObjects, { bucket, objects })
  assert.ok(reads > 9, `${reads} reads`)
  assert.deepEqual(
    results,
    objects.map(({ key }) => ({ key, versionId: undefined })),
  )
})
