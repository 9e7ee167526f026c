// Whole queries: what FROM leads to, how results are written, what is refused, and what hostile objects do.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { contentSelectLimits } from '../base/limits.ts'
import type { CsvInput, JsonOutput } from './format.ts'
import { csvInput, csvOutput, outcome, type QueryOptions, select } from './query.fixture.ts'

const jsonOutput: JsonOutput = { kind: 'json', recordDelimiter: '\n' }
const lines: QueryOptions = { input: { kind: 'json', type: 'LINES' }, output: jsonOutput }
const documents: QueryOptions = { input: { kind: 'json', type: 'DOCUMENT' }, output: jsonOutput }
const headless: QueryOptions = { input: { ...csvInput, fileHeaderInfo: 'NONE' } }

const birds = 'id,Name,Wingspan\n1,tern,0.85\n2,"auk, great",0.7\n3,gull,1.4\n'

test('columns are named by the header, or by position', async () => {
  const cases: readonly (readonly [string, string, QueryOptions?])[] = [
    ['SELECT name FROM S3Object', 'tern\n"auk, great"\ngull\n'],
    ['SELECT s.NAME FROM S3Object s', 'tern\n"auk, great"\ngull\n'],
    ['SELECT "Name" FROM S3Object', 'tern\n"auk, great"\ngull\n'],
    ['SELECT "name" FROM S3Object', 'MissingHeaders'],
    ['SELECT _2 FROM S3Object', 'tern\n"auk, great"\ngull\n'],
    ['SELECT _1 FROM S3Object', 'id\n1\n2\n3\n', headless],
    ['SELECT name FROM S3Object', 'MissingHeaders', headless],
    ['SELECT _9 FROM S3Object', '\n\n\n'],
    ['SELECT _0 FROM S3Object', 'InvalidColumnIndex'],
    ['SELECT s.name.first FROM S3Object s', 'ParseInvalidPathComponent'],
    ['SELECT s[0] FROM S3Object s', 'ParseInvalidPathComponent'],
    ['SELECT x.name FROM S3Object s', 'ParseInvalidPathComponent'],
    ['SELECT COUNT(*) FROM S3Object', '4\n', headless],
    [
      'SELECT * FROM S3Object LIMIT 1',
      '1,tern,0.85\n',
      { input: { ...csvInput, fileHeaderInfo: 'IGNORE' } },
    ],
  ]
  for (const [expression, result, options] of cases) {
    assert.equal(await outcome(expression, birds, options), result, expression)
  }
  assert.equal(await outcome('SELECT a FROM S3Object', 'A,a\n1,2\n'), 'AmbiguousFieldName')
  assert.equal(await outcome('SELECT "a" FROM S3Object', 'A,a\n1,2\n'), '2\n')
})

test('WHERE keeps rows for which it is true, and LIMIT ends the query', async () => {
  const cases: readonly (readonly [string, string])[] = [
    ['SELECT id FROM S3Object WHERE CAST(wingspan AS FLOAT) > 0.8', '1\n3\n'],
    ['SELECT id FROM S3Object WHERE wingspan > 0.8', '1\n3\n'],
    ['SELECT id FROM S3Object WHERE 0.8 < wingspan', '1\n3\n'],
    ['SELECT id FROM S3Object WHERE CAST(id AS INT) = 2', '2\n'],
    ['SELECT id FROM S3Object WHERE CAST(wingspan AS INT) = 2', 'CastFailed'],
    ["SELECT id FROM S3Object WHERE name = 'auk, great'", '2\n'],
    ["SELECT id FROM S3Object WHERE name <> 'tern'", '2\n3\n'],
    ['SELECT id FROM S3Object WHERE name = NULL', ''],
    ['SELECT id FROM S3Object WHERE _9 IS MISSING', '1\n2\n3\n'],
    ['SELECT id FROM S3Object WHERE TRUE LIMIT 2', '1\n2\n'],
    ['SELECT id FROM S3Object LIMIT 0', ''],
    ['SELECT id FROM S3Object LIMIT -1', 'EvaluatorNegativeLimit'],
    ['SELECT id FROM S3Object LIMIT 1.5', 'ParseExpectedNumber'],
    ['SELECT id FROM S3Object WHERE 5', 'InvalidDataType'],
  ]
  for (const [expression, result] of cases) {
    assert.equal(await outcome(expression, birds), result, expression)
  }
})

