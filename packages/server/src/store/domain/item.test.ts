import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { utf8 } from '../../base/bytes.ts'
import { storeIn } from '../../base/store-location.ts'
import type { WriteTransaction } from '../../engine/engine.ts'
import { openEngine } from '../../engine/open.ts'
import { checkDomains } from '../fsck/domain.ts'
import type { Finding } from '../fsck/tree.ts'
import { IdSource } from '../row/id.ts'
import { afterDelete, afterPut, type DeletePair, type PutPair } from './attributes.ts'
import {
  collectDomains,
  createDomain,
  type DomainCounts,
  type DomainRecord,
  deleteDomain,
  findDomain,
  readCounts,
  walkDomains,
} from './domain.ts'
import { type Attributes, findAttribute, findItem, walkItems, writeItem } from './item.ts'
import * as schema from './schema.ts'

const folder = await mkdtemp(join(tmpdir(), 'holdfast-item-'))
const engine = await openEngine(storeIn(folder).engine)
const ids = await IdSource.open(engine)
after(async () => {
  await engine.close()
  await rm(folder, { recursive: true })
})

const scale = Number(process.env['HOLDFAST_TEST_SCALE'] ?? '1')
let created = 0

async function newDomain(): Promise<DomainRecord & { name: string }> {
  const name = `domain-${created++}`
  const record = await engine.write(async (tx) =>
    createDomain({ tx, ids }, name, { ownerId: 'o', createdAt: 0 }),
  )
  return { ...record, name }
}

async function change(
  domain: number,
  name: string,
  changed: (before: Attributes) => Attributes,
): Promise<void> {
  await engine.write(async (tx) => {
    const before = await findItem(tx, domain, name)
    await writeItem({ tx, ids, domain }, name, before, changed(before?.attributes ?? []))
  })
}

const put = (domain: number, name: string, pairs: readonly PutPair[]): Promise<void> =>
  change(domain, name, (before) => afterPut(before, pairs))
const pair = (name: string, value: string, replace = false): PutPair => ({ name, value, replace })

async function findings(): Promise<Finding[]> {
  return engine.read(async (tx) => {
    const found: Finding[] = []
    for await (const finding of checkDomains(tx, { onDomain: () => undefined })) found.push(finding)
    return found
  })
}

/** An item of the executable specification: pairs by name, in order of first appearance. */
type ModelItem = Map<string, Set<string>>

function countModel(items: ReadonlyMap<string, ModelItem>): DomainCounts {
  const names = new Set<string>()
  const counts = { items: 0, itemNameBytes: 0, names: 0, nameBytes: 0, pairs: 0, valueBytes: 0 }
  for (const [itemName, attributes] of items) {
    counts.items++
    counts.itemNameBytes += utf8(itemName).length
    for (const [name, values] of attributes) {
      names.add(name)
      counts.pairs += values.size
      for (const value of values) counts.valueBytes += utf8(value).length
    }
  }
  counts.names = names.size
  for (const name of names) counts.nameBytes += utf8(name).length
  return counts
}

function shown(attributes: Attributes): [string, string[]][] {
  return attributes.map(({ name, values }) => [name, [...values]])
}

function shownModel(item: ModelItem | undefined): [string, string[]][] {
  const byBytes = (a: string, b: string): number => Buffer.compare(utf8(a), utf8(b))
  return [...(item ?? [])].map(([name, values]) => [name, [...values].sort(byBytes)])
}

const itemNames = ['i', 'j', 'ü', '\u{10000}', '\u{ffff}']
const someName = fc.constantFrom('a', 'b', 'ab', 'é', '\0', 'ÿ\u{1f600}')
const someValue = fc.constantFrom(
  '',
  '0',
  '1',
  '10',
  '\0\u0001',
  '\uffff',
  '\u{10ffff}',
  'x'.repeat(1024),
)
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('put' as const),
      item: fc.constantFrom(...itemNames),
      pairs: fc.array(fc.record({ name: someName, value: someValue, replace: fc.boolean() }), {
        minLength: 1,
        maxLength: 4,
      }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('delete' as const),
      item: fc.constantFrom(...itemNames),
      pairs: fc.array(
        fc.record({ name: someName, value: fc.option(someValue, { nil: undefined }) }),
        { maxLength: 3 },
      ),
    }),
  },
)

function putModel(model: Map<string, ModelItem>, item: string, pairs: readonly PutPair[]): void {
  const attributes = model.get(item) ?? new Map<string, Set<string>>()
  model.set(item, attributes)
  for (const name of new Set(pairs.filter(({ replace }) => replace).map((one) => one.name))) {
    attributes.get(name)?.clear()
  }
  for (const { name, value } of pairs) {
    if (!attributes.has(name)) attributes.set(name, new Set())
    attributes.get(name)?.add(value)
  }
}

