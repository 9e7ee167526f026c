import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeEnd, decodeHead, type End, encodeEnd, encodeHead } from './document.ts'
import { BackupError } from './error.ts'

const sha256 = 'ab'.repeat(32)
const end: End = {
  head: sha256,
  moment: '2026-01-01T00:00:00.000Z',
  chunks: 1,
  rows: 2,
  blobs: 3,
  blobBytes: 4,
  inheritedBlobs: 5,
  sums: [sha256],
  inherited: [],
  damaged: [{ body: 'blob 1-2', fault: 'its file is missing', objects: ['b/k\u2028"'] }],
  lost: ['1-3'],
}

test('head and end are read as they were written', () => {
  const head = {
    rowFormat: 1,
    version: '1.0.0',
    id: 'a',
    store: 'b',
    base: { id: 'c', folder: '../d' },
  }
  assert.deepEqual(decodeHead(encodeHead(head), 1), head)
  assert.deepEqual(decodeEnd(encodeEnd(end)), end)
})

test('no changed bit of an end goes unnoticed', () => {
  const bytes = encodeEnd(end)
  for (let at = 0; at < bytes.byteLength; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ (1 << bit)
      assert.throws(() => decodeEnd(changed), BackupError, `bit ${bit} of byte ${at}`)
    }
  }
})

test('a newer format of backups or of rows is refused with the version that reads it', () => {
  const head = { rowFormat: 2, version: '3.2.1', id: 'a', store: 'b' }
  assert.throws(
    () => decodeHead(encodeHead(head), 1),
    /Holdfast 3\.2\.1: restore it with that version/,
  )
  assert.deepEqual(decodeHead(encodeHead(head), 2), head)
  const later = Buffer.from('{"holdfastBackup":2,"rowFormat":1,"version":"9"}')
  assert.throws(() => decodeHead(later, 1), /made by a newer version/)
})

test('what is no head is called damaged, without its content', () => {
  for (const text of ['', '{', '[]', '{"holdfastBackup":"secret"}', '\0'.repeat(100)]) {
    assert.throws(
      () => decodeHead(Buffer.from(text), 1),
      (error) => {
        return error instanceof BackupError && !error.message.includes('secret')
      },
    )
  }
})