test('aggregates skip what is not there', async () => {
  const rows = '{"n":1}\n{"n":2}\n{"n":null}\n{}\n{"n":2.5}\n'
  const cases: readonly (readonly [string, string])[] = [
    ['COUNT(*)', '{"_1":5}\n'],
    ['COUNT(s.n)', '{"_1":3}\n'],
    ['SUM(s.n)', '{"_1":5.5}\n'],
    ['AVG(s.n)', '{"_1":1.8333333333333333333333333333333333333}\n'],
    ['MIN(s.n), MAX(s.n) AS top', '{"_1":1,"top":2.5}\n'],
    ['SUM(s.n) / COUNT(*) + 1', '{"_1":2.1}\n'],
    ['SUM(s.x), COUNT(s.x)', '{"_1":null,"_2":0}\n'],
    ['SUM(s.n), s.n', 'UnsupportedSqlStructure'],
    ['SUM(SUM(s.n))', 'UnsupportedSqlStructure'],
    ['SUM(*)', 'ParseUnsupportedCallWithStar'],
    ['COUNT()', 'ParseNonUnaryAgregateFunctionCall'],
    ['COUNT(s.n, s.n)', 'ParseNonUnaryAgregateFunctionCall'],
    ['COUNT(DISTINCT s.n)', 'UnsupportedSqlStructure'],
  ]
  for (const [list, result] of cases) {
    assert.equal(await outcome(`SELECT ${list} FROM S3Object s`, rows, lines), result, list)
  }
  assert.equal(
    await outcome('SELECT SUM(name) FROM S3Object', birds),
    'IncorrectSqlFunctionArgumentType',
  )
  assert.equal(
    await outcome('SELECT MAX(wingspan), MIN(name) FROM S3Object', birds),
    '1.4,"auk, great"\n',
  )
  assert.equal(await outcome('SELECT COUNT(*) FROM S3Object s', '', lines), '{"_1":0}\n')
  const where = 'SELECT id FROM S3Object WHERE SUM(id) > 1'
  assert.equal(await outcome(where, birds), 'UnsupportedSqlStructure')
})

test('a path of FROM leads into documents, and a wildcard makes at least one row', async () => {
  const rules =
    '{"Rules":[{"id":"1"},{"expr":"y > x"},{"id":"2","expr":"z"}]}\n{"created":"June","modified":"July"}'
  const files = '{"dir":"docs","files":[{"name":"."},{"name":"a"}]} {"dir":"empty","files":[]}'
  const nested = '[{"a":{"x":[1,2],"y":[3]}},{"a":{}},{"a":7}]'
  const cases: readonly (readonly [string, string, string])[] = [
    ['SELECT id FROM S3Object[*].Rules[*].id', rules, '{"id":"1"}\n{}\n{"id":"2"}\n{}\n'],
    ['SELECT id FROM S3Object[*].rules[*] r', rules, '{"id":"1"}\n{}\n{"id":"2"}\n{}\n'],
    ['SELECT _1.id FROM S3Object[*].Rules[*]', rules, '{"id":"1"}\n{}\n{"id":"2"}\n{}\n'],
    ['SELECT * FROM S3Object[*].Rules[2]', rules, '{"id":"2","expr":"z"}\n{}\n'],
    ['SELECT d.dir FROM S3Object[*] d', files, '{"dir":"docs"}\n{"dir":"empty"}\n'],
    ['SELECT f.name FROM S3Object[*].files[*] f', files, '{"name":"."}\n{"name":"a"}\n{}\n'],
    ['SELECT * FROM S3Object[*].files[*].name', files, '{"name":"."}\n{"name":"a"}\n{}\n'],
    ['SELECT COUNT(f) FROM S3Object[*].files[*] f', files, '{"_1":2}\n'],
    ["SELECT d.dir FROM S3Object[*]['files'] d", files, '{}\n{}\n'],
    ['SELECT s.dir FROM S3Object s', files, '{"dir":"docs"}\n{"dir":"empty"}\n'],
    ['SELECT * FROM S3Object[*][*].a.*[*] v', nested, '{"_1":1}\n{"_1":2}\n{"_1":3}\n{}\n{}\n'],
    ['SELECT * FROM S3Object[*][1]', nested, '{"a":{}}\n'],
    ['SELECT * FROM S3Object.Rules', rules, 'ParseInvalidPathComponent'],
    ['SELECT * FROM Other', rules, 'InvalidTableAlias'],
    ['SELECT * FROM S3Object s, S3Object t', rules, 'UnsupportedSqlStructure'],
    ['SELECT * FROM (SELECT 1)', rules, 'ParseUnsupportedSelect'],
  ]
  for (const [expression, object, result] of cases) {
    for (const chunkBytes of [1, 3, 1000]) {
      const options = { ...documents, chunkBytes }
      assert.equal(await outcome(expression, object, options), result, expression)
    }
  }
  const line = '{"a":[{"n":1},{"n":2}]}\n\n{"a":[]}\n'
  assert.equal(
    await outcome('SELECT n FROM S3Object[*].a[*] t', line, lines),
    '{"n":1}\n{"n":2}\n{}\n',
  )
  const csv = await outcome('SELECT * FROM S3Object[*].a', birds)
  assert.equal(csv, 'ParseInvalidPathComponent')
})

