// Processes on one store that can't see each other, as in two containers. A process not known to be dead
// is left alone, and a process declared dead can't write any more.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { onDuty } from '../src/background/duty.ts'
import { Pulse } from '../src/background/pulse.ts'
import { Sweeper } from '../src/background/sweep.ts'
import { isStoreError } from '../src/base/errors.ts'
import type { BlobId } from '../src/base/terms.ts'
import type { OpenServices } from '../src/compose.ts'
import { createBucket } from '../src/operation/bucket.ts'
import { contentSource } from '../src/operation/content.ts'
import { getObject, putObject } from '../src/operation/object.ts'
import type { Caller } from '../src/operation/operation.ts'
import { run } from '../src/operation/run.ts'
import { putBlobBody, releaseBody } from '../src/store/body/body.ts'
import { countGarbage } from '../src/store/body/garbage.ts'
import { declareDead, listStarts, takeCollectorDuty } from '../src/store/body/process.ts'
import { openStore } from './store.fixture.ts'

const folders: string[] = []
after(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
})

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-liveness-'))
  folders.push(folder)
  return folder
}

/** A process, with the state that others see. */
interface Process extends OpenServices {
  readonly sweeper: Sweeper
  readonly pulse: Pulse
  /** The number of `onDeposed` calls. */
  deposed(): number
}

/** The token of a process of another machine, or of another container on this one. */
const elsewhere = '1:1:boot:1:machine'

async function openProcess(dataFolder: string, liveness: string): Promise<Process> {
  let deposed = 0
  const open = await openStore(dataFolder, { liveness, onDeposed: () => void deposed++ })
  const sweeper = new Sweeper(open.services)
  return { ...open, sweeper, pulse: new Pulse(open.services), deposed: () => deposed }
}

/** Opens two processes. The first is `unknown` to the second. */
async function openTwo(): Promise<readonly [Process, Process]> {
  const folder = await newFolder()
  return [await openProcess(folder, elsewhere), await openProcess(folder, '2:2:boot:2:machine')]
}

async function close(...processes: readonly Process[]): Promise<void> {
  for (const process of processes) await process.close()
}

async function writeBlob({ services }: Process): Promise<BlobId> {
  const source = (async function* () {
    yield Buffer.from('bytes')
  })()
  return (await services.blobs.write(source)).id
}

async function exists({ services }: Process, id: BlobId): Promise<boolean> {
  return (await services.blobs.size(id)) !== undefined
}

const sweepRounds = 500

/** Sweeps in all processes until a blob is gone. */
async function sweepUntilGone(
  processes: readonly [Process, ...Process[]],
  id: BlobId,
): Promise<void> {
  for (let round = 0; round < sweepRounds; round++) {
    if (!(await exists(processes[0], id))) return
    for (const { sweeper } of processes) await sweeper.sweep()
    await new Promise(setImmediate)
  }
  assert.fail(`blob ${id} is still there`)
}

/** The number of the watcher's heartbeats after which a silent process counts as stopped. */
const overdueBeats = 13

/** Lets `watcher` watch the others for more than a minute, by its own heartbeats. */
async function watchAMinute(watcher: Process, onBeat?: () => Promise<void>): Promise<void> {
  await watcher.sweeper.sweep()
  for (let beat = 0; beat < overdueBeats; beat++) {
    await watcher.pulse.beat()
    await onBeat?.()
    await watcher.sweeper.sweep()
  }
}

const owner = { id: 'owner', displayName: 'owner' }
const caller: Caller = {
  principal: { accessKeyId: 'key', owner },
  requestId: 'test',
  signal: new AbortController().signal,
}

async function put(
  { services }: Process,
  size: number,
  onHalf?: () => Promise<void>,
): Promise<void> {
  const source = (async function* () {
    yield Buffer.alloc(size / 2, 1)
    await onHalf?.()
    yield Buffer.alloc(size / 2, 2)
  })()
  const description = { headers: {}, metadata: {}, storageClass: 'STANDARD', conditions: {} }
  const body = { source, sizeBytes: size }
  await run(services, caller, putObject, { bucket: 'bucket', key: 'key', ...description, body })
}

async function get({ services }: Process): Promise<number> {
  const input = { bucket: 'bucket', key: 'key', conditions: {} }
  const { content } = await run(services, caller, getObject, input)
  let size = 0
  for await (const chunk of contentSource(content, caller.signal)) size += chunk.byteLength
  return size
}

const large = 200_000

test('an upload is not disturbed by a process to which its liveness is unknown', async () => {
  const [a, b] = await openTwo()
  await run(a.services, caller, createBucket, { bucket: 'bucket' })
  const sweepMany = async (): Promise<void> => {
    for (let round = 0; round < 5; round++) await b.sweeper.sweep()
  }
  await put(a, large, sweepMany)
  await sweepMany()
  assert.equal(await get(a), large)
  const pending = await writeBlob(a)
  await watchAMinute(b, () => a.pulse.beat())
  assert.ok(await exists(a, pending))
  assert.equal(a.deposed(), 0)
  await close(a, b)
})

