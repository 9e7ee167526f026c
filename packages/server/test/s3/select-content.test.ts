// SelectObjectContent over the wire, as sent by the SDK, and in other valid and invalid forms.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { beforeEach, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  PutObjectCommand,
  SelectObjectContentCommand,
  type SelectObjectContentCommandInput,
  type Stats,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { arrowFile } from '../../src/select-content/parquet.fixture.ts'
import { messagesOf, recordsOf } from '../event-stream.ts'
import { canonicalQuery, objectPath, signedHeaders, type WireAnswer, xmlText } from '../wire.ts'
import { startForFile } from './bucket.fixture.ts'

const server = await startForFile({ owners: 1 })
const client = server.client()
let count = 0
let Bucket = ''

beforeEach(async () => {
  Bucket = `select-${count++}`
  await client.send(new CreateBucketCommand({ Bucket }))
})

async function put(Key: string, Body: string | Buffer): Promise<void> {
  await client.send(new PutObjectCommand({ Bucket, Key, Body }))
}

interface Selected {
  text: string
  events: string[]
  stats: Stats | undefined
}

async function select(
  Expression: string,
  options: Partial<SelectObjectContentCommandInput> = {},
): Promise<Selected> {
  const command = new SelectObjectContentCommand({
    Bucket,
    Key: 'data',
    Expression,
    ExpressionType: 'SQL',
    InputSerialization: { CSV: { FileHeaderInfo: 'USE' } },
    OutputSerialization: { CSV: {} },
    ...options,
  })
  const { Payload } = await client.send(command)
  assert.ok(Payload !== undefined)
  const selected: Selected = { text: '', events: [], stats: undefined }
  for await (const event of Payload) {
    const [name = ''] = Object.keys(event)
    selected.events.push(name)
    if (event.Records?.Payload !== undefined) {
      selected.text += Buffer.from(event.Records.Payload).toString()
    }
    if (event.Stats?.Details !== undefined) selected.stats = event.Stats.Details
  }
  return selected
}

const people = 'Name,City,Age\nJane,"Rome, IT",31\nBob,Oslo,5\nAnn,Lima,44\n'

/** A request document with some of its elements. */
function document(parts: Readonly<Record<string, string>> = {}): string {
  const elements = {
    Expression: 'SELECT * FROM S3Object',
    ExpressionType: 'SQL',
    InputSerialization: '<CSV/>',
    OutputSerialization: '<CSV/>',
    ...parts,
  }
  const inner = Object.entries(elements).map(([name, text]) =>
    text === '' ? '' : `<${name}>${text}</${name}>`,
  )
  return `<SelectObjectContentRequest xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inner.join('')}</SelectObjectContentRequest>`
}

function post(
  body: string,
  options: {
    readonly key?: string
    readonly query?: Record<string, string>
    readonly headers?: Record<string, string>
    readonly owner?: number
  } = {},
): Promise<WireAnswer> {
  const { key = 'data', query = {}, headers = {}, owner = 0 } = options
  const path = objectPath(Bucket, key)
  const parameters = { select: '', 'select-type': '2', ...query }
  return server.send(
    { method: 'POST', path, query: parameters, headers, body: Buffer.from(body) },
    owner,
  )
}

test('a query of CSV answers records, statistics and an end', async () => {
  await put('data', people)
  const { text, events, stats } = await select(
    'SELECT s.name, s.city FROM S3Object s WHERE CAST(s.age AS INT) > 10',
  )
  assert.equal(text, 'Jane,"Rome, IT"\nAnn,Lima\n')
  // Events that keep the connection alive depend on the time that a query takes.
  assert.deepEqual(
    events.filter((name) => name !== 'Cont'),
    ['Records', 'Stats', 'End'],
  )
  assert.deepEqual(stats, {
    BytesScanned: people.length,
    BytesProcessed: people.length,
    BytesReturned: text.length,
  })
})