const json: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(0, 1.5, 'text"\\', true, null, [], {}),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'q"uote'), tie('value'), { maxKeys: 3 }),
  ),
})).value

const paths = fc.array(fc.constantFrom('.a', '.b', '[0]', '[1]', '[*]', '.*'), { maxLength: 3 })

test('the stream of documents yields what the whole document would', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(json, { maxLength: 4 }),
      paths,
      fc.integer({ min: 1, max: 20 }),
      async (values, path, chunkBytes) => {
        const expression = `SELECT * FROM S3Object[*]${path.join('')} AS r`
        const text = values.map((value) => JSON.stringify(value)).join('\n')
        const streamed = await outcome(expression, text, { ...documents, chunkBytes })
        assert.equal(streamed, await outcome(expression, text, lines))
      },
    ),
    { numRuns: 500 },
  )
})

test('numbers of JSON keep their digits', async () => {
  const text = '{"n":12345678901234567890.123,"i":9007199254740993,"e":1e400}'
  const result = await select('SELECT s.n, s.i, s.i + 1 AS j FROM S3Object s', text, lines)
  assert.equal(result, '{"n":12345678901234567890.123,"i":9007199254740993,"j":9007199254740994}\n')
})

test('results are written as the request says', async () => {
  const cases: readonly (readonly [QueryOptions, string])[] = [
    [{}, 'tern,0.85\n"auk, great",0.7\ngull,1.4\n'],
    [
      { output: { ...csvOutput, quoteFields: 'ALWAYS' } },
      '"tern","0.85"\n"auk, great","0.7"\n"gull","1.4"\n',
    ],
    [{ output: { ...csvOutput, fieldDelimiter: ';' } }, 'tern;0.85\nauk, great;0.7\ngull;1.4\n'],
    [{ output: { ...csvOutput, recordDelimiter: '|' } }, 'tern,0.85|"auk, great",0.7|gull,1.4|'],
    [{ output: { ...csvOutput, quoteCharacter: "'" } }, "tern,0.85\n'auk, great',0.7\ngull,1.4\n"],
    [
      { output: jsonOutput },
      '{"Name":"tern","w":"0.85"}\n{"Name":"auk, great","w":"0.7"}\n{"Name":"gull","w":"1.4"}\n',
    ],
    [
      { output: { kind: 'json', recordDelimiter: ',' } },
      '{"Name":"tern","w":"0.85"},{"Name":"auk, great","w":"0.7"},{"Name":"gull","w":"1.4"},',
    ],
  ]
  for (const [options, result] of cases) {
    assert.equal(await select('SELECT "Name", wingspan AS w FROM S3Object', birds, options), result)
  }
  const quotes = { ...csvOutput, quoteEscapeCharacter: '\\' }
  const spoken = await select('SELECT * FROM S3Object', 'a\n"say ""x\\y"""\n', { output: quotes })
  assert.equal(spoken, '"say \\"x\\\\y\\""\n')
  assert.equal(
    await select('SELECT * FROM S3Object', 'a,b\n1\n1,2,3\n', { output: jsonOutput }),
    '{"a":"1"}\n{"a":"1","b":"2","_3":"3"}\n',
  )
  const mixed = '{"a":null,"b":[1,"x"],"c":{"d":true},"e":"t"}\n'
  const output = csvOutput
  assert.equal(
    await select('SELECT * FROM S3Object', mixed, { ...lines, output }),
    ',"[1,""x""]","{""d"":true}",t\n',
  )
})

