import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import fc from 'fast-check'
import { compareBytes, startsWith, utf8 } from '../../base/bytes.ts'
import { isStoreError, type StoreErrorCode } from '../../base/errors.ts'
import type { DirectoryId } from '../../base/terms.ts'
import type { ReadTransaction } from '../../engine/engine.ts'
import { putRowBody } from '../body/body.ts'
import { collectBatch } from './collect.ts'
import { compactBatch } from './compact.ts'
import { createRoot, findObject, isEmpty, removeRoot } from './directory.ts'
import type { TreeContext } from './entry.ts'
import { copyFolder, removeFolder, renameFolder, renameObject } from './folder.ts'
import { type ListingEntry, type ListingRequest, listObjects } from './listing.ts'
import { deleteObject, putObject } from './object.ts'
import * as schema from './schema.ts'
import { assertSound, objectRecord, TestTree } from './tree.fixture.ts'
import { walk } from './walk.ts'

const scale = Number(process.env['HOLDFAST_TEST_SCALE'] ?? 1)

let tree: TestTree

before(async () => {
  tree = await TestTree.open()
})

after(() => tree.close())

afterEach(() => tree.wipe())

// The executable specification: flat, sorted maps, one per bucket.

interface Value {
  readonly etag: string
  readonly modifiedAt: number
  readonly ownerId: string
}

type Flat = Map<string, Value>

function byKey([a]: [string, unknown], [b]: [string, unknown]): number {
  return compareBytes(utf8(a), utf8(b))
}

function under(flat: Flat, prefix: string): [string, Value][] {
  return [...flat].filter(([key]) => key.startsWith(prefix))
}

/** The folders of these keys. */
function foldersOf(keys: readonly string[]): string[] {
  const folders = new Set<string>()
  for (const text of keys) {
    for (let at = text.indexOf('/'); at !== -1; at = text.indexOf('/', at + 1)) {
      folders.add(text.slice(0, at + 1))
    }
  }
  return [...folders]
}

function clear(flat: Flat, prefix: string): void {
  for (const [key] of under(flat, prefix)) flat.delete(key)
}

/** The specification of {@link listObjects}: scans all keys. */
function listFlat(
  flat: Flat,
  request: ListingRequest,
): { entries: string[]; isTruncated: boolean } {
  const { prefix, delimiter, after: afterKey, afterPrefix, limit } = request
  const entries: string[] = []
  for (const [key] of [...flat].sort(byKey)) {
    const bytes = utf8(key)
    if (!startsWith(bytes, prefix)) continue
    if (afterKey !== undefined) {
      if (compareBytes(bytes, afterKey) <= 0) continue
      if (afterPrefix === true && startsWith(bytes, afterKey)) continue
    }
    const found = delimiter === undefined ? -1 : bytes.indexOf(delimiter, prefix.byteLength)
    const group = bytes.subarray(0, found + (delimiter?.byteLength ?? 0)).toString()
    const entry = found === -1 ? `object ${key}` : `prefix ${group}`
    if (entries.at(-1) === entry) continue
    if (limit === 0) break
    if (entries.length === limit) return { entries, isTruncated: true }
    entries.push(entry)
  }
  return { entries, isTruncated: false }
}

function showEntry(entry: ListingEntry): string {
  return entry.kind === 'object'
    ? `object ${Buffer.from(entry.key).toString()}`
    : `prefix ${Buffer.from(entry.prefix).toString()}`
}

const part = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('a', 'b') },
  { weight: 1, arbitrary: fc.constantFrom('a-', '', '.', '..', '\0', '\uffff', '\u{10000}') },
)
const key = fc
  .array(part, { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join('/'))
  .filter((text) => text !== '')
const folderName = fc
  .array(fc.constantFrom('a', 'a', 'b', 'b', 'a-', ''), { minLength: 1, maxLength: 3 })
  .map((parts) => `${parts.join('/')}/`)
const bucket = fc.constantFrom(0, 0, 0, 1)

/** Usually an existing name, the one at `index`; otherwise `name`. */
interface Choice {
  readonly index: number
  readonly name: string
}
const chosen = (name: fc.Arbitrary<string>): fc.Arbitrary<Choice> =>
  fc.record({ index: fc.nat(60), name })
const someKey = chosen(key)
const someFolder = chosen(folderName)
const replace = fc.boolean()
const maxRows = fc.integer({ min: 1, max: 12 })

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('put' as const), bucket, key }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('write' as const), bucket, key: someKey }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('delete' as const), bucket, key: someKey }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('rename' as const),
      bucket,
      from: someFolder,
      to: fc.oneof(
        someFolder,
        chosen(folderName).map(({ name }) => ({ index: 0, name })),
      ),
      replace,
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('copy' as const),
      bucket,
      from: someFolder,
      toBucket: bucket,
      to: fc.oneof(
        someFolder,
        chosen(folderName).map(({ name }) => ({ index: 0, name })),
      ),
      replace,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('remove' as const), bucket, from: someFolder }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('move' as const), bucket, key: someKey, to: key }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('collect' as const), maxRows }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('compact' as const), maxRows }) },
)

