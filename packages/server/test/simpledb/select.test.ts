import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { InProcessServer } from '../s3/in-process.ts'
import { itemsIn, pairsIn, type QueryAnswer, QueryClient, xmlText } from './query.ts'

const server = await InProcessServer.start()
const sdb = new QueryClient(server.port, server.credential())

after(async () => {
  sdb.close()
  await server.closeWithoutFaults()
})

/** The data set of Amazon's developer guide. */
const books: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  '0385333498': {
    Title: ['The Sirens of Titan'],
    Author: ['Kurt Vonnegut'],
    Year: ['1959'],
    Pages: ['00336'],
    Keyword: ['Book', 'Paperback'],
    Rating: ['*****', '5 stars', 'Excellent'],
  },
  '0802131786': {
    Title: ['Tropic of Cancer'],
    Author: ['Henry Miller'],
    Year: ['1934'],
    Pages: ['00318'],
    Keyword: ['Book'],
    Rating: ['****'],
  },
  '1579124585': {
    Title: ['The Right Stuff'],
    Author: ['Tom Wolfe'],
    Year: ['1979'],
    Pages: ['00304'],
    Keyword: ['Book', 'Hardcover', 'American'],
    Rating: ['****', '4 stars'],
  },
  B000T9886K: {
    Title: ['In Between'],
    Author: ['Paul Van Dyk'],
    Year: ['2007'],
    Keyword: ['CD', 'Trance'],
    Rating: ['4 stars'],
  },
  B00005JPLW: {
    Title: ['300'],
    Author: ['Zack Snyder'],
    Year: ['2007'],
    Keyword: ['DVD', 'Action', 'Frank Miller'],
    Rating: ['***', '3 stars', 'Not bad'],
  },
  B000SF3NGK: {
    Title: ["Heaven's Gonna Burn Your Eyes"],
    Author: ['Thievery Corporation'],
    Year: ['2002'],
    Rating: ['*****'],
  },
}

before(async () => {
  await sdb.ok('CreateDomain', { DomainName: 'mydomain' })
  const parameters: Record<string, string> = { DomainName: 'mydomain' }
  for (const [y, [name, attributes]] of Object.entries(books).entries()) {
    parameters[`Item.${y}.ItemName`] = name
    const pairs = Object.entries(attributes).flatMap(([key, values]) =>
      values.map((value) => [key, value] as const),
    )
    for (const [x, [key, value]] of pairs.entries()) {
      parameters[`Item.${y}.Attribute.${x}.Name`] = key
      parameters[`Item.${y}.Attribute.${x}.Value`] = value
    }
  }
  await sdb.ok('BatchPutAttributes', parameters)
})

const select = (
  SelectExpression: string,
  more: Record<string, string> = {},
): Promise<QueryAnswer> => sdb.call('Select', { SelectExpression, ...more })

async function found(expression: string): Promise<string[]> {
  const answer = await select(expression)
  assert.equal(answer.status, 200, `${expression}: ${answer.message}`)
  return itemsIn(answer.body)
}

/** Conditions, and the items that match, from the guide or by its rules. */
const golden: readonly (readonly [where: string, items: string])[] = [
  ["Title = 'The Right Stuff'", '1579124585'],
  ["Year > '1985'", 'B000T9886K B00005JPLW B000SF3NGK'],
  ["Rating like '****%'", '0385333498 1579124585 0802131786 B000SF3NGK'],
  ["Pages < '00320'", '1579124585 0802131786'],
  ["Year > '1975' and Year < '2008'", '1579124585 B000T9886K B00005JPLW B000SF3NGK'],
  ["Year between '1975' and '2008'", '1579124585 B000T9886K B00005JPLW B000SF3NGK'],
  ["Rating = '***' or Rating = '*****'", '0385333498 B00005JPLW B000SF3NGK'],
  [
    "(Year > '1950' and Year < '1960') or Year like '193%' or Year = '2007'",
    '0385333498 0802131786 B000T9886K B00005JPLW',
  ],
  ["Rating = '4 stars' or Rating = '****'", '1579124585 0802131786 B000T9886K'],
  ["Keyword = 'Book' and Keyword = 'Hardcover'", ''],
  ["every(Keyword) in ('Book', 'Paperback')", '0385333498 0802131786'],
  ["Rating = '****'", '0802131786 1579124585'],
  ["every(Rating) = '****'", '0802131786'],
  ["Keyword = 'Book' intersection Keyword = 'Hardcover'", '1579124585'],
  ["Keyword != 'Book'", '0385333498 1579124585 B00005JPLW B000T9886K'],
  ["every(Keyword) != 'Book'", 'B00005JPLW B000T9886K'],
  ['Keyword is null', 'B000SF3NGK'],
  ['Pages is null', 'B000T9886K B00005JPLW B000SF3NGK'],
  ["not (Keyword = 'Book')", 'B000T9886K B00005JPLW B000SF3NGK'],
  ["itemName() between '0' and '1'", '0385333498 0802131786'],
  ["itemName() > 'B'", 'B000T9886K B00005JPLW B000SF3NGK'],
  ['Title = "Heaven\'s Gonna Burn Your Eyes"', 'B000SF3NGK'],
  ["Title = 'Heaven''s Gonna Burn Your Eyes'", 'B000SF3NGK'],
]