test('CSV may have another form', async () => {
  const cases: readonly (readonly [Partial<CsvInput>, string, string])[] = [
    [{ fieldDelimiter: '\t' }, 'a\tb\n1\t2\n', '2\n'],
    [{ recordDelimiter: ';' }, 'a,b;1,2;3,4', '2\n4\n'],
    [{ recordDelimiter: '\r\n' }, 'a,b\r\n1,2\r\n', '2\n'],
    [{}, 'a,b\r\n1,2\r\n', '2\n'],
    [{}, '\ufeffa,b\n1,2', '2\n'],
    [{ comments: '!' }, '!x\na,b\n!y\n1,2\n', '2\n'],
    [{ quoteCharacter: "'" }, "a,b\n1,'x,y'\n", '"x,y"\n'],
    [{ quoteEscapeCharacter: '\\' }, 'a,b\n1,"x\\"y"\n', '"x""y"\n'],
    [{ allowsQuotedRecordDelimiter: true }, 'a,b\n1,"x\ny"\n', '"x\ny"\n'],
    [{}, 'a,b\n1,"x\ny"\n', 'CSVEscapingRecordDelimiter'],
    [{}, 'a,b\n1,"x"y\n', 'CSVUnescapedQuote'],
    [{}, 'a,b\n1,"x', 'CSVParsingError'],
    [{}, 'a,b\n1,x"y\n', '"x""y"\n'],
  ]
  for (const [form, object, result] of cases) {
    const input = { ...csvInput, ...form }
    assert.equal(await outcome('SELECT s.b FROM S3Object s', object, { input }), result, object)
  }
})

test('text must be UTF-8, wherever it is cut', async () => {
  for (const chunkBytes of [1, 2, 3, 5, 100]) {
    const good = await outcome('SELECT * FROM S3Object', 'a\né🐦ö\n', { chunkBytes })
    assert.equal(good, 'é🐦ö\n')
    const bad = Buffer.concat([Buffer.from('a\nab'), Buffer.from([0xc3, 0x28]), Buffer.from('\n')])
    assert.equal(
      await outcome('SELECT * FROM S3Object', bad, { chunkBytes }),
      'InvalidTextEncoding',
    )
    const cut = Buffer.from([0x61, 0x0a, 0xf0, 0x9f])
    assert.equal(
      await outcome('SELECT * FROM S3Object', cut, { chunkBytes }),
      'InvalidTextEncoding',
    )
  }
})

/** Two rows, as bzip2 compresses them. */
const small = 'QlpoOTFBWSZTWQVG+acAAAdZgAAQAAQwACYnVAAgADEAAAiaabQTaC6mICPV4SPlyg91dF3JFOFCQBUb5pw='
/** 300,000 rows in several blocks, and a second stream of one more. */
const large =
  'QlpoOTFBWSZTWdcyxPED7HJZgAAQAAQAgCanAgAgAHBA0DQE1VDTQyeiKiDOKhUQZxUKiDX2vahUQb+EVEHAiog11uoVEH5igrJMprKp9wRICc8cswAAIAAIAQABCAQAQADgYAJqo008oVEGKFRB1QqIMqFRBihUQc2oVEG1Cog+YoKyTKazp7jgKAH2TrMAACAACAEAAQgEAEAA4GACaqNNPVQhSwIhS7VCFLAiFLKoQpbVCFLaoQpfF3JFOFCQJuBnm0JaaDkxQVkmU1mn61VsAAABWYAAEAAEAEAgCAIAIAAhgAwCxzbi7kinChIU/WqtgA=='

test('GZIP and BZIP2 are decompressed, several streams as one', async () => {
  const gzip = Buffer.concat([gzipSync('id\n1\n'), gzipSync('2\n')])
  const count = 'SELECT COUNT(*), MAX(id) FROM S3Object'
  assert.equal(await outcome(count, gzip, { compression: 'GZIP' }), '2,2\n')
  assert.equal(
    await outcome(count, gzip.subarray(0, 30), { compression: 'GZIP' }),
    'TruncatedInput',
  )
  assert.equal(await outcome(count, birds, { compression: 'GZIP' }), 'TruncatedInput')
  const bzip2 = Buffer.from(small, 'base64')
  for (const chunkBytes of [1, 7, 100]) {
    const options = { compression: 'BZIP2', chunkBytes } as const
    assert.equal(await outcome('SELECT * FROM S3Object', bzip2, options), '1,tern\n2,petrel\n')
  }
  const many = Buffer.from(large, 'base64')
  const options = { compression: 'BZIP2' } as const
  assert.equal(await outcome(count, many, options), '300001,8\n')
  for (const at of [4, 12, 30, 60, 90]) {
    const broken = Buffer.from(many)
    broken[at] = (broken[at] ?? 0) ^ 0x10
    assert.equal(await outcome(count, broken, options), 'TruncatedInput', String(at))
  }
  assert.equal(await outcome(count, many.subarray(0, 80), options), 'TruncatedInput')
})

