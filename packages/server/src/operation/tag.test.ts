import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isStoreError } from '../base/errors.ts'
import { decodeObject, encodeObject, type ObjectRecord } from '../store/row/record.ts'
import { checkTags, type Tag } from './tag.ts'

const record: ObjectRecord = {
  etag: 'e',
  sizeBytes: 0,
  modifiedAt: 1,
  ownerId: 'o',
  body: { kind: 'empty' },
  storageClass: 'STANDARD',
  headers: {},
  metadata: {},
}

const text = fc.string({ unit: fc.constantFrom('a', 'Z', '0', ' ', '+', '@', 'é', '高', '𝒳') })
const tag = fc.record(
  { key: fc.oneof(text, fc.constant('__proto__')), value: text },
  { noNullPrototype: true },
)

test('a record keeps tags of any text, in their order', () => {
  fc.assert(
    fc.property(fc.array(tag, { minLength: 1 }), (tags) => {
      assert.deepEqual(decodeObject(encodeObject({ ...record, tags })).tags, tags)
    }),
  )
  assert.equal(decodeObject(encodeObject({ ...record, tags: [] })).tags, undefined)
})

test('tags of the allowed characters and lengths are accepted, each key once', () => {
  fc.assert(
    fc.property(fc.uniqueArray(tag, { maxLength: 10, selector: ({ key }) => key }), (tags) => {
      const isFit = tags.every(
        ({ key, value }) => key !== '' && key.length <= 128 && value.length <= 256,
      )
      const check = (given: readonly Tag[]): void => checkTags(given, 'object')
      if (!isFit)
        return assert.throws(
          () => check(tags),
          (e) => isStoreError(e, 'InvalidTag'),
        )
      check(tags)
      const [first] = tags
      if (first === undefined) return
      assert.throws(
        () => check([...tags.slice(0, 9), first]),
        (e) => isStoreError(e, 'InvalidTag'),
      )
    }),
  )
})

test('a bucket has more tags than an object', () => {
  const many = (n: number): Tag[] =>
    Array.from({ length: n }, (_, index) => ({ key: `k${index}`, value: '' }))
  checkTags(many(10), 'object')
  checkTags(many(50), 'bucket')
  for (const [n, of] of [
    [11, 'object'],
    [51, 'bucket'],
  ] as const) {
    assert.throws(
      () => checkTags(many(n), of),
      (error) => isStoreError(error, 'TooManyTags'),
    )
  }
})
