// Kills the server under mixed load, again and again: the whole group, one worker, or the primary;
// or stops a worker instead. After each kill every acknowledged write must be intact, and no other
// write half visible. `--kills N --seed N`; the seed repeats the choices, not the timing.

import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { healthStatus, processState, startServer, type TestServer } from '../harness.ts'
import { objectPath, WireClient, xmlTexts } from '../wire.ts'
import { checkStore } from './check.ts'
import { Choices } from './content.ts'
import { Traffic } from './traffic.ts'

const answerTimeoutMs = 45_000
const replacementMs = 40_000
const orphanMs = 15_000
const collectionMs = 90_000
const leftoverBytes = 1024 * 1024
const workerCount = 2
const shownProblems = 10

type Kind = 'group' | 'worker' | 'stopped worker' | 'primary'

/** The kinds of every ten kills; the seed shuffles them. */
const tenKinds: readonly Kind[] = [
  ...(['group', 'group', 'group', 'group', 'group'] as const),
  ...(['worker', 'worker', 'worker'] as const),
  'stopped worker',
  'primary',
]

const { values } = parseArgs({
  options: { kills: { type: 'string', default: '50' }, seed: { type: 'string' } },
})
const kills = Number(values.kills)
const seed = Number(values.seed ?? randomInt(2 ** 31))

test(`acknowledged writes survive ${kills} kills (seed ${seed})`, async (context) => {
  const choices = new Choices(seed)
  await using server = await startServer({ workers: workerCount })
  let position = 0
  const now = (): number => {
    position += 1
    return position
  }
  const traffic = new Traffic({
    client: new WireClient(server, answerTimeoutMs),
    choices,
    now,
    profile: {
      clients: 10,
      keysPerClient: 16,
      sharedKeys: 4,
      smallBytes: 8_192,
      largeBytes: 1_500_000,
      fullPartShare: 0.25,
    },
  })
  await traffic.prepare()
  const emptyBytes = totalBytes(await bodyFiles(server.dataFolder))
  let isAlive = true
  for (const [index, kind] of kindsOf(kills, choices).entries()) {
    await context.test(`kill ${index + 1}: ${kind}`, async (round) => {
      assert.ok(isAlive, 'the server could not be brought back after an earlier kill')
      const client = new WireClient(server, answerTimeoutMs)
      traffic.start(client)
      await delay(choices.between(100, 900))
      isAlive = false
      try {
        await inflict(kind, { server, traffic, choices, note: (text) => round.diagnostic(text) })
        isAlive = true
      } finally {
        await traffic.halt()
        client.close()
        // Restart, so that one failure doesn't hide what later kills would show.
        if (!isAlive) await server.restart()
        isAlive = true
      }
      await checkAll({ server, traffic, now })
    })
  }
  context.diagnostic(JSON.stringify(traffic.tally))
  await context.test('nothing is left behind when everything is deleted', async () => {
    await deleteAll(server, traffic.buckets)
    await untilCollected(server.dataFolder, emptyBytes)
  })
  await context.test('it stops with exit code 0 and fsck is clean', async () => {
    assert.equal(await server.stop(), 0)
    await assertClean(server)
  })
})

interface Scene {
  readonly server: TestServer
  readonly traffic: Traffic
  readonly choices: Choices
  readonly note: (text: string) => void
}

async function inflict(kind: Kind, scene: Scene): Promise<void> {
  const { server, traffic } = scene
  switch (kind) {
    case 'group':
      await server.kill()
      await traffic.halt()
      await assertClean(server)
      return server.restart()
    case 'primary':
      return killPrimary(scene)
    case 'worker':
      return loseWorker('SIGKILL', scene)
    case 'stopped worker':
      return loseWorker('SIGSTOP', scene)
  }
}

async function killPrimary({ server, traffic, note }: Scene): Promise<void> {
  const orphans = await server.workers()
  const started = performance.now()
  process.kill(server.pid, 'SIGKILL')
  for (;;) {
    const states = await Promise.all(orphans.map(processState))
    const living = states.filter((state) => state !== undefined)
    if (living.length === 0) break
    assert.ok(
      performance.now() - started < orphanMs,
      `${living.length} of ${orphans.length} workers outlive their primary, in state ${living}`,
    )
    await delay(10)
  }
  note(`workers ended ${elapsed(started)} after the primary`)
  await traffic.halt()
  await assertClean(server)
  await server.restart()
}

