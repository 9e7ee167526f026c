// Fills a store with many objects through its own layer, in this process. A million PUTs would take
// minutes, and the result is the same.

import { utf8 } from '../src/base/bytes.ts'
import { type OpenServices, openServices } from '../src/compose.ts'
import { silentLog } from '../src/observe/log.ts'
import { silentMetrics } from '../src/observe/metrics.ts'
import { putRowBody } from '../src/store/body/body.ts'
import type { ObjectRecord } from '../src/store/row/record.ts'
import { createBucket, findBucket } from '../src/store/tree/bucket.ts'
import { putObject } from '../src/store/tree/object.ts'

/** Objects per transaction. */
const batch = 1000
const content = Buffer.from('sixteen bytes ..')

/** Opens the store in `dataFolder` without background work. */
export function openQuietly(dataFolder: string): Promise<OpenServices> {
  const facts = { region: 'us-east-1', log: silentLog, metrics: silentMetrics }
  return openServices({ ...facts, dataFolder, isSweeping: false })
}

/** Creates a bucket owned by `ownerId`. */
export async function makeBucket(
  { services: { engine, ids } }: OpenServices,
  name: string,
  ownerId: string,
): Promise<void> {
  const facts = { ownerId, createdAt: Date.now(), region: 'us-east-1' }
  await engine.write(async (tx) => createBucket({ tx, ids }, name, facts))
}

/** Puts small objects, each with a body in a row. */
export async function fill(
  { services: { engine, ids } }: OpenServices,
  bucket: string,
  keys: Iterable<string>,
): Promise<void> {
  const found = await engine.read((tx) => findBucket(tx, bucket))
  if (found === undefined) throw new Error(`there is no bucket ${bucket}`)
  const { root, ownerId } = found
  const putAll = (some: readonly string[]): Promise<void> =>
    engine.write(async (tx) => {
      for (const key of some) {
        const body = putRowBody(tx, ids.next(), content)
        await putObject({ tx, ids }, root, utf8(key), recordOf(body, ownerId))
      }
    })
  let some: string[] = []
  for (const key of keys) {
    some.push(key)
    if (some.length < batch) continue
    await putAll(some)
    some = []
  }
  if (some.length > 0) await putAll(some)
}

function recordOf(body: ObjectRecord['body'], ownerId: string): ObjectRecord {
  return {
    etag: '0123456789abcdef0123456789abcdef',
    sizeBytes: content.length,
    modifiedAt: 1_700_000_000_000,
    ownerId,
    body,
    storageClass: 'STANDARD',
    headers: {},
    metadata: {},
  }
}

/** The keys of a folder of `count` objects, a thousand per subfolder. */
export function* nestedKeys(folder: string, count: number): Generator<string> {
  for (let n = 0; n < count; n++) {
    yield `${folder}${String(Math.floor(n / 1000)).padStart(4, '0')}/${String(n % 1000).padStart(3, '0')}`
  }
}

/** The keys of a flat folder of `count` objects. */
export function* flatKeys(folder: string, count: number): Generator<string> {
  for (let n = 0; n < count; n++) yield `${folder}${String(n).padStart(7, '0')}`
}