test("the guide's queries have the results in the guide", async () => {
  for (const [where, items] of golden) {
    const names = await found(`select * from mydomain where ${where}`)
    assert.deepEqual(names.sort(), items.split(' ').filter(Boolean).sort(), where)
    const counted = await select(`select count(*) from mydomain where ${where}`)
    assert.deepEqual(itemsIn(counted.body), ['Domain'])
    assert.deepEqual(pairsIn(counted.body), [`Count=${names.length}`])
  }
})

test("the guide's ordered queries are answered in order", async () => {
  const ordered: [string, string][] = [
    [
      "select * from mydomain where Year < '1980' order by Year asc",
      '0802131786 0385333498 1579124585',
    ],
    [
      "select * from mydomain where Year < '1980' order by Year",
      '0802131786 0385333498 1579124585',
    ],
    [
      "select * from mydomain where Year = '2007' intersection Author is not null order by Author desc",
      'B00005JPLW B000T9886K',
    ],
    ["select * from mydomain where Year < '1980' order by Year limit 2", '0802131786 0385333498'],
    [
      "SELECT itemName() FROM mydomain WHERE itemName() LIKE 'B000%' ORDER BY itemName()",
      'B00005JPLW B000SF3NGK B000T9886K',
    ],
  ]
  for (const [query, items] of ordered)
    assert.deepEqual(await found(query), items.split(' '), query)
})

test('an item is answered with the selected attributes that it has', async () => {
  const all = await select("select * from mydomain where itemName() = 'B000T9886K'")
  assert.deepEqual(pairsIn(all.body), [
    'Title=In Between',
    'Author=Paul Van Dyk',
    'Year=2007',
    'Keyword=CD',
    'Keyword=Trance',
    'Rating=4 stars',
  ])
  const some = await select("select Pages, Year from mydomain where Year > '1970'")
  assert.deepEqual(pairsIn(some.body).sort(), [
    'Pages=00304',
    'Year=1979',
    'Year=2002',
    'Year=2007',
    'Year=2007',
  ])
  assert.deepEqual((await found('select Pages from mydomain')).sort(), [
    '0385333498',
    '0802131786',
    '1579124585',
  ])
  const names = await select("select itemName() from mydomain where Year = '1934'")
  assert.match(names.body, /<SelectResult><Item><Name>0802131786<\/Name><\/Item><\/SelectResult>/)
  assert.equal(names.usage, '0.0000140080')
  const none = await select("select * from mydomain where Year = '1'")
  assert.match(none.body, /<SelectResult><\/SelectResult>/)
  assert.equal(none.usage, '0.0000137200')
})

test("the article's example has the cost in the article", async () => {
  const item = { DomainName: 'mydomain', ItemName: 'I1' }
  await sdb.ok('PutAttributes', {
    ...item,
    'Attribute.1.Name': 'A1',
    'Attribute.1.Value': 'V1',
    'Attribute.2.Name': 'VersionNumber',
    'Attribute.2.Value': '30',
  })
  const answer = await select("select * from mydomain where itemName() = 'I1'", {
    ConsistentRead: 'false',
  })
  assert.deepEqual(pairsIn(answer.body), ['A1=V1', 'VersionNumber=30'])
  assert.equal(answer.usage, '0.0000228616')
  await sdb.ok('DeleteAttributes', item)
})

test('pages continue each other, also with another limit, and a count takes the place of a page', async () => {
  const query = "select itemName() from mydomain where Year > '1900' order by Year"
  const all = await found(query)
  assert.equal(all.length, 6)
  const names: string[] = []
  let token: Record<string, string> = {}
  for (const limit of [1, 2, 3, 1]) {
    const { body } = await select(`${query} limit ${limit}`, token)
    names.push(...itemsIn(body))
    const NextToken = xmlText(body, 'NextToken')
    if (NextToken === undefined) break
    token = { NextToken }
  }
  assert.deepEqual(names, all)
  const counted = await select(`${query.replace('itemName()', 'count(*)')} limit 4`)
  assert.deepEqual(pairsIn(counted.body), ['Count=4'])
  const rest = await select(query, { NextToken: xmlText(counted.body, 'NextToken') ?? '' })
  assert.deepEqual(itemsIn(rest.body), all.slice(4))
  const four = await select('select count(*) from mydomain limit 4')
  assert.deepEqual(pairsIn(four.body), ['Count=4'])
  assert.notEqual(xmlText(four.body, 'NextToken'), undefined)
  const plenty = await select('select count(*) from mydomain limit 500')
  assert.deepEqual(pairsIn(plenty.body), ['Count=6'])
})

