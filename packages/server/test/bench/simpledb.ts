// How fast SimpleDB is: reads and conditional writes of one item, and Select on domains of several
// sizes against the same data in SQLite, queried in this process, plus the cost of a bare HTTP request.
// Prints Markdown tables. `--items 1000,100000,1000000 --seconds N`.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { parseArgs } from 'node:util'
import { openServices } from '../../src/compose.ts'
import { silentLog } from '../../src/observe/log.ts'
import { silentMetrics } from '../../src/observe/metrics.ts'
import { batchPutAttributes } from '../../src/operation/attribute.ts'
import { createDomain } from '../../src/operation/domain.ts'
import type { Services } from '../../src/operation/operation.ts'
import { run } from '../../src/operation/run.ts'
import { type Credential, randomCredential, startServer, type TestServer } from '../harness.ts'
import { itemsIn, pairsIn, QueryClient } from '../simpledb/query.ts'

const { values } = parseArgs({
  options: {
    items: { type: 'string', default: '1000,100000' },
    seconds: { type: 'string', default: '2' },
  },
})
const sizes = values.items.split(',').map(Number)
const durationMs = Number(values.seconds) * 1000
const batchItems = 500
const columns = ['id', 'team', 'score', 'title', 'city', 'flag'] as const
/** Numbers mixed so that neighbours by one attribute aren't by another; a prime that keeps them apart. */
const mixer = 7_368_787

interface Row extends Readonly<Record<(typeof columns)[number], string>> {
  readonly name: string
}

function rowOf(index: number, size: number): Row {
  const mixed = (index * mixer) % size
  const padded = String(mixed).padStart(8, '0')
  return {
    name: `item-${String(index).padStart(8, '0')}`,
    id: String(index).padStart(8, '0'),
    team: `team-${String(mixed % Math.max(1, Math.floor(size / 100))).padStart(6, '0')}`,
    score: padded,
    title: `${padded.slice(-3)} title of ${index}`,
    city: `city-${mixed % 50}`,
    flag: mixed % 2 === 0 ? 'yes' : 'no',
  }
}

/** One question in both languages, about the middle of a domain. */
interface Question {
  readonly name: string
  readonly select: string
  readonly sql: string
}

function questionsOf(size: number): Question[] {
  const team = rowOf(Math.floor(size / 2), size).team
  const middle = String(Math.floor(size / 2)).padStart(8, '0')
  const prefix = middle.slice(-3)
  const both = (name: string, what: string, tail: string, where: string): Question => ({
    name,
    select: `select ${what} from \`items-${size}\` where ${where} ${tail}`,
    sql: `select ${what} from items where ${where} ${tail}`,
  })
  return [
    both('equality, 100 items', '*', 'limit 100', `team = '${team}'`),
    both('range, 100 items', '*', 'limit 100', `score > '${middle}'`),
    both('prefix, 100 items', '*', 'limit 100', `title like '${prefix}%'`),
    both('order by … limit 100', '*', 'order by score limit 100', `score > '${middle}'`),
    both('count(*) by equality', 'count(*)', '', `team = '${team}'`),
  ]
}

async function load(services: Services, credential: Credential): Promise<void> {
  const { accessKeyId, owner } = credential
  const { signal } = new AbortController()
  const caller = { principal: { accessKeyId, owner, isRoot: true }, requestId: 'bench', signal }
  await run(services, caller, createDomain, { domain: 'single' })
  for (const size of sizes) {
    const domain = `items-${size}`
    await run(services, caller, createDomain, { domain })
    for (let start = 0; start < size; start += batchItems) {
      const count = Math.min(batchItems, size - start)
      const items = Array.from({ length: count }, (_, at) => {
        const { name, ...row } = rowOf(start + at, size)
        const pairs = Object.entries(row).map(([key, value]) => ({
          name: key,
          value,
          replace: false,
        }))
        return { name, pairs }
      })
      await run(services, caller, batchPutAttributes, { domain, items })
    }
  }
}

function openSqlite(size: number): DatabaseSync {
  const database = new DatabaseSync(':memory:')
  database.exec(`create table items (name text primary key, ${columns.join(' text, ')} text)`)
  for (const column of columns) database.exec(`create index by_${column} on items (${column})`)
  database.exec('pragma case_sensitive_like = on')
  const places = ['?', ...columns.map(() => '?')].join(', ')
  const insert = database.prepare(`insert into items values (${places})`)
  database.exec('begin')
  for (let index = 0; index < size; index++) {
    const row = rowOf(index, size)
    insert.run(row.name, ...columns.map((column) => row[column]))
  }
  database.exec('commit')
  return database
}

/** Milliseconds of one call: the median, after some that don't count. */
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

/** Calls a second by so many clients at once. */
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

async function measureItems(server: TestServer, sdb: QueryClient): Promise<void> {
  row('one item', '1 connection, /s', '32 connections, /s')
  row('---', '---', '---')
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
  const health = () => fetch(`${server.endpoint}/_/health`).then((answer) => answer.text())
  const get = (index: number) => sdb.ok('GetAttributes', target(index))
  const change = (index: number) => {
    const version = versions[index] ?? 0
    versions[index] = version + 1
    return put(index, version + 1, { 'Expected.Name': 'v', 'Expected.Value': String(version) })
  }
  row('GetAttributes', await rate(1, get), await rate(32, get))
  row('conditional PutAttributes', await rate(1, change), await rate(32, change))
  row('a bare request', await rate(1, health), await rate(32, health))
}

async function measureSelect(server: TestServer, sdb: QueryClient): Promise<void> {
  const bareMs = await median(() =>
    fetch(`${server.endpoint}/_/health`).then((answer) => answer.text()),
  )
  process.stdout.write(`\nA bare request takes ${bareMs.toPrecision(3)} ms.\n\n`)
  row('Select', 'items', 'Holdfast, ms', 'SQLite, ms', 'of 3 × SQLite + bare')
  row('---', '---', '---', '---', '---')
  for (const size of sizes) {
    const sqlite = openSqlite(size)
    for (const { name, select, sql } of questionsOf(size)) {
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
      row(name, String(size), ownMs, sqliteMs, ownMs / (3 * sqliteMs + bareMs))
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
  process.stdout.write(
    `${sizes.join(', ')} items of 6 attributes loaded in ${seconds.toFixed(1)} s\n\n`,
  )
  const credentials = [credential]
  const options = { dataFolder: folder, credentials, workers: 2, args: ['--log-level', 'warn'] }
  const server = await startServer(options)
  const sdb = new QueryClient(server.port, server)
  await measureItems(server, sdb)
  await measureSelect(server, sdb)
  sdb.close()
  await server.close()
} finally {
  await rm(folder, { recursive: true, force: true })
}
