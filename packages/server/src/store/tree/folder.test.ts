import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { utf8 } from '../../base/bytes.ts'
import { ownLimits } from '../../base/limits.ts'
import { putRowBody } from '../body/body.ts'
import { findObject } from './directory.ts'
import type { TreeContext } from './entry.ts'
import { copyFolder, removeFolder, renameFolder, renameObject } from './folder.ts'
import { deleteObject, putObject } from './object.ts'
import { objectRecord, TestTree } from './tree.fixture.ts'
import { walk } from './walk.ts'

/** With 10, the largest folder has 100,000 objects. */
const scale = Number(process.env['HOLDFAST_TEST_SCALE'] ?? 1)

let tree: TestTree

before(async () => {
  tree = await TestTree.open()
})

after(() => tree.close())

afterEach(() => tree.wipe())

/** The accesses of a transaction. */
interface Touched {
  reads: number
  rows: number
  writes: number
}

async function measure(body: (ctx: TreeContext) => Promise<unknown>): Promise<Touched> {
  const touched: Touched = { reads: 0, rows: 0, writes: 0 }
  await tree.change(async ({ tx, ids }) => {
    Object.assign(touched, { reads: 0, rows: 0, writes: 0 })
    const counting: TreeContext['tx'] = {
      get: (key) => {
        touched.reads++
        return tx.get(key)
      },
      getMany: (keys) => {
        touched.reads += keys.length
        return tx.getMany(keys)
      },
      peek: (key) => {
        touched.reads++
        return tx.peek(key)
      },
      async *range(range) {
        for await (const row of tx.range(range)) {
          touched.rows++
          yield row
        }
      },
      async *batches(range) {
        for await (const batch of tx.batches(range)) {
          touched.rows += batch.length
          yield batch
        }
      },
      put: (key, value) => {
        touched.writes++
        tx.put(key, value)
      },
      delete: (key) => {
        touched.writes++
        tx.delete(key)
      },
      add: (key, delta) => {
        touched.writes++
        tx.add(key, delta)
      },
    }
    await body({ tx: counting, ids })
  })
  return touched
}

const override = { modifiedAt: 2, ownerId: 'copier' }

/** Runs every folder operation on a folder of `size` objects and counts its accesses. */
async function measureFolder(size: number): Promise<Record<string, Touched>> {
  const root = await tree.newRoot()
  await tree.putAll(
    root,
    Array.from({ length: size }, (_, at) => `x/a/${at}`),
  )
  const record = objectRecord()
  const copy = (from: string, to: string) => (ctx: TreeContext) =>
    copyFolder(ctx, {
      fromRoot: root,
      from: utf8(from),
      toRoot: root,
      to: utf8(to),
      replace: false,
      override,
    })
  return {
    copy: await measure(copy('x/a/', 'x/b/')),
    copyInto: await measure(copy('x/', 'x/a/x/')),
    firstPut: await measure((ctx) => putObject(ctx, root, utf8('x/b/new'), record)),
    nextPut: await measure((ctx) => putObject(ctx, root, utf8('x/b/newer'), record)),
    remove: await measure((ctx) => deleteObject(ctx, root, utf8('x/b/3'))),
    rename: await measure((ctx) =>
      renameFolder(ctx, { root, from: utf8('x/b/'), to: utf8('y/c/'), replace: false }),
    ),
    removeFolder: await measure((ctx) => removeFolder(ctx, root, utf8('y/c/'))),
  }
}

test('folder operations touch as few rows whatever the size of the folder', async () => {
  // A first write copies up to 32 rows, each with its body's reference.
  const bounds: Record<string, Touched> = {
    copy: { reads: 12, rows: 0, writes: 4 },
    copyInto: { reads: 30, rows: 70, writes: 100 },
    firstPut: { reads: 12, rows: 40, writes: 40 },
    nextPut: { reads: 10, rows: 0, writes: 3 },
    remove: { reads: 20, rows: 4, writes: 4 },
    rename: { reads: 30, rows: 4, writes: 8 },
    removeFolder: { reads: 20, rows: 4, writes: 8 },
  }
  for (const size of [10, 1000, 10_000 * scale]) {
    for (const [operation, touched] of Object.entries(await measureFolder(size))) {
      const bound = bounds[operation]
      assert(bound !== undefined)
      for (const kind of ['reads', 'rows', 'writes'] as const) {
        const count = touched[kind]
        assert(count <= bound[kind], `${operation} of ${size}: ${count} ${kind}`)
      }
    }
    await tree.wipe()
  }
})

