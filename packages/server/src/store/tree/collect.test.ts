import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { utf8 } from '../../base/bytes.ts'
import { ownLimits } from '../../base/limits.ts'
import { asBlobId, type DirectoryId } from '../../base/terms.ts'
import { putBlobBody, putManifest, releaseParts } from '../body/body.ts'
import { listGarbage } from '../body/garbage.ts'
import * as bodySchema from '../body/schema.ts'
import { recountBodies } from '../fsck/body.ts'
import type { Finding } from '../fsck/tree.ts'
import { collect } from './collect.ts'
import { deleteObject, putObject } from './object.ts'
import { objectRecord, TestTree } from './tree.fixture.ts'

let tree: TestTree

before(async () => {
  tree = await TestTree.open()
})

after(() => tree.close())

/** Puts an object of `count` parts of one byte each; returns its manifest's id. */
async function putParts(root: DirectoryId, key: string, count: number): Promise<number> {
  return tree.change(async (ctx) => {
    const id = ctx.ids.next()
    const parts = Array.from({ length: count }, (_, index) => {
      const blobId = asBlobId(`${id}-${index}`)
      putBlobBody(ctx.tx, blobId)
      return { number: index + 1, offset: index, sizeBytes: 1, etag: '', blobId }
    })
    const body = putManifest(ctx.tx, id, parts)
    await putObject(ctx, root, utf8(key), objectRecord({ sizeBytes: count, body }))
    return id
  })
}

async function recounted(): Promise<Finding[]> {
  return tree.engine.read(async (tx) => {
    const findings: Finding[] = []
    const options = { share: { index: 0, of: 1 }, onBlob: () => undefined }
    for await (const finding of recountBodies(tx, options)) findings.push(finding)
    return findings
  })
}

test('objects of more parts than a transaction may change are deleted in one, and released later', async () => {
  const root = await tree.newRoot()
  const parts = 10_000
  // Releasing a part changes three rows.
  const keys = Array.from(
    { length: Math.ceil(ownLimits.transactionChanges / parts / 3) },
    (_, i) => `many/${i}`,
  )
  for (const key of keys) await putParts(root, key, parts)
  await tree.change(async (ctx) => {
    for (const key of keys) await deleteObject(ctx, root, utf8(key))
  })
  assert.deepEqual(await tree.keys(root), [])
  let released = 0
  for (let hasMore = true; hasMore; ) {
    const progress = await collect(tree.engine, { maxRows: 7000 })
    assert.ok(progress.rows <= 7000)
    released += progress.rows
    hasMore = progress.hasMore
  }
  assert.equal(released, keys.length * parts)
  assert.deepEqual(await recounted(), [])
  const limit = released + 1
  const garbage = await tree.engine.read((tx) => listGarbage(tx, { limit }))
  assert.equal(garbage.length, released)
  await tree.wipe()
})

test('a release that is interrupted anywhere goes on where it was, and each part goes once', async () => {
  const root = await tree.newRoot()
  const ids = [await putParts(root, 'one', 5), await putParts(root, 'two', 3)]
  await tree.change(async (ctx) => {
    for (const key of ['one', 'two']) await deleteObject(ctx, root, utf8(key))
  })
  const rows: number[] = []
  for (let hasMore = true; hasMore; ) {
    assert.deepEqual(await recounted(), [])
    const progress = await collect(tree.engine, { maxRows: 2 })
    rows.push(progress.rows)
    hasMore = progress.hasMore
  }
  assert.deepEqual(rows, [2, 2, 2, 2])
  const garbage = await tree.engine.read((tx) => listGarbage(tx, { limit: 100 }))
  const expected = [5, 3].flatMap((count, i) =>
    Array.from({ length: count }, (_, index) => `${ids[i]}-${index}`),
  )
  assert.deepEqual(garbage.map(({ blobId }) => blobId).sort(), expected.sort())
  await tree.engine.read(async (tx) => {
    for await (const _ of tx.range(bodySchema.manifestQueue()))
      assert.fail('the queue is not empty')
  })
  await tree.wipe()
})

test('a manifest leaves the queue with its last part, and not before', async () => {
  const root = await tree.newRoot()
  const id = await putParts(root, 'key', 4)
  await tree.remove(root, 'key')
  const isQueued = (): Promise<boolean> =>
    tree.engine.read(async (tx) => (await tx.get(bodySchema.queuedManifest(id))) !== undefined)
  assert.equal(await tree.change(({ tx }) => releaseParts(tx, id, 3)), 3)
  assert.equal(await isQueued(), true)
  assert.equal(await tree.change(({ tx }) => releaseParts(tx, id, 1)), 1)
  assert.equal(await isQueued(), false)
  await tree.wipe()
})
