// A tree on a real engine in a temporary folder, for the tests of the tree's files.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { utf8 } from '../../base/bytes.ts'
import { storeIn } from '../../base/store-location.ts'
import type { DirectoryId } from '../../base/terms.ts'
import type { Engine, ReadTransaction } from '../../engine/engine.ts'
import { openEngine } from '../../engine/open.ts'
import * as bodySchema from '../body/schema.ts'
import { checkTree, type Finding } from '../fsck/tree.ts'
import { IdSource } from '../row/id.ts'
import { type ObjectRecord, unpack } from '../row/record.ts'
import { collect } from './collect.ts'
import { compact } from './compact.ts'
import { createRoot } from './directory.ts'
import type { TreeContext } from './entry.ts'
import { copyFolder, renameFolder } from './folder.ts'
import { deleteObject, putObject } from './object.ts'
import { walk } from './walk.ts'

const batch = 20_000

/** A complete record; missing fields have simple defaults. */
export function objectRecord(fields: Partial<ObjectRecord> = {}): ObjectRecord {
  return {
    etag: 'e',
    sizeBytes: 1,
    modifiedAt: 1,
    ownerId: 'owner',
    body: { kind: 'empty' },
    storageClass: 'STANDARD',
    headers: {},
    metadata: {},
    ...fields,
  }
}

/** An open engine with helpers for tests of trees. */
export class TestTree {
  readonly engine: Engine
  readonly ids: IdSource
  readonly #folder: string

  private constructor(engine: Engine, ids: IdSource, folder: string) {
    this.engine = engine
    this.ids = ids
    this.#folder = folder
  }

  static async open(): Promise<TestTree> {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-tree-'))
    const engine = await openEngine(storeIn(folder).engine)
    return new TestTree(engine, await IdSource.open(engine), folder)
  }

  async close(): Promise<void> {
    await this.engine.close()
    await rm(this.#folder, { recursive: true })
  }

  /** Runs `body` in one transaction. */
  change<T>(body: (ctx: TreeContext) => Promise<T>, copiedRows?: number): Promise<T> {
    const { ids } = this
    return this.engine.write((tx) =>
      body(copiedRows === undefined ? { tx, ids } : { tx, ids, copiedRows }),
    )
  }

  newRoot(): Promise<DirectoryId> {
    return this.change(async (ctx) => createRoot(ctx))
  }

  put(root: DirectoryId, key: string, fields?: Partial<ObjectRecord>): Promise<void> {
    return this.change((ctx) => putObject(ctx, root, utf8(key), objectRecord(fields)))
  }

  /** Puts many objects, a thousand per transaction. */
  async putAll(root: DirectoryId, keys: readonly string[]): Promise<void> {
    for (let start = 0; start < keys.length; start += 1000) {
      await this.change(async (ctx) => {
        for (const key of keys.slice(start, start + 1000)) {
          await putObject(ctx, root, utf8(key), objectRecord())
        }
      })
    }
  }

  remove(root: DirectoryId, key: string): Promise<ObjectRecord | undefined> {
    return this.change((ctx) => deleteObject(ctx, root, utf8(key)))
  }

  /** Copies a folder, replacing the target. */
  copy(root: DirectoryId, from: string, to: string): Promise<void> {
    return this.change((ctx) =>
      copyFolder(ctx, {
        fromRoot: root,
        from: utf8(from),
        toRoot: root,
        to: utf8(to),
        replace: true,
        override: { modifiedAt: 2, ownerId: 'copier' },
      }),
    )
  }

  /** Renames a folder without replacing the target. */
  rename(root: DirectoryId, from: string, to: string): Promise<void> {
    return this.change((ctx) =>
      renameFolder(ctx, { root, from: utf8(from), to: utf8(to), replace: false }),
    )
  }

  async keys(root: DirectoryId, prefix = ''): Promise<string[]> {
    return this.engine.read(async (tx) => {
      const keys: string[] = []
      for await (const { key } of walk(tx, root, { prefix: utf8(prefix) })) {
        keys.push(key.toString())
      }
      return keys
    })
  }

  /** Runs all background work to completion. */
  async settle(maxRows = 1000): Promise<void> {
    const { engine, ids } = this
    while ((await compact(engine, ids, { maxRows })).hasMore);
    while ((await collect(engine, { maxRows })).hasMore);
    while ((await compact(engine, ids, { maxRows })).hasMore);
    while ((await collect(engine, { maxRows })).hasMore);
  }

  /** Removes every row except those of the sequences. */
  async wipe(): Promise<void> {
    for (let count = batch; count === batch; ) {
      count = await this.engine.write(async (tx) => {
        const keys: Uint8Array[] = []
        for await (const { key } of tx.range({ start: Buffer.of(0x20) })) {
          keys.push(key)
          if (keys.length === batch) break
        }
        for (const key of keys) tx.delete(key)
        return keys.length
      })
    }
  }

  assertSound(roots: readonly DirectoryId[]): Promise<void> {
    return this.engine.read((tx) => assertSound(tx, roots))
  }
}

/** All findings of fsck for the tree. */
export async function findingsOf(
  tx: ReadTransaction,
  roots: readonly DirectoryId[],
  onBody?: (body: ObjectRecord['body']) => void,
): Promise<Finding[]> {
  const findings: Finding[] = []
  const named = roots.map((root) => ({ bucket: `b${root}`, root }))
  for await (const finding of checkTree(tx, named, { onBody })) findings.push(finding)
  return findings
}

/** Fails on any finding of fsck for the tree, and on any wrong reference count of a body. */
export async function assertSound(
  tx: ReadTransaction,
  roots: readonly DirectoryId[],
): Promise<void> {
  const seen = new Map<number, number>()
  const findings = await findingsOf(tx, roots, (body) => {
    if (body.kind === 'row') seen.set(body.id, (seen.get(body.id) ?? 0) + 1)
  })
  assert.deepEqual(findings, [])
  const stored = new Map<number, number>()
  for await (const { key } of tx.range(bodySchema.rowBodies())) {
    const id = bodySchema.bodyId(key)
    const count = await tx.get(bodySchema.rowBodyCount(id))
    stored.set(id, count === undefined ? 1 : (unpack<[number]>(count)[0] ?? 0))
  }
  const sorted = (map: Map<number, number>) => [...map].sort(([a], [b]) => a - b)
  assert.deepEqual(sorted(stored), sorted(seen), 'references to bodies')
}