const query = fc.record({
  bucket,
  prefix: fc.oneof(fc.constant(''), key, folderName),
  delimiter: fc.constantFrom(undefined, '/', '/', 'a', '/a', '-', '\0', 'a/'),
  after: fc.option(fc.oneof(key, folderName), { nil: undefined }),
  limit: fc.integer({ min: 0, max: 5 }),
})

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never
/** A step with every {@link Choice} resolved. */
type Resolved = Step extends infer S
  ? S extends { kind: 'write' }
    ? never
    : S extends object
      ? { [K in keyof S]: S[K] extends Choice ? string : S[K] }
      : never
  : never
type Query = typeof query extends fc.Arbitrary<infer T> ? T : never

/** A tree next to its specification. */
class Pair {
  readonly roots: readonly DirectoryId[]
  readonly #flats: readonly [Flat, Flat] = [new Map(), new Map()]
  #clock = 0

  constructor(roots: readonly DirectoryId[]) {
    this.roots = roots
  }

  root(index: number): DirectoryId {
    const root = this.roots[index]
    assert(root !== undefined)
    return root
  }

  flat(index: number): Flat {
    const flat = this.#flats[index]
    assert(flat !== undefined)
    return flat
  }

  /** Resolves the choices of a step. */
  resolve(chosenStep: Step): Resolved {
    const pick = (names: readonly string[], { index, name }: Choice): string =>
      index === 0 ? name : (names[index % Math.max(1, names.length)] ?? name)
    if (chosenStep.kind === 'collect' || chosenStep.kind === 'compact') return chosenStep
    const keys = [...this.flat(chosenStep.bucket).keys()]
    switch (chosenStep.kind) {
      case 'put':
        return chosenStep
      case 'write':
        return { ...chosenStep, kind: 'put', key: pick(keys, chosenStep.key) }
      case 'delete':
        return { ...chosenStep, key: pick(keys, chosenStep.key) }
      case 'move':
        return { ...chosenStep, key: pick(keys, chosenStep.key) }
      case 'remove':
        return { ...chosenStep, from: pick(foldersOf(keys), chosenStep.from) }
      case 'rename': {
        const { from, to } = chosenStep
        return {
          ...chosenStep,
          from: pick(foldersOf(keys), from),
          to: pick(foldersOf(keys), to),
        }
      }
      case 'copy': {
        const { from, to, toBucket } = chosenStep
        const targets = foldersOf([...this.flat(toBucket).keys()])
        return { ...chosenStep, from: pick(foldersOf(keys), from), to: pick(targets, to) }
      }
    }
  }

  async apply(
    next: Resolved,
    run: <T>(body: (ctx: TreeContext) => Promise<T>) => Promise<T>,
  ): Promise<void> {
    this.#clock++
    const expected = this.#specify(next)
    const actual = await run((ctx) => this.#run(ctx, next)).then(
      () => undefined,
      (error: unknown) => {
        if (!isStoreError(error)) throw error
        return error.code
      },
    )
    assert.equal(actual, expected)
  }

