// The cost of folder operations, from one object to a million, compared with a client that does
// without them, and their effect on other requests. `npm run bench:folders`; `--largest N` for
// less, `--json FILE` for the data.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { storeIn } from '../src/base/store-location.ts'
import type { Engine, Range } from '../src/engine/engine.ts'
import { openEngine } from '../src/engine/open.ts'
import * as treeSchema from '../src/store/tree/schema.ts'
import { randomCredential, startServer, type TestServer } from '../test/harness.ts'
import { fill, flatKeys, makeBucket, nestedKeys, openQuietly } from './fill.ts'
import { FolderClient } from './folder-client.ts'
import type { Job, Result } from './load.ts'

const loadProgram = fileURLToPath(new URL('load.ts', import.meta.url))
const bucketName = 'bench-folders'
const workerCount = 2
const repetitions = 31
const firstWrites = 11
const roundCount = 5
const loadMs = 3_000
const loadConnections = 4
const loadKeys = 1_000
const loadBytes = 4_096
const keyByKeyCount = 10_000
const listedKeys = 10_000
const nestedCopies = 8
const nestedWrites = 100
const emptiedKeys = 100_000
const emptyingClients = 32
const waitingMs = 50

const { values } = parseArgs({
  options: { largest: { type: 'string', default: '1000000' }, json: { type: 'string' } },
})
const largest = Number(values.largest)
const sizes = [1, 1_000, 100_000, 1_000_000].filter((size) => size <= largest)

/** Milliseconds, medians. */
interface Times {
  readonly rename: number
  readonly copy: number
  readonly delete: number
  readonly snapshot: number
}

/** Milliseconds, medians of the rounds. */
interface Disturbance {
  readonly what: string
  readonly getP99: number
  readonly putP99: number
}

/** All measurements, from which the pictures are drawn. */
export interface FolderFigures {
  readonly machine: string
  readonly bySize: readonly (Times & { readonly objects: number })[]
  /** The same without folder requests, measured with this number of objects. */
  readonly byKeys: Omit<Times, 'snapshot'> & { readonly objects: number }
  readonly others: readonly Disturbance[]
  readonly firstWrite: { readonly first: number; readonly second: number; readonly plain: number }
  readonly listing: { readonly plain: number; readonly nested: number; readonly copies: number }
  /** Seconds for each tenth of the keys. */
  readonly emptying: readonly number[]
  /** Deletions per second. */
  readonly deleting: { readonly oneFolder: number; readonly ownFolders: number }
  readonly collection: { readonly objects: number; readonly seconds: number }
}

interface Scene {
  readonly server: TestServer
  readonly client: FolderClient
  /** The server's own store, to observe its background queues. */
  readonly engine: Engine
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

const folderOf = (objects: number): string => `of-${objects}/`

/** Resolves when no background work on rows is left. */
async function settled(engine: Engine): Promise<void> {
  const isEmpty = (range: Range): Promise<boolean> =>
    engine.read(async (tx) => {
      for await (const _ of tx.range(range)) return false
      return true
    })
  for (;;) {
    if ((await isEmpty(treeSchema.queue())) && (await isEmpty(treeSchema.compactions()))) return
    await delay(waitingMs)
  }
}

async function fillAll(dataFolder: string, ownerId: string): Promise<void> {
  const store = await openQuietly(dataFolder)
  await makeBucket(store, bucketName, ownerId)
  for (const size of sizes) {
    const started = performance.now()
    const keys = size === 1 ? [`${folderOf(1)}only`] : nestedKeys(folderOf(size), size)
    await fill(store, bucketName, keys)
    say(`filled a folder of ${size} in ${((performance.now() - started) / 1e3).toFixed(1)} s`)
  }
  await fill(store, bucketName, nestedKeys('by-keys/', keyByKeyCount))
  await fill(store, bucketName, flatKeys('plain/', listedKeys))
  await fill(store, bucketName, flatKeys('flat/', emptiedKeys))
  await store.close()
}

/** Every operation on every size in turn, so that all run under the same conditions. */
async function measureSizes({ client, engine }: Scene): Promise<FolderFigures['bySize']> {
  const taken = new Map(sizes.map((size) => [size, [] as Times[]]))
  for (let time = 0; time < repetitions; time++) {
    for (const size of sizes) {
      const folder = folderOf(size)
      const rename = await client.rename(folder, 'renamed/')
      await client.rename('renamed/', folder)
      const copy = await client.copy(folder, 'copied/')
      const removed = await client.remove('copied/')
      const snapshot = await client.snapshot(folder)
      taken.get(size)?.push({ rename, copy, delete: removed, snapshot })
    }
    if (time % 5 === 0) await settled(engine)
  }
  return sizes.map((objects) => {
    const all = taken.get(objects) ?? []
    const of = (name: keyof Times): number => median(all.map((times) => times[name]))
    const times = { rename: of('rename'), copy: of('copy'), delete: of('delete') }
    return { objects, ...times, snapshot: of('snapshot') }
  })
}

async function measureByKeys({ client }: Scene): Promise<FolderFigures['byKeys']> {
  const rename = await client.renameByKeys('by-keys/', 'by-keys-renamed/')
  const copy = await client.copyByKeys('by-keys-renamed/', 'by-keys-copied/')
  const removed = await client.removeByKeys('by-keys-copied/')
  return { objects: keyByKeyCount, rename, copy, delete: removed }
}

/** A child process that sends load. */
class LoadGenerator {
  readonly #child: ChildProcess = fork(loadProgram)