test('collection waits for the readers of a process with unknown liveness', async () => {
  const [a, b] = await openTwo()
  const id = await writeBlob(b)
  await b.services.engine.write(async (tx) => putBlobBody(tx, id))
  const reading = a.services.readers.begin()
  await b.services.engine.write((tx) => releaseBody(tx, { kind: 'blob', id }))
  for (let round = 0; round < 10; round++) {
    await a.sweeper.sweep()
    await b.sweeper.sweep()
    await new Promise(setImmediate)
  }
  assert.ok(await exists(a, id))
  reading.end()
  await sweepUntilGone([a, b], id)
  await close(a, b)
})

test('a process without a heartbeat for a minute is swept; once resumed, it commits nothing', async () => {
  const [a, b] = await openTwo()
  await run(a.services, caller, createBucket, { bucket: 'bucket' })
  const [orphan, used] = [await writeBlob(a), await writeBlob(a)]
  await a.services.engine.write(async (tx) => putBlobBody(tx, used))
  await watchAMinute(b)
  await sweepUntilGone([b], orphan)
  assert.ok(await exists(b, used))
  const starts = await b.services.engine.read(listStarts)
  assert.deepEqual(
    starts.map(({ number }) => number),
    [b.start],
  )
  // The process doesn't know yet. The commit of a large body finds out; then small ones are refused, too.
  const isRefusal = (error: unknown): boolean => isStoreError(error, 'DeclaredDead')
  await put(a, 10)
  await assert.rejects(put(a, large), isRefusal)
  await assert.rejects(put(a, 10), isRefusal)
  await assert.rejects(a.pulse.beat(), isRefusal)
  await assert.rejects(a.sweeper.sweep(), isRefusal)
  assert.equal(a.deposed(), 1)
  assert.equal(await get(b), 10)
  await put(b, large)
  assert.equal(await get(b), large)
  await close(a, b)
})

test('a process that is declared dead during an upload does not commit it', async () => {
  const [a, b] = await openTwo()
  await run(a.services, caller, createBucket, { bucket: 'bucket' })
  const declared = put(a, large, async () => {
    await b.services.engine.write((tx) => declareDead(tx, { number: a.start, beat: 0 }))
  })
  await assert.rejects(declared, (error) => isStoreError(error, 'DeclaredDead'))
  await assert.rejects(get(b), (error) => isStoreError(error, 'NoSuchKey'))
  assert.equal(a.deposed(), 1)
  await close(a, b)
})

test('a process that finds itself declared dead by its own heartbeat refuses all writes', async () => {
  const [a, b] = await openTwo()
  await run(a.services, caller, createBucket, { bucket: 'bucket' })
  await b.services.engine.write((tx) => declareDead(tx, { number: a.start, beat: 0 }))
  await assert.rejects(a.pulse.beat())
  await assert.rejects(put(a, 10), (error) => isStoreError(error, 'DeclaredDead'))
  await close(a, b)
})

test('a process with a heartbeat since the last look is not declared dead', async () => {
  const [a, b] = await openTwo()
  const declare = (beat: number): Promise<boolean> =>
    b.services.engine.write((tx) => declareDead(tx, { number: a.start, beat }))
  await a.pulse.beat()
  assert.equal(await declare(0), false)
  await a.pulse.beat()
  assert.equal(a.deposed(), 0)
  assert.equal(await declare(2), true)
  await close(a, b)
})

test('the collector that lost its duty commits nothing, and collects no more', async () => {
  const [a, b] = await openTwo()
  const { engine } = a.services
  await a.sweeper.sweep()
  await b.sweeper.sweep()
  assert.equal(await engine.write((tx) => takeCollectorDuty(tx, b.start)), false)
  const asCollector = onDuty(engine, a.start)
  await asCollector.write(async () => undefined)
  await engine.write((tx) => declareDead(tx, { number: a.start, beat: 0 }))
  assert.equal(await engine.write((tx) => takeCollectorDuty(tx, b.start)), true)
  const id = await writeBlob(b)
  await assert.rejects(
    asCollector.write(async (tx) => putBlobBody(tx, id)),
    /taken over/,
  )
  assert.equal(await engine.read((tx) => countGarbage(tx, 1)), 0)
  await close(a, b)
})

test('heartbeats and epochs do not change the row that commits of large bodies read', async () => {
  const [a, b] = await openTwo()
  await run(a.services, caller, createBucket, { bucket: 'bucket' })
  const before = a.services.engine.statistics().conflicts
  for (let round = 0; round < 20; round++) await Promise.all([put(a, large), a.pulse.beat()])
  assert.equal(a.services.engine.statistics().conflicts, before)
  await close(a, b)
})
