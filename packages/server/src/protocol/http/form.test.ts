import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isStoreError } from '../../base/errors.ts'
import { collect, cut, reusing } from '../../base/pieces.fixture.ts'
import { type Form, readForm } from './form.ts'

const { HOLDFAST_TEST_SCALE: scale = '1' } = process.env
const boundary = '----WebKitFormBoundary7MA4YWxk'
const contentType = `multipart/form-data; boundary=${boundary}`

interface Part {
  readonly name: string
  readonly value: Uint8Array | string
  readonly filename?: string
}

function encode(parts: readonly Part[], tail = '\r\n'): Buffer {
  const bytes: Uint8Array[] = []
  for (const { name, value, filename } of parts) {
    const file =
      filename === undefined ? '' : `; filename="${filename}"\r\nContent-Type: text/plain`
    bytes.push(
      Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n\r\n`),
    )
    bytes.push(Buffer.from(value), Buffer.from('\r\n'))
  }
  return Buffer.concat([...bytes, Buffer.from(`--${boundary}--${tail}`)])
}

/** The byte of a hyphen, which could be taken for a part of a delimiter. */
const filler = 0x2d

const read = (body: Buffer): Promise<Form> => readForm(reusing([body], filler), contentType)
const code = (expected: string) => (error: unknown) =>
  isStoreError(error) && error.code === expected
const file: Part = { name: 'file', value: 'content', filename: 'a.txt' }

test('fields come before the file, which is a stream; the rest is dropped', async () => {
  const parts = [
    { name: 'Key', value: `a/\${filename}` },
    { name: 'x-amz-meta-ü', value: 'ü' },
  ]
  const form = await read(encode([...parts, file, { name: 'submit', value: 'Upload' }]))
  assert.deepEqual(form.fields, parts)
  assert.equal(form.get('key'), `a/\${filename}`)
  assert.deepEqual([form.file.filename, form.file.contentType], ['a.txt', 'text/plain'])
  assert.equal((await collect(form.file.source)).toString(), 'content')
})

test('a file is found without a file name, after a preamble, in any case, with a quoted boundary', async () => {
  const plain = encode([{ name: 'File', value: '' }], '')
  const form = await readForm(
    reusing([Buffer.concat([Buffer.from('preamble\r\n'), plain])], filler),
    `multipart/form-data; charset=utf-8; boundary="${boundary}"`,
  )
  assert.equal(form.file.filename, undefined)
  assert.equal((await collect(form.file.source)).byteLength, 0)
})

test('any form comes through, however its bytes arrive', async () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/).filter((name) => name !== 'file')
  const almost = fc.constantFrom(
    '\r',
    '\n',
    '\r\n',
    '--',
    '\r\n--',
    `\r\n--${boundary.slice(0, 20)}`,
    'x',
  )
  const content = fc.array(almost, { maxLength: 20 }).map((pieces) => pieces.join(''))
  const fields = fc.uniqueArray(fc.record({ name, value: content }, { noNullPrototype: true }), {
    maxLength: 4,
    selector: (field) => field.name,
  })
  const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(fields, content, cuts, async (fields, content, cuts) => {
      const body = encode([...fields, { ...file, value: content }])
      const form = await readForm(reusing(cut(body, cuts), filler), contentType)
      assert.deepEqual(form.fields, fields)
      assert.equal((await collect(form.file.source)).toString(), content)
    }),
    { numRuns: 500 * Number(scale) },
  )
})

test('a form without a file, or with too much before it, is refused', async () => {
  await assert.rejects(read(encode([{ name: 'key', value: 'a' }])), code('FormWithoutFile'))
  const big = { name: 'key', value: 'a'.repeat(30_000) }
  await assert.rejects(read(encode([big, file])), code('FormFieldsTooLarge'))
  const many = Array.from({ length: 1000 }, (_, i) => ({ name: `f${i}`, value: '' }))
  await assert.rejects(read(encode([...many, file])), code('FormFieldsTooLarge'))
})

test('what is no form is refused', async () => {
  const good = encode([{ name: 'key', value: 'a' }, file]).toString()
  for (const bad of [
    '',
    'key=a',
    good.replace('form-data', 'attachment'),
    good.replace(' name="key"', ''),
    good.replace('Content-Disposition: form-data; name="key"', 'no colon'),
    good.replace(`${boundary}\r\n`, `${boundary}x\r\n`),
    encode([{ name: 'key', value: 'a' }, { name: 'KEY', value: 'b' }, file]).toString(),
    encode([{ name: 'key', value: Buffer.from([0xff]) }, file]).toString('latin1'),
  ]) {
    await assert.rejects(read(Buffer.from(bad, 'latin1')), code('MalformedForm'), bad)
  }
  for (const type of [
    undefined,
    'text/plain',
    'multipart/form-data',
    'multipart/form-data; boundary=',
  ]) {
    await assert.rejects(readForm(reusing([], filler), type), code('NotAForm'))
  }
})

test('a file that breaks off is MalformedForm', async () => {
  const whole = encode([file])
  const form = await read(whole.subarray(0, whole.byteLength - boundary.length))
  await assert.rejects(collect(form.file.source), code('MalformedForm'))
})

test('any body ends in a form or in a refusal', async () => {
  const valid = encode([{ name: 'key', value: 'a' }, file]).toString('latin1')
  const token = fc.constantFrom(
    '\r\n',
    '\r\n\r\n',
    '--',
    `--${boundary}`,
    `\r\n--${boundary}--`,
    '"',
    ';',
    ':',
    'name=',
    '\u00ff',
  )
  const change = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(20), token)
  const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 4 }), cuts, async (changes, cuts) => {
      let text = valid
      for (const [at, drop, insert] of changes) {
        const place = Math.floor(at * text.length)
        text = text.slice(0, place) + insert + text.slice(place + drop)
      }
      try {
        const form = await readForm(
          reusing(cut(Buffer.from(text, 'latin1'), cuts), filler),
          contentType,
        )
        await collect(form.file.source)
      } catch (error) {
        assert.ok(isStoreError(error), String(error))
      }
    }),
    { numRuns: 1500 * Number(scale) },
  )
})
