// Benchmarks the server against references measured in the same run, in turn with it. Reports
// medians of several short rounds, as a Markdown table. `--rounds N --seconds N --keys N`.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startServer, type TestServer } from '../test/harness.ts'
import { anonymousBytes, processorSeconds } from '../test/memory/sample.ts'
import { WireClient, xmlTexts } from '../test/wire.ts'
import type { Job, Result } from './load.ts'
import { measureCommits, type Reference, startBare, startNginx } from './references.ts'

const loadProgram = fileURLToPath(new URL('load.ts', import.meta.url))
const bucketName = 'bench-bucket'
const workerCount = 2
const smallObjectBytes = 4096
const largeObjectBytes = 64 * 1024 ** 2
const smallKeys = 1_000
const putKeys = 20_000
const largeKeys = 4
const folderKeys = 1_000
const loadingConnections = 64
const readyStarts = 5
const idleMs = 3_000

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '2' },
    keys: { type: 'string', default: '100000' },
  },
})
const rounds = Number(values.rounds)
const durationMs = Number(values.seconds) * 1_000
const listedKeys = Number(values.keys)

/** A child process that sends load; one job at a time. */
class LoadGenerator {
  readonly #child: ChildProcess = fork(loadProgram)

  async run(job: Job): Promise<Result> {
    const answered = once(this.#child, 'message')
    this.#child.send(job)
    const [result] = await answered
    if (isFailure(result)) throw new Error(`${job.method} ${job.paths[0]}: ${result.error}`)
    if (result.failures > 0) {
      throw new Error(
        `${job.method} ${job.paths[0]}: ${result.failures} failed:\n${result.example}`,
      )
    }
    return result
  }

  stop(): void {
    this.#child.kill()
  }
}

function isFailure(result: Result | { readonly error: string }): result is { error: string } {
  return 'error' in result
}

/** Everything that is measured, once per round, in the order of the table. */
interface Scene {
  readonly load: LoadGenerator
  readonly server: TestServer
  readonly bare: Reference
  readonly nginx: Reference | undefined
  readonly folder: string
}

/** One measurement; `requests` is 0 if the server received none. */
interface Sample {
  readonly value: number
  readonly requests: number
}

type Measure = (scene: Scene) => Promise<Sample | undefined>

const smallPaths = numbered(smallKeys, (n) => `/${bucketName}/small/${n}`)
const largePaths = numbered(largeKeys, (n) => `/${bucketName}/large/${n}`)
const folders = Math.max(1, Math.ceil(listedKeys / folderKeys))
let putRound = 0

function numbered(count: number, path: (n: number) => string): string[] {
  return Array.from({ length: count }, (_, n) => path(n))
}

function perSecond({ perSecond: value, requests }: Result): Sample {
  return { value, requests }
}

function megabytes({ megabytesPerSecond: value, requests }: Result): Sample {
  return { value, requests }
}

function subject({ server }: Scene): Pick<Job, 'host' | 'port' | 'key'> {
  const { host, port, accessKeyId, secretAccessKey } = server
  return { host, port, key: { accessKeyId, secretAccessKey } }
}

function small(method: 'GET' | 'HEAD', connections: number): Measure {
  return async (scene) => {
    const job = { ...subject(scene), method, paths: smallPaths, bodyBytes: 0 }
    return perSecond(await scene.load.run({ ...job, connections, durationMs }))
  }
}

function smallPut(connections: number): Measure {
  return async (scene) => {
    putRound += 1
    const paths = numbered(putKeys, (n) => `/${bucketName}/put/${putRound}/${n}`)
    const job = { ...subject(scene), method: 'PUT' as const, paths, bodyBytes: smallObjectBytes }
    return perSecond(await scene.load.run({ ...job, connections, durationMs }))
  }
}

function large(method: 'GET' | 'PUT'): Measure {
  return async (scene) => {
    const bodyBytes = method === 'PUT' ? largeObjectBytes : 0
    const job = { ...subject(scene), method, paths: largePaths, bodyBytes, connections: 2 }
    return megabytes(await scene.load.run({ ...job, durationMs }))
  }
}

function bare(method: 'GET' | 'HEAD' | 'PUT', connections: number, bodyBytes = 0): Measure {
  return async ({ load, bare: { host, port } }) => {
    const job = { host, port, method, paths: ['/same'], bodyBytes, connections, durationMs }
    const result = await load.run(job)
    return bodyBytes > smallObjectBytes ? megabytes(result) : perSecond(result)
  }
}

function nginxGet(file: 'small' | 'large', connections: number): Measure {
  return async ({ load, nginx }) => {
    if (nginx === undefined) return undefined
    const { host, port } = nginx
    const paths = [`/${file}`]
    const job = { host, port, method: 'GET' as const, paths, bodyBytes: 0, connections, durationMs }
    const result = await load.run(job)
    return file === 'large' ? megabytes(result) : perSecond(result)
  }
}

function commits(writers: number): Measure {
  return async ({ folder }) => {
    const value = await measureCommits(folder, { writers, durationMs })
    return { value, requests: 0 }
  }
}

/** Median milliseconds of a page of 1,000 keys, on one connection. */
function page(kind: 'flat' | 'delimiter'): Measure {
  return async (scene) => {
    const times: number[] = []
    let requests = 0
    // A different folder per job, since all requests of a job have the same query.
    for (const n of [0.1, 0.3, 0.5, 0.7, 0.9].map((share) => Math.floor(share * folders))) {
      const job = { ...subject(scene), method: 'GET' as const, paths: [`/${bucketName}-list`] }
      const query = listQuery(kind, n)
      const limits = { bodyBytes: 0, connections: 1, durationMs: durationMs / 5 }
      const result = await scene.load.run({ ...job, query, ...limits })
      times.push(result.medianMs)
      requests += result.requests
    }
    return { value: median(times), requests }
  }
}

function listQuery(kind: 'flat' | 'delimiter', folder: number): Record<string, string> {
  return kind === 'flat'
    ? { 'list-type': '2', 'start-after': `f${folder}/500` }
    : { 'list-type': '2', prefix: `f${folder}/`, delimiter: '/' }
}

/** A row of the table: the subject, its references, and its target. */
interface Row {
  readonly name: string
  readonly unit: string
  readonly measure: Measure
  readonly against?: readonly { readonly name: string; readonly measure: Measure }[]
  /** Least ratio to the first reference. */
  readonly ratio?: number
  /** Highest value in the row's unit. */
  readonly atMost?: number
}

const bareGet32 = { name: 'bare node:http GET', measure: bare('GET', 32) }

const rows: readonly Row[] = [
  {
    name: 'PUT 4 KiB, 1 connection',
    unit: '/s',
    measure: smallPut(1),
    against: [{ name: 'LMDB commits, 1 writer', measure: commits(1) }],
  },
  {
    name: 'PUT 4 KiB, 32 connections',
    unit: '/s',
    measure: smallPut(32),
    against: [bareGet32, { name: 'LMDB commits, 32 writers', measure: commits(32) }],
    ratio: 0.3,
  },
  {
    name: 'GET 4 KiB, 1 connection',
    unit: '/s',
    measure: small('GET', 1),
    against: [{ name: 'bare node:http', measure: bare('GET', 1) }],
  },
  {
    name: 'GET 4 KiB, 32 connections',
    unit: '/s',
    measure: small('GET', 32),
    against: [bareGet32, { name: 'nginx', measure: nginxGet('small', 32) }],
    ratio: 0.5,
  },
  {
    name: 'HEAD, 32 connections',
    unit: '/s',
    measure: small('HEAD', 32),
    against: [{ name: 'bare node:http', measure: bare('HEAD', 32) }],
  },
  {
    name: 'PUT 64 MiB, 2 at a time',
    unit: 'MB/s',
    measure: large('PUT'),
    against: [{ name: 'a sink that drops the bytes', measure: bare('PUT', 2, largeObjectBytes) }],
    ratio: 0.3,
  },
  {
    name: 'GET 64 MiB, 2 at a time',
    unit: 'MB/s',
    measure: large('GET'),
    against: [{ name: 'nginx', measure: nginxGet('large', 2) }],
    ratio: 0.65,
  },
  { name: 'LIST of 1,000 keys, flat', unit: 'ms', measure: page('flat'), atMost: 5 },
  { name: 'LIST of 1,000 keys, delimiter', unit: 'ms', measure: page('delimiter'), atMost: 5 },
]

/** Fills the buckets: objects to read, and keys to list. */
async function loadData(scene: Scene): Promise<void> {
  const { load, server } = scene
  const client = new WireClient(server)
  for (const bucket of [bucketName, `${bucketName}-list`]) {
    await client.send({ method: 'PUT', path: `/${bucket}` })
  }
  const put = { ...subject(scene), method: 'PUT' as const, connections: loadingConnections }
  await load.run({ ...put, paths: smallPaths, bodyBytes: smallObjectBytes })
  await load.run({ ...put, paths: largePaths, bodyBytes: largeObjectBytes, connections: 2 })
  const paths = numbered(listedKeys, (n) => {
    const name = String(n % folderKeys).padStart(3, '0')
    return `/${bucketName}-list/f${Math.floor(n / folderKeys)}/${name}`
  })
  const loaded = await load.run({ ...put, paths, bodyBytes: 0 })
  say(`loaded ${listedKeys} keys at ${format(loaded.perSecond)} a second`)
  for (const kind of ['flat', 'delimiter'] as const) {
    const query = listQuery(kind, Math.floor(folders / 2))
    const { body } = await client.send({ method: 'GET', path: `/${bucketName}-list`, query })
    const keys = xmlTexts(body, 'Key').length
    if (keys !== folderKeys) say(`WARNING: the ${kind} page has ${keys} keys, not ${folderKeys}`)
  }
  client.close()
}

/** Highest anonymous memory of one worker after some idle time, in 10^6 bytes. */
async function idleMegabytes(server: TestServer): Promise<number> {
  await delay(idleMs)
  const bytes = await Promise.all((await server.serving()).map(anonymousBytes))
  return Math.max(...bytes) / 1e6
}

interface Measured {
  readonly value: number
  /** Of all workers, per request. */
  readonly processorMicroseconds?: number
  readonly references: readonly { readonly name: string; readonly value: number | undefined }[]
}

async function workersSeconds(server: TestServer): Promise<number> {
  const seconds = await Promise.all((await server.serving()).map(processorSeconds))
  return seconds.reduce((sum, one) => sum + one, 0)
}

interface Taken {
  readonly values: number[]
  readonly processorMicroseconds: number[]
}

async function measureRows(scene: Scene): Promise<Map<Row, Measured>> {
  const samples = new Map<Measure, Taken>()
  const take = async (name: string, measure: Measure): Promise<void> => {
    const before = await workersSeconds(scene.server)
    const sample = await measure(scene)
    if (sample === undefined) return
    const seconds = (await workersSeconds(scene.server)) - before
    const taken = samples.get(measure) ?? { values: [], processorMicroseconds: [] }
    taken.values.push(sample.value)
    taken.processorMicroseconds.push((seconds * 1e6) / sample.requests)
    samples.set(measure, taken)
    say(`  ${name}: ${format(sample.value)}`)
  }
  for (let round = 1; round <= rounds; round += 1) {
    say(`round ${round} of ${rounds}`)
    const done = new Set<Measure>()
    for (const row of rows) {
      for (const reference of row.against ?? []) {
        if (done.has(reference.measure)) continue
        done.add(reference.measure)
        await take(`(${reference.name}, for ${row.name})`, reference.measure)
      }
      await take(row.name, row.measure)
    }
  }
  return new Map(
    rows.map((row) => {
      const references = (row.against ?? []).map(({ name, measure }) => {
        const taken = samples.get(measure)
        return { name, value: taken && median(taken.values) }
      })
      const own = samples.get(row.measure)
      const value = median(own?.values ?? [])
      const processorMicroseconds = median(own?.processorMicroseconds ?? [])
      return [row, { value, processorMicroseconds, references }]
    }),
  )
}

function printRow(row: Row, { value, references, processorMicroseconds }: Measured): void {
  const [first] = references
  const compared = references.map(({ name, value: reference }) =>
    reference === undefined
      ? `${name}: not installed`
      : `${name} ${format(reference)} ${row.unit} (${(value / reference).toFixed(2)}×)`,
  )
  let aim = ''
  let isMet: boolean | undefined
  if (row.atMost !== undefined) {
    aim = `≤ ${row.atMost} ${row.unit}`
    isMet = value <= row.atMost
  } else if (row.ratio !== undefined) {
    aim = `≥ ${row.ratio}×`
    isMet = first?.value === undefined ? undefined : value / first.value >= row.ratio
  }
  const met = isMet === undefined ? '' : isMet ? 'yes' : 'NO'
  const cost = processorMicroseconds === undefined ? '' : `${format(processorMicroseconds)} µs`
  const cells = [row.name, `${format(value)} ${row.unit}`, cost, compared.join('; '), aim, met]
  say(`| ${cells.join(' | ')} |`)
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

function format(value: number): string {
  return value >= 100
    ? Math.round(value).toLocaleString('en-US')
    : String(Number(value.toPrecision(3)))
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-'))
  const load = new LoadGenerator()
  const sizes = { smallBytes: smallObjectBytes, largeBytes: largeObjectBytes }
  const references = [await startBare(), await startNginx(folder, sizes)] as const
  const [bareServer, nginx] = references
  try {
    await using server = await startServer({ workers: workerCount })
    const readyMs = [server.readyMs]
    while (readyMs.length < readyStarts) {
      await server.restart()
      readyMs.push(server.readyMs)
    }
    const idle = await idleMegabytes(server)
    const scene = { load, server, bare: bareServer, nginx, folder }
    await loadData(scene)
    const measured = await measureRows(scene)
    const afterwards = await idleMegabytes(server)
    say(
      `\n${availableParallelism()} cores, ${workerCount} workers, Node ${process.versions.node}, `,
    )
    say(`medians of ${rounds} rounds of ${durationMs / 1_000} s\n`)
    say('| what | Holdfast | its processor time a request | reference (ratio) | aim | met |')
    say('|---|---|---|---|---|---|')
    for (const [row, values] of measured) printRow(row, values)
    const alone = (value: number): Measured => ({ value, references: [] })
    const measure: Measure = () => Promise.resolve(undefined)
    const ready = { name: 'ready after start', unit: 'ms', measure, atMost: 500 }
    printRow(ready, alone(median(readyMs)))
    const rss = { name: 'RssAnon of an idle worker, fresh', unit: 'MB', measure, atMost: 120 }
    printRow(rss, alone(idle))
    const after = { name: 'RssAnon of a worker, idle after this load', unit: 'MB', measure }
    printRow(after, alone(afterwards))
  } finally {
    load.stop()
    await Promise.all(references.map((reference) => reference?.stop()))
    await rm(folder, { recursive: true, force: true })
  }
}

await main()
