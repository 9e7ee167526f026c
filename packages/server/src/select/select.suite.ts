// The contract that every Select source must pass: the results over it, page by page, equal those
// of the reference model. `execute.test.ts` runs it in memory, `select-source.test.ts` over the
// store.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Clock } from '../base/clock.ts'
import type { Select } from './ast.ts'
import { executeSelect, type SelectRequest } from './execute.ts'
import { answerOf, type RandomItem, randomDomain, randomSelect } from './model.fixture.ts'
import type { SelectPage } from './page.ts'
import { parseSelect } from './parse.ts'
import type { SelectPosition } from './plan.ts'
import { printSelect } from './print.ts'
import type { SelectItem, SelectSource } from './source.ts'
import { decodePosition, encodePosition } from './token.ts'

/** A domain under test. */
export interface DomainUnderTest {
  /** Provides a source over one snapshot, valid until `body` has ended. */
  read<T>(body: (source: SelectSource) => Promise<T>): Promise<T>
  destroy(): Promise<void>
}

/** Creates a domain with these items. */
export type OpenDomainUnderTest = (items: readonly RandomItem[]) => Promise<DomainUnderTest>

const scale = Number(process.env['HOLDFAST_TEST_SCALE'] ?? '1')

/** How a client pages through a result. */
interface Reading {
  readonly select: Select
  /** The limit of each page, repeated cyclically. */
  readonly limits: readonly number[]
  /** Size limit of a page in bytes. */
  readonly pageBytes: number
  /** Time limit of a page, on a clock that advances one millisecond per read. */
  readonly budgetMs: number
  /** The number of items to skip by a count with a limit, before the rest is selected. */
  readonly offset: number
}

const reading: fc.Arbitrary<Reading> = fc.record({
  select: randomSelect,
  limits: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 3 }),
  pageBytes: fc.constantFrom(1, 300, 1_048_576),
  budgetMs: fc.constantFrom(0, 5, 30, Infinity),
  offset: fc.integer({ min: 0, max: 4 }),
})

/** Declares the suite for the source called `name`; `domains` is the number of random domains. */
export function selectSuite(name: string, open: OpenDomainUnderTest, domains = 250): void {
  describe(name, () => {
    test('a Select answers page by page what a plain filter and sort answer', async () => {
      await fc.assert(
        fc.asyncProperty(
          randomDomain,
          fc.array(reading, { minLength: 4, maxLength: 4 }),
          (...args) => checkReadings(open, ...args),
        ),
        { numRuns: Math.ceil(domains * scale) },
      )
    })
    for (const expression of hardCases) {
      test(expression, async () => {
        const domain = await open(hardDomain())
        try {
          const all = await domain.read(everyItem)
          const select = parseSelect(expression)
          for (const limits of [[1], [2, 5]]) {
            for (const budgetMs of [0, 12, Infinity]) {
              for (const offset of [0, 3]) {
                const one = { select, limits, pageBytes: 1_048_576, budgetMs, offset }
                await checkItems(domain, all, one)
                await checkCounts(domain, all, one)
              }
            }
          }
        } finally {
          await domain.destroy()
        }
      })
    }
  })
}

/**
 * Cases that random generation rarely hits: one attribute in nested scopes, ties, items left out.
 */
const hardCases = [
  "select * from d where not (not (tag = 'c')) and tag < 'b'",
  "select * from d where (tag = 'a' or not (not (tag = 'c'))) and tag < 'b'",
  "select * from d where (tag = 'c' intersection absent is null) and tag < 'b'",
  "select * from d where (tag = 'a' or (tag = 'c' intersection absent is null)) and tag < 'b'",
  "select * from d where (tag > 'b' intersection tag < 'b') and group = '1' order by tag",
  "select * from d where (tag = 'c' intersection absent is null) and tag < 'b' order by tag desc",
  "select * from d where tag like '%c' and tag like '%cc' order by tag",
  "select * from d where (tag like '%c' or tag = 'a') and group = '1' order by tag desc",
  "select * from d where group = '1' and tie = 'x' order by tie",
  "select * from d where group = '1' and tie = 'x' order by tie desc",
  "select odd from d where group = '1' and number > '0' order by number",
  "select odd from d where group = '1' and number > '0'",
  "select * from d where tag in ('a', 'c', 'cc') or group = '1' or number > '65'",
  "select * from d where every(tag) < 'b' and tag > 'A' order by tag",
  "select * from d where group = '1' order by itemName() desc",
]

