import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { utf8 } from '../../base/bytes.ts'
import { asDirectoryId, type DirectoryId } from '../../base/terms.ts'
import type { WriteTransaction } from '../../engine/engine.ts'
import { findFolder, rootView } from '../tree/directory.ts'
import {
  encodeFolderEntry,
  encodeObjectEntry,
  putDirectory,
  readDirectory,
  tombstone,
} from '../tree/entry.ts'
import * as treeSchema from '../tree/schema.ts'
import { findingsOf, objectRecord, TestTree } from '../tree/tree.fixture.ts'

let tree: TestTree

before(async () => {
  tree = await TestTree.open()
})

after(() => tree.close())

afterEach(() => tree.wipe())

interface Damage {
  readonly tx: WriteTransaction
  readonly root: DirectoryId
  /** The directories of `a/`, of `a/b/`, and of the overlay `c/`. */
  readonly a: DirectoryId
  readonly b: DirectoryId
  readonly c: DirectoryId
}

/** The invariants that the check reports as violated after `damage` to a sound tree. */
async function brokenBy(damage: (rows: Damage) => Promise<void> | void): Promise<string[]> {
  const root = await tree.newRoot()
  const keys = Array.from({ length: 40 }, (_, at) => `a/${at}`)
  await tree.putAll(root, ['a/b/1', ...keys])
  await tree.copy(root, 'a/', 'c/')
  await tree.put(root, 'c/new')
  await tree.assertSound([root])
  await tree.engine.write(async (tx) => {
    const find = async (...names: string[]): Promise<DirectoryId> => {
      const view = await findFolder(tx, rootView(root), names.map(utf8))
      assert(view !== undefined)
      return view.id
    }
    await damage({ tx, root, a: await find('a/'), b: await find('a/', 'b/'), c: await find('c/') })
  })
  const findings = await tree.engine.read((tx) => findingsOf(tx, [root]))
  return [...new Set(findings.map(({ invariant }) => invariant))]
}

const entryTo = (child: DirectoryId) =>
  encodeFolderEntry({ child, layered: false, override: undefined })

/** The number of no directory. */
const absent = asDirectoryId(1)

const damages: Record<string, (rows: Damage) => Promise<void> | void> = {
  'a directory counts its references': async ({ tx, b }) => {
    const row = await readDirectory(tx, b)
    putDirectory(tx, b, { ...row, refs: row.refs + 1 })
  },
  'a reference leads to a directory': ({ tx, root }) =>
    tx.put(treeSchema.entry(root, utf8('x/')), entryTo(absent)),
  'an entry is in a directory': ({ tx }) =>
    tx.put(treeSchema.entry(absent, utf8('x')), encodeObjectEntry(objectRecord())),
  'a name has no slash but at its end': ({ tx, b }) =>
    tx.put(treeSchema.entry(b, utf8('x/y')), encodeObjectEntry(objectRecord())),
  'the names of folders end in a slash, of objects not': ({ tx, b }) =>
    tx.put(treeSchema.entry(b, utf8('x/')), encodeObjectEntry(objectRecord())),
  'a tombstone hides something in a base': ({ tx, b }) =>
    tx.put(treeSchema.entry(b, utf8('x')), tombstone),
  'an entry that leads to an overlay says so': ({ tx, root, c }) =>
    tx.put(treeSchema.entry(root, utf8('c/')), entryTo(c)),
  'exactly the directories without a reference are queued for collection': ({ tx, b }) =>
    tx.put(treeSchema.queued(b), new Uint8Array()),
  'a base knows its overlays': ({ tx, a, c }) => tx.delete(treeSchema.overlayLink(a, c)),
  'a hint is about a directory': ({ tx }) => tx.put(treeSchema.livingHint(absent), utf8('x')),
  'no directory is in itself': ({ tx, a, b }) =>
    tx.put(treeSchema.entry(b, utf8('a/')), entryTo(a)),
  'a directory bounds the keys below it': async ({ tx, b }) => {
    putDirectory(tx, b, { ...(await readDirectory(tx, b)), longestSuffix: 0 })
  },
  'no folder is empty': ({ tx, b }) => tx.delete(treeSchema.entry(b, utf8('1'))),
  'what a bucket leads to is not dead': async ({ tx, b }) => {
    putDirectory(tx, b, { ...(await readDirectory(tx, b)), refs: 0 })
  },
  'a bucket, a snapshot or the queue leads to every directory': ({ tx, root }) =>
    tx.delete(treeSchema.entry(root, utf8('c/'))),
}

for (const [invariant, damage] of Object.entries(damages)) {
  test(`the check finds it when this doesn't hold: ${invariant}`, async () => {
    const broken = await brokenBy(damage)
    assert(broken.includes(invariant), broken.join('; '))
  })
}