async function loseWorker(signal: 'SIGKILL' | 'SIGSTOP', scene: Scene): Promise<void> {
  const { server, traffic, choices, note } = scene
  const victim = choices.of(await server.workers())
  const started = performance.now()
  process.kill(victim, signal)
  for (;;) {
    const workers = await server.workers()
    if (workers.length === workerCount && !workers.includes(victim)) break
    assert.ok(server.isRunning, 'the primary ended with its worker')
    assert.ok(performance.now() - started < replacementMs, `worker not replaced after ${signal}`)
    await delay(20)
  }
  note(`replaced ${elapsed(started)} after ${signal}`)
  await server.ready(replacementMs)
  const acknowledged = traffic.tally.acknowledged
  while (traffic.tally.acknowledged < acknowledged + 20) {
    assert.ok(performance.now() - started < 2 * replacementMs, `no writes after ${signal}`)
    await delay(20)
  }
  note(`writing again ${elapsed(started)} after ${signal}`)
}

interface Round {
  readonly server: TestServer
  readonly traffic: Traffic
  readonly now: () => number
}

async function checkAll({ server, traffic, now }: Round): Promise<void> {
  const { buckets, histories } = traffic
  const client = new WireClient(server, answerTimeoutMs)
  try {
    const first = await checkStore({ client, buckets, histories, at: now(), settle: true })
    for (const upload of [...traffic.openUploads]) await traffic.finish(upload, client)
    const second = await checkStore({ client, buckets, histories, at: now(), settle: true })
    const problems = [...traffic.takeProblems(), ...first, ...second]
    assert.deepEqual(problems.slice(0, shownProblems), [])
  } finally {
    client.close()
  }
}

async function assertClean(server: TestServer): Promise<void> {
  const { exitCode, output } = await server.fsck()
  assert.equal(exitCode, 0, `fsck found something:\n${output}`)
}

async function deleteAll(server: TestServer, buckets: readonly string[]): Promise<void> {
  assert.equal(await healthStatus(server.endpoint), 200)
  const client = new WireClient(server, answerTimeoutMs)
  for (const bucket of buckets) {
    const path = `/${bucket}`
    const listing = await client.send({ method: 'GET', path, query: { 'list-type': '2' } })
    for (const key of xmlTexts(listing.body, 'Key')) {
      await client.send({ method: 'DELETE', path: objectPath(bucket, key) })
    }
    const uploads = await client.send({ method: 'GET', path, query: { uploads: '' } })
    const keys = xmlTexts(uploads.body, 'Key')
    for (const [index, uploadId] of xmlTexts(uploads.body, 'UploadId').entries()) {
      const query = { uploadId }
      await client.send({ method: 'DELETE', path: objectPath(bucket, keys[index] ?? ''), query })
    }
    const { status, body } = await client.send({ method: 'DELETE', path })
    assert.equal(status, 204, `deleting the emptied ${bucket}: ${body}`)
  }
  client.close()
}

/** Waits until the folder is no larger than a new one, apart from the store's own file. */
async function untilCollected(folder: string, emptyBytes: number): Promise<void> {
  const started = performance.now()
  for (;;) {
    const files = await bodyFiles(folder)
    const left = totalBytes(files)
    if (left <= emptyBytes + leftoverBytes) return
    const shown = files.slice(0, 10).map(({ name, sizeBytes }) => `${name} (${sizeBytes})`)
    assert.ok(
      performance.now() - started < collectionMs,
      `${left - emptyBytes} bytes too many in ${files.length} files: ${shown.join(', ')}`,
    )
    await delay(500)
  }
}

interface BodyFile {
  readonly name: string
  readonly sizeBytes: number
}

/** All files except LMDB's, largest first. */
async function bodyFiles(folder: string): Promise<BodyFile[]> {
  const names = await readdir(folder, { recursive: true })
  const files: BodyFile[] = []
  for (const name of names.filter((one) => !one.includes('.mdb'))) {
    const found = await stat(join(folder, name)).catch(() => undefined)
    if (found?.isFile()) files.push({ name, sizeBytes: found.size })
  }
  return files.sort((a, b) => b.sizeBytes - a.sizeBytes)
}

function totalBytes(files: readonly BodyFile[]): number {
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
}

function kindsOf(count: number, choices: Choices): Kind[] {
  const kinds: Kind[] = []
  while (kinds.length < count) {
    const ten = [...tenKinds]
    while (ten.length > 0) kinds.push(...ten.splice(choices.between(0, ten.length - 1), 1))
  }
  return kinds.slice(0, count)
}

function elapsed(started: number): string {
  return `${Math.round(performance.now() - started)} ms`
}
