// How strings become paths.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { coarsePath, isAtOrAbove, s3Path } from './path.ts'

const key = fc.string({ unit: fc.constantFrom('a', 'b', '/', '-', '.', '\u{10000}', '\uffff') })

test('a coarse string has one leading and one trailing slash dropped', () => {
  for (const root of ['', '/', '//']) assert.deepEqual(coarsePath(root), [])
  for (const same of ['a', '/a', 'a/', '/a/']) assert.deepEqual(coarsePath(same), ['a'])
  assert.deepEqual(coarsePath('a//b'), ['a', '', 'b'])
  assert.deepEqual(coarsePath('//a'), ['', 'a'])
  assert.deepEqual(coarsePath('./A/../é'), ['.', 'A', '..', 'é'])
})

test('an S3 string keeps every slash, so that an object and a folder of one name are two', () => {
  assert.deepEqual(s3Path(''), [])
  assert.deepEqual(s3Path('a'), ['a'])
  assert.deepEqual(s3Path('a/'), ['a/'])
  assert.deepEqual(s3Path('a//b'), ['a/', '/', 'b'])
  assert.deepEqual(s3Path('/a'), ['/', 'a'])
})

test('an S3 folder is above exactly the keys that begin with its prefix', () => {
  fc.assert(
    fc.property(key, key, (folder, name) => {
      const prefix = folder === '' ? '' : `${folder}/`
      assert.equal(s3Path(name).join(''), name)
      assert.equal(isAtOrAbove(s3Path(prefix), s3Path(name)), name.startsWith(prefix))
    }),
  )
})

test('coarse paths are related as their strings with one slash around them are', () => {
  fc.assert(
    fc.property(key, key, (above, path) => {
      const [outer, inner] = [coarsePath(above), coarsePath(path)].map((components) =>
        components.map((name) => `/${name}`).join(''),
      )
      const isPrefix = `${inner}/`.startsWith(`${outer}/`)
      assert.equal(isAtOrAbove(coarsePath(above), coarsePath(path)), isPrefix)
    }),
  )
})
