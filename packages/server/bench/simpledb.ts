// Benchmarks SimpleDB: reads and conditional writes of one item against moto (in memory, not
// synced). Select on domains of several sizes is compared with SQLite in this process, plus the
// cost of a bare HTTP request. Prints Markdown tables. `--items 1000,100000,1000000 --wide N
// --seconds N`: sizes of domains with 6 attributes per item, and of one with 256.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { parseArgs } from 'node:util'
import { openServices } from '../src/compose.ts'
import { silentLog } from '../src/observe/log.ts'
import { silentMetrics } from '../src/observe/metrics.ts'
import { batchPutAttributes } from '../src/operation/attribute.ts'
import { createDomain } from '../src/operation/domain.ts'
import type { Services } from '../src/operation/operation.ts'
import { run } from '../src/operation/run.ts'
import { type Credential, randomCredential, startServer, type TestServer } from '../test/harness.ts'
import { itemsIn, pairsIn, QueryClient } from '../test/simpledb/query.ts'
import { startMoto } from './references.ts'

const { values } = parseArgs({
  options: {
    items: { type: 'string', default: '1000,100000' },
    wide: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '2' },
  },
})
const sizes = values.items.split(',').map(Number)
const wideSize = Number(values.wide)
const durationMs = Number(values.seconds) * 1000
/** Pairs of an attribute and a value stored in one transaction. */
const batchPairs = 6_400
/** Items of the largest batch. */
const batchItems = 500
const columns = ['id', 'team', 'score', 'title', 'city', 'flag'] as const
/** The largest number of attributes of an item, SimpleDB's limit. */
const wideColumns = Array.from({ length: 256 }, (_, at) => `a${String(at).padStart(3, '0')}`)
/**
 * A prime multiplier that mixes numbers: neighbours by one attribute aren't neighbours by another.
 */
const mixer = 7_368_787

/** One query in both languages, about the middle of a domain. */
interface Question {
  readonly name: string
  readonly select: string
  readonly sql: string
}

/** A domain, and a table with the same content. */
interface Table {
  readonly domain: string
  readonly size: number
  readonly columns: readonly string[]
  readonly questions: readonly Question[]
  /** The values of the columns. */
  valuesOf(index: number): readonly string[]
}

const nameOf = (index: number): string => `item-${digits(index)}`

function digits(number: number): string {
  return String(number).padStart(8, '0')
}

function narrow(size: number): Table {
  const teamOf = (mixed: number): string =>
    `team-${String(mixed % Math.max(1, Math.floor(size / 100))).padStart(6, '0')}`
  const domain = `items-${size}`
  const middle = digits(Math.floor(size / 2))
  const team = teamOf((Math.floor(size / 2) * mixer) % size)
  const questions = [
    question(domain, 'equality, 100 items', '*', `team = '${team}' limit 100`),
    question(domain, 'range, 100 items', '*', `score > '${middle}' limit 100`),
    question(domain, 'prefix, 100 items', '*', `title like '${middle.slice(-3)}%' limit 100`),
    question(domain, 'order by … limit 100', '*', `score > '${middle}' order by score limit 100`),
    question(domain, 'count(*) by equality', 'count(*)', `team = '${team}'`),
  ]
  const valuesOf = (index: number): readonly string[] => {
    const mixed = (index * mixer) % size
    const padded = digits(mixed)
    const title = `${padded.slice(-3)} title of ${index}`
    const flag = mixed % 2 === 0 ? 'yes' : 'no'
    return [digits(index), teamOf(mixed), padded, title, `city-${mixed % 50}`, flag]
  }
  return { domain, size, columns, questions, valuesOf }
}

function wide(size: number): Table {
  const domain = `wide-${size}`
  const middle = digits(Math.floor(size / 2))
  const questions = [
    question(
      domain,
      'range, 1 of 256 attributes, 100 items',
      'a001',
      `a100 > '${middle}' limit 100`,
    ),
    question(domain, 'count(*) by equality of 256', 'count(*)', `a200 = '${middle}'`),
  ]
  const valuesOf = (index: number): readonly string[] =>
    wideColumns.map((_, at) => digits((index * mixer + at) % size))
  return { domain, size, columns: wideColumns, questions, valuesOf }
}