test('a put reads two rows for each of its folders, and its own', async () => {
  const root = await tree.newRoot()
  await tree.putAll(root, ['a/b/c/d', 'a/b/e'])
  const put = (key: string) => (ctx: TreeContext) => putObject(ctx, root, utf8(key), objectRecord())
  assert.deepEqual(await measure(put('a/b/n')), { reads: 5, rows: 0, writes: 1 })
  assert.deepEqual(await measure(put('a/b/c/n')), { reads: 7, rows: 0, writes: 1 })
  // A key longer than all others raises the bounds of its folders.
  assert.deepEqual(await measure(put('a/b/c/longer')), { reads: 7, rows: 0, writes: 4 })
  assert.deepEqual(await measure((ctx) => findObject(ctx.tx, root, utf8('a/b/e'))), {
    reads: 3,
    rows: 0,
    writes: 0,
  })
})

test('a copy shows its own owner and time, and what is written to it later shows its own', async () => {
  const root = await tree.newRoot()
  const keys = Array.from({ length: 40 }, (_, at) => `a/b/${at}`)
  await tree.putAll(root, [...keys, 'a/top'])
  await tree.copy(root, 'a/', 'c/')
  await tree.put(root, 'c/b/7', { modifiedAt: 9, ownerId: 'writer' })
  await tree.rename(root, 'c/b/', 'd/')
  const seen = await tree.engine.read(async (tx) => {
    const records = ['a/b/7', 'a/b/8', 'd/7', 'd/8', 'c/top'].map(async (key) => {
      const record = await findObject(tx, root, utf8(key))
      return `${key} ${record?.ownerId} ${record?.modifiedAt}`
    })
    return Promise.all(records)
  })
  assert.deepEqual(seen, [
    'a/b/7 owner 1',
    'a/b/8 owner 1',
    'd/7 writer 9',
    'd/8 copier 2',
    'c/top copier 2',
  ])
  await tree.assertSound([root])
})

test('a copy of a copy shows the last override, in lookups and in walks', async () => {
  const root = await tree.newRoot()
  await tree.putAll(root, ['a/1', 'a/f/1'])
  const copies = [
    { from: 'a/', to: 'b/', owner: 'first' },
    { from: 'b/', to: 'c/', owner: 'second' },
    { from: 'c/', to: 'd/', owner: 'third' },
  ]
  for (const { from, to, owner } of copies) {
    await tree.change(async (ctx) => {
      const between = { fromRoot: root, from: utf8(from), toRoot: root, to: utf8(to) }
      const shown = { modifiedAt: 2, ownerId: owner }
      await copyFolder(ctx, { ...between, replace: false, override: shown })
      await putObject(ctx, root, utf8(`${to}f/own`), objectRecord({ ownerId: to }))
    }, 0)
  }
  const expected = [
    ...['a/1 owner', 'a/f/1 owner', 'b/1 first', 'b/f/1 first', 'b/f/own b/'],
    ...['c/1 second', 'c/f/1 second', 'c/f/own c/', 'd/1 third', 'd/f/1 third', 'd/f/own d/'],
  ]
  await tree.engine.read(async (tx) => {
    const walked: string[] = []
    const found: string[] = []
    for await (const { key, record } of walk(tx, root)) {
      walked.push(`${key} ${record.ownerId}`)
      found.push(`${key} ${(await findObject(tx, root, key))?.ownerId}`)
    }
    assert.deepEqual(walked, expected)
    assert.deepEqual(found, expected)
  })
  await tree.assertSound([root])
})

test('a folder operation that would make a key too long is refused and changes nothing', async () => {
  const root = await tree.newRoot()
  const long = 'x'.repeat(1000)
  const target = `${'y'.repeat(29)}/`
  await tree.putAll(root, [`a/b/${long}`, 'a/b/short', 'c'])
  const before = await tree.keys(root)
  const tooLong = { code: 'KeyTooLong' }
  await assert.rejects(tree.rename(root, 'a/', target), tooLong)
  await assert.rejects(tree.copy(root, 'a/b/', target), tooLong)
  await assert.rejects(tree.copy(root, 'a/', `a/b/${'y'.repeat(20)}/`), tooLong)
  await assert.rejects(tree.rename(root, 'a/', `${'z'.repeat(1024)}/`), tooLong)
  assert.deepEqual(await tree.keys(root), before)
  await tree.assertSound([root])
  // The bound stems from the long key. Once that is gone, the bound is recomputed and lowered.
  await tree.remove(root, `a/b/${long}`)
  await tree.rename(root, 'a/', target)
  assert.deepEqual(await tree.keys(root), ['c', `${target}b/short`])
  await tree.assertSound([root])
})

