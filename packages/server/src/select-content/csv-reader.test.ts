// The reader of CSV against an obvious one, which looks at one character after the other.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CsvReader } from './csv-reader.ts'
import { QueryError } from './error.ts'
import type { CsvInput } from './format.ts'
import { csvInput } from './query.fixture.ts'

/** Records of texts; the code of an error instead of the rest. */
type Records = (string[] | string)[]

function read(text: string, format: CsvInput, chunkBytes: number): Records {
  const reader = new CsvReader(format)
  const bytes = Buffer.from(text)
  const records: Records = []
  const visit = (): void => {
    while (reader.next()) {
      const count = reader.countFields()
      records.push(Array.from({ length: count }, (_, index) => reader.text(index) ?? ''))
    }
  }
  try {
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      reader.feed(Buffer.from(bytes.subarray(at, at + chunkBytes)))
      visit()
    }
    reader.end()
    visit()
  } catch (error) {
    assert.ok(error instanceof QueryError)
    records.push(error.code)
  }
  return records
}

/** The reference for {@link read}, for delimiters and quotes of one character. */
function readSlowly(text: string, format: CsvInput): Records {
  const { fieldDelimiter, quoteCharacter: quote, quoteEscapeCharacter: escape_ } = format
  const { comments, allowsQuotedRecordDelimiter } = format
  const characters = [...text]
  const records: Records = []
  let at = 0
  const isEndOfLine = (index: number): boolean =>
    characters[index] === '\n' ||
    (characters[index] === '\r' && (characters[index + 1] ?? '\n') === '\n')
  while (at < characters.length) {
    if (characters[at] === comments) {
      while (at < characters.length && characters[at] !== '\n') at++
      at++
      continue
    }
    const fields: string[] = []
    let hasQuotes = false
    for (;;) {
      let field = ''
      if (characters[at] === quote) {
        hasQuotes = true
        at++
        for (;;) {
          const character = characters[at]
          if (character === undefined) return [...records, 'CSVParsingError']
          const next = characters[at + 1]
          if (escape_ === quote ? character === quote && next === quote : character === escape_) {
            const isPair = next === quote || next === escape_
            field += isPair ? next : character
            at += isPair ? 2 : 1
          } else if (character === quote) {
            break
          } else if (character === '\n' && !allowsQuotedRecordDelimiter) {
            return [...records, 'CSVEscapingRecordDelimiter']
          } else {
            field += character
            at++
          }
        }
        at++
        const isOver = at >= characters.length || characters[at] === fieldDelimiter
        if (!isOver && !isEndOfLine(at)) return [...records, 'CSVUnescapedQuote']
      } else {
        while (at < characters.length && characters[at] !== fieldDelimiter) {
          if (characters[at] === '\n') break
          field += characters[at]
          at++
        }
        const isLast = at >= characters.length || characters[at] === '\n'
        if (isLast && field.endsWith('\r')) field = field.slice(0, -1)
      }
      fields.push(field)
      if (characters[at] !== fieldDelimiter) break
      at++
    }
    if (characters[at] === '\r') at++
    at++
    if (fields.length > 1 || fields[0] !== '' || hasQuotes) records.push(fields)
  }
  return records
}

const texts = fc
  .array(fc.constantFrom('a', 'bc', ',', '"', '""', '\n', '\r\n', '\r', '#', '\\', ' ', 'é', '🐦'))
  .map((pieces) => pieces.join(''))

const formats: fc.Arbitrary<CsvInput> = fc.record({
  kind: fc.constant('csv' as const),
  fileHeaderInfo: fc.constant('NONE' as const),
  recordDelimiter: fc.constant('\n'),
  fieldDelimiter: fc.constantFrom(',', 'a', '\\'),
  quoteCharacter: fc.constant('"'),
  quoteEscapeCharacter: fc.constantFrom('"', '\\'),
  comments: fc.constantFrom('#', ''),
  allowsQuotedRecordDelimiter: fc.boolean(),
})

test('records are those of an obvious reader, however the bytes are cut', () => {
  fc.assert(
    fc.property(texts, formats, fc.integer({ min: 1, max: 9 }), (text, format, chunkBytes) => {
      fc.pre(format.fieldDelimiter !== format.quoteEscapeCharacter)
      assert.deepEqual(read(text, format, chunkBytes), readSlowly(text, format))
    }),
    { numRuns: 3000 },
  )
})

test('delimiters may have several bytes', () => {
  const format = {
    ...csvInput,
    recordDelimiter: '|\n',
    fieldDelimiter: '¦',
    quoteCharacter: '«',
    quoteEscapeCharacter: '«',
  }
  const text = 'a¦«b¦««c«¦d|\ne|f¦g\n|\n'
  for (const chunkBytes of [1, 2, 3, 100]) {
    assert.deepEqual(read(text, format, chunkBytes), [
      ['a', 'b¦«c', 'd'],
      ['e|f', 'g\n'],
    ])
  }
})

test('without a quote character, quotes are text', () => {
  const format = { ...csvInput, quoteCharacter: '' }
  assert.deepEqual(read('"a,b"\n', format, 100), [['"a', 'b"']])
})

test('fields may be asked for in any order', () => {
  const reader = new CsvReader(csvInput)
  reader.feed(Buffer.from('a,b,c\nd,e\n'))
  assert.ok(reader.next())
  assert.deepEqual([reader.text(2), reader.text(0), reader.text(3)], ['c', 'a', undefined])
  assert.ok(reader.next())
  assert.deepEqual([reader.text(1), reader.text(2)], ['e', undefined])
})