  #run(ctx: TreeContext, next: Resolved): Promise<unknown> {
    const now = this.#clock
    switch (next.kind) {
      case 'put': {
        const body = putRowBody(ctx.tx, ctx.ids.next(), utf8('x'))
        const record = objectRecord({ etag: `${now}`, modifiedAt: now, body })
        return putObject(ctx, this.root(next.bucket), utf8(next.key), record)
      }
      case 'delete':
        return deleteObject(ctx, this.root(next.bucket), utf8(next.key))
      case 'move': {
        const root = this.root(next.bucket)
        return renameObject(ctx, { root, from: utf8(next.key), to: utf8(next.to) })
      }
      case 'remove':
        return removeFolder(ctx, this.root(next.bucket), utf8(next.from))
      case 'rename':
        return renameFolder(ctx, {
          root: this.root(next.bucket),
          from: utf8(next.from),
          to: utf8(next.to),
          replace: next.replace,
        })
      case 'copy':
        return copyFolder(ctx, {
          fromRoot: this.root(next.bucket),
          from: utf8(next.from),
          toRoot: this.root(next.toBucket),
          to: utf8(next.to),
          replace: next.replace,
          override: { modifiedAt: now, ownerId: `copier ${now}` },
        })
      case 'collect':
        return collectBatch(ctx.tx, next.maxRows)
      case 'compact':
        return compactBatch(ctx, next.maxRows)
    }
  }

  /** Applies a step to the flat maps, or returns the error with which it must be refused. */
  #specify(next: Resolved): StoreErrorCode | undefined {
    if (next.kind === 'collect' || next.kind === 'compact') return undefined
    const flat = this.flat(next.bucket)
    const now = this.#clock
    switch (next.kind) {
      case 'put':
        flat.set(next.key, { etag: `${now}`, modifiedAt: now, ownerId: 'owner' })
        return undefined
      case 'delete':
        flat.delete(next.key)
        return undefined
      case 'move': {
        const value = flat.get(next.key)
        if (next.key === next.to) return 'RenameToItself'
        if (value === undefined) return 'NoSuchKey'
        flat.delete(next.key)
        flat.set(next.to, value)
        return undefined
      }
      case 'remove': {
        if (under(flat, next.from).length === 0) return 'NoSuchKey'
        clear(flat, next.from)
        return undefined
      }
      case 'rename': {
        const { from, to } = next
        if (to.startsWith(from)) return 'FolderRenameIntoItself'
        return this.#transfer(flat, flat, next, () => clear(flat, from))
      }
      case 'copy': {
        const target = this.flat(next.toBucket)
        if (flat === target && next.from === next.to) return 'FolderCopyToItself'
        const override = { modifiedAt: now, ownerId: `copier ${now}` }
        return this.#transfer(flat, target, next, () => undefined, override)
      }
    }
  }

  #transfer(
    flat: Flat,
    target: Flat,
    names: { from: string; to: string; replace: boolean },
    clearSource: () => void,
    override: Partial<Value> = {},
  ): StoreErrorCode | undefined {
    const { from, to } = names
    const moved = under(flat, from)
    if (moved.length === 0) return 'NoSuchKey'
    if (!names.replace && under(target, to).length > 0) return 'FolderExists'
    clearSource()
    clear(target, to)
    for (const [name, value] of moved) {
      target.set(to + name.slice(from.length), { ...value, ...override })
    }
    return undefined
  }

  /** Compares every read with the specification. */
  async assertEqual(tx: ReadTransaction, queries: readonly Query[]): Promise<void> {
    for (const index of [0, 1]) await this.#assertSameObjects(tx, index)
    for (const asked of queries) await this.#assertSamePages(tx, asked)
    await assertSound(tx, this.roots)
  }

  async #assertSameObjects(tx: ReadTransaction, index: number): Promise<void> {
    const root = this.root(index)
    const flat = [...this.flat(index)].sort(byKey)
    const found: [string, Value][] = []
    for await (const object of walk(tx, root)) {
      const { etag, modifiedAt, ownerId } = object.record
      found.push([object.key.toString(), { etag, modifiedAt, ownerId }])
    }
    assert.deepEqual(found, flat)
    assert.equal(await isEmpty(tx, root), flat.length === 0)
    for (const [name, value] of flat) {
      const record = await findObject(tx, root, utf8(name))
      const { etag, modifiedAt, ownerId } = record ?? objectRecord()
      assert.deepEqual({ etag, modifiedAt, ownerId }, value)
    }
    for (const name of ['a', 'a/', 'b/a', '//', 'a/b/a']) {
      const record = await findObject(tx, root, utf8(name))
      assert.equal(record !== undefined, this.flat(index).has(name))
    }
  }

  async #assertSamePages(tx: ReadTransaction, asked: Query): Promise<void> {
    const root = this.root(asked.bucket)
    const flat = this.flat(asked.bucket)
    const prefix = utf8(asked.prefix)
    const delimiter = asked.delimiter === undefined ? undefined : utf8(asked.delimiter)
    const base = { prefix, delimiter, limit: asked.limit }
    let request: ListingRequest =
      asked.after === undefined ? base : { ...base, after: utf8(asked.after) }
    for (let page = 0; page < 4; page++) {
      const { entries, isTruncated, last } = await listObjects(tx, root, request)
      const shown = { entries: entries.map(showEntry), isTruncated }
      assert.deepEqual(shown, listFlat(flat, request), JSON.stringify(asked))
      if (!isTruncated) break
      assert(last !== undefined)
      request = { ...base, after: last, afterPrefix: entries.at(-1)?.kind === 'prefix' }
    }
    const rest: string[] = []
    for await (const object of walk(tx, root, { prefix, after: utf8(asked.after ?? '') })) {
      rest.push(`object ${object.key}`)
    }
    const all = { prefix, after: utf8(asked.after ?? ''), limit: Number.MAX_SAFE_INTEGER }
    assert.deepEqual(rest, listFlat(flat, all).entries)
  }
}

