// The grammar, syntax errors with their positions, and validation of well-formed expressions.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { StoreError } from '../base/errors.ts'
import type { Condition } from './ast.ts'
import { randomSelect } from './model.fixture.ts'
import { parseSelect } from './parse.ts'
import { printExpression, printSelect } from './print.ts'

const scale = Number(process.env['HOLDFAST_TEST_SCALE'] ?? '1')

/** Parses the `where` clause of an expression and prints it in canonical form. */
function where(expression: string): string {
  const { where: found } = parseSelect(`select * from d where ${expression}`)
  assert.ok(found)
  return printExpression(found)
}

function condition(expression: string): Condition {
  const { where: found } = parseSelect(`select * from d where ${expression}`)
  assert.equal(found?.kind, 'condition')
  return found
}

function refusal(expression: string): StoreError {
  try {
    parseSelect(expression)
  } catch (error) {
    assert.ok(error instanceof StoreError, String(error))
    return error
  }
  throw new assert.AssertionError({ message: `not refused: ${expression}` })
}

const unexpected = (expected: string) => ({ kind: 'unexpected token', expected }) as const

const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `a${index}`)

describe('parsing a Select', () => {
  test('every clause is read, whatever the case of its words', () => {
    assert.deepEqual(
      parseSelect('SELECT a, `b-c` From `my-domain` WHERE a IS NOT NULL Order By a DESC LIMIT 7'),
      {
        output: { kind: 'attributes', names: ['a', 'b-c'] },
        domain: 'my-domain',
        where: {
          kind: 'condition',
          operand: { kind: 'attribute', name: 'a' },
          test: { kind: 'null', isNegated: true },
        },
        order: { key: { kind: 'attribute', name: 'a' }, isDescending: true },
        limit: 7,
      },
    )
  })

  test('all items, their names, and their number can be asked for', () => {
    assert.deepEqual(parseSelect('select * from d').output, { kind: 'all' })
    assert.deepEqual(parseSelect('select itemName() from d').output, { kind: 'itemName' })
    assert.deepEqual(parseSelect('select count(*) from d').output, { kind: 'count' })
    assert.deepEqual(parseSelect('select COUNT ( * ) from d').output, { kind: 'count' })
  })

  test('a function name without parentheses is an attribute', () => {
    assert.deepEqual(parseSelect("select count from d where itemName = 'a'"), {
      output: { kind: 'attributes', names: ['count'] },
      domain: 'd',
      where: condition("itemName = 'a'"),
    })
  })

  test('quotes are doubled inside themselves and plain inside the other', () => {
    const twice = condition(`a = 'He said, "That''s the ticket!"'`)
    assert.deepEqual(condition(`a = "He said, ""That's the ticket!"""`), twice)
    assert.deepEqual(twice.test, {
      kind: 'compare',
      comparison: '=',
      value: `He said, "That's the ticket!"`,
    })
    assert.deepEqual(condition("`abc``123` = '1'").operand, { kind: 'attribute', name: 'abc`123' })
    assert.deepEqual(condition("a = ''").test, { kind: 'compare', comparison: '=', value: '' })
  })

  test('a backslash is itself', () => {
    assert.deepEqual(condition("a = '\\'").test, { kind: 'compare', comparison: '=', value: '\\' })
  })

  test('the samples of the developer guide are well-formed', () => {
    for (const sample of [
      "city = 'Seattle' or city = 'Portland'",
      "name != 'John' and name != 'Humberto'",
      "weight > '0034'",
      "weight >= '065'",
      "year <= '2000'",
      "author like 'Henry%'",
      "keyword = 'Book' and author like '%Miller'",
      "author not like 'Henry%'",
      "year between '1998' and '2000'",
      "year in('1998','2000','2003')",
      "`timestamp-1` > '1194393600'",
      "user_id_bill_time like '1234|%' order by user_id_bill_time limit 100",
      'author is null and title is not null order by title',
    ]) {
      parseSelect(`select * from mydomain where ${sample}`)
    }
  })

  test('not binds tighter than and, and than or, or than intersection', () => {
    const [a, b, c, d] = ["a = '1'", "b = '2'", "c = '3'", "d = '4'"]
    const grouped = `${a} or ((not ${b}) and ${c}) intersection ${d} or ${a}`
    assert.equal(where(`${a} or not ${b} and ${c} intersection ${d} or ${a}`), where(grouped))
    assert.equal(where(`((${a}) and (${b})) and ${c}`), `${a} and ${b} and ${c}`)
    assert.equal(
      where(`(${a} or ${b}) and not (${c} or ${d})`),
      `(${a} or ${b}) and not (${c} or ${d})`,
    )
  })

  test('an expression is printed so that it is read as the same', () => {
    fc.assert(
      fc.property(randomSelect, (select) => {
        assert.deepEqual(parseSelect(printSelect(select)), select)
      }),
      { numRuns: Math.ceil(500 * scale) },
    )
  })
})

