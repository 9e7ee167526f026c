// Power failure test: the server runs on a disk that logs every block write and flush. The log is
// cut at random points, random unflushed writes are dropped, and the server is started on the rest.
// Every acknowledged write must be there. `--points N --seconds N --seed N`.

import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { checkStore } from '../crash/check.ts'
import { Choices } from '../crash/content.ts'
import { Traffic } from '../crash/traffic.ts'
import { type Credential, randomCredential, startServer } from '../harness.ts'
import { WireClient } from '../wire.ts'
import { Disk } from './disk.ts'
import { assertMountable, mountDisk } from './mount.ts'

const diskBytes = 2 * 1024 ** 3
const workerCount = 2
const shownProblems = 10
const shownCharacters = 300
const keptShares = [0, 0.5, 0.5, 0.5, 0.9] as const
/** Cuts while the folder is still being created; only a working start is required of them. */
const earlyPoints = 4
/** Just after a cut: every response at that position of the log counts. */
const justAfter = 0.9

const { values } = parseArgs({
  options: {
    points: { type: 'string', default: '24' },
    seconds: { type: 'string', default: '12' },
    seed: { type: 'string' },
  },
})
const points = Number(values.points)
const recordedMs = Number(values.seconds) * 1_000
const seed = Number(values.seed ?? randomInt(2 ** 31))

/** What was written, and the disk's log of it. */
interface Recording {
  readonly credentials: readonly Credential[]
  readonly disk: Disk
  readonly traffic: Traffic
  readonly formattedAt: number
  readonly preparedAt: number
  readonly endedAt: number
}

/** Runs the load on a logged disk, with a `kill -9` and a restart halfway. */
async function record(choices: Choices): Promise<Recording> {
  const disk = new Disk(diskBytes)
  const credentials = [randomCredential()]
  await using mounted = await mountDisk(disk, { format: true })
  const formattedAt = disk.position
  await using server = await startServer({
    workers: workerCount,
    dataFolder: join(mounted.folder, 'data'),
    credentials,
  })
  const client = new WireClient(server)
  let events = 0
  const now = (): number => {
    events += 1
    return disk.position + events / 1e9
  }
  const traffic = new Traffic({
    client,
    choices,
    now,
    profile: {
      clients: 8,
      keysPerClient: 12,
      sharedKeys: 3,
      smallBytes: 8_192,
      largeBytes: 400_000,
      fullPartShare: 0.15,
    },
  })
  await traffic.prepare()
  const preparedAt = disk.position
  traffic.start()
  await delay(recordedMs / 2)
  await server.kill()
  await traffic.halt()
  await server.restart()
  traffic.start()
  await delay(recordedMs / 2)
  const endedAt = disk.position
  await traffic.halt()
  client.close()
  await server.kill()
  assert.deepEqual(traffic.takeProblems(), [])
  return { credentials, disk, traffic, formattedAt, preparedAt, endedAt }
}

/**
 * Starts the server on the surviving disk, reads everything, writes something, stops, and runs
 * fsck.
 */
async function inspect(disk: Disk, position: number, recording: Recording): Promise<string[]> {
  const { credentials, traffic, preparedAt } = recording
  await using mounted = await mountDisk(disk, { format: false })
  await using server = await startServer({
    workers: workerCount,
    dataFolder: join(mounted.folder, 'data'),
    credentials,
  })
  const client = new WireClient(server)
  const { histories, buckets } = traffic
  const at = position + justAfter
  const problems =
    position < preparedAt ? [] : await checkStore({ client, buckets, histories, at, settle: false })
  const bucket = '/after-power-loss'
  const body = Buffer.from('still writing')
  for (const wanted of [
    { method: 'PUT', path: bucket },
    { method: 'PUT', path: `${bucket}/key`, body },
    { method: 'GET', path: `${bucket}/key` },
  ]) {
    const { status } = await client.send(wanted)
    if (status !== 200) problems.push(`${wanted.method} ${wanted.path} was answered ${status}`)
  }
  client.close()
  const exitCode = await server.stop()
  if (exitCode !== 0) problems.push(`the server stopped with exit code ${exitCode}`)
  const fsck = await server.fsck()
  if (fsck.exitCode !== 0) problems.push(`fsck found something:\n${fsck.output}`)
  return problems
}

test(`acknowledged writes survive a power failure (seed ${seed})`, async (context) => {
  await assertMountable()
  const choices = new Choices(seed)
  const recording = await record(choices)
  const { disk, traffic, formattedAt, preparedAt, endedAt } = recording
  context.diagnostic(`${disk.position} block writes, ${disk.flushes} of them flushes`)
  context.diagnostic(JSON.stringify(traffic.tally))
  assert.ok(traffic.tally.acknowledged > 100, 'too little was written to prove anything')
  for (let point = 1; point <= points; point += 1) {
    const isEarly = point <= earlyPoints
    const position = isEarly
      ? choices.between(formattedAt, preparedAt)
      : choices.between(preparedAt, endedAt)
    const keptShare = choices.of(keptShares)
    await context.test(`point ${point}: at ${position}, ${keptShare} kept`, async () => {
      const left = disk.afterPowerFailure({ position, choices, keptShare })
      const problems = await inspect(left, position, recording)
      assert.deepEqual(problems.slice(0, shownProblems), [])
    })
  }
  await context.test('a disk that ignores flushes is detected', async (lied) => {
    const left = disk.afterPowerFailure({
      position: endedAt,
      choices,
      keptShare: 0.5,
      lastHonestFlush: preparedAt,
    })
    const problems = await inspect(left, endedAt, recording).catch((cause: unknown) => [cause])
    lied.diagnostic(String(problems[0]).slice(0, shownCharacters))
    assert.notEqual(problems.length, 0, 'losing half of everything went unnoticed')
  })
})
