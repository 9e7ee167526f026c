// Full disk test, on a small tmpfs and a small ext4. Writes must be refused with S3's error, reads
// must go on, and partial objects must not be visible. Writes must succeed again once there is
// space. Needs root, to mount.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, statfs, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { checkStore } from '../crash/check.ts'
import { bodyOf, type Content, idHeader, md5 } from '../crash/content.ts'
import { KeyHistory } from '../crash/history.ts'
import { startServer, type TestServer } from '../harness.ts'
import { objectPath, type WireAnswer, WireClient, xmlText } from '../wire.ts'

const run = promisify(execFile)
const bucketName = 'full-bucket'
const roomBytes = 48 * 1024 ** 2
const ballastBytes = 14 * 1024 ** 2
const smallBytes = 6_000
const middleBytes = 1_048_576
const largeBytes = 3_000_000
const refusalCount = 12
const writerCount = 4
const shownProblems = 10
const recoveryMs = 60_000

type FileSystem = 'tmpfs' | 'ext4'

/** A small file system, unmounted at the end. */
class SmallDisk implements AsyncDisposable {
  readonly folder: string
  readonly #scratch: string

  constructor(scratch: string) {
    this.#scratch = scratch
    this.folder = join(scratch, 'room')
  }

  async mount(kind: FileSystem): Promise<void> {
    await mkdir(this.folder)
    if (kind === 'tmpfs') {
      await run('mount', ['-t', 'tmpfs', '-o', `size=${roomBytes}`, 'tmpfs', this.folder])
      return
    }
    const image = join(this.#scratch, 'image')
    await writeFile(image, '')
    await truncate(image, roomBytes)
    await run('mkfs.ext4', ['-q', '-m', '0', image])
    await run('mount', ['-o', 'loop', image, this.folder])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run('umount', [this.folder]).catch(() => run('umount', ['--lazy', this.folder]))
    await rm(this.#scratch, { recursive: true, force: true })
  }
}

/** The state of one file system's test: what was written, and how. */
class Filling {
  readonly histories: KeyHistory[] = []
  readonly refusals: WireAnswer[] = []
  readonly #client: WireClient
  #position = 0

  constructor(client: WireClient) {
    this.#client = client
  }

  now(): number {
    this.#position += 1
    return this.#position
  }

  /** Puts a new key; true if it was accepted. */
  async put(sizeBytes: number): Promise<boolean> {
    const id = `v${this.histories.length}`
    const history = new KeyHistory(bucketName, `${sizeBytes}/${id}`)
    this.histories.push(history)
    const body = bodyOf(id, sizeBytes)
    const content: Content = { id, seed: id, sizeBytes, etag: md5(body) }
    const attempt = history.begin(content, this.now())
    const answer = await this.#client.send({
      method: 'PUT',
      path: objectPath(bucketName, history.key),
      headers: { [idHeader]: id },
      body,
    })
    if (answer.status === 200) attempt.acknowledge(this.now())
    else {
      // Refused with certainty, so it must not become visible.
      history.refuse(attempt)
      this.refusals.push(answer)
    }
    return answer.status === 200
  }

  /** Runs several writers until each was refused a few times. */
  async fill(sizeBytes: number): Promise<void> {
    const before = this.refusals.length
    const writer = async (): Promise<void> => {
      while (this.refusals.length - before < refusalCount) await this.put(sizeBytes)
    }
    await Promise.all(Array.from({ length: writerCount }, writer))
  }

  /** The first problems found in the readable state. */
  async check(): Promise<string[]> {
    const { histories } = this
    const client = this.#client
    const buckets = [bucketName]
    const problems = await checkStore({ client, buckets, histories, at: this.now(), settle: false })
    return problems.slice(0, shownProblems)
  }

  /** Deletes some objects, of one size or any; returns the unsuccessful responses. */
  async removeSome(count: number, sizeBytes?: number): Promise<string[]> {
    const failures: string[] = []
    const kept = this.histories.filter((history) => {
      const now = this.now()
      return history
        .possible(now, now)
        .some(({ content }) => content?.sizeBytes === (sizeBytes ?? content?.sizeBytes ?? -1))
    })
    for (const history of kept.slice(0, count)) {
      const attempt = history.begin(undefined, this.now())
      const path = objectPath(bucketName, history.key)
      const answer = await this.#client.send({ method: 'DELETE', path })
      if (answer.status === 204) attempt.acknowledge(this.now())
      else {
        history.refuse(attempt)
        failures.push(`${answer.status} ${xmlText(answer.body, 'Code')}`)
      }
    }
    return failures
  }
}