describe('refusing a Select', () => {
  test('a syntax error has SimpleDB’s text, its place and its reason', () => {
    const error = refusal('select * from d where a > 100')
    assert.equal(error.code, 'InvalidQueryExpression')
    assert.deepEqual(error.refusal, {
      code: 'InvalidQueryExpression',
      position: 26,
      fault: unexpected('a value in quotes'),
    })
  })

  for (const [expression, position, fault] of [
    ['', 0, unexpected('select')],
    ['select', 6, unexpected('*, itemName(), count(*) or an attribute')],
    ['select * where', 9, unexpected('from')],
    ['select * from my-domain', 16, { kind: 'unknown character' }],
    ['select * from d limit', 21, unexpected('a whole number')],
    ['select * from d limit 1 2', 24, unexpected('the end of the expression')],
    ['select * from d limit 1a', 22, { kind: 'unknown character' }],
    ["select * from d where a = 'b", 26, { kind: 'open value' }],
    ["select * from d where `` = 'b'", 22, { kind: 'empty name' }],
    ["select * from d where null = 'b'", 22, unexpected('an attribute')],
    ["select * from d where (a = 'b'", 30, unexpected(')')],
    ["select * from d where a = 'b' or", 32, unexpected('an attribute')],
    ['select * from d where a in ()', 28, unexpected('a value in quotes')],
    ["select * from d where a not = 'b'", 28, unexpected('like, between or in')],
    ["select * from d where every(itemName()) = 'b'", 36, unexpected(')')],
    ["select * from d where lower(a) = 'b'", 27, unexpected('a comparison')],
    ["select * from d where a = 'b' union c = 'd'", 30, unexpected('the end of the expression')],
    ['select *, a from d', 8, unexpected('from')],
    ['select * from d order a', 22, unexpected('by')],
    [`select * from d where ${'('.repeat(101)}`, 122, { kind: 'nested too deeply' }],
  ] as const) {
    test(`at ${position}, ${JSON.stringify(fault)}: ${expression.slice(0, 60)}`, () => {
      const found = refusal(expression).refusal
      assert.deepEqual(found, { code: 'InvalidQueryExpression', position, fault })
    })
  }

  test('a sort attribute needs a condition other than that it is null', () => {
    assert.equal(refusal('select * from d order by a').code, 'InvalidSortExpression')
    assert.equal(
      refusal('select * from d where a is null order by a').code,
      'InvalidSortExpression',
    )
    assert.equal(refusal("select * from d where b = '1' order by a").code, 'InvalidSortExpression')
    parseSelect("select * from d where every(a) = '1' order by a")
    parseSelect('select * from d order by itemName()')
  })

  test('a page has from 1 to 2,500 items, a count may go further', () => {
    const found = refusal('select * from d limit 2501').refusal
    assert.deepEqual(found, { code: 'InvalidLimit', limit: '2501', maximum: 2500 })
    assert.equal(refusal('select * from d limit 0').code, 'InvalidLimit')
    assert.equal(refusal('select count(*) from d limit 0').code, 'InvalidLimit')
    assert.equal(parseSelect('select * from d limit 2500').limit, 2500)
    assert.equal(parseSelect('select count(*) from d limit 10000').limit, 10_000)
  })

  test('20 attributes and 20 comparisons are allowed, no more', () => {
    const compared = (count: number) => names(count).map((name) => `${name} = '1'`)
    parseSelect(`select * from d where ${compared(20).join(' or ')}`)
    const predicates = refusal(`select * from d where ${compared(21).join(' or ')}`)
    assert.equal(predicates.code, 'InvalidNumberPredicates')
    const values = (count: number) => names(count).map((name) => `'${name}'`)
    parseSelect(`select * from d where a in (${values(20).join()}) and b is not null`)
    const tests = refusal(`select * from d where a in (${values(19).join()}) or b > 'a' or b < 'b'`)
    assert.equal(tests.code, 'InvalidNumberValueTests')
  })

  test('256 attributes can be asked for, no more', () => {
    parseSelect(`select ${names(256).join()} from d`)
    const { code } = refusal(`select ${names(257).join()} from d`)
    assert.equal(code, 'TooManyRequestedAttributes')
  })

  test('a name of more than 1,024 bytes is refused', () => {
    const name = 'é'.repeat(513)
    assert.deepEqual(refusal(`select \`${name}\` from d`).refusal, {
      code: 'TextTooLong',
      subject: 'selected attribute',
      text: name,
      maximumBytes: 1024,
    })
    assert.equal(refusal(`select * from d where \`${name}\` = '1'`).code, 'TextTooLong')
    parseSelect(`select \`${'é'.repeat(512)}\` from d`)
  })

  test('any text is either parsed or refused', () => {
    const piece = fc.constantFrom(
      ...["'", '"', '`', '(', ')', ',', '*', '=', '!=', '<', '%', '\\', ' ', 'a', '1', 'é', '\0'],
      ...[
        'select ',
        'from ',
        'where ',
        'order by ',
        'limit ',
        'and ',
        'or ',
        'not ',
        'like ',
        'in ',
      ],
      ...['between ', 'is ', 'null ', 'every', 'itemName()', 'count(*)', "'x' ", 'intersection '],
    )
    const pieces = fc.array(piece, { maxLength: 30 }).map((all) => all.join(''))
    const damaged = fc
      .tuple(randomSelect, fc.nat(), fc.nat({ max: 4 }), piece)
      .map(([select, at, removed, inserted]) => {
        const text = printSelect(select)
        const start = at % (text.length + 1)
        return text.slice(0, start) + inserted + text.slice(start + removed)
      })
    fc.assert(
      fc.property(fc.oneof(damaged, pieces, fc.string({ unit: 'binary' })), (text) => {
        try {
          const select = parseSelect(text)
          assert.deepEqual(parseSelect(printSelect(select)), select)
        } catch (error) {
          if (!(error instanceof StoreError)) throw error
          const { refusal } = error
          if (refusal.code === 'InvalidQueryExpression') assert.ok(refusal.position <= text.length)
        }
      }),
      { numRuns: Math.ceil(1000 * scale) },
    )
  })

  test('a very long text neither exhausts the stack nor takes long', () => {
    const long = 1_000_000
    for (const text of ["'", "''", '`', '(', 'not ', 'a ', "a='b' or ", 'a is null or ', '%']) {
      const some = `select * from d where ${text.repeat(Math.floor(long / text.length))}`
      assert.ok(refusal(some))
      assert.ok(refusal(text.repeat(Math.floor(long / text.length))))
    }
    assert.ok(refusal('a'.repeat(2_000_000)))
  })
})
