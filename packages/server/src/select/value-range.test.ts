// Sets of ranges, tested against plain membership.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { compareBytes, utf8 } from '../base/bytes.ts'
import type { ValueTest } from './ast.ts'
import { complement, contains, intersect, type Ranges, sameRanges, unite } from './value-range.ts'
import { compileTest, rangesOf } from './value-test.ts'

const text = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', 'b', '\0', 'é', '\uffff', '\u{10000}'), maxLength: 3 }),
  fc.constantFrom('a'.repeat(1023), `${'a'.repeat(1023)}b`, '\0'.repeat(1024), 'é'.repeat(512)),
)
const literal = fc.oneof(
  { weight: 4, arbitrary: text },
  fc.tuple(text, text).map(([a, b]) => 'a'.repeat(1023) + a + b),
)
const isNegated = fc.boolean()
const valueTest: fc.Arbitrary<ValueTest> = fc.oneof(
  fc.record({
    kind: fc.constant('compare'),
    comparison: fc.constantFrom('=', '!=', '<', '<=', '>', '>='),
    value: literal,
  }),
  fc.record({ kind: fc.constant('between'), low: literal, high: literal, isNegated }),
  fc.record({ kind: fc.constant('in'), values: fc.array(literal, { maxLength: 4 }), isNegated }),
  fc.record({
    kind: fc.constant('like'),
    pattern: fc.tuple(literal, fc.constantFrom('', '%', '%a')).map(([a, b]) => a + b),
    isNegated,
  }),
)
const ranges = fc.array(valueTest, { minLength: 1, maxLength: 3 }).map((tests) => {
  return unite(tests.map((one) => rangesOf(one).ranges))
})

function checkForm(set: Ranges): void {
  for (const [index, { start, end }] of set.entries()) {
    assert.ok(start.byteLength <= 1025 && (end?.byteLength ?? 0) <= 1025)
    assert.ok(end === undefined || compareBytes(start, end) < 0)
    const next = set[index + 1]
    if (next !== undefined) assert.ok(end !== undefined && compareBytes(end, next.start) < 0)
  }
}

describe('ranges of values', () => {
  test('have every value that passes a test, and no other if they are exact', () => {
    fc.assert(
      fc.property(valueTest, text, (one, value) => {
        const { ranges: set, isExact } = rangesOf(one)
        checkForm(set)
        const passes = compileTest(one)(value)
        const isIn = contains(set, utf8(value))
        if (isExact) assert.equal(isIn, passes)
        else assert.ok(isIn || !passes)
      }),
      { numRuns: 1000 },
    )
  })

  test('unite, intersect and invert as sets do', () => {
    fc.assert(
      fc.property(ranges, ranges, text, (a, b, value) => {
        const bytes = utf8(value)
        const [inA, inB] = [contains(a, bytes), contains(b, bytes)]
        for (const [set, expected] of [
          [unite([a, b]), inA || inB],
          [intersect(a, b), inA && inB],
          [complement(a), !inA],
        ] as const) {
          checkForm(set)
          assert.equal(contains(set, bytes), expected)
        }
        assert.ok(sameRanges(complement(complement(a)), a))
      }),
      { numRuns: 1000 },
    )
  })
})
