import assert from 'node:assert/strict'
import { test } from 'node:test'
import { folderOf, storeIn } from './store-location.ts'

test('the halves of a store lie in its data folder, whatever characters its path has', () => {
  const { engine, blobs } = storeIn('/data/100% #1?/ü')
  assert.equal(folderOf(engine, 'the engine'), '/data/100% #1?/ü/engine')
  assert.equal(folderOf(blobs, 'the blobs'), '/data/100% #1?/ü/blobs')
})

test('any scheme but file: is refused by name, without the password of the URL', () => {
  assert.throws(() => folderOf(new URL('postgres://me:secret@host/name'), 'the engine'), {
    message: "can't open the engine at postgres://host: only file:/// URLs are supported",
  })
  assert.throws(() => folderOf(new URL('s3://bucket/prefix'), 'the blobs'), {
    message: "can't open the blobs at s3://bucket: only file:/// URLs are supported",
  })
  assert.throws(() => folderOf(new URL('file://host/folder'), 'the blobs'), {
    message: "can't open the blobs at file://host: only file:/// URLs are supported",
  })
})
