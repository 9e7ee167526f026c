import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  anyText,
  count,
  DocumentError,
  exactly,
  fields,
  list,
  matching,
  optional,
  parseDocument,
  text,
} from './document.ts'

const form = fields({
  id: text,
  size: count,
  tags: optional(list(anyText)),
  kind: exactly('k'),
  word: matching(/^[a-z]+$/, 'may have letters only'),
  parts: list(fields({ name: text })),
})
const document = { id: 'a', size: 1, kind: 'k', word: 'w', parts: [{ name: 'b' }] }

test('a document has the fields of its form and no others', () => {
  const parsed = parseDocument(form, JSON.stringify({ ...document, tags: ['c'], other: 1 }))
  assert.deepEqual(parsed, { ...document, tags: ['c'] })
  assert.deepEqual(parseDocument(form, JSON.stringify(document)), document)
})

test('an error names the first place and what must be there', () => {
  const noText = 'must be a text of 1 to 1,024 characters'
  const cases: readonly (readonly [document: unknown, message: string])[] = [
    [1, 'must be an object: {…}'],
    [null, 'must be an object: {…}'],
    [[], 'must be an object: {…}'],
    [{}, `"id" ${noText}`],
    [{ ...document, id: '' }, `"id" ${noText}`],
    [{ ...document, id: 'x'.repeat(1025) }, `"id" ${noText}`],
    [{ ...document, size: undefined }, '"size" must be a whole number'],
    [{ ...document, size: 1.5 }, '"size" must be a whole number'],
    [{ ...document, size: -1 }, '"size" must be a whole number'],
    [{ ...document, size: 2 ** 53 }, '"size" must be a whole number'],
    [{ ...document, tags: 'c' }, '"tags" must be a list'],
    [{ ...document, tags: ['c', null] }, '"tags": entry 2 must be a text'],
    [{ ...document, kind: 'l' }, '"kind" must be "k"'],
    [{ ...document, word: 'A' }, '"word" may have letters only'],
    [{ ...document, parts: {} }, '"parts" must be a list'],
    [{ ...document, parts: [{ name: 'b' }, []] }, '"parts": entry 2 must be an object: {…}'],
    [{ ...document, parts: [{}] }, `"parts": entry 1: "name" ${noText}`],
  ]
  for (const [value, message] of cases) {
    const content = JSON.stringify(value)
    assert.throws(
      () => parseDocument(form, content),
      (error) => error instanceof DocumentError && error.message === message,
      content,
    )
  }
})

test('a syntax error does not quote the document, not even in its cause', () => {
  for (const content of ['', '{"id": "hidden" oops}', '[hidden]']) {
    assert.throws(
      () => parseDocument(form, content),
      (error) =>
        error instanceof DocumentError &&
        error.message.startsWith('not JSON: ') &&
        error.cause === undefined &&
        !error.message.includes('hidden'),
      content,
    )
  }
})

test('a field that only the prototype of an object has is missing', () => {
  assert.throws(() => parseDocument(fields({ constructor: text }), '{}'), DocumentError)
  const [parsed] = parseDocument(list(fields({ id: text })), '[{"id":"a","__proto__":{"x":1}}]')
  assert.deepEqual(parsed, { id: 'a' })
})