  async run(job: Job): Promise<Result> {
    const answered = once(this.#child, 'message')
    this.#child.send(job)
    const [result] = await answered
    if (result.error !== undefined || result.failures > 0) throw new Error(JSON.stringify(result))
    return result
  }

  stop(): void {
    this.#child.kill()
  }
}

/** p99 of concurrent GETs and PUTs of other keys, while `disturb` runs until its signal. */
async function measureOthers(
  { server }: Scene,
  what: string,
  disturb: (signal: AbortSignal) => Promise<void>,
  rounds = roundCount,
): Promise<Disturbance> {
  const { host, port, accessKeyId, secretAccessKey } = server
  const loads = [new LoadGenerator(), new LoadGenerator()] as const
  const paths = Array.from({ length: loadKeys }, (_, n) => `/${bucketName}/elsewhere/${n}`)
  const job = { host, port, paths, connections: loadConnections, bodyBytes: loadBytes }
  const signed = { ...job, key: { accessKeyId, secretAccessKey } }
  await loads[1].run({ ...signed, method: 'PUT' })
  const gets: number[] = []
  const puts: number[] = []
  const stop = new AbortController()
  const disturbing = disturb(stop.signal)
  for (let round = 0; round < rounds; round++) {
    const [get, put] = await Promise.all([
      loads[0].run({ ...signed, method: 'GET', bodyBytes: 0, durationMs: loadMs }),
      loads[1].run({ ...signed, method: 'PUT', durationMs: loadMs }),
    ])
    gets.push(get.p99Ms)
    puts.push(put.p99Ms)
  }
  stop.abort()
  await disturbing
  for (const load of loads) load.stop()
  return { what, getP99: median(gets), putP99: median(puts) }
}

async function measureDisturbances(scene: Scene): Promise<Disturbance[]> {
  const { client, engine } = scene
  const big = folderOf(sizes.at(-1) ?? 1)
  const repeat =
    (work: () => Promise<unknown>) =>
    async (signal: AbortSignal): Promise<void> => {
      while (!signal.aborted) await work()
    }
  const found: Disturbance[] = []
  const measure = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    found.push(await measureOthers(scene, what, repeat(work)))
    await settled(engine)
  }
  await measure('nothing', () => delay(waitingMs))
  await measure('renames', async () => {
    await client.rename(big, 'renamed/')
    await client.rename('renamed/', big)
  })
  await measure('copies and deletes', async () => {
    await client.copy(big, 'copied/')
    await client.remove('copied/')
  })
  await measure('snapshots', () => client.snapshot(big))
  return found
}

async function measureFirstWrite({ client, engine }: Scene): Promise<FolderFigures['firstWrite']> {
  const first: number[] = []
  const second: number[] = []
  const plain: number[] = []
  for (let time = 0; time < firstWrites; time++) {
    await client.copy('flat/', 'fresh/')
    first.push(await client.put('fresh/a'))
    second.push(await client.put('fresh/b'))
    plain.push(await client.put('plain/a'))
    await client.delete('plain/a')
    await client.remove('fresh/')
    await settled(engine)
  }
  return { first: median(first), second: median(second), plain: median(plain) }
}

async function measureListing({ client, engine }: Scene): Promise<FolderFigures['listing']> {
  let folder = 'plain/'
  for (let copy = 1; copy <= nestedCopies; copy++) {
    const to = `nested-${copy}/`
    await client.copy(folder, to)
    for (let write = 0; write < nestedWrites; write++) {
      const n = (write * 97 + copy * 13) % listedKeys
      await client.put(`${to}${String(n).padStart(7, '0')}`)
    }
    folder = to
  }
  await settled(engine)
  const plain: number[] = []
  const nested: number[] = []
  for (let time = 0; time < 2 * roundCount + 1; time++) {
    plain.push((await client.list('plain/')).ms)
    const { keys, ms } = await client.list(folder)
    if (keys.length !== listedKeys) throw new Error(`the copy of a copy has ${keys.length} keys`)
    nested.push(ms)
  }
  for (let copy = 1; copy <= nestedCopies; copy++) await client.remove(`nested-${copy}/`)
  await settled(engine)
  return { plain: median(plain), nested: median(nested), copies: nestedCopies }
}

/** Empties a copy key by key, and compares many clients in one folder with many folders. */
async function measureEmptying({
  client,
  engine,
}: Scene): Promise<Pick<FolderFigures, 'emptying' | 'deleting'>> {
  await client.copy('flat/', 'emptied/')
  const keys = [...flatKeys('emptied/', emptiedKeys)]
  const tenth = emptiedKeys / 10
  const emptying: number[] = []
  for (let at = 0; at < emptiedKeys; at += tenth) {
    const ms = await client.deleteEach(keys.slice(at, at + tenth), emptyingClients)
    emptying.push(ms / 1e3)
  }
  if ((await client.list('emptied/')).keys.length !== 0) throw new Error('the copy is not empty')
  await settled(engine)
  const own = Array.from({ length: emptyingClients }, (_, n) => `own/${n}/`)
  const some = [...flatKeys('', listedKeys)]
  const inOwn = some.map((key, n) => `${own[n % own.length]}${key}`)
  const one = some.map((key) => `one/${key}`)
  await client.putEach([...own.map((folder) => `${folder}kept`), ...inOwn, ...one])
  const inOne = await client.deleteEach(one, emptyingClients)
  const inMany = await client.deleteEach(inOwn, emptyingClients)
  const rate = (ms: number): number => (listedKeys * 1e3) / ms
  return { emptying, deleting: { oneFolder: rate(inOne), ownFolders: rate(inMany) } }
}

/** Deletes the largest folder, and measures other requests during its collection. */
async function measureCollection(
  scene: Scene,
): Promise<{ readonly collection: FolderFigures['collection']; readonly other: Disturbance }> {
  const objects = sizes.at(-1) ?? 1
  const started = performance.now()
  await scene.client.remove(folderOf(objects))
  let seconds = 0
  const other = await measureOthers(
    scene,
    `collection of ${objects.toLocaleString('en-US')}`,
    async () => {
      await settled(scene.engine)
      seconds = (performance.now() - started) / 1e3
    },
  )
  return { collection: { objects, seconds }, other }
}

async function measure(scene: Scene): Promise<FolderFigures> {
  const bySize = await measureSizes(scene)
  say('measured the operations')
  const byKeys = await measureByKeys(scene)
  say('measured them by keys')
  const others = await measureDisturbances(scene)
  say('measured what others notice')
  const firstWrite = await measureFirstWrite(scene)
  const listing = await measureListing(scene)
  say('measured writes and listings of copies')
  const emptied = await measureEmptying(scene)
  say('measured deletions key by key')
  const { collection, other } = await measureCollection(scene)
  const machine = `${availableParallelism()} cores, ${workerCount} workers, Node ${process.versions.node}`
  const all = { machine, bySize, byKeys, others: [...others, other], firstWrite, listing }
  return { ...all, ...emptied, collection }
}

const ms = (value: number): string => `${value.toFixed(value < 10 ? 2 : 0)} ms`

function report(figures: FolderFigures): void {
  const { bySize, byKeys, others, firstWrite, listing, emptying, deleting, collection } = figures
  const [one] = bySize
  const verdict = (isMet: boolean): string => (isMet ? 'met' : 'MISSED')
  say(`\n${figures.machine}; medians of ${repetitions}, over HTTP\n`)
  say('| objects | rename | copy | delete | archive, first byte |')
  say('|---|---|---|---|---|')
  for (const { objects, ...times } of bySize) {
    const cell = (name: keyof Times): string => {
      const ratio = times[name] / (one?.[name] ?? Number.NaN)
      return `${ms(times[name])} (${ratio.toFixed(2)}×)`
    }
    const cells = [cell('rename'), cell('copy'), cell('delete'), cell('snapshot')]
    say(`| ${objects.toLocaleString('en-US')} | ${cells.join(' | ')} |`)
  }
  const last = bySize.at(-1)
  const names = ['rename', 'copy', 'delete', 'snapshot'] as const
  const isFlat = names.every((name) => (last?.[name] ?? 0) <= 2 * (one?.[name] ?? 0))
  say(`aim: the largest at most 2× the smallest: ${verdict(isFlat)}\n`)
  const factor = (last?.objects ?? 0) / byKeys.objects
  const scaled = (value: number): string => `${((value * factor) / 1e3).toFixed(0)} s`
  say(`by list, copy and delete of ${byKeys.objects} objects: rename ${ms(byKeys.rename)}, `)
  say(`copy ${ms(byKeys.copy)}, delete ${ms(byKeys.delete)}; extrapolated to ${last?.objects}: `)
  say(`${scaled(byKeys.rename)}, ${scaled(byKeys.copy)}, ${scaled(byKeys.delete)}\n`)
  say('| meanwhile | p99 GET | p99 PUT | at most 10 ms above nothing |')
  say('|---|---|---|---|')
  const [quiet] = others
  for (const { what, getP99, putP99 } of others) {
    const more = Math.max(getP99 - (quiet?.getP99 ?? 0), putP99 - (quiet?.putP99 ?? 0))
    say(`| ${what} | ${ms(getP99)} | ${ms(putP99)} | ${verdict(more <= 10)} |`)
  }
  say(`\nfirst PUT into a copy of ${emptiedKeys}: ${ms(firstWrite.first)}, the second `)
  say(`${ms(firstWrite.second)}, into a plain folder ${ms(firstWrite.plain)}`)
  const slower = listing.nested / listing.plain
  say(
    `listing ${listedKeys} keys: plain ${ms(listing.plain)}, after ${listing.copies} copies with `,
  )
  say(
    `${nestedWrites} writes each ${ms(listing.nested)} (${slower.toFixed(2)}×, aim 2×: ${verdict(slower <= 2)})`,
  )
  const shown = emptying.map((seconds) => seconds.toFixed(1)).join(' ')
  say(`emptying a copy of ${emptiedKeys} key by key, seconds a tenth: ${shown}`)
  say(`${emptyingClients} clients delete ${deleting.oneFolder.toFixed(0)} a second in one folder, `)
  say(`${deleting.ownFolders.toFixed(0)} in a folder each`)
  say(`collected ${collection.objects} objects in ${collection.seconds.toFixed(0)} s`)
}

async function main(): Promise<void> {
  const dataFolder = await mkdtemp(join(tmpdir(), 'holdfast-folders-'))
  const credential = randomCredential()
  try {
    await fillAll(dataFolder, credential.owner.id)
    await using server = await startServer({
      ...{ workers: workerCount, dataFolder, credentials: [credential] },
      args: ['--log-level', 'warn'],
    })
    const client = new FolderClient(server, bucketName)
    const engine = await openEngine(storeIn(dataFolder).engine)
    const figures = await measure({ server, client, engine })
    report(figures)
    client.close()
    await engine.close()
    if (values.json !== undefined) {
      const rounded = (_: string, value: unknown): unknown =>
        typeof value === 'number' ? Math.round(value * 100) / 100 : value
      await writeFile(values.json, `${JSON.stringify(figures, rounded, 2)}\n`)
    }
  } finally {
    await rm(dataFolder, { recursive: true, force: true })
  }
}

await main()
