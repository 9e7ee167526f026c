// The published examples of SimpleDB's developer guide with their results, on its data set. Some
// more are derived from its rules.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { systemClock } from '../base/clock.ts'
import { StoreError } from '../base/errors.ts'
import { executeSelect } from './execute.ts'
import { MemorySource } from './memory-source.fixture.ts'
import type { SelectPage } from './page.ts'
import { parseSelect } from './parse.ts'

const sirens = '0385333498'
const tropic = '0802131786'
const stuff = '1579124585'
const between = 'B000T9886K'
const hundreds = 'B00005JPLW'
const heaven = 'B000SF3NGK'

const domain = new MemorySource([
  {
    name: sirens,
    attributes: {
      Title: ['The Sirens of Titan'],
      Author: ['Kurt Vonnegut'],
      Year: ['1959'],
      Pages: ['00336'],
      Keyword: ['Book', 'Paperback'],
      Rating: ['*****', '5 stars', 'Excellent'],
    },
  },
  {
    name: tropic,
    attributes: {
      Title: ['Tropic of Cancer'],
      Author: ['Henry Miller'],
      Year: ['1934'],
      Pages: ['00318'],
      Keyword: ['Book'],
      Rating: ['****'],
    },
  },
  {
    name: stuff,
    attributes: {
      Title: ['The Right Stuff'],
      Author: ['Tom Wolfe'],
      Year: ['1979'],
      Pages: ['00304'],
      Keyword: ['American', 'Book', 'Hardcover'],
      Rating: ['****', '4 stars'],
    },
  },
  {
    name: between,
    attributes: {
      Title: ['In Between'],
      Author: ['Paul Van Dyk'],
      Year: ['2007'],
      Keyword: ['CD', 'Trance'],
      Rating: ['4 stars'],
    },
  },
  {
    name: hundreds,
    attributes: {
      Title: ['300'],
      Author: ['Zack Snyder'],
      Year: ['2007'],
      Keyword: ['Action', 'DVD', 'Frank Miller'],
      Rating: ['***', '3 stars', 'Not bad'],
    },
  },
  {
    name: heaven,
    attributes: {
      Title: ["Heaven's Gonna Burn Your Eyes"],
      Author: ['Thievery Corporation'],
      Year: ['2002'],
      Rating: ['*****'],
    },
  },
])

function ask(expression: string): Promise<SelectPage> {
  return executeSelect(domain, { select: parseSelect(expression), clock: systemClock })
}

const published: readonly (readonly [where: string, items: readonly string[]])[] = [
  ["Title = 'The Right Stuff'", [stuff]],
  ["Year > '1985'", [between, hundreds, heaven]],
  ["Rating like '****%'", [sirens, stuff, tropic, heaven]],
  ["Pages < '00320'", [stuff, tropic]],
  ["Year > '1975' and Year < '2008'", [stuff, between, hundreds, heaven]],
  ["Year between '1975' and '2008'", [stuff, between, hundreds, heaven]],
  ["Rating = '***' or Rating = '*****'", [sirens, hundreds, heaven]],
  [
    "(Year > '1950' and Year < '1960') or Year like '193%' or Year = '2007'",
    [sirens, tropic, between, hundreds],
  ],
  ["Rating = '4 stars' or Rating = '****'", [stuff, tropic, between]],
  ["Keyword = 'Book' and Keyword = 'Hardcover'", []],
  ["every(Keyword) in ('Book', 'Paperback')", [sirens, tropic]],
  ["Rating = '****'", [tropic, stuff]],
  ["every(Rating) = '****'", [tropic]],
  ["Keyword = 'Book' intersection Keyword = 'Hardcover'", [stuff]],
]

const derived: typeof published = [
  ["Keyword != 'Book'", [sirens, stuff, hundreds, between]],
  ["every(Keyword) != 'Book'", [hundreds, between]],
  ['Keyword is null', [heaven]],
  ['Pages is null', [between, hundreds, heaven]],
  ["Rating like '%stars'", [sirens, stuff, hundreds, between]],
  ["Rating not like '%stars'", [sirens, tropic, stuff, hundreds, heaven]],
  ["every(Rating) not like '%stars'", [tropic, heaven]],
  ["Keyword = 'Book' and Year > '1950'", [sirens, stuff]],
  ["Keyword = 'Book' intersection Rating = '4 stars'", [stuff]],
  ["not (Keyword = 'Book')", [between, hundreds, heaven]],
  ["itemName() between '0' and '1'", [sirens, tropic]],
  ["itemName() > 'B'", [between, hundreds, heaven]],
  [
    `Title = "Heaven's Gonna Burn Your Eyes" and Title = 'Heaven''s Gonna Burn Your Eyes'`,
    [heaven],
  ],
]

const ordered: typeof published = [
  ["Year < '1980' order by Year asc", [tropic, sirens, stuff]],
  ["Year < '1980' order by Year", [tropic, sirens, stuff]],
  ["Year = '2007' intersection Author is not null order by Author desc", [hundreds, between]],
  ["Year < '1980' order by Year limit 2", [tropic, sirens]],
  ["itemName() like 'B000%' order by itemName()", [hundreds, heaven, between]],
]

describe('the developer guide’s queries', () => {
  for (const [where, items] of [...published, ...derived]) {
    test(where, async () => {
      const { items: found, next } = await ask(`select * from mydomain where ${where}`)
      assert.deepEqual(found.map(({ name }) => name).sort(), [...items].sort())
      assert.equal(next, undefined)
    })
  }

  for (const [where, items] of ordered) {
    test(where, async () => {
      const { items: found, next } = await ask(`select itemName() from mydomain where ${where}`)
      assert.deepEqual(
        found.map(({ name }) => name),
        items,
      )
      assert.equal(next !== undefined, where.endsWith('limit 2'))
    })
  }

  test('an order without a condition on its attribute is refused', async () => {
    await assert.rejects(
      async () => ask('select * from mydomain order by Year asc'),
      (error) => error instanceof StoreError && error.code === 'InvalidSortExpression',
    )
  })

  for (const [expression, count, isMore] of [
    ["select count(*) from mydomain where Title = 'The Right Stuff'", 1, false],
    ["select count(*) from mydomain where Year > '1985'", 3, false],
    ['select count(*) from mydomain limit 500', 6, false],
    ['select count(*) from mydomain limit 4', 4, true],
  ] as const) {
    test(expression, async () => {
      const page = await ask(expression)
      assert.equal(page.count, count)
      assert.equal(page.next !== undefined, isMore)
    })
  }
})
