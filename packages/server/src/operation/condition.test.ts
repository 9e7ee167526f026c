import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isStoreError, type StoreErrorCode } from '../base/errors.ts'
import { checkForWrite, checkRead, checkWrite, type ReadConditions } from './condition.ts'

const object = { etag: 'aa', modifiedAt: Date.UTC(2026, 0, 2, 3, 4, 5, 678) }
const before = Date.UTC(2026, 0, 2, 3, 4, 4)
const same = Date.UTC(2026, 0, 2, 3, 4, 5)

function codeOf(action: () => void): StoreErrorCode | undefined {
  try {
    action()
    return undefined
  } catch (error) {
    assert.ok(isStoreError(error))
    return error.code
  }
}

const reads: [string, ReadConditions, StoreErrorCode | undefined][] = [
  ['no condition', {}, undefined],
  ['If-Match of the ETag', { ifMatch: ['bb', 'aa'] }, undefined],
  ['If-Match of any', { ifMatch: '*' }, undefined],
  ['If-Match of another', { ifMatch: ['bb'] }, 'PreconditionFailed'],
  ['If-None-Match of the ETag', { ifNoneMatch: ['aa'] }, 'NotModified'],
  ['If-None-Match of another', { ifNoneMatch: ['bb'] }, undefined],
  ['If-Modified-Since in the same second', { ifModifiedSince: same }, 'NotModified'],
  ['If-Modified-Since before', { ifModifiedSince: before }, undefined],
  ['If-Unmodified-Since in the same second', { ifUnmodifiedSince: same }, undefined],
  ['If-Unmodified-Since before', { ifUnmodifiedSince: before }, 'PreconditionFailed'],
  [
    'a true If-Match over a false If-Unmodified-Since',
    { ifMatch: ['aa'], ifUnmodifiedSince: before },
    undefined,
  ],
  [
    'a false If-None-Match over a true If-Modified-Since',
    { ifNoneMatch: ['aa'], ifModifiedSince: before },
    'NotModified',
  ],
  [
    'a true If-None-Match over a false If-Modified-Since',
    { ifNoneMatch: ['bb'], ifModifiedSince: same },
    undefined,
  ],
  [
    'a false If-Match before a false If-None-Match',
    { ifMatch: ['bb'], ifNoneMatch: ['aa'] },
    'PreconditionFailed',
  ],
]

for (const [name, conditions, expected] of reads) {
  test(`a read with ${name} ends in ${expected ?? 'success'}`, () => {
    assert.equal(
      codeOf(() => checkRead(conditions, object)),
      expected,
    )
  })
  test(`a copy with ${name} on its source never ends in 304`, () => {
    assert.equal(
      codeOf(() => checkForWrite(conditions, object, 'target')),
      expected === undefined ? undefined : 'PreconditionFailed',
    )
  })
}

test('a write with If-None-Match succeeds only if there is no object', () => {
  assert.equal(
    codeOf(() => checkWrite({ ifNoneMatch: '*' }, undefined)),
    undefined,
  )
  assert.equal(
    codeOf(() => checkWrite({ ifNoneMatch: '*' }, object)),
    'PreconditionFailed',
  )
})

test('a write with If-Match is tested on the same, another, or no object', () => {
  assert.equal(
    codeOf(() => checkWrite({ ifMatch: ['aa'] }, object)),
    undefined,
  )
  assert.equal(
    codeOf(() => checkWrite({ ifMatch: ['bb'] }, object)),
    'PreconditionFailed',
  )
  assert.equal(
    codeOf(() => checkWrite({ ifMatch: ['aa'] }, undefined)),
    'NoSuchKey',
  )
})