test('objects of every form are queried', async () => {
  const cases: readonly (readonly [string | Buffer, Partial<SelectObjectContentCommandInput>])[] = [
    [people, {}],
    [
      gzipSync(people),
      { InputSerialization: { CSV: { FileHeaderInfo: 'USE' }, CompressionType: 'GZIP' } },
    ],
    [
      '{"Name":"Jane"}\n{"Name":"Bob"}\n{"Name":"Ann"}',
      { InputSerialization: { JSON: { Type: 'LINES' } } },
    ],
    [
      '{"Name":"Jane"}{"Name":"Bob"}{"Name":"Ann"}',
      { InputSerialization: { JSON: { Type: 'DOCUMENT' } } },
    ],
  ]
  for (const [object, options] of cases) {
    await put('data', object)
    assert.equal((await select('SELECT s.name FROM S3Object s', options)).text, 'Jane\nBob\nAnn\n')
  }
  await put('data', arrowFile)
  const parquet = await select('SELECT COUNT(*) FROM S3Object', {
    InputSerialization: { Parquet: {} },
  })
  assert.equal(parquet.text, '5\n')
  assert.ok((parquet.stats?.BytesScanned ?? 0) > 0)
  await put('data', '')
  assert.equal((await select('SELECT COUNT(*) FROM S3Object')).text, '0\n')
})

test('an object of several parts is read across them', async () => {
  const row = `${'x'.repeat(99)}\n`
  const part = row.repeat(52_429)
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'data' }))
  const Parts = []
  for (const [index, Body] of [`${part}xx`, `y\n${row}`].entries()) {
    const upload = { Bucket, Key: 'data', UploadId, PartNumber: index + 1, Body }
    const { ETag } = await client.send(new UploadPartCommand(upload))
    Parts.push({ PartNumber: index + 1, ETag })
  }
  await client.send(
    new CompleteMultipartUploadCommand({
      Bucket,
      Key: 'data',
      UploadId,
      MultipartUpload: { Parts },
    }),
  )
  const InputSerialization = { CSV: { FileHeaderInfo: 'NONE' } } as const
  const odd = await select("SELECT * FROM S3Object s WHERE s._1 LIKE '%y'", { InputSerialization })
  assert.equal(odd.text, 'xxy\n')
  const ScanRange = { Start: part.length - 50, End: part.length + 10 }
  const some = await select('SELECT COUNT(*) FROM S3Object', { InputSerialization, ScanRange })
  assert.equal(some.text, '2\n')
})

test('the object is the one that was there when the query began', async () => {
  const row = `${'x'.repeat(99)}\n`
  await put('data', row.repeat(100_000))
  const command = new SelectObjectContentCommand({
    Bucket,
    Key: 'data',
    Expression: 'SELECT * FROM S3Object',
    ExpressionType: 'SQL',
    InputSerialization: { CSV: { FileHeaderInfo: 'NONE' } },
    OutputSerialization: { CSV: {} },
  })
  const { Payload } = await client.send(command)
  await put('data', 'changed\n')
  await client.send(new DeleteObjectCommand({ Bucket, Key: 'data' }))
  let bytes = 0
  for await (const event of Payload ?? []) bytes += event.Records?.Payload?.byteLength ?? 0
  assert.equal(bytes, row.length * 100_000)
})

test('progress is told when it is asked for', async () => {
  await put('data', people)
  const asked = await select('SELECT * FROM S3Object', { RequestProgress: { Enabled: true } })
  assert.deepEqual(asked.events, ['Records', 'Progress', 'Stats', 'End'])
  const not = await select('SELECT * FROM S3Object', { RequestProgress: { Enabled: false } })
  assert.deepEqual(not.events, ['Records', 'Stats', 'End'])
})

test('messages have their headers and checksums', async () => {
  await put('data', people)
  const answer = await post(document({ RequestProgress: '<Enabled>TRUE</Enabled>' }))
  assert.equal(answer.status, 200)
  const messages = messagesOf(answer.body)
  const size = people.length
  const stats = (name: string): string =>
    `<?xml version="1.0" encoding="UTF-8"?><${name}><BytesScanned>${size}</BytesScanned>` +
    `<BytesProcessed>${size}</BytesProcessed><BytesReturned>${size}</BytesReturned></${name}>`
  const event = (type: string, contentType?: string): Record<string, string> => ({
    ':event-type': type,
    ...(contentType === undefined ? {} : { ':content-type': contentType }),
    ':message-type': 'event',
  })
  assert.deepEqual(messages, [
    { headers: event('Records', 'application/octet-stream'), payload: people },
    { headers: event('Progress', 'text/xml'), payload: stats('Progress') },
    { headers: event('Stats', 'text/xml'), payload: stats('Stats') },
    { headers: event('End'), payload: '' },
  ])
})

