// The meaning of conditions on the developer guide's data set, and the worst case of one item.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { compileExpression } from './evaluate.ts'
import { matchesPattern, splitPattern } from './like.ts'
import { holds, randomDomain, randomExpression } from './model.fixture.ts'
import { parseSelect } from './parse.ts'

const scale = Number(process.env['HOLDFAST_TEST_SCALE'] ?? '1')

function matcher(expression: string): ReturnType<typeof compileExpression> {
  const { where } = parseSelect(`select * from d where ${expression}`)
  assert.ok(where)
  return compileExpression(where)
}

describe('evaluating a where', () => {
  test('it holds exactly where some choice of a value for each attribute makes it hold', () => {
    fc.assert(
      fc.property(randomDomain, randomExpression, (items, expression) => {
        const matches = compileExpression(expression)
        for (const [number, { name, attributes }] of items.entries()) {
          const item = { number, name, attributes: new Map(Object.entries(attributes)) }
          assert.equal(matches(item), holds(expression, item), `item ${name}`)
        }
      }),
      { numRuns: Math.ceil(1000 * scale) },
    )
  })

  test('values are ordered by their bytes, not by their UTF-16 units', () => {
    const item = { name: 'i', attributes: new Map([['a', ['\u{10000}']]]) }
    assert.equal(matcher("a > '\uffff'")(item), true)
    assert.equal(matcher("a < '\uffff'")(item), false)
    assert.equal(matcher("a between '\ud7ff' and '\u{10001}'")(item), true)
    const inner = { name: 'i', attributes: new Map([['a', ['x\uffff']]]) }
    assert.equal(matcher("a < 'x\u{10000}'")(inner), true)
  })

  test('conditions with all their values in one item end in time', () => {
    // Eight, eight and four tests of three attributes: each value passes a different half of them.
    const attributes = new Map<string, string[]>()
    const conditions: string[] = []
    for (const [name, tests] of [
      ['a', 8],
      ['b', 8],
      ['c', 4],
    ] as const) {
      const digits = Array.from({ length: tests }, (_, index) => String.fromCharCode(65 + index))
      for (const digit of digits) conditions.push(`${name} like '%${digit}%'`)
      const halves = subsets(digits, tests / 2)
      attributes.set(name, halves)
    }
    const matches = matcher(conditions.join(' and '))
    const start = process.cpuUsage()
    assert.equal(matches({ name: 'i', attributes }), false)
    assert.ok(process.cpuUsage(start).user < 2_000_000)
  })
})

describe('like', () => {
  for (const [value, pattern, expected] of [
    ['Henry Miller', 'Henry%', true],
    ['Henry Miller', '%Miller', true],
    ['Henry Miller', '%y M%', true],
    ['Henry Miller', 'henry%', false],
    ['Henry', 'Henry%', true],
    ['Henry', 'Henry', true],
    ['Henry', 'Henr', false],
    ['Henry', 'Henr_', false],
    ['3%', '%3\\%', true],
    ['3', '%3\\%', false],
    ['3% more', '3\\%%', true],
    ['a\\b', 'a\\b', true],
    ['aba', 'ab%ba', false],
    ['abba', 'ab%ba', true],
    ['', '%', true],
    ['', '', true],
    ['x', '%%%', true],
    ['a.c', 'a.%', true],
    ['abc', 'a.%', false],
  ] as const) {
    test(`'${value}' like '${pattern}' is ${expected}`, () => {
      assert.equal(matchesPattern(value, splitPattern(pattern)), expected)
    })
  }
})

function subsets(digits: readonly string[], size: number): string[] {
  if (size === 0) return ['']
  return digits.flatMap((digit, index) =>
    subsets(digits.slice(index + 1), size - 1).map((rest) => digit + rest),
  )
}
