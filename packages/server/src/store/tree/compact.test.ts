import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { utf8 } from '../../base/bytes.ts'
import type { DirectoryId } from '../../base/terms.ts'
import { collect } from './collect.ts'
import { compact } from './compact.ts'
import { decodeCompaction } from './compaction.ts'
import { findFolder, rootView } from './directory.ts'
import { readDirectory } from './entry.ts'
import { removeFolder } from './folder.ts'
import * as schema from './schema.ts'
import { TestTree } from './tree.fixture.ts'
import { walk } from './walk.ts'

let tree: TestTree

before(async () => {
  tree = await TestTree.open()
})

after(() => tree.close())

afterEach(() => tree.wipe())

/** The number of layers of a folder, and their total number of rows. */
function layersOf(root: DirectoryId, folder: string): Promise<{ depth: number; rows: number }> {
  return tree.engine.read(async (tx) => {
    const view = await findFolder(tx, rootView(root), [utf8(folder)])
    assert(view !== undefined)
    let depth = 0
    let rows = 0
    for (let id: DirectoryId | undefined = view.id; id !== undefined; depth++) {
      for await (const _ of tx.range(schema.entries(id))) rows++
      id = (await readDirectory(tx, id)).base
    }
    return { depth, rows }
  })
}

function names(folder: string, count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, at) => `${folder}${`${from + at}`.padStart(4, '0')}`)
}

const size = 400
const rounds = 16
const written = 40

test('layers stay few when snapshots of a folder are kept', async () => {
  const root = await tree.newRoot()
  await tree.putAll(root, names('a/', size))
  for (let round = 0; round < rounds; round++) {
    await tree.copy(root, 'a/', `snapshot${round}/`)
    await tree.putAll(root, names('a/', written, size + round * written))
    await tree.settle()
  }
  const { depth } = await layersOf(root, 'a/')
  assert(depth <= 6, `${depth} layers`)
  assert.equal((await tree.keys(root, 'a/')).length, size + rounds * written)
  for (let round = 0; round < rounds; round++) {
    assert.equal((await tree.keys(root, `snapshot${round}/`)).length, size + round * written)
    assert((await layersOf(root, `snapshot${round}/`)).depth <= 6)
  }
  await tree.assertSound([root])
})

test('layers stay few, and nothing hidden is kept, when each snapshot is removed', async () => {
  const root = await tree.newRoot()
  await tree.putAll(root, names('a/', size))
  for (let round = 0; round < rounds; round++) {
    await tree.copy(root, 'a/', 'snapshot/')
    await tree.putAll(root, names('a/', written, (round * written) % size))
    await tree.change((ctx) => removeFolder(ctx, root, utf8('snapshot/')))
    await tree.settle()
  }
  const { depth, rows } = await layersOf(root, 'a/')
  assert(depth <= 6, `${depth} layers`)
  assert.equal(rows, size)
  await tree.assertSound([root])
})

test('copies of copies list at most twice the rows once the background has caught up', async () => {
  const root = await tree.newRoot()
  await tree.putAll(root, names('copy0/', size))
  for (let generation = 1; generation <= 8; generation++) {
    await tree.copy(root, `copy${generation - 1}/`, `copy${generation}/`)
    await tree.putAll(root, names(`copy${generation}/`, written, generation * 20))
  }
  await tree.settle()
  for (let generation = 0; generation <= 8; generation++) {
    const { rows } = await layersOf(root, `copy${generation}/`)
    assert(rows <= 2 * size, `${rows} rows in copy ${generation}`)
    assert.equal((await tree.keys(root, `copy${generation}/`)).length, size)
  }
  await tree.assertSound([root])
})

test('deletes and puts while layers are being merged are kept', async () => {
  const root = await tree.newRoot()
  await tree.putAll(root, names('a/', 200))
  const kept = new Set(names('a/', 200))
  for (let round = 0; round < 6; round++) {
    await tree.copy(root, 'a/', `snapshot${round}/`)
    for (const key of names('a/', 40, 200 + round * 40)) kept.add(key)
    await tree.putAll(root, names('a/', 40, 200 + round * 40))
  }
  for (let round = 5; round >= 0; round--) {
    await tree.change((ctx) => removeFolder(ctx, root, utf8(`snapshot${round}/`)))
    for (let at = 0; at < 12; at++) {
      await compact(tree.engine, tree.ids, { maxRows: 15 })
      const key = `a/${`${round * 12 + at * 7}`.padStart(4, '0')}`
      await tree.remove(root, key)
      kept.delete(key)
    }
    assert.deepEqual(await tree.keys(root, 'a/'), [...kept].sort())
  }
  await tree.settle(50)
  assert.deepEqual(await tree.keys(root, 'a/'), [...kept].sort())
  assert.equal((await layersOf(root, 'a/')).rows, kept.size)
  await tree.assertSound([root])
})

