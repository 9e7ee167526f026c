import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { XmlWriter } from '../xml/write.ts'
import { S3Error } from './error.ts'
import { taggingInField, taggingOf, writeTagSet } from './tagging.ts'

const { HOLDFAST_TEST_SCALE: scale = '1' } = process.env
const runs = { numRuns: 200 * Number(scale) }

const text = fc.string({ unit: 'grapheme', maxLength: 20 }).map((sent) => sent.toWellFormed())
const tags = fc.uniqueArray(fc.record({ key: text, value: text }, { noNullPrototype: true }), {
  selector: ({ key }) => key,
  maxLength: 10,
})

test('a header of tags is read as clients write it', () => {
  fc.assert(
    fc.property(tags, fc.boolean(), (set, isForm) => {
      const encode = (part: string): string => {
        const encoded = encodeURIComponent(part)
        return isForm ? encoded.replaceAll('%20', '+') : encoded
      }
      const header = set.map(({ key, value }) => `${encode(key)}=${encode(value)}`).join('&')
      assert.deepEqual(taggingOf({ headers: { 'x-amz-tagging': header } }), set)
    }),
    runs,
  )
  assert.equal(taggingOf({ headers: {} }), undefined)
})

test('a header of any text is read or refused, and of UTF-8 bytes as the text that they are', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 30 }), (sent) => {
      const header = Buffer.from(sent).toString('latin1')
      try {
        taggingOf({ headers: { 'x-amz-tagging': header } })
      } catch (error) {
        assert.ok(error instanceof S3Error && error.code === 'InvalidArgument', String(error))
      }
    }),
    runs,
  )
  const bytes = Buffer.from('farbe=grün').toString('latin1')
  const read = taggingOf({ headers: { 'x-amz-tagging': bytes } })
  assert.deepEqual(read, [{ key: 'farbe', value: 'grün' }])
})

test('a set of tags is read from the document that is written of it', () => {
  const allowed = fc.string({ unit: fc.constantFrom('a', ' ', '<', '&', 'é', '高', '𝒳', '"') })
  const some = fc.array(fc.record({ key: allowed, value: allowed }, { noNullPrototype: true }))
  fc.assert(
    fc.property(some, (set) => {
      const xml = new XmlWriter().open('Tagging')
      writeTagSet(xml, set)
      assert.deepEqual(taggingInField(xml.close('Tagging').toString()), set)
    }),
    runs,
  )
})
