// The scenarios of the crash point tests. Each prepares a store, and then makes one change, or runs
// background work without visible changes.

import { archiveFolder } from '../../src/operation/archive.ts'
import { decodeCompaction } from '../../src/store/tree/compaction.ts'
import * as treeSchema from '../../src/store/tree/schema.ts'
import { bodyOf } from './content.ts'
import type { LocalStore } from './local-store.ts'

/** A change under test. */
export interface Scenario {
  readonly name: string
  /** `commit`: one transaction changes the visible state. `background`: none does. */
  readonly kind: 'commit' | 'background'
  prepare(store: LocalStore): Promise<void>
  /** Yields a word for each kind of work done, where there are several. */
  act(store: LocalStore): AsyncGenerator<string>
}

/** The number of rows from which a shared directory gets an overlay instead of a copy. */
const manyRows = 40
/** Too many bytes for a row. */
const largeBytes = 100_000
const batchRows = 13

function many(folder: string, count = manyRows, first = 0): string[] {
  return Array.from({ length: count }, (_, n) => `${folder}${String(n + first).padStart(3, '0')}`)
}

/** A scenario of one commit. */
function commit(
  name: string,
  prepare: (store: LocalStore) => Promise<void>,
  act: (store: LocalStore) => Promise<unknown>,
): Scenario {
  return {
    name,
    kind: 'commit',
    prepare,
    // biome-ignore lint/correctness/useYield: one kind of work has no words for it
    async *act(store) {
      await act(store)
    },
  }
}

/** Yields the next phase of compaction before each small batch of background work. */
async function* settling(store: LocalStore, maxRows = batchRows): AsyncGenerator<string> {
  const phases = new Set<string>()
  await store.settleRows(maxRows, async () => {
    await store.services.engine.read(async (tx) => {
      for await (const { value } of tx.range(treeSchema.compactions())) {
        phases.add(decodeCompaction(value).phase)
        return
      }
    })
  })
  yield* phases
}

async function putTwoFolders(store: LocalStore): Promise<void> {
  await store.putAll(['a/1', 'a/b/2', 'c/3', 'top'])
  await store.put('a/large', bodyOf('large', largeBytes))
}

async function putShared(store: LocalStore): Promise<void> {
  await store.putAll([...many('a/b/'), 'a/other'])
  await store.copy('a/', 'copy/')
}

/** Three layers, of which the lower two are shared and of similar size. */
async function putLayers(store: LocalStore): Promise<void> {
  await store.putAll(many('a/', 60))
  await store.copy('a/', 'b/')
  await store.putAll(many('b/', 40, 40))
  await store.copy('b/', 'c/')
  await store.putAll(many('c/', 3))
}

export const scenarios: readonly Scenario[] = [
  commit('rename a folder', putTwoFolders, (store) => store.rename('a/', 'x/y/')),
  commit('rename a folder over another', putTwoFolders, (store) => store.rename('a/', 'c/', true)),
  commit('rename a folder out of a copy', putShared, (store) => store.rename('copy/b/', 'd/')),
  commit('rename an object', putTwoFolders, (store) => store.rename('a/b/2', 'c/2')),
  commit('copy a folder', putTwoFolders, (store) => store.copy('a/', 'x/')),
  commit('copy a folder into itself', putTwoFolders, (store) => store.copy('a/', 'a/b/in/')),
  commit('copy a folder over one that holds it', putTwoFolders, (store) =>
    store.copy('a/b/', 'a/', true),
  ),
  commit('delete a folder', putTwoFolders, (store) => store.removeFolder('a/')),
  commit('delete a folder that is shared', putShared, (store) => store.removeFolder('a/b/')),
  commit('first write into a copy', putShared, (store) => store.put('copy/b/new')),
  commit('first delete in a copy', putShared, (store) => store.remove('copy/b/001')),
  commit('delete the last object of folders', putTwoFolders, (store) => store.remove('c/3')),
  commit('put a large object', putTwoFolders, (store) =>
    store.put('a/new', bodyOf('new', largeBytes)),
  ),
  commit('put a large object over another', putTwoFolders, (store) =>
    store.put('a/large', bodyOf('other', largeBytes)),
  ),
  commit(
    'complete an upload',
    async (store) => {
      await store.put('a/large', bodyOf('large', largeBytes))
      await store.upload('a/large', [bodyOf('part', largeBytes)])
    },
    (store) => store.completeUpload('a/large'),
  ),
  {
    name: 'read a folder as an archive',
    kind: 'background',
    prepare: putTwoFolders,
    // biome-ignore lint/correctness/useYield: one kind of work has no words for it
    async *act(store) {
      const archive = await store.run(archiveFolder, { bucket: 'bucket', folder: 'a/' })
      for await (const _ of archive.objects({ withBytes: true }));
      await archive.close()
    },
  },
  {
    name: 'collect deleted folders',
    kind: 'background',
    async prepare(store) {
      await store.putAll([...many('a/', 20), ...many('a/b/', 20), 'kept/1'])
      await store.put('a/large', bodyOf('large', largeBytes))
      await store.copy('a/b/', 'kept/b/')
      await store.removeFolder('a/')
    },
    act: settling,
  },
  {
    name: 'merge layers that are shared',
    kind: 'background',
    prepare: putLayers,
    act: (store) => settling(store, 2 * batchRows),
  },
  {
    name: 'move the rows of a layer that nothing else sees',
    kind: 'background',
    async prepare(store) {
      await store.putAll(many('a/', 60))
      await store.copy('a/', 'b/')
      await store.putAll(many('b/', 35))
      for (const key of many('b/', 5, 30)) await store.remove(key)
      await store.removeFolder('a/')
    },
    act: (store) => settling(store, 2 * batchRows),
  },
  {
    name: 'prune what a layer hides that nothing else sees',
    kind: 'background',
    async prepare(store) {
      await store.putAll(many('a/', 90))
      await store.copy('a/', 'b/')
      await store.putAll(many('b/', 20))
      for (const key of many('b/', 5, 15)) await store.remove(key)
      await store.removeFolder('a/')
    },
    act: settling,
  },
  {
    name: 'take over the rows of a base that is shared',
    kind: 'background',
    async prepare(store) {
      await store.putAll(many('a/', 150))
      await store.copy('a/', 'b/')
      for (const key of many('b/', 130)) await store.remove(key)
    },
    act: (store) => settling(store, 4 * batchRows),
  },
  {
    name: 'remove blobs that nothing refers to',
    kind: 'background',
    async prepare(store) {
      for (const key of ['1', '2', '3']) await store.put(key, bodyOf(key, largeBytes))
      await store.upload('up', [bodyOf('p', largeBytes), bodyOf('q', largeBytes)])
      await store.remove('1')
      await store.put('2', 'small')
    },
    // biome-ignore lint/correctness/useYield: one kind of work has no words for it
    async *act(store) {
      await store.settle()
    },
  },
]