test('a row that is moved out of a layer while that is being merged does not come back', async () => {
  const root = await tree.newRoot()
  await tree.putAll(root, names('a/m', 40))
  await tree.copy(root, 'a/', 's1/')
  await tree.putAll(root, names('a/a', 34))
  await tree.copy(root, 'a/', 's2/')
  await tree.put(root, 'a/y')
  for (let rows = 0; rows < 35; rows++) await compact(tree.engine, tree.ids, { maxRows: 1 })
  const merging = await tree.engine.read(async (tx) => {
    for await (const { value } of tx.range(schema.compactions())) return decodeCompaction(value)
    return undefined
  })
  assert.equal(merging?.phase, 'merge')
  // Now only a/ sees the layer with a/a…: a delete removes the row from it without a tombstone.
  await tree.change((ctx) => removeFolder(ctx, root, utf8('s2/')))
  await tree.remove(root, 'a/a0000')
  // A copy whose first write puts its own overlay over the same layer.
  await tree.copy(root, 'a/', 's3/')
  await tree.put(root, 's3/z')
  const before = await tree.keys(root)
  await tree.settle(10)
  assert.deepEqual(await tree.keys(root), before)
  await tree.assertSound([root])
})

test('writers, snapshots and the background at once lose nothing and count right', async () => {
  const root = await tree.newRoot()
  const kept = new Set(names('a/base', 60))
  await tree.putAll(root, [...kept])
  let isWriting = true
  const writers = Array.from({ length: 6 }, async (_, writer) => {
    for (let at = 0; at < 40; at++) {
      const key = `a/base${`${at}`.padStart(4, '0')}`
      if (at % 6 === writer && (await tree.remove(root, key))) kept.delete(key)
      await tree.put(root, `a/${at}/${writer}`)
      if (at % 3 === 0) await tree.remove(root, `a/${at}/${writer}`)
      else kept.add(`a/${at}/${writer}`)
    }
  })
  const snapshots = async (name: string): Promise<void> => {
    while (isWriting) {
      await tree.copy(root, 'a/', `${name}/`)
      await tree.put(root, `${name}/new`)
      await tree.change((ctx) => removeFolder(ctx, root, utf8(`${name}/`)))
    }
  }
  const background = async (): Promise<void> => {
    while (isWriting) {
      await compact(tree.engine, tree.ids, { maxRows: 20 })
      await collect(tree.engine, { maxRows: 20 })
      // A transaction without writes waits for nothing, so yield to the others.
      await setImmediate()
    }
  }
  const others = [snapshots('s'), snapshots('t'), background()]
  await Promise.all(writers).finally(() => {
    isWriting = false
  })
  await Promise.all(others)
  assert.deepEqual(await tree.keys(root), [...kept].sort())
  await tree.settle()
  assert.deepEqual(await tree.keys(root), [...kept].sort())
  await tree.assertSound([root])
})

function ownersOf(root: DirectoryId): Promise<string[]> {
  return tree.engine.read(async (tx) => {
    const owners: string[] = []
    for await (const { key, record } of walk(tx, root)) owners.push(`${key} ${record.ownerId}`)
    return owners
  })
}

test('the override of a copy survives every kind of compaction', async () => {
  for (const isSourceKept of [true, false]) {
    const root = await tree.newRoot()
    await tree.putAll(root, [...names('a/', 40), 'a/folder/x'])
    await tree.copy(root, 'a/', 'c/')
    await tree.putAll(root, names('c/', 34, 20))
    if (isSourceKept) {
      await tree.copy(root, 'c/', 'kept/')
      await tree.put(root, 'c/y')
    } else {
      await tree.change((ctx) => removeFolder(ctx, root, utf8('a/')))
    }
    const before = await ownersOf(root)
    assert.equal((await layersOf(root, 'c/')).depth, isSourceKept ? 3 : 2)
    await tree.settle()
    assert.equal((await layersOf(root, 'c/')).depth, isSourceKept ? 2 : 1)
    assert.deepEqual(await ownersOf(root), before)
    await tree.assertSound([root])
    await tree.wipe()
  }
})

test('a merged layer shows the rest of its chain as the layers did that it was made of', async () => {
  const root = await tree.newRoot()
  await tree.putAll(root, names('a/', 200))
  await tree.copy(root, 'a/', 's/')
  await tree.putAll(root, names('a/', 34, 200))
  await tree.copy(root, 'a/', 'c/')
  await tree.putAll(root, names('c/', 40, 300))
  await tree.copy(root, 'c/', 'kept/')
  await tree.put(root, 'c/y')
  const before = await ownersOf(root)
  assert.equal((await layersOf(root, 'c/')).depth, 4)
  await tree.settle()
  assert.equal((await layersOf(root, 'c/')).depth, 3)
  assert.deepEqual(await ownersOf(root), before)
  await tree.assertSound([root])
})
