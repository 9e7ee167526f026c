// A store opened in this process and driven by the server's own operations, without a server: for
// tests that must control exactly which commits happen.

import { createHash } from 'node:crypto'
import { Sweeper } from '../../src/background/sweep.ts'
import { text } from '../../src/base/bytes.ts'
import type { Clock } from '../../src/base/clock.ts'
import type { CrashHook } from '../../src/base/crash-point.ts'
import type { ByteSource } from '../../src/blob/blob.ts'
import type { OpenServices } from '../../src/compose.ts'
import type { BodyInput } from '../../src/operation/body.ts'
import { createBucket } from '../../src/operation/bucket.ts'
import { completeMultipartUpload } from '../../src/operation/complete.ts'
import { contentSource } from '../../src/operation/content.ts'
import { deleteObject } from '../../src/operation/delete.ts'
import { copyFolder, deleteFolder, rename } from '../../src/operation/folder.ts'
import { checkStore } from '../../src/operation/fsck.ts'
import { createMultipartUpload, listParts, uploadPart } from '../../src/operation/multipart.ts'
import { getObject, putObject } from '../../src/operation/object.ts'
import type { Operation } from '../../src/operation/operation.ts'
import { run } from '../../src/operation/run.ts'
import { listMultipartUploads } from '../../src/operation/uploads.ts'
import { countGarbage } from '../../src/store/body/garbage.ts'
import { listStarts } from '../../src/store/body/process.ts'
import * as bodySchema from '../../src/store/body/schema.ts'
import { walkBuckets } from '../../src/store/tree/bucket.ts'
import { collect } from '../../src/store/tree/collect.ts'
import { compact } from '../../src/store/tree/compact.ts'
import * as treeSchema from '../../src/store/tree/schema.ts'
import { walk } from '../../src/store/tree/walk.ts'
import { openStore } from '../store.fixture.ts'

/** The visible state of a store: the content of each key, by bucket and key, and each upload. */
export type Seen = Readonly<Record<string, string>>

const bucket = 'bucket'
const owner = { id: 'owner', displayName: 'owner' }
const sweepRounds = 200

/** An open store, with one bucket after {@link LocalStore.createBucket}. */
export class LocalStore {
  readonly services: OpenServices['services']
  readonly #open: OpenServices

  private constructor(open: OpenServices) {
    this.#open = open
    this.services = open.services
  }

  /** @param now the fixed time of the store's clock */
  static async open(
    dataFolder: string,
    now: number,
    onCrashPoint?: CrashHook,
  ): Promise<LocalStore> {
    const clock: Clock = { now: () => now, monotonicMs: () => performance.now() }
    const hooks = onCrashPoint === undefined ? {} : { onCrashPoint }
    return new LocalStore(await openStore(dataFolder, { clock, ...hooks }))
  }

  close(): Promise<void> {
    return this.#open.close()
  }

  /** Runs any operation as the owner. */
  run<Input, Checked, Moved, Output>(
    operation: Operation<Input, Checked, Moved, Output>,
    input: Input,
  ): Promise<Output> {
    const principal = { accessKeyId: 'key', owner }
    const { signal } = new AbortController()
    return run(this.services, { principal, requestId: 'test', signal }, operation, input)
  }

  createBucket(): Promise<void> {
    return this.run(createBucket, { bucket })
  }

  async put(key: string, content: string | Buffer = key): Promise<void> {
    const description = { headers: {}, metadata: {}, storageClass: 'STANDARD' }
    const body = bodyOf(content)
    await this.run(putObject, { bucket, key, ...description, body, conditions: {} })
  }

  async putAll(keys: readonly string[]): Promise<void> {
    for (const key of keys) await this.put(key)
  }

  remove(key: string): Promise<void> {
    return this.run(deleteObject, { bucket, key, conditions: {} })
  }

  rename(from: string, to: string, replace = false): Promise<void> {
    return this.run(rename, { bucket, from, to, conditions: {}, sourceConditions: {}, replace })
  }

  async copy(from: string, to: string, replace = false): Promise<void> {
    const source = { bucket, folder: from }
    await this.run(copyFolder, { source, bucket, folder: to, replace, conditions: {} })
  }

