import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '../base/bytes.ts'
import { asBucketId } from '../base/terms.ts'
import { TokenSealer } from './token.ts'
import { isNonceOf, makeNonce, parseUploadId, uploadIdOf } from './upload-id.ts'

const tokens = new TokenSealer(Buffer.from('secret'))
const random = '0123456789ab'
const address = { bucketId: asBucketId(1), key: utf8('a/key'), number: 42 }

test('an id yields the number and nonce of its upload, and any other text yields none', () => {
  const nonce = makeNonce(tokens, address, random)
  assert.deepEqual(parseUploadId(uploadIdOf(42, nonce)), { number: 42, nonce })
  for (const text of ['', 'x', '0'.repeat(37), '0'.repeat(39), 'F'.repeat(38), 'f'.repeat(38)]) {
    assert.equal(parseUploadId(text), undefined, text)
  }
})

test('a nonce is valid only at the address of its upload', () => {
  const nonce = makeNonce(tokens, address, random)
  assert.ok(nonce.startsWith(random))
  assert.ok(isNonceOf(tokens, address, nonce))
  for (const other of [
    { ...address, bucketId: asBucketId(2) },
    { ...address, number: 43 },
    { ...address, key: utf8('another') },
    // The same text, divided elsewhere.
    { ...address, number: 4, key: utf8('2/a/key') },
  ]) {
    assert.ok(!isNonceOf(tokens, other, nonce))
  }
  assert.ok(!isNonceOf(tokens, address, random + '0'.repeat(12)))
  assert.ok(!isNonceOf(tokens, address, 'f'.repeat(12) + nonce.slice(12)))
  assert.ok(!isNonceOf(new TokenSealer(Buffer.from('another')), address, nonce))
})