test('an error before the first record is answered as one, with its code', async () => {
  await put('data', people)
  const json = '<JSON><Type>LINES</Type></JSON>'
  const cases: readonly (readonly [Readonly<Record<string, string>>, number, string])[] = [
    [{ Expression: 'SELECT' }, 400, 'ParseExpectedExpression'],
    [{ Expression: '' }, 400, 'MissingRequiredParameter'],
    [{ ExpressionType: '' }, 400, 'MissingRequiredParameter'],
    [{ ExpressionType: 'XQUERY' }, 400, 'InvalidExpressionType'],
    [{ InputSerialization: '' }, 400, 'MissingRequiredParameter'],
    [{ OutputSerialization: '' }, 400, 'MissingRequiredParameter'],
    [{ InputSerialization: '<XML/>' }, 400, 'MissingRequiredParameter'],
    [{ InputSerialization: `<CSV/>${json}` }, 400, 'ObjectSerializationConflict'],
    [{ OutputSerialization: '<CSV/><JSON/>' }, 400, 'ObjectSerializationConflict'],
    [
      { InputSerialization: '<CSV><FileHeaderInfo>MAYBE</FileHeaderInfo></CSV>' },
      400,
      'InvalidFileHeaderInfo',
    ],
    [{ InputSerialization: '<JSON><Type>LIST</Type></JSON>' }, 400, 'InvalidJsonType'],
    [{ InputSerialization: '<JSON/>' }, 400, 'MissingRequiredParameter'],
    [
      { InputSerialization: '<CSV/><CompressionType>ZIP</CompressionType>' },
      400,
      'InvalidCompressionFormat',
    ],
    [
      { OutputSerialization: '<CSV><QuoteFields>NEVER</QuoteFields></CSV>' },
      400,
      'InvalidQuoteFields',
    ],
    [
      { InputSerialization: '<CSV><FieldDelimiter>ab</FieldDelimiter></CSV>' },
      400,
      'InvalidRequestParameter',
    ],
    [{ InputSerialization: '<CSV><RecordDelimiter/></CSV>' }, 400, 'InvalidRequestParameter'],
    [{ ScanRange: '<Start>x</Start>' }, 400, 'InvalidScanRange'],
    [{ ScanRange: '<Start>1000</Start>' }, 400, 'InvalidScanRange'],
    [{ Expression: 'SELECT CAST(_1 AS INT) FROM S3Object' }, 400, 'CastFailed'],
    [{ InputSerialization: json }, 400, 'JSONParsingError'],
    [{ InputSerialization: '<Parquet/>' }, 400, 'ParquetParsingError'],
    [
      { InputSerialization: '<CSV/><CompressionType>GZIP</CompressionType>' },
      400,
      'TruncatedInput',
    ],
  ]
  for (const [parts, status, code] of cases) {
    const answer = await post(document(parts))
    assert.deepEqual(
      [answer.status, xmlText(answer.body, 'Code')],
      [status, code],
      JSON.stringify(parts),
    )
  }
})

test('requests that are none are refused', async () => {
  await put('data', people)
  const outcomeOf = (answer: WireAnswer): unknown[] => [answer.status, xmlText(answer.body, 'Code')]
  assert.deepEqual(outcomeOf(await post('')), [400, 'EmptyRequestBody'])
  assert.deepEqual(outcomeOf(await post('<a')), [400, 'MalformedXML'])
  assert.deepEqual(outcomeOf(await post('<Delete/>')), [400, 'MalformedXML'])
  assert.deepEqual(outcomeOf(await post(document(), { query: { 'select-type': '1' } })), [
    400,
    'InvalidArgument',
  ])
  assert.deepEqual(outcomeOf(await post(document(), { key: 'absent' })), [404, 'NoSuchKey'])
  assert.deepEqual(outcomeOf(await post(document(), { query: { versionId: 'v1' } })), [
    404,
    'NoSuchVersion',
  ])
  assert.deepEqual(outcomeOf(await post(document(), { owner: 1 })), [403, 'AccessDenied'])
  const root = document().replaceAll('SelectObjectContentRequest', 'SelectRequest')
  assert.equal((await post(root)).status, 200)
})

