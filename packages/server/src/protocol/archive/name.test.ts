import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeName, encodeFolderName, encodeName } from './name.ts'

const plain = { isFolderToo: false }

test('keys that are good names of files are kept as they are', () => {
  for (const key of ['a', 'a/b.txt', 'é/ü ñ', '100%', '50% off', 'a%2fb', '...', 'ab:c', 'a/b:c']) {
    assert.equal(encodeName(key, plain), key)
  }
})

test('keys that no file can have are escaped', () => {
  const escaped: readonly (readonly [key: string, name: string])[] = [
    ['../etc/passwd', '%2E%2E/etc/passwd'],
    ['a/./b', 'a/%2E/b'],
    ['/root', '%_/root'],
    ['a//b', 'a/%_/b'],
    ['a/', 'a/%_'],
    ['', '%_'],
    ['a\\b', 'a%5Cb'],
    ['nul\0', 'nul%00'],
    ['C:/x', 'C%3A/x'],
    ['%_', '%25_'],
    ['%5C', '%255C'],
  ]
  for (const [key, name] of escaped) {
    assert.equal(encodeName(key, plain), name)
    assert.equal(decodeName(name), key)
  }
  assert.equal(encodeName('a', { isFolderToo: true }), 'a%_')
  assert.equal(encodeFolderName('a//'), 'a/%_/')
})

const keys = fc.uniqueArray(
  fc.array(
    fc.constantFrom('/', '.', '%', '_', '\\', '\0', 'a', 'B', ':', '5', 'C', 'é', '\u{10000}'),
  ),
  { maxLength: 30, selector: (parts) => parts.join('') },
)

test('every set of keys has names that differ, that no file shares with a folder, and that decode', () => {
  fc.assert(
    fc.property(keys, (parts) => {
      const all = parts.map((part) => part.join(''))
      const isFolderToo = (key: string) => all.some((other) => other.startsWith(`${key}/`))
      const names = all.map((key) => encodeName(key, { isFolderToo: isFolderToo(key) }))
      assert.deepEqual(names.map(decodeName), all)
      assert.equal(new Set(names).size, names.length)
      const folders = new Set(
        names.flatMap((name) => {
          const segments = name.split('/')
          return segments.slice(1).map((_, index) => segments.slice(0, index + 1).join('/'))
        }),
      )
      for (const name of names) {
        assert(!folders.has(name), `${name} is a file and a folder`)
        for (const segment of name.split('/')) {
          assert(!['', '.', '..'].includes(segment) && !/[\\\0]/.test(segment), name)
        }
        assert.doesNotMatch(name, /^[A-Za-z]:/)
      }
    }),
    { numRuns: 2000 },
  )
})
