import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Glob } from './glob.ts'

test('patterns match whole names, and only ** crosses slashes', () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ['*.csv', 'a.csv', true],
    ['*.csv', 'x/a.csv', false],
    ['**/*.csv', 'x/y/a.csv', true],
    ['**/*.csv', 'a.csv', true],
    ['cache/**', 'cache/a/b', true],
    ['cache/**', 'cached', false],
    ['a?c', 'abc', true],
    ['a?c', 'a/c', false],
    ['a?c', 'aüc', true],
    ['[a-c]1', 'b1', true],
    ['[!a-c]1', 'b1', false],
    ['[!a-c]1', 'd1', true],
    ['[!a]', '/', false],
    ['[', '[', true],
    ['[]]', ']', true],
    ['a.c', 'abc', false],
    ['(a|b)+$', '(a|b)+$', true],
    ['[z-a]', '[z-a]', true],
  ]
  for (const [pattern, name, matches] of cases) {
    assert.equal(new Glob(pattern).matches(name), matches, `${pattern} ${name}`)
  }
})
