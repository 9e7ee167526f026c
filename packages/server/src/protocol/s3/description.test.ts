import assert from 'node:assert/strict'
import type { OutgoingHttpHeaders } from 'node:http'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ObjectDescription } from '../../operation/object.ts'
import { describedInForm, describedObject, describeObject } from './description.ts'
import { S3Error } from './error.ts'
import { withHoisted } from './hoisted-header.ts'

const { HOLDFAST_TEST_SCALE: scale = '1' } = process.env

function answered({ headers, metadata, storageClass }: ObjectDescription): OutgoingHttpHeaders {
  const answer: OutgoingHttpHeaders = {}
  describeObject(answer, { modifiedAt: 0, etag: 'e', storageClass, headers, metadata })
  return answer
}

/** The text in a header of user metadata. */
function textOf(header: OutgoingHttpHeaders[string]): string {
  const match = /^=\?UTF-8\?B\?(.*)\?=$/.exec(String(header))
  return match?.[1] === undefined ? String(header) : Buffer.from(match[1], 'base64').toString()
}

const systemNames = [
  'Cache-Control',
  'Content-Disposition',
  'Content-Encoding',
  'Content-Language',
  'Content-Type',
  'Expires',
]
const name = fc.oneof(
  fc.constantFrom(...systemNames, 'x-amz-storage-class'),
  fc.stringMatching(/^[!#-'*+.^_`|~0-9A-Za-z-]{0,8}$/).map((rest) => `X-Amz-Meta-${rest}`),
  fc.string({ unit: 'binary', maxLength: 5 }).map((rest) => `x-amz-meta-${rest}`),
)
const value = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 6 }),
)
const said = fc.uniqueArray(fc.record({ name, value }), {
  maxLength: 5,
  selector: (one) => one.name.toLowerCase(),
})
const waysIn: Readonly<
  Record<string, (said: { name: string; value: string }[]) => ObjectDescription>
> = {
  'a form': (fields) => describedInForm(fields),
  'a presigned URL': (parameters) => describedObject({ headers: withHoisted({}, parameters) }),
  headers: (fields) => {
    const latin1 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')
    const pairs = fields.map((one) => [one.name.toLowerCase(), latin1(one.value)] as const)
    return describedObject({ headers: Object.fromEntries(pairs) })
  },
}

const isS3Error = (error: unknown, code: string): error is S3Error =>
  error instanceof S3Error && error.code === code

test('a description that is taken comes back as it was, whichever way it came', () => {
  fc.assert(
    fc.property(said, fc.constantFrom(...Object.keys(waysIn)), (given, way) => {
      let answer: OutgoingHttpHeaders
      try {
        answer = answered(waysIn[way]?.(given) ?? assert.fail())
      } catch (error) {
        assert.ok(isS3Error(error, 'InvalidArgument') || isS3Error(error, 'NotImplemented'))
        return
      }
      assert.equal(answer['x-amz-missing-meta'], undefined)
      for (const [header, sent] of Object.entries(answer)) {
        assert.match(header, /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/)
        assert.match(String(sent), /^[\t -~\u0080-ÿ]*$/)
      }
      for (const one of given) {
        const header = one.name.toLowerCase()
        if (!header.startsWith('x-amz-meta-')) continue
        const expected = way === 'headers' ? one.value : one.value.replace(/^[ \t]+|[ \t]+$/g, '')
        assert.equal(textOf(answer[header]), expected, way)
      }
    }),
    { numRuns: 500 * Number(scale) },
  )
})

test('every way in refuses what no header can carry back', () => {
  const refused = [
    ['x-amz-meta-a', 'v\r\nX-Evil: 1'],
    ['x-amz-meta-a', 'v\u0000'],
    ['x-amz-meta-a', 'v\u007f'],
    ['x-amz-meta-b c', 'v'],
    ['x-amz-meta-é', 'v'],
    ['x-amz-meta-a:', 'v'],
  ] as const
  for (const [header, text] of refused) {
    for (const [way, describe] of Object.entries(waysIn)) {
      assert.throws(
        () => describe([{ name: header, value: text }]),
        (error) => isS3Error(error, 'InvalidArgument'),
        `${way}: ${JSON.stringify([header, text])}`,
      )
    }
  }
  for (const header of systemNames) {
    assert.throws(
      () => describedInForm([{ name: header, value: 'a\nb' }]),
      (error) => isS3Error(error, 'InvalidArgument'),
    )
  }
})

test('what was stored before it was checked is left out and counted, so that the rest can be read', () => {
  const answer = answered({
    headers: { 'content-type': 'a\r\nb', 'cache-control': '日', expires: '0' },
    metadata: { good: 'ü', 'b c': 'v', é: 'v', a: 'v\u0000', c: 'ü\r\n' },
    storageClass: 'STANDARD',
  })
  assert.equal(answer['Content-Type'], 'binary/octet-stream')
  assert.equal(answer['Cache-Control'], undefined)
  assert.equal(answer['Expires'], '0')
  assert.equal(answer['x-amz-missing-meta'], 4)
  assert.deepEqual(
    Object.keys(answer).filter((header) => header.startsWith('x-amz-meta-')),
    ['x-amz-meta-good'],
  )
})
