import assert from 'node:assert/strict'
import { after, afterEach, test } from 'node:test'
import fc from 'fast-check'
import { utf8 } from '../../base/bytes.ts'
import type { DirectoryId } from '../../base/terms.ts'
import { compact } from './compact.ts'
import { findFolder, rootView } from './directory.ts'
import { readDirectory } from './entry.ts'
import * as schema from './schema.ts'
import { TestTree } from './tree.fixture.ts'

const scale = Number(process.env['HOLDFAST_TEST_SCALE'] ?? 1)
const tree = await TestTree.open()
after(() => tree.close())
afterEach(() => tree.wipe())

/** The numbers of rows in a folder's own directory and its bases. */
function rowsOf(root: DirectoryId, folder: string): Promise<number[]> {
  return tree.engine.read(async (tx) => {
    const view = await findFolder(tx, rootView(root), [utf8(folder)])
    const layers: number[] = []
    for (let id = view?.id; id !== undefined; ) {
      let rows = 0
      for await (const _ of tx.range(schema.entries(id))) rows++
      layers.push(rows)
      id = (await readDirectory(tx, id)).base
    }
    return layers
  })
}

function names(folder: string, count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, at) => `${folder}${`${from + at}`.padStart(4, '0')}`)
}

test('an almost emptied copy does not keep tombstones for the rest', async () => {
  const root = await tree.newRoot()
  await tree.putAll(root, names('a/', 1000))
  await tree.copy(root, 'a/', 'b/')
  const kept = 'b/0500'
  for (let from = 0; from < 1000; from += 50) {
    const some = names('b/', 50, from).filter((key) => key !== kept)
    await Promise.all(some.map((key) => tree.remove(root, key)))
  }
  await tree.settle(50)
  const layers = await rowsOf(root, 'b/')
  // The last check may have been some deletes ago.
  assert.ok(layers.length === 1 && (layers[0] ?? 0) <= 500, `layers of ${layers} rows`)
  assert.deepEqual(await tree.keys(root, 'b/'), [kept])
  assert.equal((await tree.keys(root, 'a/')).length, 1000)
  await tree.assertSound([root])
  await tree.remove(root, kept)
  await tree.settle(50)
  assert.equal((await tree.keys(root)).length, 1000)
  await tree.assertSound([root])
})

test('a copy to which little was written shares its base on', async () => {
  const root = await tree.newRoot()
  await tree.putAll(root, names('a/', 1000))
  await tree.copy(root, 'a/', 'b/')
  await tree.putAll(root, names('b/', 100, 900))
  await tree.settle(50)
  assert.deepEqual(await rowsOf(root, 'b/'), [100, 1000])
  await tree.assertSound([root])
})

/** Random histories of a small tree: copies, writes, and batches of background work. */
const steps = fc.array(
  fc.oneof(
    { weight: 1, arbitrary: fc.record({ copy: fc.nat(2), to: fc.nat(2) }) },
    {
      weight: 3,
      arbitrary: fc.record({ remove: fc.nat(2), from: fc.nat(250), count: fc.nat(150) }),
    },
    { weight: 2, arbitrary: fc.record({ put: fc.nat(2), from: fc.nat(250), count: fc.nat(100) }) },
    { weight: 4, arbitrary: fc.record({ compact: fc.integer({ min: 1, max: 100 }) }) },
  ),
  { minLength: 4, maxLength: 25 },
)
const folders = ['a/', 'b/', 'c/']
const folderAt = (index: number): string => folders[index] ?? ''

test('it does not change what readers see, even with concurrent writes', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (work) => {
      const root = await tree.newRoot()
      const flat = new Set(names('a/', 200))
      await tree.putAll(root, [...flat])
      for (const step of work) {
        if ('copy' in step) {
          const [from, to] = [folderAt(step.copy), folderAt(step.to)]
          const source = [...flat].filter((key) => key.startsWith(from))
          if (from === to || source.length === 0) continue
          await tree.copy(root, from, to)
          for (const key of flat) if (key.startsWith(to)) flat.delete(key)
          for (const key of source) flat.add(to + key.slice(from.length))
        } else if ('remove' in step) {
          const keys = names(folderAt(step.remove), step.count, step.from)
          await Promise.all(keys.map((key) => tree.remove(root, key)))
          for (const key of keys) flat.delete(key)
        } else if ('put' in step) {
          const keys = names(folderAt(step.put), step.count, step.from)
          await Promise.all(keys.map((key) => tree.put(root, key)))
          for (const key of keys) flat.add(key)
        } else {
          await compact(tree.engine, tree.ids, { maxRows: step.compact })
        }
        assert.deepEqual(await tree.keys(root), [...flat].sort())
      }
      await tree.assertSound([root])
      await tree.settle(30)
      assert.deepEqual(await tree.keys(root), [...flat].sort())
      await tree.assertSound([root])
      await tree.wipe()
    }),
    { numRuns: 15 * scale },
  )
})