function assertRefusedProperly(refusals: readonly WireAnswer[]): void {
  assert.ok(refusals.length > 0, 'the disk was never full')
  for (const { status, headers, body } of refusals) {
    assert.ok(status === 503 || status === 507, `refused with ${status}: ${body}`)
    assert.match(String(headers['content-type']), /xml/)
    assert.ok(xmlText(body, 'Code'), `no error code in ${body}`)
    assert.ok(xmlText(body, 'Message'), `no message in ${body}`)
    assert.ok(headers['x-amz-request-id'], 'no request id')
  }
}

async function untilWritable(filling: Filling): Promise<number> {
  const started = performance.now()
  while (!(await filling.put(smallBytes)) || !(await filling.put(largeBytes))) {
    assert.ok(performance.now() - started < recoveryMs, 'writing did not work again')
    await delay(500)
  }
  return Math.round(performance.now() - started)
}

async function scenario(t: TestContext, kind: FileSystem, sizeBytes: number): Promise<void> {
  await using disk = new SmallDisk(await mkdtemp(join(tmpdir(), 'holdfast-full-')))
  await disk.mount(kind)
  const ballast = join(disk.folder, 'ballast')
  await writeFile(ballast, Buffer.alloc(ballastBytes, 1))
  await using server: TestServer = await startServer({
    workers: 2,
    dataFolder: join(disk.folder, 'data'),
  })
  const client = new WireClient(server)
  const primary = server.pid
  const workers = await server.workers()
  await client.send({ method: 'PUT', path: `/${bucketName}` })
  const filling = new Filling(client)

  await t.test('refuses writes in the form of S3', async (step) => {
    await filling.fill(sizeBytes)
    const { bavail, bsize } = await statfs(disk.folder)
    const codes = new Set(
      filling.refusals.map((one) => `${one.status} ${xmlText(one.body, 'Code')}`),
    )
    const accepted = filling.histories.length - filling.refusals.length
    step.diagnostic(`${accepted} accepted, then ${[...codes].join(', ')}; ${bavail * bsize} B free`)
    assertRefusedProperly(filling.refusals)
  })
  await t.test('keeps its processes, reads and lists what was accepted, nothing else', async () => {
    assert.deepEqual(await filling.check(), [])
    assert.equal(server.pid, primary)
    assert.ok(server.isRunning)
    assert.deepEqual(await server.workers(), workers)
  })
  await t.test('still deletes', async () => {
    assert.deepEqual(await filling.removeSome(20), [])
    assert.deepEqual(await filling.check(), [])
  })
  await t.test('writes again when there is room', async (step) => {
    await rm(ballast)
    step.diagnostic(`writing again after ${await untilWritable(filling)} ms`)
    assert.deepEqual(await filling.removeSome(5), [])
    assert.deepEqual(await filling.check(), [])
    assert.deepEqual(await server.workers(), workers)
  })
  await t.test('is intact after filling up again and kill -9', async () => {
    await filling.fill(sizeBytes)
    await server.kill()
    const fsck = await server.fsck()
    assert.equal(fsck.exitCode, 0, fsck.output)
    await server.restart()
    assert.deepEqual(await filling.check(), [])
    assert.equal(await server.stop(), 0)
  })
  client.close()
}

for (const kind of ['tmpfs', 'ext4'] as const) {
  test(`a full ${kind}, filled with small objects`, (t) => scenario(t, kind, smallBytes))
  test(`a full ${kind}, filled with large objects`, (t) => scenario(t, kind, largeBytes))
}

for (const kind of ['tmpfs', 'ext4'] as const) {
  test(`a full ${kind} is emptied by deleting, and filled again`, async () => {
    await using disk = new SmallDisk(await mkdtemp(join(tmpdir(), 'holdfast-full-')))
    await disk.mount(kind)
    await using server = await startServer({ workers: 2, dataFolder: join(disk.folder, 'data') })
    const client = new WireClient(server)
    await client.send({ method: 'PUT', path: `/${bucketName}` })
    const filling = new Filling(client)
    for (const _round of [1, 2]) {
      await filling.fill(middleBytes)
      await filling.fill(smallBytes)
      assertRefusedProperly(filling.refusals)
      assert.deepEqual(await filling.removeSome(Number.POSITIVE_INFINITY, middleBytes), [])
      assert.deepEqual(await filling.check(), [])
      await untilWritable(filling)
      assert.deepEqual(await filling.removeSome(Number.POSITIVE_INFINITY), [])
      assert.deepEqual(await filling.check(), [])
      await untilWritable(filling)
    }
    client.close()
  })
}
