// The buckets' part of fsck: each bucket has an id and a root of its own, exactly the settings that its row
// names, and owners' counts are right.

import { hexOf, text } from '../../base/bytes.ts'
import type { ReadTransaction } from '../../engine/engine.ts'
import { decodeCounter } from '../../engine/tuple.ts'
import { unpack } from '../row/record.ts'
import { bucketCountKey, type NamedBucket } from '../tree/bucket.ts'
import type { StoredSetting } from '../tree/bucket-setting.ts'
import * as treeSchema from '../tree/schema.ts'
import type { Finding } from './tree.ts'

/** Yields the findings about `buckets`, which must be all buckets. */
export async function* checkBuckets(
  tx: ReadTransaction,
  buckets: readonly NamedBucket[],
): AsyncGenerator<Finding> {
  const ids = new Set(buckets.map(({ id }) => id))
  const roots = new Set(buckets.map(({ root }) => root))
  if (ids.size !== buckets.length || roots.size !== buckets.length) {
    const invariant = 'every bucket has its own id and root'
    yield { invariant, where: 'buckets', detail: `${buckets.length} buckets` }
  }
  yield* checkCounts(tx, buckets)
  yield* checkSettings(tx, buckets)
}

async function* checkSettings(
  tx: ReadTransaction,
  buckets: readonly NamedBucket[],
): AsyncGenerator<Finding> {
  const named = new Map<string, number>()
  const nameOf = new Map<number, string>()
  for (const { id, name, settings = {}, revision = 0 } of buckets) {
    nameOf.set(id, name)
    for (const [setting, stored] of Object.entries(settings)) {
      named.set(`${id} ${setting}`, stored)
      if (stored <= revision) continue
      const invariant = 'a setting is not newer than its bucket'
      yield { invariant, where: `${setting} of bucket ${name}`, detail: `${stored} > ${revision}` }
    }
  }
  const invariant = 'a setting has a row, and its bucket names it'
  for await (const { key, value } of tx.range(treeSchema.allBucketSettings())) {
    const { bucketId, name } = treeSchema.parseBucketSetting(key)
    const setting = text(name)
    const where = `${setting} of bucket ${nameOf.get(bucketId) ?? `number ${bucketId}`}`
    const expected = named.get(`${bucketId} ${setting}`)
    named.delete(`${bucketId} ${setting}`)
    const { revision } = unpack<StoredSetting>(value)
    if (expected === revision) continue
    yield { invariant, where, detail: `revision ${revision}, the bucket names ${expected}` }
  }
  for (const [missing, revision] of named) {
    const [id, setting] = missing.split(' ')
    const where = `${setting} of bucket ${nameOf.get(Number(id))}`
    yield { invariant, where, detail: `no row, the bucket names revision ${revision}` }
  }
}

async function* checkCounts(
  tx: ReadTransaction,
  buckets: readonly NamedBucket[],
): AsyncGenerator<Finding> {
  const ofOwners = Map.groupBy(buckets, ({ ownerId }) => hexOf(bucketCountKey(ownerId)))
  const counted = new Map<string, bigint>()
  for await (const { key, value } of tx.range(treeSchema.bucketCounts())) {
    counted.set(hexOf(key), decodeCounter(value))
  }
  const invariant = 'the buckets of an owner are counted'
  for (const name of new Set([...ofOwners.keys(), ...counted.keys()])) {
    const owned = ofOwners.get(name) ?? []
    const count = counted.get(name) ?? 0n
    if (count === BigInt(owned.length)) continue
    const where = `buckets of ${owned[0]?.ownerId ?? `an owner who has none, row ${name}`}`
    yield { invariant, where, detail: `counts ${count}, has ${owned.length}` }
  }
}