function deleteModel(
  model: Map<string, ModelItem>,
  item: string,
  pairs: readonly DeletePair[],
): void {
  const attributes = model.get(item)
  if (attributes === undefined) return
  for (const { name, value } of pairs) {
    if (value === undefined) attributes.delete(name)
    else attributes.get(name)?.delete(value)
    if (attributes.get(name)?.size === 0) attributes.delete(name)
  }
  if (pairs.length === 0 || attributes.size === 0) model.delete(item)
}

test('items, their index and their counts are those of a model after any puts and deletes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
      const { number: domain, ...rest } = await newDomain()
      const model = new Map<string, ModelItem>()
      for (const { kind, item, pairs } of steps) {
        if (kind === 'put') {
          await put(domain, item, pairs)
          putModel(model, item, pairs)
        } else {
          await change(domain, item, (before) => afterDelete(before, pairs))
          deleteModel(model, item, pairs)
        }
      }
      await engine.read(async (tx) => {
        for (const item of itemNames) {
          const found = await findItem(tx, domain, item)
          assert.deepEqual(shown(found?.attributes ?? []), shownModel(model.get(item)))
        }
        assert.deepEqual(await readCounts(tx, domain), countModel(model))
      })
      assert.deepEqual(await findings(), [])
      await engine.write(async (tx) => deleteDomain(tx, { number: domain, ...rest }))
      while ((await collectDomains(engine, { maxRows: 7 })).hasMore);
      assert.equal(await rowsOf(domain), 0)
    }),
    { numRuns: 40 * scale },
  )
})

async function collected<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const one of source) all.push(one)
  return all
}

async function rowsOf(domain: number): Promise<number> {
  return engine.read(async (tx) => {
    let rows = 0
    for (const range of schema.contentsOfDomain(domain)) {
      for await (const _ of tx.range(range)) rows++
    }
    return rows
  })
}

test('values of one put that replace all stay, and replace only what was there before the call', async () => {
  const { number } = await newDomain()
  await put(number, 'i', [pair('a', 'old'), pair('b', 'kept')])
  await put(number, 'i', [pair('a', '1', true), pair('a', '2', true), pair('c', '3')])
  const found = await engine.read((tx) => findItem(tx, number, 'i'))
  assert.deepEqual(shown(found?.attributes ?? []), [
    ['a', ['1', '2']],
    ['b', ['kept']],
    ['c', ['3']],
  ])
})

test('an attribute number is not given out again after its name was forgotten', async () => {
  const { number } = await newDomain()
  await put(number, 'i', [pair('a', '1')])
  const first = await engine.read((tx) => findAttribute(tx, number, 'a'))
  await change(number, 'i', () => [])
  assert.equal(await engine.read((tx) => findAttribute(tx, number, 'a')), undefined)
  await put(number, 'i', [pair('a', '1')])
  const second = await engine.read((tx) => findAttribute(tx, number, 'a'))
  assert.ok(first !== undefined && second !== undefined && second > first)
})

test('writers of different items of one domain don’t conflict, with attributes that come and go', async () => {
  const { number } = await newDomain()
  await put(number, 'other', [pair('a', 'm'), pair('b', 'm')])
  const before = engine.statistics().conflicts
  const writers = Array.from({ length: 32 }, async (_, at) => {
    await put(number, `item-${at}`, [pair('a', `v${at}`)])
    await put(number, `item-${at}`, [pair('a', `w${at}`, true), pair('b', '1')])
  })
  await Promise.all(writers)
  assert.equal(engine.statistics().conflicts - before, 0)
  const counts = await engine.read((tx) => readCounts(tx, number))
  assert.deepEqual([counts.items, counts.pairs, counts.names], [33, 66, 2])
  assert.deepEqual(await findings(), [])
})

test('an attribute that one writer forgets and another one uses is not lost', async () => {
  const { number } = await newDomain()
  for (let round = 0; round < 20; round++) {
    await put(number, 'i', [pair('a', '1')])
    await Promise.all([change(number, 'i', () => []), put(number, 'j', [pair('a', '2')])])
    const [found] = await engine.read((tx) => collected(walkItems(tx, number)))
    assert.equal(found?.name, 'j')
    assert.deepEqual(await findings(), [])
    await change(number, 'j', () => [])
  }
})

