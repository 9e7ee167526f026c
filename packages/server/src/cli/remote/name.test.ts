// Names of buckets, folders, objects and files, as they are typed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UsageError } from '../../base/options.ts'
import { isFolder, lastName, parsePair, parseRemote, show } from './name.ts'

test('a name has a bucket and, behind the first slash, a key that is left as it is', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['s3://photos/2026/sea.jpg', 'photos', '2026/sea.jpg'],
    ['photos/2026/', 'photos', '2026/'],
    ['s3://photos', 'photos', ''],
    ['photos/', 'photos', ''],
    ['photos//a/../b//', 'photos', '/a/../b//'],
  ]
  for (const [text, bucket, key] of cases) assert.deepEqual(parseRemote(text), { bucket, key })
  for (const text of ['', '/', 's3://', './x', '../x', '~/x', '/etc/passwd', 'a b/c']) {
    assert.throws(() => parseRemote(text), UsageError, text)
  }
})

test('what is of this machine and what is in a bucket is told by s3://, or else by its beginning', () => {
  const kinds = (from: string, to: string): string =>
    parsePair([from, to])
      .map(({ kind }) => kind)
      .join(' ')
  assert.equal(kinds('photo.jpg', 's3://photos/'), 'local remote')
  assert.equal(kinds('s3://photos/x', 'x'), 'remote local')
  assert.equal(kinds('s3://photos/x', 's3://photos/y'), 'remote remote')
  assert.equal(kinds('photos/x', 'photos/y'), 'remote remote')
  assert.equal(kinds('./photo.jpg', 'photos/'), 'local remote')
  assert.equal(kinds('photos/x', '/tmp/x'), 'remote local')
  assert.equal(kinds('photos/x', '~/x'), 'remote local')
  assert.equal(kinds('-', 'photos/x'), 'stream remote')
  assert.equal(kinds('s3://photos/x', '-'), 'remote stream')
})

test('a folder ends in a slash, and so does its last name', () => {
  assert.ok(isFolder({ bucket: 'b', key: '' }))
  assert.ok(isFolder({ bucket: 'b', key: 'a/' }))
  assert.ok(!isFolder({ bucket: 'b', key: 'a' }))
  assert.equal(lastName('a/b/c'), 'c')
  assert.equal(lastName('a/b/'), 'b/')
  assert.equal(lastName('a'), 'a')
  assert.equal(lastName('a/'), 'a/')
  assert.equal(lastName('a//'), '/')
  assert.equal(show({ bucket: 'b', key: 'a/' }), 's3://b/a/')
})