const scenario = {
  copiedRows: fc.constantFrom(0, 0, 1, 3, 32),
  keys: fc.array(key, { minLength: 4, maxLength: 8 }),
  steps: fc.array(fc.record({ step, queries: fc.array(query, { maxLength: 3 }) }), {
    maxLength: 40,
    size: 'max',
  }),
}

/** Aborts a transaction without effects. */
class Abort extends Error {}

/** Runs `body` in a transaction that is aborted at the end. */
async function rehearse(body: (ctx: TreeContext) => Promise<void>): Promise<void> {
  const run = tree.change(async (ctx) => {
    await body(ctx)
    throw new Abort()
  })
  await run.catch((error: unknown) => {
    if (!(error instanceof Abort)) throw error
  })
}

async function assertOnlyRoots(tx: ReadTransaction, roots: readonly DirectoryId[]): Promise<void> {
  await assertSound(tx, roots)
  const rows: Uint8Array[] = []
  for await (const row of tx.range({ start: Buffer.of(0x30) })) rows.push(row.key)
  assert.deepEqual(rows, roots.map(schema.directory), 'only the roots are left')
}

test('the tree equals a flat map after any steps, and is sound after each', async () => {
  await fc.assert(
    fc.asyncProperty(fc.record(scenario), ({ copiedRows, keys, steps }) =>
      rehearse(async ({ tx }) => {
        const ctx: TreeContext = { tx, ids: tree.ids, copiedRows }
        const run = <T>(body: (ctx: TreeContext) => Promise<T>): Promise<T> => body(ctx)
        const pair = new Pair([createRoot(ctx), createRoot(ctx)])
        for (const name of keys) await pair.apply({ kind: 'put', bucket: 0, key: name }, run)
        for (const { step: next, queries } of steps) {
          await pair.apply(pair.resolve(next), run)
          await pair.assertEqual(tx, queries)
        }
        for (const index of [0, 1] as const) {
          for (const name of pair.flat(index).keys()) {
            await pair.apply({ kind: 'delete', bucket: index, key: name }, run)
          }
        }
        while ((await compactBatch(ctx, 5)).hasMore || (await collectBatch(tx, 5)).hasMore);
        await assertOnlyRoots(tx, pair.roots)
      }),
    ),
    { numRuns: 40 * scale },
  )
})

test('steps in transactions of their own come to the same', async () => {
  await fc.assert(
    fc.asyncProperty(fc.record(scenario), async ({ copiedRows, keys, steps }) => {
      await tree.wipe()
      const run = <T>(body: (ctx: TreeContext) => Promise<T>): Promise<T> =>
        tree.change(body, copiedRows)
      const pair = new Pair([await tree.newRoot(), await tree.newRoot()])
      for (const name of keys) await pair.apply({ kind: 'put', bucket: 0, key: name }, run)
      for (const { step: next, queries } of steps) {
        await pair.apply(pair.resolve(next), run)
        await tree.engine.read((tx) => pair.assertEqual(tx, queries))
      }
      for (const index of [0, 1] as const) {
        for (const name of pair.flat(index).keys()) {
          await pair.apply({ kind: 'delete', bucket: index, key: name }, run)
        }
      }
      await tree.settle(5)
      await tree.engine.read((tx) => assertOnlyRoots(tx, pair.roots))
    }),
    { numRuns: 6 * scale },
  )
})

test('a bucket that is empty again leaves nothing', async () => {
  const root = await tree.newRoot()
  await tree.put(root, 'a/b')
  await assert.rejects(tree.engine.write((tx) => removeRoot(tx, root)))
  await tree.remove(root, 'a/b')
  await tree.engine.write((tx) => removeRoot(tx, root))
  assert.deepEqual(await tree.keys(root), [])
  assert.equal(await tree.engine.read((tx) => tx.get(schema.directory(root))), undefined)
})

