// Queries of Parquet: types, codecs, row groups, and files that lie.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { arrowFile } from './parquet.fixture.ts'
import { outcome, type QueryOptions } from './query.fixture.ts'

const options: QueryOptions = {
  input: { kind: 'parquet' },
  output: { kind: 'json', recordDelimiter: '\n' },
}

const select = (expression: string, file: Buffer = arrowFile): Promise<string> =>
  outcome(expression, file, options)

type Codec = NonNullable<Parameters<typeof parquetWriteBuffer>[0]['codec']>

const rowCount = 5000

function write(codec: Codec): Buffer {
  const ids = Array.from({ length: rowCount }, (_, index) => index)
  return Buffer.from(
    parquetWriteBuffer({
      codec,
      compressors: {
        GZIP: (bytes) => gzipSync(bytes),
        ZSTD: (bytes) => zstdCompressSync(bytes),
        BROTLI: (bytes) => brotliCompressSync(bytes),
      },
      rowGroupSize: 1000,
      columnData: [
        { name: 'id', data: Int32Array.from(ids), type: 'INT32' },
        { name: 'name', data: ids.map((id) => `bird ${id % 7}`), type: 'STRING' },
        { name: 'half', data: ids.map((id) => id / 2), type: 'DOUBLE' },
      ],
    }),
  )
}

test('values have the types of their columns', async () => {
  const first = await select('SELECT * FROM S3Object LIMIT 1')
  assert.equal(
    first,
    '{"id":1,"Name":"tern","span":0.85,"price":1.10,"cents":1.5,"seen":"2021-03-04T05:06:07.008000Z",' +
      '"day":"2021-03-04T","ok":true,"tags":["a","b"],"map":{"x":1,"y":"p"},"u":9223372036854775813,"raw":"AB"}\n',
  )
  const cases: readonly (readonly [string, string])[] = [
    ['SELECT COUNT(*) FROM S3Object', '{"_1":5}\n'],
    ['SELECT COUNT(s.name), COUNT(s.tags) FROM S3Object s', '{"_1":4,"_2":4}\n'],
    [
      'SELECT SUM(s.price), AVG(s.span) FROM S3Object s',
      '{"_1":12345678901234567888.97,"_2":1.1875}\n',
    ],
    ['SELECT s.id FROM S3Object s WHERE s.name IS NULL', '{"id":3}\n'],
    ['SELECT s.id FROM S3Object s WHERE s.name IS MISSING', ''],
    ['SELECT s.id FROM S3Object s WHERE s.span > 1', '{"id":3}\n{"id":5}\n'],
    ['SELECT s.id FROM S3Object s WHERE s.price < 0', '{"id":2}\n'],
    ["SELECT s.id FROM S3Object s WHERE s.name LIKE '%u%' AND s.ok", '{"id":4}\n'],
    ['SELECT s.map.y, s.tags[1] FROM S3Object s LIMIT 1', '{"y":"p","_2":"b"}\n'],
    ['SELECT EXTRACT(HOUR FROM s.seen) AS h FROM S3Object s LIMIT 1', '{"h":5}\n'],
    ['SELECT s.day < s.seen AS b FROM S3Object s LIMIT 1', '{"b":true}\n'],
    ['SELECT s.absent FROM S3Object s', 'MissingHeaders'],
    ['SELECT s."name" FROM S3Object s', 'MissingHeaders'],
  ]
  for (const [expression, result] of cases)
    assert.equal(await select(expression), result, expression)
})

test('pages of every codec are read', async () => {
  for (const codec of ['UNCOMPRESSED', 'SNAPPY', 'GZIP', 'ZSTD', 'BROTLI'] as const) {
    const file = write(codec)
    const expression =
      "SELECT COUNT(*), SUM(half), MAX(id) FROM S3Object WHERE name = 'bird 3' AND id >= 999"
    assert.equal(await select(expression, file), '{"_1":571,"_2":856214.5,"_3":4994}\n', codec)
    const two = await select('SELECT id, half FROM S3Object WHERE id > 4997', file)
    assert.equal(two, '{"id":4998,"half":2499}\n{"id":4999,"half":2499.5}\n', codec)
  }
})

test('a row group belongs to the scan range in which it begins', async () => {
  const file = write('SNAPPY')
  let sum = 0
  for (let start = 0; start < file.length; start += 10_000) {
    const scanRange = { start, end: start + 9999 }
    const count = await outcome('SELECT COUNT(*) FROM S3Object', file, { ...options, scanRange })
    sum += Number(/\d+(?=\}\n$)/.exec(count)?.[0])
  }
  assert.equal(sum, rowCount)
})

test('what is no Parquet is refused', async () => {
  const all = 'SELECT * FROM S3Object'
  assert.equal(await select(all, Buffer.from('')), 'ParquetParsingError')
  assert.equal(await select(all, Buffer.from('PAR1')), 'ParquetParsingError')
  assert.equal(await select(all, Buffer.from('id,name\n1,tern\n')), 'ParquetParsingError')
  assert.equal(await select(all, arrowFile.subarray(0, -1)), 'ParquetParsingError')
  const footerless = Buffer.from(arrowFile)
  footerless.writeUInt32LE(0x7fff_ffff, footerless.length - 8)
  assert.equal(await select(all, footerless), 'ParquetParsingError')
  const compressed = { ...options, compression: 'GZIP' } as const
  assert.equal(await outcome(all, arrowFile, compressed), 'InvalidCompressionFormat')
})

test('a file with any byte changed is refused, or read', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(arrowFile.length - 1), fc.integer({ min: 0, max: 255 })), {
        minLength: 1,
        maxLength: 4,
      }),
      async (changes) => {
        const file = Buffer.from(arrowFile)
        for (const [at, byte] of changes) file[at] = byte
        await select('SELECT * FROM S3Object', file)
      },
    ),
    { numRuns: 500 },
  )
})