test('scan ranges side by side see each record once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom('a', 'bb', 'ccc', 'dddddd'), { minLength: 1, maxLength: 12 }),
      fc.constantFrom('\n', '\r\n'),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 9 }),
      async (records, recordDelimiter, step, chunkBytes) => {
        const object = records.join(recordDelimiter)
        const input = { ...csvInput, fileHeaderInfo: 'NONE', recordDelimiter } as const
        let all = ''
        for (let start = 0; start < object.length; start += step) {
          const scanRange = { start, end: start + step - 1 }
          all += await select('SELECT * FROM S3Object', object, { input, scanRange, chunkBytes })
        }
        assert.equal(all, records.map((record) => `${record}\n`).join(''))
      },
    ),
    { numRuns: 300 },
  )
})

test('a scan range has its header, and its limits', async () => {
  const all = 'SELECT id, name FROM S3Object'
  const cases: readonly (readonly [QueryOptions, string])[] = [
    [{ scanRange: { start: 20 } }, '2,"auk, great"\n3,gull\n'],
    [{ scanRange: { end: 12 } }, '3,gull\n'],
    [{ scanRange: { start: 0, end: 17 } }, '1,tern\n'],
    [{ scanRange: { start: 900 } }, 'InvalidScanRange'],
    [{ scanRange: { start: 9, end: 8 } }, 'InvalidScanRange'],
    [{ scanRange: { start: 0 }, compression: 'GZIP' }, 'UnsupportedScanRangeInput'],
    [
      { scanRange: { start: 0 }, input: { ...csvInput, allowsQuotedRecordDelimiter: true } },
      'UnsupportedScanRangeInput',
    ],
    [{ scanRange: { start: 0 }, ...documents }, 'UnsupportedScanRangeInput'],
  ]
  for (const [options, result] of cases) {
    assert.equal(await outcome(all, birds, options), result, JSON.stringify(options))
  }
})

test('what a query may not be is refused', async () => {
  const cases: readonly (readonly [string, string])[] = [
    ['', 'ParseUnsupportedSelect'],
    ['DELETE FROM S3Object', 'ParseUnsupportedSelect'],
    ['SELECT FROM S3Object', 'ParseEmptySelect'],
    ['SELECT *', 'ParseSelectMissingFrom'],
    ['SELECT *, id FROM S3Object', 'ParseAsteriskIsNotAloneInSelectList'],
    ['SELECT id, * FROM S3Object', 'ParseAsteriskIsNotAloneInSelectList'],
    ['SELECT id AS FROM S3Object', 'ParseExpectedIdentForAlias'],
    ['SELECT id FROM S3Object ORDER BY id', 'UnsupportedSqlStructure'],
    ['SELECT id FROM S3Object GROUP BY id', 'UnsupportedSqlStructure'],
    ['SELECT id FROM S3Object s JOIN S3Object t', 'UnsupportedSqlStructure'],
    ['SELECT id FROM S3Object; SELECT 1', 'LexerInvalidChar'],
    ["SELECT * FROM read_csv('/etc/passwd')", 'InvalidTableAlias'],
    ["SELECT * FROM '/etc/passwd'", 'InvalidTableAlias'],
    ['SELECT getenv(id) FROM S3Object', 'UnsupportedFunction'],
    ["COPY S3Object TO '/tmp/x'", 'ParseUnsupportedSelect'],
    ['PRAGMA database_list', 'ParseUnsupportedSelect'],
    ["ATTACH 'x'", 'ParseUnsupportedSelect'],
    ['INSTALL httpfs', 'ParseUnsupportedSelect'],
    ["SET memory_limit = '1TB'", 'ParseUnsupportedSelect'],
  ]
  for (const [expression, result] of cases) {
    assert.equal(await outcome(expression, birds), result, expression)
  }
})