test('a domain is deleted in one step, and a write that began before can’t follow', async () => {
  const domain = await newDomain()
  await put(domain.number, 'i', [pair('a', '1')])
  let ran = 0
  const late = engine.write(async (tx) => {
    ran++
    const found = await findDomain(tx, 'o', domain.name)
    if (found === undefined) return 'refused'
    const before = await findItem(tx, found.number, 'j')
    await writeItem({ tx, ids, domain: found.number }, 'j', before, [{ name: 'a', values: ['2'] }])
    if (ran === 1) void engine.write(async (other) => deleteDomain(other, domain))
    return 'written'
  })
  const outcome = await late
  await engine.write(async (tx) => deleteDomain(tx, domain))
  while ((await collectDomains(engine, { maxRows: 3 })).hasMore);
  assert.ok(outcome === 'refused' || outcome === 'written')
  assert.equal(await rowsOf(domain.number), 0)
  assert.deepEqual(await findings(), [])
})

test('domains are listed by name, each owner’s apart, from any name on', async () => {
  const owners = ['left', 'l'.repeat(2000)]
  await engine.write(async (tx) => {
    for (const ownerId of owners) {
      for (const name of ['b', 'a', 'c.d', 'B'])
        createDomain({ tx, ids }, name, { ownerId, createdAt: 1 })
    }
  })
  await engine.read(async (tx) => {
    for (const ownerId of owners) {
      const all = await collected(walkDomains(tx, ownerId))
      assert.deepEqual(
        all.map(({ name }) => name),
        ['B', 'a', 'b', 'c.d'],
      )
      const later = await collected(walkDomains(tx, ownerId, 'a'))
      assert.deepEqual(
        later.map(({ name }) => name),
        ['b', 'c.d'],
      )
      assert.equal((await findDomain(tx, ownerId, 'a'))?.ownerId, ownerId)
      assert.equal(await findDomain(tx, ownerId, 'missing'), undefined)
    }
  })
})

interface Damage {
  readonly tx: WriteTransaction
  readonly domain: number
  readonly item: number
  readonly attribute: number
}

async function brokenBy(damage: (rows: Damage) => void): Promise<string[]> {
  const domain = await newDomain()
  await put(domain.number, 'i', [pair('a', '1'), pair('a', '2'), pair('b', '3')])
  await engine.write(async (tx) => {
    const item = await findItem(tx, domain.number, 'i')
    const attribute = await findAttribute(tx, domain.number, 'b')
    assert.ok(item !== undefined && attribute !== undefined)
    damage({ tx, domain: domain.number, item: item.number, attribute })
  })
  const found = await findings()
  await engine.write(async (tx) => {
    deleteDomain(tx, domain)
    for (const range of schema.allContents()) {
      for (const { key } of await collected(tx.range(range))) {
        if (schema.domainNumber(key) > domain.number) tx.delete(key)
      }
    }
  })
  while ((await collectDomains(engine, { maxRows: 1000 })).hasMore);
  return [...new Set(found.map(({ invariant }) => invariant))].sort()
}

test('fsck finds each kind of damage', async () => {
  const index = 'every pair is in the index'
  const pairsOnly = 'the index has the pairs of items only'
  const counted = 'a domain counts what is in it'
  const named = 'a name leads to its item'
  const value = utf8('3')
  assert.deepEqual(
    await brokenBy(({ tx, domain, item, attribute }) =>
      tx.delete(schema.pair({ domain, attribute, value }, item)),
    ),
    ['a name without pairs is forgotten', index, pairsOnly].sort(),
  )
  assert.deepEqual(
    await brokenBy(({ tx, domain, item, attribute }) =>
      tx.put(schema.pair({ domain, attribute, value }, item), new Uint8Array([1])),
    ),
    [index],
  )
  assert.deepEqual(
    await brokenBy(({ tx, domain, attribute }) =>
      tx.put(schema.pair({ domain, attribute, value: utf8('4') }, 9), new Uint8Array([0])),
    ),
    [pairsOnly],
  )
  assert.deepEqual(
    await brokenBy(({ tx, domain }) => tx.add(schema.domainCounter(domain, 4), 1n)),
    [counted],
  )
  assert.deepEqual(
    await brokenBy(({ tx, domain }) => tx.delete(schema.itemName(domain, utf8('i')))),
    [named],
  )
  assert.deepEqual(
    await brokenBy(({ tx, domain }) => tx.delete(schema.attributeName(domain, utf8('b')))),
    [counted, "an attribute's name has a number"].sort(),
  )
  assert.deepEqual(
    await brokenBy(({ tx, domain }) =>
      tx.put(schema.lastAttribute(domain), Buffer.from([0x91, 1])),
    ),
    ['no attribute number is used twice'],
  )
  assert.deepEqual(
    await brokenBy(({ tx, domain }) => tx.put(schema.item(domain + 100, 1), new Uint8Array([1]))),
    ['everything is in a domain'],
  )
  assert.deepEqual(
    await brokenBy(({ tx, domain }) => tx.put(schema.queuedDomain(domain), new Uint8Array())),
    ['only deleted domains are queued for collection'],
  )
})
