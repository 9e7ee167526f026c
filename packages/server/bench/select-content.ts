// Benchmarks SelectObjectContent: queries over a CSV and a Parquet object through the server, against the same
// engine reading the same bytes from a file by itself, in the same run. Prints a Markdown table.
// `--megabytes N` is the size of each object, `--rounds N` how often each query runs; the best counts.

import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, open, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import {
  CreateBucketCommand,
  type InputSerialization,
  S3Client,
  SelectObjectContentCommand,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { parquetWriteBuffer } from 'hyparquet-writer'
import type { InputFormat } from '../src/select-content/format.ts'
import { type ObjectBytes, rowsOf } from '../src/select-content/object-reader.ts'
import { parseQuery } from '../src/select-content/parse.ts'
import { csvInput, csvOutput } from '../src/select-content/query.fixture.ts'
import { QueryRun } from '../src/select-content/query.ts'
import { startServer } from '../test/harness.ts'

const { values } = parseArgs({
  options: {
    megabytes: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '2' },
  },
})
const sizeBytes = Number(values.megabytes) * 1e6
const rounds = Number(values.rounds)
const Bucket = 'bench'

/** An object, and how queries read it. */
interface Subject {
  readonly key: string
  readonly path: string
  readonly input: InputFormat
  readonly serialization: InputSerialization
  readonly queries: readonly string[]
}

interface Run {
  readonly seconds: number
  readonly firstMs: number
  readonly resultBytes: number
}

const row = (index: number): string =>
  `${index},name-${index % 1000},city ${index % 50},${((index * 37) % 10_000) / 100},` +
  `2026-01-${String((index % 28) + 1).padStart(2, '0')},some text that no query of this run reads\n`

async function writeCsv(path: string, bytes: number): Promise<void> {
  const file = createWriteStream(path)
  file.write('id,name,city,amount,day,note\n')
  let written = 0
  for (let index = 0; written < bytes; ) {
    let block = ''
    for (; block.length < 1_000_000; index++) block += row(index)
    written += block.length
    if (!file.write(block)) await once(file, 'drain')
  }
  file.end()
  await once(file, 'finish')
}

/** Twenty columns of doubles, of which two are read. Row groups are alike, so that it is quickly made. */
async function writeParquet(path: string): Promise<void> {
  const groupRows = 100_000
  const groups = Math.max(1, Math.round(sizeBytes / (groupRows * 20 * 8)))
  const columnData = Array.from({ length: 20 }, (_, column) => ({
    name: `c${column}`,
    type: 'DOUBLE' as const,
    data: Float64Array.from(
      { length: groupRows * groups },
      (_, index) => ((index * 37 + column) % 10_000) / 100,
    ),
    encoding: 'PLAIN' as const,
  }))
  const bytes = parquetWriteBuffer({
    columnData,
    rowGroupSize: groupRows,
    codec: 'UNCOMPRESSED',
    statistics: false,
  })
  const file = await open(path, 'w')
  await file.write(new Uint8Array(bytes))
  await file.close()
}

/** The engine by itself: the same query over the same file, in this process. */
async function runAlone(expression: string, { path, input }: Subject): Promise<Run> {
  const begun = performance.now()
  let firstMs = 0
  let resultBytes = 0
  const send = async (records: Buffer): Promise<void> => {
    firstMs ||= performance.now() - begun
    resultBytes += records.length
  }
  const query = parseQuery(expression)
  const run = new QueryRun(query, csvOutput, { now: Date.now(), send })
  const object: ObjectBytes = {
    sizeBytes: (await stat(path)).size,
    open({ start, end }) {
      const stream = createReadStream(path, { start, end, highWaterMark: 524_288 })
      const chunks = stream[Symbol.asyncIterator]()
      return {
        async read() {
          const step = await chunks.next()
          return step.done === true ? undefined : step.value
        },
      }
    },
  }
  const request = {
    expression,
    input,
    output: csvOutput,
    compression: 'NONE',
    scanRange: undefined,
  } as const
  await run.readObject(await rowsOf(request, query, object, () => undefined))
  await run.finish()
  return { seconds: (performance.now() - begun) / 1000, firstMs, resultBytes }
}