function hardDomain(): readonly RandomItem[] {
  const tags = [
    ['a', 'c'],
    ['a'],
    ['b', 'cc', 'xc'],
    ['c'],
    ['c', 'd'],
    ['a', 'b', 'c'],
    ['0', 'c'],
    ['ac', 'cc'],
  ]
  return Array.from({ length: 70 }, (_, index) => ({
    name: `item${index}`,
    attributes: {
      group: [String(index % 3)],
      tag: tags[index % tags.length] ?? [],
      tie: index % 10 === 0 ? ['w', 'x'] : ['x'],
      number: [String((index * 37) % 70).padStart(2, '0')],
      ...(index % 12 === 1 ? { odd: ['yes'] } : {}),
    },
  }))
}

async function checkReadings(
  open: OpenDomainUnderTest,
  items: readonly RandomItem[],
  readings: readonly Reading[],
): Promise<void> {
  const domain = await open(items)
  try {
    const all = await domain.read(everyItem)
    assert.equal(all.length, items.length)
    for (const one of readings) {
      await checkItems(domain, all, one)
      await checkCounts(domain, all, one)
    }
  } finally {
    await domain.destroy()
  }
}

async function checkItems(
  domain: DomainUnderTest,
  all: readonly SelectItem[],
  { select, limits, pageBytes, budgetMs, offset }: Reading,
): Promise<void> {
  const expected = answerOf(all, select)
  const found: SelectItem[] = []
  let after: SelectPosition | undefined
  let skipped = 0
  // A count also counts items without the requested attributes.
  if (offset > 0 && select.output.kind !== 'attributes') {
    const count = await page(domain, { ...select, output: { kind: 'count' }, limit: offset })
    skipped = count.count ?? 0
    after = count.next
    if (after === undefined) return assert.equal(skipped, expected.length)
  }
  for (let index = 0; index < 10_000; index++) {
    const limit = limits[index % limits.length] ?? 1
    const answer = await page(domain, { ...select, limit }, { after, pageBytes, budgetMs })
    assert.ok(answer.items.length <= limit)
    found.push(...answer.items)
    after = answer.next
    if (after === undefined) break
  }
  const names = found.map(({ name }) => name)
  const expectedNames = expected.map(({ name }) => name)
  if (select.order !== undefined) assert.deepEqual(names, expectedNames.slice(skipped))
  else if (skipped === 0) assert.deepEqual(names.sort(), expectedNames.sort())
  else {
    assert.equal(new Set(names).size, expected.length - skipped)
    assert.ok(names.every((name) => expectedNames.includes(name)))
  }
  for (const item of found) checkOutput(item, expected, select)
}

function checkOutput(item: SelectItem, expected: readonly SelectItem[], { output }: Select): void {
  const whole = expected.find(({ number }) => number === item.number)
  const attributes = [...(whole?.attributes ?? [])].filter(([name]) => {
    if (output.kind === 'attributes') return output.names.includes(name)
    return output.kind === 'all'
  })
  assert.deepEqual(item, { ...whole, attributes: new Map(attributes) })
}

async function checkCounts(
  domain: DomainUnderTest,
  all: readonly SelectItem[],
  { select, limits, budgetMs, offset }: Reading,
): Promise<void> {
  const counting: Select = { ...select, output: { kind: 'count' } }
  const expected = answerOf(all, counting).length
  let counted = 0
  let after: SelectPosition | undefined
  for (let index = 0; index < 10_000; index++) {
    const limit = offset === 0 ? undefined : limits[index % limits.length]
    const limited = limit === undefined ? counting : { ...counting, limit }
    const answer = await page(domain, limited, { after, budgetMs })
    assert.deepEqual(answer.items, [])
    assert.ok(limit === undefined || (answer.count ?? 0) <= limit)
    counted += answer.count ?? 0
    after = answer.next
    if (after === undefined) break
  }
  assert.equal(counted, expected)
}

/** Executes one page as a client would request it, with a token as a client receives it. */
async function page(
  domain: DomainUnderTest,
  select: Select,
  how: Partial<Pick<SelectRequest, 'after' | 'pageBytes' | 'budgetMs'>> = {},
): Promise<SelectPage> {
  const parsed = parseSelect(printSelect(select))
  assert.deepEqual(parsed, select)
  const after = how.after && decodePosition(encodePosition(how.after))
  const request = { ...how, after, select: parsed, clock: tickingClock() }
  return domain.read((source) => executeSelect(source, request))
}

function tickingClock(): Clock {
  let time = 0
  const tick = (): number => time++
  return { now: tick, monotonicMs: tick }
}

async function everyItem(source: SelectSource): Promise<readonly SelectItem[]> {
  const items: SelectItem[] = []
  for (;;) {
    const { rows, isLast } = await source.scanItems({ after: items.at(-1)?.number, limit: 100 })
    items.push(...rows)
    if (isLast) return items
  }
}