test('keys of every shape are found, and walked in the order of their bytes', async () => {
  const root = await tree.newRoot()
  const keys = [
    ...['a', 'a/', 'a//', 'a//b', 'a/b', '/', '/a', '//', '.', '..', './.', '../a', 'a/../b'],
    ...['a-', 'a-/b', 'a0', 'a\0', 'a\0/b', '\0', '\uffff', '\u{10000}', 'é/\u{10ffff}', ' / '],
    ...['x'.repeat(1024), `${'y/'.repeat(511)}yy`, '/'.repeat(1024), '/'.repeat(1023)],
  ]
  await tree.putAll(root, keys)
  const sorted = keys.toSorted((a, b) => compareBytes(utf8(a), utf8(b)))
  assert.deepEqual(await tree.keys(root), sorted)
  await tree.engine.read(async (tx) => {
    for (const name of keys) assert(await findObject(tx, root, utf8(name)), JSON.stringify(name))
    for (const name of ['', 'b', 'a/b/', '///', 'a-/', '/'.repeat(1022)]) {
      assert.equal(await findObject(tx, root, utf8(name)), undefined)
    }
  })
  await tree.assertSound([root])
  for (const name of keys) assert(await tree.remove(root, name))
  assert.equal(await tree.engine.read((tx) => isEmpty(tx, root)), true)
  await tree.settle()
  await tree.engine.read((tx) => assertOnlyRoots(tx, [root]))
})

test('a key over 1,024 bytes is refused', async () => {
  const root = await tree.newRoot()
  await assert.rejects(tree.put(root, 'x'.repeat(1025)), { code: 'KeyTooLong' })
})

test('emptying an overlay key by key passes each tombstone a bounded number of times', async () => {
  const orders: Record<string, (n: number, at: number) => number> = {
    upwards: (_, at) => at,
    downwards: (n, at) => n - 1 - at,
    scattered: (n, at) => (at * 7919) % n,
    inwards: (n, at) => (at % 2 === 0 ? at / 2 : n - (at + 1) / 2),
  }
  const size = 256
  const names = Array.from({ length: size }, (_, at) => `${at}`.padStart(4, '0'))
  for (const [order, position] of Object.entries(orders)) {
    const root = await tree.newRoot()
    await tree.putAll(
      root,
      names.map((name) => `a/${name}`),
    )
    await tree.copy(root, 'a/', 'b/')
    let rows = 0
    await tree.change(async (ctx) => {
      const tx = countingRows(ctx.tx, () => rows++)
      for (let at = 0; at < size; at++) {
        await deleteObject({ ...ctx, tx }, root, utf8(`b/${names[position(size, at)]}`))
      }
    })
    assert(rows < 20 * size, `${order}: ${rows} rows read for ${size} deletes`)
    assert.equal((await tree.keys(root)).length, size)
    await tree.settle()
    await tree.assertSound([root])
    await tree.wipe()
  }
})

function countingRows(tx: TreeContext['tx'], count: () => void): TreeContext['tx'] {
  return {
    get: (name) => tx.get(name),
    getMany: (names) => tx.getMany(names),
    peek: (name) => tx.peek(name),
    async *range(range) {
      for await (const row of tx.range(range)) {
        count()
        yield row
      }
    },
    async *batches(range) {
      for await (const batch of tx.batches(range)) {
        for (const _ of batch) count()
        yield batch
      }
    },
    put: (name, value) => tx.put(name, value),
    delete: (name) => tx.delete(name),
    add: (name, delta) => tx.add(name, delta),
  }
}

test('clients that delete in one folder do not conflict with each other', async () => {
  const root = await tree.newRoot()
  const names = Array.from({ length: 320 }, (_, at) => `a/${`${at}`.padStart(3, '0')}`)
  await tree.putAll(root, names)
  const before = tree.engine.statistics().conflicts
  const clients = Array.from({ length: 32 }, async (_, client) => {
    for (let at = client; at < names.length - 1; at += 32) await tree.remove(root, names[at] ?? '')
  })
  await Promise.all(clients)
  assert.deepEqual(await tree.keys(root), [names.at(-1)])
  const conflicts = tree.engine.statistics().conflicts - before
  assert(conflicts < 40, `${conflicts} conflicts`)
})

test('a delete of the last entry and a put into the folder leave neither a ghost nor a gap', async () => {
  const root = await tree.newRoot()
  for (let round = 0; round < 40; round++) {
    await tree.put(root, 'a/b/old')
    await Promise.all([tree.remove(root, 'a/b/old'), tree.put(root, `a/b/new`)])
    assert.deepEqual(await tree.keys(root), ['a/b/new'])
    await tree.assertSound([root])
    await Promise.all([
      tree.remove(root, 'a/b/new'),
      tree.put(root, 'a/c'),
      tree.remove(root, 'a/c'),
    ])
    await tree.remove(root, 'a/c')
    assert.deepEqual(await tree.keys(root), [])
    await tree.assertSound([root])
  }
})
