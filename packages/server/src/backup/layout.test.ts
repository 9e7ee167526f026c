import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { asStartId } from '../base/terms.ts'
import { blobId } from '../blob/id.ts'
import { blobName, numberedName, parseBlobName, parseNumbered } from './layout.ts'

const number = fc.nat({ max: Number.MAX_SAFE_INTEGER })
const crc32 = fc.option(fc.nat({ max: 0xffffffff }), { nil: undefined })

test('the name of a blob leads back to its id', () => {
  fc.assert(
    fc.property(number, number, crc32, (start, sequence, sum) => {
      const id = blobId(asStartId(start), sequence)
      assert.equal(parseBlobName(blobName(id, sum)), id)
    }),
  )
})

test('a name that no blob has is not taken for one', () => {
  const names = [
    'blobs/1/0/0/1.xyz',
    'blobs/1/0/0/1.89ABCDEF',
    'blobs/1/0/1/1',
    'blobs/01/0/0/1',
    'blobs/../0/0/1',
    'blobs/1/0/0/1/2',
    'blobs/99999999999999999/0/0/1',
    '/blobs/1/0/0/1',
    'rows/00000001',
  ]
  for (const name of names) assert.equal(parseBlobName(name), undefined, name)
})

test('the name of a numbered file leads back to its kind and number, and no other name does', () => {
  for (const kind of ['rows', 'sums', 'inherited'] as const) {
    for (const at of [1, 99_999_999, 100_000_000]) {
      assert.deepEqual(parseNumbered(numberedName(kind, at)), { kind, number: at })
    }
  }
  for (const name of ['rows/1', 'rows/000000001', 'other/00000001', 'rows', 'rows/00000001/x']) {
    assert.equal(parseNumbered(name), undefined, name)
  }
})