  removeFolder(folder: string): Promise<void> {
    return this.run(deleteFolder, { bucket, folder })
  }

  /** Begins an upload and stores its parts. */
  async upload(key: string, contents: readonly Buffer[]): Promise<void> {
    const description = { headers: {}, metadata: {}, storageClass: 'STANDARD' }
    const { uploadId } = await this.run(createMultipartUpload, { bucket, key, ...description })
    for (const [index, content] of contents.entries()) {
      const part = { bucket, key, uploadId, partNumber: index + 1, body: bodyOf(content) }
      await this.run(uploadPart, part)
    }
  }

  /** Completes the only upload of a key. */
  async completeUpload(key: string): Promise<void> {
    const prefix = key
    const { uploads } = await this.run(listMultipartUploads, { bucket, prefix, limit: 1 })
    const uploadId = uploads[0]?.uploadId ?? ''
    const listed = await this.run(listParts, { bucket, key, uploadId, after: 0, limit: 1000 })
    const parts = listed.parts.map(({ number, etag }) => ({ number, etag }))
    await this.run(completeMultipartUpload, { bucket, key, uploadId, parts, conditions: {} })
  }

  /** Everything visible to clients, bodies included. */
  async seen(): Promise<Seen> {
    const { engine } = this.services
    const seen: Record<string, string> = {}
    const keys = await engine.read(async (tx) => {
      for await (const { key } of tx.range(bodySchema.allUploads())) {
        seen[`upload ${Buffer.from(key).toString('hex')}`] = 'in progress'
      }
      const found: { readonly bucket: string; readonly key: string; readonly facts: string }[] = []
      for await (const { name, root } of walkBuckets(tx)) {
        for await (const { key, record } of walk(tx, root)) {
          const facts = `${record.etag} ${record.sizeBytes} ${record.ownerId} ${record.modifiedAt}`
          found.push({ bucket: name, key: text(key), facts })
        }
      }
      return found
    })
    const { signal } = new AbortController()
    for (const { bucket: name, key, facts } of keys) {
      const { content } = await this.run(getObject, { bucket: name, key, conditions: {} })
      const hash = createHash('md5')
      for await (const chunk of contentSource(content, signal)) hash.update(chunk)
      seen[`${name}/${key}`] = `${facts} ${hash.digest('hex')}`
    }
    return seen
  }

  /** The findings of fsck, in words. */
  async findings(): Promise<string[]> {
    const { engine, blobs } = this.services
    const findings: string[] = []
    for await (const { where, detail, invariant } of checkStore({ engine, blobs })) {
      findings.push(`${where}: ${detail} (${invariant})`)
    }
    return findings
  }

  /** Runs background work on rows in small batches until all is done. */
  async settleRows(maxRows: number, onBatch?: () => Promise<void>): Promise<void> {
    const { engine, ids } = this.services
    for (;;) {
      await onBatch?.()
      const compacted = await compact(engine, ids, { maxRows })
      await onBatch?.()
      const collected = await collect(engine, { maxRows })
      if (!compacted.hasMore && !collected.hasMore) return
    }
  }

  /** Sweeps until nothing is left to do. */
  async settle(): Promise<void> {
    const sweeper = new Sweeper(this.services)
    for (let round = 0; round < sweepRounds; round++) {
      await sweeper.sweep()
      if (await this.#isSettled()) return
      await new Promise(setImmediate)
    }
    throw new Error(`the background work is not done after ${sweepRounds} rounds`)
  }

  #isSettled(): Promise<boolean> {
    return this.services.engine.read(async (tx) => {
      for (const queue of [
        treeSchema.queue(),
        treeSchema.compactions(),
        bodySchema.manifestQueue(),
      ]) {
        for await (const _ of tx.range(queue)) return false
      }
      return (await countGarbage(tx, 1)) === 0 && (await listStarts(tx)).length === 1
    })
  }
}

function bodyOf(content: string | Buffer): BodyInput {
  const bytes = Buffer.from(content)
  const source: ByteSource = (async function* () {
    yield bytes
  })()
  return { source, sizeBytes: bytes.byteLength }
}
