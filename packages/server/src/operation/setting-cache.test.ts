import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { text, utf8 } from '../base/bytes.ts'
import { storeIn } from '../base/store-location.ts'
import { openEngine } from '../engine/open.ts'
import { checkBuckets } from '../store/fsck/bucket.ts'
import { IdSource } from '../store/row/id.ts'
import {
  createBucket,
  deleteBucket,
  findBucket,
  type NamedBucket,
  walkBuckets,
} from '../store/tree/bucket.ts'
import { deleteSetting, getSetting, putSetting } from '../store/tree/bucket-setting.ts'
import * as schema from '../store/tree/schema.ts'
import { SettingCache } from './setting-cache.ts'

const folder = await mkdtemp(join(tmpdir(), 'holdfast-setting-'))
const engine = await openEngine(storeIn(folder).engine)
const ids = await IdSource.open(engine)
after(async () => {
  await engine.close()
  await rm(folder, { recursive: true })
})

const create = (name: string): Promise<unknown> =>
  engine.write(async (tx) => {
    createBucket({ tx, ids }, name, { ownerId: 'o', createdAt: 0, region: 'us-east-1' })
  })

const put = (bucket: string, value: string): Promise<void> =>
  engine.write((tx) => putSetting(tx, bucket, 'policy', utf8(value)))

const ask = (cache: SettingCache<string>, name: string): Promise<string | undefined> =>
  engine.read(async (tx) => {
    const bucket = await findBucket(tx, name)
    assert.ok(bucket)
    return cache.of(tx, name, bucket)
  })

function countingCache(maximumBytes = 1_000_000): {
  readonly cache: SettingCache<string>
  readonly decoded: string[]
} {
  const decoded: string[] = []
  const decode = (value: Uint8Array, bucket: string): string => {
    decoded.push(`${bucket} ${text(value)}`)
    return text(value)
  }
  return { cache: new SettingCache({ name: 'policy', decode, maximumBytes }), decoded }
}

test('a setting is decoded once per stored revision', async () => {
  await create('once')
  const { cache, decoded } = countingCache()
  assert.equal(await ask(cache, 'once'), undefined)
  await put('once', 'a')
  assert.equal(await ask(cache, 'once'), 'a')
  assert.equal(await ask(cache, 'once'), 'a')
  await engine.write((tx) => putSetting(tx, 'once', 'cors', utf8('other')))
  assert.equal(await ask(cache, 'once'), 'a')
  assert.deepEqual(decoded, ['once a'])
  await put('once', 'b')
  assert.equal(await ask(cache, 'once'), 'b')
  assert.deepEqual(decoded, ['once a', 'once b'])
  await engine.write((tx) => deleteSetting(tx, 'once', 'policy'))
  assert.equal(await ask(cache, 'once'), undefined)
  await put('once', 'a')
  assert.equal(await ask(cache, 'once'), 'a')
})

test('the settings that were not used for longest are forgotten first', async () => {
  for (const name of ['one', 'two', 'three']) {
    await create(name)
    await put(name, name)
  }
  const { cache, decoded } = countingCache(2100)
  for (const name of ['one', 'two', 'one', 'three', 'one', 'two']) await ask(cache, name)
  assert.deepEqual(decoded, ['one one', 'two two', 'three three', 'two two'])
})

test('the settings of a bucket are removed with it, and fsck knows both', async () => {
  await create('gone')
  await put('gone', 'p')
  const findings = (): Promise<string[]> =>
    engine.read(async (tx) => {
      const found: string[] = []
      const buckets: NamedBucket[] = []
      for await (const bucket of walkBuckets(tx)) buckets.push(bucket)
      for await (const { detail } of checkBuckets(tx, buckets)) found.push(detail)
      return found
    })
  assert.deepEqual(await findings(), [])
  const { id } = await engine.read(async (tx) => {
    const bucket = await findBucket(tx, 'gone')
    assert.ok(bucket)
    assert.deepEqual((await getSetting(tx, bucket, 'policy'))?.revision, 1)
    return bucket
  })
  const row = schema.bucketSetting(id, utf8('policy'))
  const value = await engine.read((tx) => tx.get(row))
  assert.ok(value)
  await engine.write(async (tx) => tx.delete(row))
  assert.deepEqual(await findings(), ['no row, the bucket names revision 1'])
  await engine.write(async (tx) => tx.put(row, value))
  await engine.write((tx) => deleteBucket(tx, 'gone'))
  assert.equal(await engine.read((tx) => tx.get(row)), undefined)
  await engine.write(async (tx) => tx.put(row, value))
  assert.deepEqual(await findings(), ['revision 1, the bucket names undefined'])
  await engine.write(async (tx) => tx.delete(row))
})
