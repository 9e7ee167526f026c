// Which access path the planner chooses, what it costs, and how a page ends when its time is over.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Clock, systemClock } from '../base/clock.ts'
import { StoreError } from '../base/errors.ts'
import { executeSelect } from './execute.ts'
import { explainSelect } from './explain.ts'
import { MemorySource } from './memory-source.fixture.ts'
import type { SelectPage } from './page.ts'
import { parseSelect } from './parse.ts'
import type { SelectPosition } from './plan.ts'

const size = 3000

/** 10 items are rare, all are common; number is unique; half of the items have two tags. */
const domain = new MemorySource(
  Array.from({ length: size }, (_, index) => ({
    name: `item${String(index).padStart(5, '0')}`,
    attributes: {
      common: ['yes'],
      rare: [index % 300 === 0 ? 'yes' : 'no'],
      number: [String(size - index).padStart(5, '0')],
      tag: index % 2 === 0 ? ['red'] : ['red', 'round'],
    },
  })),
)

interface Cost {
  readonly entries: number
  readonly items: number
}

/** The number of rows that a Select reads, planning included. */
async function run(
  expression: string,
  how: { readonly after?: SelectPosition; readonly clock?: Clock; readonly budgetMs?: number } = {},
): Promise<{ readonly page: SelectPage; readonly cost: Cost }> {
  const { entries, items } = domain.reads
  const page = await executeSelect(domain, {
    select: parseSelect(expression),
    clock: systemClock,
    budgetMs: 60_000,
    ...how,
  })
  return {
    page,
    cost: { entries: domain.reads.entries - entries, items: domain.reads.items - items },
  }
}

describe('planning', () => {
  test('a page by one condition reads no more than the page', async () => {
    const { page, cost } = await run("select * from d where common = 'yes'")
    assert.equal(page.items.length, 100)
    assert.deepEqual(cost, { entries: 101, items: 100 })
  })

  test('of two conditions, the one with fewer entries is followed', async () => {
    for (const where of [
      "common = 'yes' and rare = 'yes'",
      "rare = 'yes' and common = 'yes'",
      "common = 'yes' intersection rare = 'yes'",
      "rare in ('yes', 'maybe') and (common = 'yes' or number > '00500')",
    ]) {
      const { page, cost } = await run(`select * from d where ${where}`)
      assert.equal(page.items.length, 10)
      assert.equal(cost.items, 10)
      assert.ok(cost.entries <= 120, String(cost.entries))
    }
  })

  test('conditions on one attribute are one range', async () => {
    const { page, cost } = await run(
      "select * from d where number > '00100' and number <= '00120' and number != '00110'",
    )
    assert.equal(page.items.length, 19)
    assert.deepEqual(cost, { entries: 19, items: 19 })
  })

  test('an impossible condition reads nothing', async () => {
    const { cost } = await run("select * from d where tag = 'red' and tag = 'round'")
    assert.deepEqual(cost, { entries: 0, items: 0 })
  })

  test('conditions on different attributes joined by or read both indexes', async () => {
    const { page, cost } = await run("select * from d where rare = 'yes' or number < '00011'")
    assert.equal(page.items.length, 20)
    assert.deepEqual(cost, { entries: 20, items: 20 })
  })

  test('a count of single values reads the index alone', async () => {
    const exact = await run("select count(*) from d where number > '01000'")
    assert.deepEqual([exact.page.count, exact.cost], [2000, { entries: 2000, items: 0 }])
    const tested = await run("select count(*) from d where number like '%7'")
    assert.deepEqual([tested.page.count, tested.cost], [300, { entries: 3000, items: 0 }])
    const several = await run("select count(*) from d where tag > 'red'")
    assert.deepEqual([several.page.count, several.cost], [1500, { entries: 1500, items: 1500 }])
  })

  test('the number of all items isn’t counted', async () => {
    const { page, cost } = await run('select count(*) from d')
    assert.deepEqual([page.count, cost], [size, { entries: 0, items: 0 }])
  })

  test('an order follows its index', async () => {
    const { page, cost } = await run(
      "select * from d where number > '02000' order by number desc limit 10",
    )
    assert.equal(page.items[0]?.attributes.get('number')?.[0], '03000')
    assert.deepEqual(cost, { entries: 11, items: 10 })
  })

  test('few items are sorted rather than sought in the order', async () => {
    const { page, cost } = await run(
      "select itemName() from d where rare = 'yes' and number > '00000' order by number limit 5",
    )
    assert.deepEqual(
      page.items.map(({ name }) => name),
      ['item02700', 'item02400', 'item02100', 'item01800', 'item01500'],
    )
    assert.ok(cost.items < 40, String(cost.items))
  })

  test('many items are taken in their order rather than sorted', async () => {
    const { cost } = await run(
      "select * from d where common = 'yes' and number > '00000' order by number limit 5",
    )
    assert.ok(cost.items < 200, String(cost.items))
  })
})

