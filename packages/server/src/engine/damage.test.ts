import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explainDamage } from './damage.ts'
import { DamageError } from './engine.ts'

test('errors about corrupt pages become a DamageError, once', () => {
  const error = new Error('MDB_CORRUPTED: Located page was wrong type')
  const explained = explainDamage(error)
  assert.ok(explained instanceof DamageError)
  assert.match(
    explained.message,
    /^The store is damaged \(MDB_CORRUPTED: .* wrong type\)\. Suspect/,
  )
  assert.equal(explained.cause, error)
  assert.equal(explainDamage(explained), explained)
})

test('other errors stay as they are', () => {
  for (const error of [new Error('MDB_MAP_FULL: …'), new TypeError('x'), undefined]) {
    assert.equal(explainDamage(error), error)
  }
})
