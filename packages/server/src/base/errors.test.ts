import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isStoreError, StoreError } from './errors.ts'
import { asLeaseTicket } from './terms.ts'

test('the message of an error lists its facts', () => {
  const error = new StoreError({ code: 'KeyTooLong', sizeBytes: undefined, maximumBytes: 1024 })
  assert.equal(error.message, 'KeyTooLong maximumBytes=1024')
  const blockedBy = { ticket: asLeaseTicket(7), label: 'a b', expiresAt: 0 }
  const blocked = new StoreError({ code: 'LeaseNotGranted', blockedBy })
  assert.equal(
    blocked.message,
    'LeaseNotGranted blockedBy={"ticket":7,"label":"a b","expiresAt":0}',
  )
})

test('an error is told by its code, and keeps its cause', () => {
  const cause = new Error('ENOSPC')
  const error = new StoreError({ code: 'InsufficientStorage', space: 'disk' }, { cause })
  assert.equal(error.cause, cause)
  assert.ok(isStoreError(error))
  assert.ok(isStoreError(error, 'InsufficientStorage'))
  assert.ok(!isStoreError(error, 'StoreClosed'))
  assert.ok(!isStoreError(cause))
})