test('expressions of any size and depth are answered', async () => {
  const of = (text: string): Promise<string> => outcome(`SELECT ${text} FROM S3Object`, 'a\n1\n')
  assert.equal(await of(`'${'x'.repeat(262_200)}'`), 'ExpressionTooLong')
  assert.equal(await of(`${'('.repeat(90)}1${')'.repeat(90)}`), '1\n')
  assert.equal(await of(`${'('.repeat(50_000)}1${')'.repeat(50_000)}`), 'UnsupportedSqlStructure')
  assert.equal(await of(`1${'+1'.repeat(900)}`), '901\n')
  assert.equal(await of(`1${'+1'.repeat(50_000)}`), 'UnsupportedSqlStructure')
  assert.equal(await of(`1${' = 1'.repeat(50_000)}`), 'UnsupportedSqlStructure')
  assert.equal(await of(`TRUE${' AND TRUE'.repeat(20_000)}`), 'true\n')
  assert.equal(await of(`${'NOT '.repeat(50_000)}TRUE`), 'true\n')
  assert.equal(await of(`${'- '.repeat(50_000)}1`), '1\n')
  assert.equal(await of(`a IN (${'9,'.repeat(50_000)}1)`), 'true\n')
  assert.equal(await of(`a${'.b'.repeat(50_000)}`), 'UnsupportedSqlStructure')
  assert.equal(await of(`${'CASE WHEN '.repeat(20_000)}`), 'UnsupportedSqlStructure')
  assert.equal(await of(`${'LOWER('.repeat(20_000)}`), 'UnsupportedSqlStructure')
  assert.equal(await of(`${'"a" || '.repeat(900)}a`), `${'1'.repeat(901)}\n`)
})

test('patterns of LIKE take no more than they are long', async () => {
  const text = 'a'.repeat(100_000)
  const pattern = `${'%a'.repeat(5000)}b`
  const expression = `SELECT COUNT(*) FROM S3Object s WHERE s.t LIKE '${pattern}'`
  assert.equal(await outcome(expression, `t\n${text}\n`), '0\n')
})

test('records have limits', async () => {
  const long = 'x'.repeat(contentSelectLimits.recordBytes + 10)
  const all = 'SELECT * FROM S3Object'
  assert.equal(await outcome(all, `a\n${long}\n`), 'OverMaxRecordSize')
  assert.equal(await outcome(all, `a\n${long}`), 'OverMaxRecordSize')
  const quoting = { input: { ...csvInput, allowsQuotedRecordDelimiter: true } }
  assert.equal(await outcome(all, `a\n"${'x\n'.repeat(2_000_000)}`, quoting), 'OverMaxRecordSize')
  assert.equal(await outcome(all, `{"a":"${long}"}`, lines), 'OverMaxRecordSize')
  assert.equal(await outcome(all, `{"a":"${long}"}`, documents), 'OverMaxRecordSize')
  const beside = await outcome('SELECT b FROM S3Object[*].b', `{"a":"${long}","b":1}`, documents)
  assert.equal(beside, '{"b":1}\n')
  const wide = `SELECT ${Array.from({ length: 20 }, () => 'a').join(',')} FROM S3Object`
  assert.equal(
    await outcome(wide, `a\n${'x'.repeat(100_000)}\n`, { output: jsonOutput }),
    'OverMaxRecordSize',
  )
})

test('a million columns, and deep documents, are refused', async () => {
  const columns = ','.repeat(1_000_000)
  assert.equal(await outcome('SELECT * FROM S3Object', `${columns}\n`), 'OverMaxColumn')
  assert.equal(await outcome('SELECT COUNT(*) FROM S3Object', `${columns}\n`, headless), '1\n')
  assert.equal(
    await outcome('SELECT * FROM S3Object', `"",${columns}\n`, headless),
    'OverMaxColumn',
  )
  const deep = '['.repeat(200_000)
  assert.equal(await outcome('SELECT * FROM S3Object', deep, documents), 'JSONParsingError')
  assert.equal(await outcome('SELECT * FROM S3Object[*].a', deep, documents), 'JSONParsingError')
  const closed = `{"a":${deep}${']'.repeat(200_000)}}`
  assert.equal(await outcome('SELECT * FROM S3Object', closed, documents), 'JSONParsingError')
})

test('broken documents are refused', async () => {
  const cases = [
    '{',
    '{"a"',
    '{"a":',
    '{"a":1',
    '{"a" 1}',
    '{a:1}',
    '[1 2]',
    '"open',
    'tru',
    '}',
    '{"a":01}',
  ]
  for (const text of cases) {
    assert.equal(await outcome('SELECT * FROM S3Object', text, documents), 'JSONParsingError', text)
    assert.equal(await outcome('SELECT * FROM S3Object', text, lines), 'JSONParsingError', text)
  }
  const odd = '{"__proto__":{"x":1},"constructor":2}'
  assert.equal(
    await outcome('SELECT s.x, s.toString, s.constructor FROM S3Object s', odd, lines),
    '{"constructor":2}\n',
  )
})