function question(domain: string, name: string, what: string, where: string): Question {
  return {
    name,
    select: `select ${what} from \`${domain}\` where ${where}`,
    sql: `select ${what} from items where ${where}`,
  }
}

const tables = [...sizes.map(narrow), ...(wideSize > 0 ? [wide(wideSize)] : [])]

async function load(services: Services, credential: Credential): Promise<void> {
  const { accessKeyId, owner } = credential
  const { signal } = new AbortController()
  const caller = { principal: { accessKeyId, owner, isRoot: true }, requestId: 'bench', signal }
  await run(services, caller, createDomain, { domain: 'single' })
  for (const { domain, size, columns: names, valuesOf } of tables) {
    await run(services, caller, createDomain, { domain })
    const most = Math.min(batchItems, Math.floor(batchPairs / names.length))
    for (let start = 0; start < size; start += most) {
      const count = Math.min(most, size - start)
      const items = Array.from({ length: count }, (_, at) => ({
        name: nameOf(start + at),
        pairs: valuesOf(start + at).map((value, column) => ({
          name: names[column] ?? '',
          value,
          replace: false,
        })),
      }))
      await run(services, caller, batchPutAttributes, { domain, items })
    }
  }
}

function openSqlite({ size, columns: names, valuesOf }: Table): DatabaseSync {
  const database = new DatabaseSync(':memory:')
  database.exec(`create table items (name text primary key, ${names.join(' text, ')} text)`)
  for (const column of names) database.exec(`create index by_${column} on items (${column})`)
  database.exec('pragma case_sensitive_like = on')
  const places = ['?', ...names.map(() => '?')].join(', ')
  const insert = database.prepare(`insert into items values (${places})`)
  database.exec('begin')
  for (let index = 0; index < size; index++) insert.run(nameOf(index), ...valuesOf(index))
  database.exec('commit')
  return database
}

/** Median milliseconds of one call, after some warm-up calls. */
async function median(call: () => unknown): Promise<number> {
  for (let warm = 0; warm < 20; warm++) await call()
  const times: number[] = []
  const end = performance.now() + durationMs
  while (performance.now() < end) {
    const started = performance.now()
    await call()
    times.push(performance.now() - started)
  }
  times.sort((a, b) => a - b)
  return times[Math.floor(times.length / 2)] ?? Number.NaN
}