async function runOnServer(client: S3Client, expression: string, subject: Subject): Promise<Run> {
  const begun = performance.now()
  let firstMs = 0
  let resultBytes = 0
  const { Payload } = await client.send(
    new SelectObjectContentCommand({
      Bucket,
      Key: subject.key,
      Expression: expression,
      ExpressionType: 'SQL',
      InputSerialization: subject.serialization,
      OutputSerialization: { CSV: {} },
    }),
  )
  for await (const event of Payload ?? []) {
    if (event.Records?.Payload === undefined) continue
    firstMs ||= performance.now() - begun
    resultBytes += event.Records.Payload.byteLength
  }
  return { seconds: (performance.now() - begun) / 1000, firstMs, resultBytes }
}

async function best(run: () => Promise<Run>): Promise<Run> {
  let result = await run()
  for (let round = 1; round < rounds; round++) {
    const next = await run()
    if (next.seconds < result.seconds) result = next
  }
  return result
}

async function measure(client: S3Client, subject: Subject): Promise<void> {
  const { size } = await stat(subject.path)
  const upload = { Bucket, Key: subject.key, Body: createReadStream(subject.path) }
  await new Upload({ client, params: upload, partSize: 67_108_864 }).done()
  for (const expression of subject.queries) {
    const alone = await best(() => runAlone(expression, subject))
    const served = await best(() => runOnServer(client, expression, subject))
    if (alone.resultBytes !== served.resultBytes) throw new Error('the results differ')
    const rate = (run: Run): string => `${Math.round(size / run.seconds / 1e6)} MB/s`
    const share = (alone.seconds / served.seconds).toFixed(2)
    const cells = [
      `${subject.key}, ${Math.round(size / 1e6)} MB`,
      `\`${expression}\``,
      rate(served),
      rate(alone),
      `${share}×`,
      `${Math.round(served.firstMs)} ms`,
    ]
    process.stdout.write(`| ${cells.join(' | ')} |\n`)
  }
}

const scratch = await mkdtemp(join(tmpdir(), 'holdfast-bench-'))
const server = await startServer()
try {
  const client = new S3Client({
    endpoint: server.endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: server.accessKeyId, secretAccessKey: server.secretAccessKey },
  })
  await client.send(new CreateBucketCommand({ Bucket }))
  const csv = { input: csvInput, serialization: { CSV: { FileHeaderInfo: 'USE' } } } as const
  const subjects: readonly Subject[] = [
    {
      ...csv,
      key: 'small.csv',
      path: join(scratch, 'small.csv'),
      queries: ["SELECT * FROM S3Object s WHERE s.city = 'city 7'"],
    },
    {
      ...csv,
      key: 'data.csv',
      path: join(scratch, 'data.csv'),
      queries: [
        'SELECT COUNT(*) FROM S3Object',
        'SELECT * FROM S3Object s WHERE CAST(s.amount AS DECIMAL) >= 99',
        "SELECT s.id, s.name FROM S3Object s WHERE s.name LIKE 'name-99%'",
      ],
    },
    {
      key: 'data.parquet',
      path: join(scratch, 'data.parquet'),
      input: { kind: 'parquet' },
      serialization: { Parquet: {} },
      queries: ['SELECT s.c1, s.c7 FROM S3Object s WHERE s.c1 >= 99'],
    },
  ]
  const [small, large, parquet] = subjects
  if (small !== undefined) await writeCsv(small.path, 10e6)
  if (large !== undefined) await writeCsv(large.path, sizeBytes)
  if (parquet !== undefined) await writeParquet(parquet.path)
  process.stdout.write('| object | query | served | engine alone | share | first record |\n')
  process.stdout.write('|---|---|---|---|---|---|\n')
  for (const subject of subjects) await measure(client, subject)
  client.destroy()
} finally {
  await server.close()
  await rm(scratch, { recursive: true })
}
