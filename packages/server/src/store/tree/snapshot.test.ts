import assert from 'node:assert/strict'
import { after, beforeEach, test } from 'node:test'
import { text, utf8 } from '../../base/bytes.ts'
import { asStartId, type DirectoryId } from '../../base/terms.ts'
import { removeFolder } from './folder.ts'
import * as schema from './schema.ts'
import { type FolderSnapshot, readSnapshot, releaseSnapshots, Snapshots } from './snapshot.ts'
import { TestTree } from './tree.fixture.ts'

const tree = await TestTree.open()
const start = asStartId(7)
const otherStart = asStartId(8)
const snapshots = new Snapshots({ engine: tree.engine, ids: tree.ids, start })
after(() => tree.close())
beforeEach(() => tree.wipe())

async function take(root: DirectoryId, folder: string): Promise<FolderSnapshot> {
  const snapshot = await tree.engine.write((tx) => snapshots.take(tx, root, utf8(folder)))
  assert.ok(snapshot)
  return snapshot
}

/** All keys of a snapshot, read in pages of `limit`. */
async function keysOf(snapshot: FolderSnapshot, limit = 7): Promise<string[]> {
  const keys: string[] = []
  let after: Buffer | undefined
  for (;;) {
    const from = after
    const page = await tree.engine.read((tx) => readSnapshot(tx, snapshot, { after: from, limit }))
    for (const { key, record, isFolderToo } of page) {
      keys.push(`${text(key)} ${record.ownerId}${isFolderToo ? ' +' : ''}`)
    }
    after = page.at(-1)?.key
    if (after === undefined) return keys
  }
}

test('a snapshot stays as it was, through changes, compaction and collection', async () => {
  const root = await tree.newRoot()
  const names = Array.from({ length: 60 }, (_, n) => String(n).padStart(2, '0'))
  await tree.putAll(root, ['a/x', 'a/x-y', 'a/x/', 'a/x/z', ...names.map((name) => `a/b/${name}`)])
  await tree.copy(root, 'a/', 'c/')
  await tree.putAll(root, ['c/b/00', 'c/b/60'])
  const snapshot = await take(root, 'c/')
  const expected = await keysOf(snapshot)
  assert.equal(expected.length, 65)
  assert.deepEqual(expected.slice(0, 3), ['b/00 owner', 'b/01 copier', 'b/02 copier'])
  assert.deepEqual(expected.slice(-4), ['x copier +', 'x-y copier', 'x/ copier', 'x/z copier'])
  await tree.putAll(root, ['c/b/new', 'c/x', 'a/b/61'])
  await tree.remove(root, 'c/b/05')
  await tree.settle(10)
  assert.deepEqual(await keysOf(snapshot), expected)
  await tree.change((ctx) => removeFolder(ctx, root, utf8('a/')))
  await tree.change((ctx) => removeFolder(ctx, root, utf8('c/')))
  await tree.settle(10)
  assert.deepEqual(await keysOf(snapshot), expected)
  await tree.assertSound([root])
  await snapshots.release(snapshot)
  await snapshots.release(snapshot)
  await tree.settle()
  await tree.assertSound([root])
  const left = await tree.engine.read(async (tx) => {
    let entries = 0
    for await (const _ of tx.range(schema.allEntries())) entries++
    return entries
  })
  assert.equal(left, 0)
})

test('a snapshot of no folder is none', async () => {
  const root = await tree.newRoot()
  await tree.putAll(root, ['a'])
  assert.equal(await tree.engine.write((tx) => snapshots.take(tx, root, utf8('a/'))), undefined)
})

test('the snapshots of a dead start are released, those of others stay', async () => {
  const root = await tree.newRoot()
  await tree.putAll(root, ['a/1', 'b/1'])
  await take(root, 'a/')
  await take(root, 'a/')
  await take(root, 'b/')
  const others = new Snapshots({ engine: tree.engine, ids: tree.ids, start: otherStart })
  await tree.engine.write((tx) => others.take(tx, root, utf8('b/')))
  assert.equal(await tree.engine.write((tx) => releaseSnapshots(tx, start, 2)), 2)
  await tree.assertSound([root])
  assert.equal(await tree.engine.write((tx) => releaseSnapshots(tx, start, 2)), 1)
  assert.equal(await tree.engine.write((tx) => releaseSnapshots(tx, start, 2)), 0)
  assert.equal(await tree.engine.write((tx) => releaseSnapshots(tx, otherStart, 2)), 1)
  await tree.assertSound([root])
})