test('a token is refused in another query, and with any change', async () => {
  const { body } = await select('select * from mydomain limit 2')
  const NextToken = xmlText(body, 'NextToken') ?? ''
  assert.notEqual(NextToken, '')
  const wrapped = NextToken.replace(/.{20}/g, '$&\n')
  assert.equal((await select('select * from mydomain', { NextToken: wrapped })).status, 200)
  const refusals = [
    await select("select * from mydomain where Year > '1'", { NextToken }),
    await select('select * from mydomain order by itemName()', { NextToken }),
    await select('select * from mydomain', { NextToken: `A${NextToken.slice(1)}` }),
    await select('select * from mydomain', { NextToken: '' }),
  ]
  for (const { status, code } of refusals) {
    assert.deepEqual([status, code], [400, 'InvalidNextToken'])
  }
})

test('each way to be wrong has its error', async () => {
  const twenty = (text: (at: number) => string, glue: string): string =>
    Array.from({ length: 21 }, (_, at) => text(at)).join(glue)
  const cases: [string, number, string, RegExp][] = [
    [
      'select * from mydomain where z > 100',
      400,
      'InvalidQueryExpression',
      /^The specified query expression syntax is not valid\./,
    ],
    ['select', 400, 'InvalidQueryExpression', /syntax is not valid/],
    ['', 400, 'InvalidQueryExpression', /syntax is not valid/],
    [
      'select * from mydomain order by Year asc',
      400,
      'InvalidSortExpression',
      /^Invalid sort expression\. The sort attribute must be present/,
    ],
    [
      'select * from mydomain limit 0',
      400,
      'InvalidParameterValue',
      /^Value \(0\) for parameter MaxNumberOfItems is invalid\./,
    ],
    [
      'select * from mydomain limit 2501',
      400,
      'InvalidParameterValue',
      /must be between 1 and 2500/,
    ],
    ['select * from missing', 400, 'NoSuchDomain', /^The specified domain does not exist\.$/],
    [
      `select * from mydomain where ${twenty((at) => `a${at} = '1'`, ' and ')}`,
      400,
      'InvalidNumberPredicates',
      /^Too many predicates in the query expression\.$/,
    ],
    [
      `select * from mydomain where a in (${twenty((at) => `'${at}'`, ',')})`,
      400,
      'InvalidNumberValueTests',
      /^Too many value tests per predicate in the query expression\.$/,
    ],
    ...[
      `a = '${'x'.repeat(1025)}'`,
      `a in ('x', "${'é'.repeat(513)}")`,
      `a between 'a' and '${'x'.repeat(1025)}'`,
      `a like '%${'x'.repeat(1025)}'`,
      `itemName() != '${'x'.repeat(1025)}'`,
    ].map((where): (typeof cases)[number] => [
      `select * from mydomain where ${where}`,
      400,
      'InvalidLiteral',
      /^Illegal literal in the filter expression\.$/,
    ]),
    [
      `select ${Array.from({ length: 257 }, (_, at) => `a${at}`).join(',')} from mydomain`,
      400,
      'TooManyRequestedAttributes',
      /^Too many attributes requested\.$/,
    ],
    [
      `select \`${'x'.repeat(1025)}\` from mydomain`,
      400,
      'InvalidParameterValue',
      /for parameter AttributeName is invalid\. Value exceeds maximum length of 1024\.$/,
    ],
  ]
  for (const [query, status, code, message] of cases) {
    const answer = await select(query)
    assert.deepEqual([answer.status, answer.code], [status, code], query)
    assert.match(answer.message ?? '', message)
    assert.equal(answer.usage, '0.0000137200')
  }
  const missing = await sdb.call('Select', {})
  assert.equal(missing.message, 'The request must contain the parameter SelectExpression')
  const flag = await select('select * from mydomain', { ConsistentRead: 'yes' })
  assert.equal(
    flag.message,
    'Value (yes) for parameter ConsistentRead is invalid. The ConsistentRead flag should be either true or false.',
  )
})

test('a plan is explained', async () => {
  const { body } = await sdb.ok('ExplainSelect', {
    SelectExpression: "select * from mydomain where Year = '2007' and Author like 'P%'",
  })
  const plan: unknown = JSON.parse(xmlText(body, 'Plan') ?? '')
  assert.match(JSON.stringify(plan), /Year|Author/)
})
