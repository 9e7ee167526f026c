import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ownLimits } from '../../base/limits.ts'
import { parseCredential, SigningKeys } from './credential.ts'

function scope(region: string) {
  const text = `AKID/20240101/${region}/s3/aws4_request`
  const credential = parseCredential(text, { region: undefined, service: 's3' })
  assert.ok(!('fault' in credential))
  return credential
}

test('a remembered key is the derived one, also after it was forgotten', () => {
  const keys = new SigningKeys()
  const first = keys.get(scope('r'), 'secret')
  assert.equal(keys.get(scope('r'), 'secret'), first)
  for (let i = 0; i <= ownLimits.signingKeys; i++) keys.get(scope(`r${i}`), 'secret')
  const again = keys.get(scope('r'), 'secret')
  assert.notEqual(again, first)
  assert.ok(again.equals(first))
})

test('keys differ by secret and by every part of the scope', () => {
  const keys = new SigningKeys()
  const exported = [
    keys.get(scope('a'), 'secret'),
    keys.get(scope('b'), 'secret'),
    keys.get(scope('a'), 'other'),
    keys.get({ ...scope('a'), accessKeyId: 'AKIE', date: '20240102' }, 'secret'),
  ].map((key) => key.export().toString('hex'))
  assert.equal(new Set(exported).size, exported.length)
})
