// SelectObjectContent across the wire, as the SDK sends it.

import assert from 'node:assert/strict'
import { after, beforeEach, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import {
  CreateBucketCommand,
  PutObjectCommand,
  SelectObjectContentCommand,
  type SelectObjectContentCommandInput,
  type Stats,
} from '@aws-sdk/client-s3'
import { InProcessServer } from './in-process.ts'

const server = await InProcessServer.start()
const client = server.client()
let count = 0
let Bucket = ''

after(() => server.closeWithoutFaults())

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

test('a query of CSV answers records, statistics and an end', async () => {
  await put('data', people)
  const { text, events, stats } = await select(
    'SELECT s.name, s.city FROM S3Object s WHERE CAST(s.age AS INT) > 10',
  )
  assert.equal(text, 'Jane,"Rome, IT"\nAnn,Lima\n')
  assert.deepEqual(events, ['Records', 'Stats', 'End'])
  assert.deepEqual(stats, {
    BytesScanned: people.length,
    BytesProcessed: people.length,
    BytesReturned: text.length,
  })
})

test('compressed objects are queried as if they were not', async () => {
  await put('data', gzipSync(people))
  const input = { CSV: { FileHeaderInfo: 'USE' } } as const
  const { text, stats } = await select('SELECT COUNT(*) FROM S3Object', {
    InputSerialization: { ...input, CompressionType: 'GZIP' },
  })
  assert.equal(text, '3\n')
  assert.equal(stats?.BytesProcessed, people.length)
})