test('a folder whose longest key would take too long to find is refused, and says so', async () => {
  const root = await tree.newRoot()
  const long = 'x'.repeat(1000)
  const rows = ownLimits.boundRows
  const keys = Array.from({ length: rows }, (_, i) => `a/${i % 2 === 0 ? 'b' : 'c'}/${i}`)
  const longKeys = [`a/b/${long}`, `a/c/${long}`]
  await tree.putAll(root, [...longKeys, ...keys])
  for (const key of longKeys) await tree.remove(root, key)
  const target = `${'y'.repeat(29)}/`
  const refusal = { refusal: { code: 'FolderTooLargeToMeasure', maximumRows: 10_000 } }
  await assert.rejects(tree.rename(root, 'a/', target), refusal)
  await assert.rejects(tree.copy(root, 'a/', target), refusal)
  await tree.rename(root, 'a/', 'z/')
  // The two folders in it are entries as well.
  for (const key of keys.slice(0, 2)) await tree.remove(root, key.replace('a/', 'z/'))
  await tree.rename(root, 'z/', target)
  assert.equal((await tree.keys(root)).length, rows - 2)
  await tree.assertSound([root])
})

test('folder operations are refused for one precise reason', async () => {
  const root = await tree.newRoot()
  await tree.putAll(root, ['a/1', 'b/1', 'plain'])
  const before = await tree.keys(root)
  await assert.rejects(tree.rename(root, 'none/', 'x/'), { code: 'NoSuchKey' })
  await assert.rejects(tree.rename(root, 'plain/', 'x/'), { code: 'NoSuchKey' })
  await assert.rejects(tree.rename(root, 'a/', 'b/'), { code: 'FolderExists' })
  await assert.rejects(tree.rename(root, 'a/', 'a/'), { code: 'FolderRenameIntoItself' })
  await assert.rejects(tree.rename(root, 'a/', 'a/b/'), { code: 'FolderRenameIntoItself' })
  await assert.rejects(tree.copy(root, 'a/', 'a/'), { code: 'FolderCopyToItself' })
  await assert.rejects(tree.copy(root, 'none/', 'a/'), { code: 'NoSuchKey' })
  await assert.rejects(tree.rename(root, 'a', 'c/'), { code: 'NotAFolderName' })
  await assert.rejects(tree.rename(root, 'a/', ''), { code: 'NotAFolderName' })
  const missing = tree.change((ctx) => removeFolder(ctx, root, utf8('a/1/')))
  await assert.rejects(missing, { code: 'NoSuchKey' })
  assert.deepEqual(await tree.keys(root), before)
})

test('a renamed object keeps its record and its body', async () => {
  const root = await tree.newRoot()
  await tree.change(async (ctx) => {
    const body = putRowBody(ctx.tx, ctx.ids.next(), utf8('bytes'))
    await putObject(ctx, root, utf8('a/b'), objectRecord({ etag: 'kept', body }))
  })
  const rename = (from: string, to: string) =>
    tree.change((ctx) => renameObject(ctx, { root, from: utf8(from), to: utf8(to) }))
  assert.equal((await rename('a/b', 'a/c/b')).etag, 'kept')
  await assert.rejects(rename('a/b', 'x'), { code: 'NoSuchKey' })
  await assert.rejects(rename('a/c/b', 'a/c/b'), { code: 'RenameToItself' })
  await assert.rejects(rename('a/c/b', 'x'.repeat(1025)), { code: 'KeyTooLong' })
  assert.deepEqual(await tree.keys(root), ['a/c/b'])
  await tree.assertSound([root])
})

test('of two renames that would put each other into themselves, one sees the other done', async () => {
  for (let round = 0; round < 20; round++) {
    const root = await tree.newRoot()
    await tree.putAll(root, ['a/1', 'b/1'])
    await Promise.all([tree.rename(root, 'a/', 'b/a/'), tree.rename(root, 'b/', 'a/b/')])
    const keys = (await tree.keys(root)).join(' ')
    assert(['a/b/1 a/b/a/1', 'b/a/1 b/a/b/1'].includes(keys), keys)
    await tree.assertSound([root])
    await tree.wipe()
  }
})

test('a put that races a rename of its folder is not lost', async () => {
  const root = await tree.newRoot()
  for (let round = 0; round < 20; round++) {
    await tree.put(root, 'a/b/1')
    await Promise.all([tree.rename(root, 'a/', 'c/'), tree.put(root, 'a/b/2')])
    const keys = await tree.keys(root)
    // A write before the rename moves along; a write after it creates a new folder.
    assert(['a/b/2 c/b/1', 'c/b/1 c/b/2'].includes(keys.join(' ')), keys.join(' '))
    await tree.assertSound([root])
    for (const key of keys) await tree.remove(root, key)
  }
})