describe('a page whose time is over', () => {
  /** A clock that advances by a second each time it is read. */
  const hurried = (): Clock => {
    let now = 0
    const tick = (): number => {
      now += 1000
      return now
    }
    return { now: tick, monotonicMs: tick }
  }

  test('has a part, and the rest comes on the next pages', async () => {
    let counted = 0
    let pages = 0
    let after: SelectPosition | undefined
    do {
      const how = { clock: hurried(), budgetMs: 1, ...(after === undefined ? {} : { after }) }
      const { page } = await run("select count(*) from d where tag = 'round'", how)
      counted += page.count ?? 0
      after = page.next
      pages++
    } while (after !== undefined)
    assert.equal(counted, 1500)
    assert.ok(pages > 10, String(pages))
  })

  test('keeps the order although sorting would have been quicker', async () => {
    const names: string[] = []
    let after: SelectPosition | undefined
    do {
      const how = { clock: hurried(), budgetMs: 1, ...(after === undefined ? {} : { after }) }
      const { page } = await run(
        "select itemName() from d where rare = 'yes' and number > '00000' order by number",
        how,
      )
      names.push(...page.items.map(({ name }) => name))
      after = page.next
    } while (after !== undefined)
    assert.deepEqual(names, names.toSorted().reverse())
    assert.equal(names.length, 10)
  })

  test('has no sorted part of the items', async () => {
    for (let budgetMs = 60; budgetMs < 200; budgetMs += 4) {
      const names: string[] = []
      let after: SelectPosition | undefined
      do {
        let now = 0
        const tick = (): number => now++
        const clock = { now: tick, monotonicMs: tick }
        const { page } = await run(
          "select itemName() from d where tag = 'round' and number > '00000' order by number limit 1400",
          { clock, budgetMs, ...(after === undefined ? {} : { after }) },
        )
        names.push(...page.items.map(({ name }) => name))
        after = page.next
      } while (after !== undefined)
      assert.equal(names.length, 1500)
      assert.deepEqual(names, names.toSorted().reverse())
    }
  })

  test('a position of another kind of plan is refused', async () => {
    const isRefused = (error: unknown) =>
      error instanceof StoreError && error.code === 'InvalidNextToken'
    const sorted = { kind: 'sorted', value: Buffer.alloc(0), item: 1 } as const
    await assert.rejects(run("select * from d where rare = 'yes'", { after: sorted }), isRefused)
    const items = { kind: 'items', item: 1 } as const
    await assert.rejects(
      run("select * from d where rare = 'yes' order by rare", { after: items }),
      isRefused,
    )
    const chosen = { ...sorted, kind: 'indexes', path: 0, choices: [7] } as const
    await assert.rejects(
      run("select * from d where rare = 'yes' and common = 'yes'", { after: chosen }),
      isRefused,
    )
  })
})

describe('explaining', () => {
  test('shows the index, its ranges and the residual predicate', async () => {
    const select = parseSelect("select * from d where rare = 'yes' and common = 'yes'")
    assert.deepEqual(await explainSelect(domain, select), {
      plan: 'indexes',
      indexes: [{ index: 'rare', ranges: ["= 'yes'"], entries: 10, hasMore: false }],
      rivals: [],
      filter: "rare = 'yes' and common = 'yes'",
      steps: ["Read the index of rare where = 'yes' (10 entries).", 'Read each item and test it.'],
    })
  })

  test('shows both plans of an ordered page', async () => {
    const select = parseSelect(
      "select * from d where rare = 'yes' and number >= '00100' order by number desc",
    )
    const { steps } = await explainSelect(domain, select)
    assert.deepEqual(steps, [
      "Read the index of number where '00100' <= value (1,000+ entries) backwards: it is in the order asked for.",
      "By turns with it, read all of the index of rare where = 'yes' (10 entries), and sort; the first to end answers.",
      'Read each item and test it.',
    ])
  })

  test('shows when no index helps', async () => {
    const { plan, steps } = await explainSelect(
      domain,
      parseSelect('select * from d where absent is null'),
    )
    assert.equal(plan, 'items')
    assert.equal(steps[0], 'Read every item of the domain: no index has all that may match.')
  })
})
