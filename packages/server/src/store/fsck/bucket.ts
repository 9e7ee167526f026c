// The buckets' part of fsck: each bucket has an id and a root of its own, and owners' counts are right.

import { hexOf } from '../../base/bytes.ts'
import type { ReadTransaction } from '../../engine/engine.ts'
import { decodeCounter } from '../../engine/tuple.ts'
import { bucketCountKey, type NamedBucket } from '../tree/bucket.ts'
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
