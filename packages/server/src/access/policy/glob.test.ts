import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { anyText, anyUnit, type Glob, globOf } from './glob.ts'

function glob(pattern: string): Glob {
  return globOf(
    [...pattern].map((unit) => (unit === '*' ? anyText : unit === '?' ? anyUnit : unit)),
  )
}

/** The same by a recursion that any reader can check. */
function matchesSlowly(pattern: string, text: string): boolean {
  if (pattern === '') return text === ''
  const rest = pattern.slice(1)
  if (pattern.startsWith('*')) {
    return matchesSlowly(rest, text) || (text !== '' && matchesSlowly(pattern, text.slice(1)))
  }
  if (text === '') return false
  const isSame = pattern.startsWith('?') || pattern[0] === text[0]
  return isSame && matchesSlowly(rest, text.slice(1))
}

const patterns = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 8 })
const texts = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 8 })

test('a pattern matches the texts that the definition of its wildcards says', () => {
  fc.assert(
    fc.property(patterns, texts, (pattern, text) => {
      assert.equal(glob(pattern).matches(text), matchesSlowly(pattern, text))
    }),
    { numRuns: 3000 },
  )
})

test('a pattern that contains all below a prefix matches each text below', () => {
  fc.assert(
    fc.property(patterns, texts, texts, (pattern, prefix, rest) => {
      if (!glob(pattern).containsAllBelow(prefix)) return
      assert.ok(matchesSlowly(pattern, prefix + rest))
    }),
    { numRuns: 3000 },
  )
})

test('a pattern that matches a text below a prefix meets it', () => {
  fc.assert(
    fc.property(patterns, texts, texts, (pattern, prefix, rest) => {
      if (!matchesSlowly(pattern, prefix + rest)) return
      assert.ok(glob(pattern).meetsAnyBelow(prefix))
    }),
    { numRuns: 3000 },
  )
})

test('patterns that contain or meet a prefix', () => {
  const cases = [
    ['b/*', 'b/', true, true],
    ['b/*', 'b/a/', true, true],
    ['b/a/*', 'b/', false, true],
    ['b/a*', 'b/a/', true, true],
    ['b/a/x*', 'b/a/', false, true],
    ['*', 'b/', true, true],
    ['b/a/', 'b/a/', false, true],
    ['b/c/*', 'b/a/', false, false],
    ['b/?/*', 'b/a/', true, true],
    ['b/*.jpg', 'b/a/', false, true],
    ['b/a/?*', 'b/a/', false, true],
    ['b', 'b/', false, false],
  ] as const
  for (const [pattern, prefix, contains, meets] of cases) {
    assert.equal(glob(pattern).containsAllBelow(prefix), contains, `${pattern} contains ${prefix}`)
    assert.equal(glob(pattern).meetsAnyBelow(prefix), meets, `${pattern} meets ${prefix}`)
  }
})

test('a long piece with question marks is found at any place', () => {
  const piece = `${'a?'.repeat(40)}b`
  const found = `x${'ac'.repeat(40)}bx`
  assert.ok(glob(`*${piece}*`).matches(found))
  assert.ok(glob(`*${piece}*`).matches(`${'ac'.repeat(300)}b`))
  assert.ok(!glob(`*${piece}*`).matches('ac'.repeat(300)))
})

test('a hostile pattern takes no time that grows with its stars', () => {
  const pattern = `${'*a?'.repeat(5000)}b`
  assert.ok(!glob(pattern).matches('a'.repeat(20_000)))
})
