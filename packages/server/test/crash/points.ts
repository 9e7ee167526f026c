// Kills a process at every crash point of every scenario, each time it is reached. The visible
// state must then be that before or after the change, fsck must find nothing, and the interrupted
// work must be completed.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type CrashPoint, crashPoints } from '../../src/base/crash-point.ts'
import { LocalStore, type Seen } from './local-store.ts'
import { type Scenario, scenarios } from './scenario.ts'
import type { Account } from './victim.ts'

const victimProgram = fileURLToPath(new URL('victim.ts', import.meta.url))
const preparedAt = 1_600_000_000_000
const checkedAt = 1_800_000_000_000
/** Concurrent kills, since each waits for a process to start. */
const parallel = 3
/** Reached by a commit once it is durable. */
const durablePoint: CrashPoint = 'commit durable'

const folder = await mkdtemp(join(tmpdir(), 'holdfast-points-'))
after(() => rm(folder, { recursive: true, force: true }))
const reached = new Set<CrashPoint>()
const kinds = new Set<string>()
let kills = 0

interface Ending {
  readonly signal: string | null
  readonly account: Account | undefined
}

function runVictim(dataFolder: string, scenario: Scenario, ...point: string[]): Promise<Ending> {
  const { promise, resolve, reject } = Promise.withResolvers<Ending>()
  const args = [victimProgram, dataFolder, scenario.name, ...point]
  const env = { ...process.env, NODE_COMPILE_CACHE: join(folder, 'cache') }
  execFile(process.execPath, args, { env }, (error, stdout, stderr) => {
    if (error === null) resolve({ signal: null, account: JSON.parse(stdout) })
    else if (error.signal === 'SIGKILL') resolve({ signal: 'SIGKILL', account: undefined })
    else reject(new Error(stderr, { cause: error }))
  })
  return promise
}

/** The visible state, after checking that fsck finds nothing. */
async function look(dataFolder: string): Promise<Seen> {
  const store = await LocalStore.open(dataFolder, checkedAt)
  try {
    assert.deepEqual(await store.findings(), [])
    return await store.seen()
  } finally {
    await store.close()
  }
}

/** Lets interrupted work continue, which must not change the visible state. */
async function resume(dataFolder: string, expected: Seen): Promise<void> {
  const store = await LocalStore.open(dataFolder, checkedAt)
  try {
    await store.settle()
    assert.deepEqual(await store.findings(), [])
    assert.deepEqual(await store.seen(), expected)
  } finally {
    await store.close()
  }
}

interface Kill {
  readonly point: CrashPoint
  readonly count: number
}

interface Prepared {
  readonly scenario: Scenario
  /** A data folder that is copied for each kill. */
  readonly dataFolder: string
  readonly before: Seen
  readonly after: Seen
}

async function kill(prepared: Prepared, { point, count }: Kill): Promise<void> {
  const { scenario, before, after: changed } = prepared
  const dataFolder = await mkdtemp(join(folder, 'kill-'))
  await cp(prepared.dataFolder, dataFolder, { recursive: true })
  const { signal } = await runVictim(dataFolder, scenario, point, String(count))
  assert.equal(signal, 'SIGKILL')
  const seen = await look(dataFolder)
  const isDone = scenario.kind === 'background' || point === durablePoint
  assert.deepEqual(seen, isDone ? changed : before)
  await resume(dataFolder, seen)
  await rm(dataFolder, { recursive: true })
  kills++
}

async function prepare(scenario: Scenario): Promise<Prepared & { readonly kills: Kill[] }> {
  const dataFolder = await mkdtemp(join(folder, 'prepared-'))
  const store = await LocalStore.open(dataFolder, preparedAt)
  await store.createBucket()
  await scenario.prepare(store)
  await store.close()
  const acted = await mkdtemp(join(folder, 'acted-'))
  await cp(dataFolder, acted, { recursive: true })
  const { account } = await runVictim(acted, scenario)
  assert.ok(account, 'the scenario was not acted to its end')
  for (const kind of account.kinds) kinds.add(kind)
  const before = await look(dataFolder)
  const changed = await look(acted)
  if (scenario.kind === 'background') assert.deepEqual(changed, before)
  else assert.notDeepEqual(changed, before)
  const wanted = crashPoints.flatMap((point) => {
    const count = account.points[point] ?? 0
    return Array.from({ length: count }, (_, index) => ({ point, count: index + 1 }))
  })
  return { scenario, dataFolder, before, after: changed, kills: wanted }
}

for (const scenario of scenarios) {
  test(`${scenario.name}: a kill at any point leaves it before or after`, async (context) => {
    const prepared = await prepare(scenario)
    if (scenario.kind === 'commit') {
      const commits = prepared.kills.filter(({ point }) => point === durablePoint)
      assert.equal(commits.length, 1, 'it is one transaction')
    }
    context.diagnostic(`${prepared.kills.length} kills`)
    const left = [...prepared.kills]
    const killer = async (): Promise<void> => {
      for (let next = left.shift(); next !== undefined; next = left.shift()) {
        const one = next
        await context.test(`${one.point}, time ${one.count}`, () => kill(prepared, one))
        reached.add(one.point)
      }
    }
    await Promise.all(Array.from({ length: parallel }, killer))
  })
}

test('every point was reached, in every phase of compaction', (context) => {
  assert.deepEqual([...reached].sort(), [...crashPoints].sort())
  assert.deepEqual([...kinds].sort(), ['copy', 'count', 'look', 'merge', 'move', 'prune', 'weigh'])
  context.diagnostic(`${kills} kills`)
})