test('an error after the first record is an event', async () => {
  await put('data', `n\n${'1\n'.repeat(300_000)}x\n`)
  const input = '<CSV><FileHeaderInfo>USE</FileHeaderInfo></CSV>'
  const Expression = 'SELECT CAST(n AS INT) FROM S3Object'
  const answer = await post(document({ Expression, InputSerialization: input }))
  assert.equal(answer.status, 200)
  const messages = messagesOf(answer.body)
  assert.equal(messages[0]?.headers[':event-type'], 'Records')
  assert.deepEqual(messages.at(-1)?.headers, {
    ':error-code': 'CastFailed',
    ':error-message': "The value 'x' cannot be converted to INT.",
    ':message-type': 'error',
  })
  await assert.rejects(select(Expression), { name: 'CastFailed' })
})

test('a query over a folder reads all objects of one moment, with their keys', async () => {
  const recursive = { 'x-holdfast-recursive': 'true' }
  await put('logs/', '')
  await put('logs/a.csv', 'n\n1\n2\n')
  await put('logs/deep/b.csv', 'x,n\n9,3\n')
  await put('other.csv', 'n\n100\n')
  const input = '<CSV><FileHeaderInfo>USE</FileHeaderInfo></CSV>'
  const ask = async (Expression: string): Promise<string> => {
    const body = document({ Expression, InputSerialization: input })
    const answer = await post(body, { key: 'logs/', headers: recursive })
    assert.equal(answer.headers['x-holdfast-recursive'], 'true')
    return recordsOf(answer.body)
  }
  assert.equal(
    await ask('SELECT s._key, s.n FROM S3Object s'),
    'logs/a.csv,1\nlogs/a.csv,2\nlogs/deep/b.csv,3\n',
  )
  assert.equal(await ask('SELECT SUM(n), COUNT(*) FROM S3Object'), '6,3\n')
  assert.equal(await ask("SELECT n FROM S3Object WHERE _key LIKE '%/deep/%'"), '3\n')
  assert.equal(await ask('SELECT n FROM S3Object LIMIT 2'), '1\n2\n')
  const refused = async (key: string, value = 'true'): Promise<unknown[]> => {
    const answer = await post(document(), { key, headers: { 'x-holdfast-recursive': value } })
    return [answer.status, xmlText(answer.body, 'Code')]
  }
  assert.deepEqual(await refused('logs'), [400, 'InvalidRequest'])
  assert.deepEqual(await refused('nothing/'), [404, 'NoSuchKey'])
  assert.deepEqual(await refused('logs/', 'maybe'), [400, 'InvalidArgument'])
})

test('a client that goes leaves no query behind', async () => {
  await put('data', `${'x'.repeat(99)}\n`.repeat(200_000))
  const body = document()
  const query = { select: '', 'select-type': '2' }
  const path = objectPath(Bucket, 'data')
  const host = `127.0.0.1:${server.port}`
  for (let round = 0; round < 6; round++) {
    const parts = { method: 'POST', path, query, host, date: new Date() }
    const outgoing = request({
      ...{ host: '127.0.0.1', port: server.port, agent: false, method: 'POST' },
      path: `${path}?${canonicalQuery(query)}`,
      headers: signedHeaders(server.credential(), parts),
    })
    outgoing.on('error', () => undefined)
    outgoing.end(body)
    const [answer] = await once(outgoing, 'response')
    await once(answer, 'readable')
    outgoing.destroy()
  }
  assert.equal((await select('SELECT COUNT(*) FROM S3Object')).text, '199999\n')
})