/** Calls per second with this number of concurrent clients. */
async function rate(clients: number, call: (client: number) => Promise<unknown>): Promise<number> {
  let calls = 0
  const started = performance.now()
  const end = started + durationMs
  const client = async (_: unknown, index: number): Promise<void> => {
    while (performance.now() < end) {
      await call(index)
      calls++
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
  return (calls * 1000) / (performance.now() - started)
}

function row(...cells: (string | number)[]): void {
  const texts = cells.map((cell) => (typeof cell === 'number' ? cell.toPrecision(3) : cell))
  process.stdout.write(`| ${texts.join(' | ')} |\n`)
}

/** Calls per second on one item, one table row each. */
async function measureItems(name: string, sdb: Pick<QueryClient, 'ok'>): Promise<void> {
  const target = (index: number) => ({ DomainName: 'single', ItemName: `i${index}` })
  const put = (index: number, value: number, expected: Record<string, string>) =>
    sdb.ok('PutAttributes', {
      ...target(index),
      'Attribute.1.Name': 'v',
      'Attribute.1.Value': String(value),
      'Attribute.1.Replace': 'true',
      ...expected,
    })
  const versions: number[] = Array(32).fill(0)
  for (let index = 0; index < 32; index++) await put(index, 0, {})
  const get = (index: number) => sdb.ok('GetAttributes', target(index))
  const change = (index: number) => {
    const version = versions[index] ?? 0
    versions[index] = version + 1
    return put(index, version + 1, { 'Expected.Name': 'v', 'Expected.Value': String(version) })
  }
  row(`GetAttributes, ${name}`, await rate(1, get), await rate(32, get))
  row(`conditional PutAttributes, ${name}`, await rate(1, change), await rate(32, change))
}

async function measureBare({ endpoint }: TestServer): Promise<void> {
  const health = () => fetch(`${endpoint}/_/health`).then((answer) => answer.text())
  row('a bare request', await rate(1, health), await rate(32, health))
}

/**
 * The same against moto, which takes the service from the signature's scope and doesn't verify it.
 */
async function measureMoto(): Promise<void> {
  const moto = await startMoto().catch(String)
  if (moto === undefined || typeof moto === 'string') {
    row(`moto: ${moto ?? 'there is no Python'}`, '', '')
    return
  }
  const client = new QueryClient(moto.port, { accessKeyId: 'moto', secretAccessKey: 'moto' })
  const scope = 'Credential=moto/20260101/us-east-1/sdb/aws4_request'
  const headers = { authorization: `AWS4-HMAC-SHA256 ${scope}, SignedHeaders=host, Signature=0` }
  const ok: QueryClient['ok'] = (action, parameters) => client.ok(action, parameters, { headers })
  try {
    await ok('CreateDomain', { DomainName: 'single' })
    await measureItems('moto', { ok })
  } finally {
    client.close()
    await moto.stop()
  }
}

async function measureSelect(server: TestServer, sdb: QueryClient): Promise<void> {
  const bareMs = await median(() =>
    fetch(`${server.endpoint}/_/health`).then((answer) => answer.text()),
  )
  process.stdout.write(`\nA bare request takes ${bareMs.toPrecision(3)} ms.\n\n`)
  row('Select', 'items', 'Holdfast, ms', 'SQLite, ms', 'of 3 × SQLite + bare')
  row('---', '---', '---', '---', '---')
  for (const table of tables) {
    const sqlite = openSqlite(table)
    for (const { name, select, sql } of table.questions) {
      const statement = sqlite.prepare(sql)
      const found = statement.all()
      const answer = await sdb.ok('Select', { SelectExpression: select })
      const count = pairsIn(answer.body)[0]?.replace('Count=', '')
      const isSame = sql.includes('count(*)')
        ? Number(count) === Number(Object.values(found[0] ?? {})[0])
        : itemsIn(answer.body).length === found.length
      if (!isSame) throw new Error(`${select}: not what SQLite finds`)
      const sqliteMs = await median(() => statement.all())
      const ownMs = await median(() => sdb.ok('Select', { SelectExpression: select }))
      row(name, String(table.size), ownMs, sqliteMs, ownMs / (3 * sqliteMs + bareMs))
    }
    sqlite.close()
  }
}

const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-'))
try {
  const credential = randomCredential()
  const store = await openServices({
    dataFolder: folder,
    region: 'us-east-1',
    log: silentLog,
    metrics: silentMetrics,
    isSweeping: false,
    simpleDbLimits: { submittedItems: batchItems },
  })
  const started = performance.now()
  await load(store.services, credential)
  await store.close()
  const seconds = (performance.now() - started) / 1000
  const loaded = tables.map(({ size, columns: names }) => `${size} of ${names.length}`).join(', ')
  process.stdout.write(`items by attributes (${loaded}) loaded in ${seconds.toFixed(1)} s\n\n`)
  const credentials = [credential]
  const options = { dataFolder: folder, credentials, workers: 2, args: ['--log-level', 'warn'] }
  const server = await startServer(options)
  const sdb = new QueryClient(server.port, server)
  row('one item', '1 connection, /s', '32 connections, /s')
  row('---', '---', '---')
  await measureItems('Holdfast', sdb)
  await measureMoto()
  await measureBare(server)
  await measureSelect(server, sdb)
  sdb.close()
  await server.close()
} finally {
  await rm(folder, { recursive: true, force: true })
}
